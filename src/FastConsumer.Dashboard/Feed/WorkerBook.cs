using FastConsumer.Diagnostics;
using FastConsumer.Hosting;

namespace FastConsumer.Dashboard.Feed;

/// <summary>
/// What the dashboard has noted of one worker and its fleet within the last hour: samples for charts, and changes of owners. All calls are
/// made under the hub's lock.
/// </summary>
internal sealed class WorkerBook(StreamWorker worker)
{
    /// <summary>The most shards whose samples are kept: 6 MB. Beyond it there are figures of all shards together only.</summary>
    public const int MostShards = 2_000;

    /// <summary>The most hand-overs that are kept.</summary>
    public const int MostHandOvers = 100;

    private const int Minute = 6;

    private readonly Dictionary<string, SampleRing> _shards = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string?> _owners = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Queue<double[]>> _times = new(StringComparer.Ordinal);
    private readonly Queue<HandOver> _handOvers = new();
    private readonly Queue<(long Tick, LeaseTableCounts Counts)> _table = new();
    private SampleRing? _all;

    public StreamWorker Worker => worker;

    /// <summary>The longest lag and the records of all shards; null before the first sample.</summary>
    public SampleRing? All => _all;

    /// <summary>The samples of each shard.</summary>
    public IReadOnlyDictionary<string, SampleRing> Shards => _shards;

    /// <summary>Changes of owners, the newest last.</summary>
    public IReadOnlyCollection<HandOver> HandOvers => _handOvers;

    public void Sample(WorkerView view, long tick)
    {
        double longest = double.NaN;
        double records = double.NaN;
        foreach (ShardView shard in view.Shards)
        {
            string id = shard.Row.ShardId;
            NoteOwner(id, shard.Owner, view.Now);
            double lag = shard.Lag?.TotalSeconds ?? double.NaN;
            double rate = shard.RecordsPerSecond ?? double.NaN;
            longest = double.IsNaN(longest) ? lag : double.IsNaN(lag) ? longest : Math.Max(longest, lag);
            records = double.IsNaN(records) ? rate : double.IsNaN(rate) ? records : records + rate;
            if (!double.IsNaN(lag) || !double.IsNaN(rate))
            {
                RingOf(id)?.Set(tick, lag, rate);
            }

            NoteTime(id, shard.Telemetry);
        }

        (_all ??= new SampleRing()).Set(tick, longest, records);
        NoteTable(tick, view.Snapshot.LeaseTable);
        Forget(view, tick);
    }

    /// <summary>
    /// The parts of the last minute that a shard was in each state, by <see cref="ShardState"/>; null where it is not known.
    /// </summary>
    public double[]? TimeOf(string shardId)
    {
        if (!_times.TryGetValue(shardId, out Queue<double[]>? samples) || samples.Count < 2)
        {
            return null;
        }

        double[] before = samples.Peek();
        double[] now = samples.Last();
        double all = now.Sum() - before.Sum();
        return all > 0 ? [.. now.Select((seconds, state) => (seconds - before[state]) / all)] : null;
    }

    /// <summary>What the table was asked for in a second, of the last minute; null where that is not counted.</summary>
    public (double Writes, double Reads)? TableUse
    {
        get
        {
            if (_table.Count < 2)
            {
                return null;
            }

            (long first, LeaseTableCounts before) = _table.Peek();
            (long last, LeaseTableCounts now) = _table.Last();
            double seconds = (last - first) * SampleRing.Interval.TotalSeconds;
            return ((now.WriteUnits - before.WriteUnits) / seconds, (now.ReadUnits - before.ReadUnits) / seconds);
        }
    }

    private SampleRing? RingOf(string shardId)
    {
        if (!_shards.TryGetValue(shardId, out SampleRing? ring) && _shards.Count < MostShards)
        {
            _shards[shardId] = ring = new SampleRing();
        }

        return ring;
    }

    private void NoteOwner(string shardId, string? owner, DateTimeOffset now)
    {
        if (_owners.TryGetValue(shardId, out string? before) && before != owner)
        {
            if (_handOvers.Count == MostHandOvers)
            {
                _handOvers.Dequeue();
            }

            _handOvers.Enqueue(new HandOver(now, shardId, before, owner));
        }

        _owners[shardId] = owner;
    }

    private void NoteTime(string shardId, ShardTelemetry? telemetry)
    {
        if (telemetry is null)
        {
            _times.Remove(shardId);
            return;
        }

        if (!_times.TryGetValue(shardId, out Queue<double[]>? samples))
        {
            _times[shardId] = samples = new Queue<double[]>(Minute + 1);
        }

        double[] time = new double[ShardTime.States];
        telemetry.Time.AddTo(time);
        if (samples.Count > 0 && samples.Last().Sum() > time.Sum())
        {
            // another run of the shard
            samples.Clear();
        }

        if (samples.Count > Minute)
        {
            samples.Dequeue();
        }

        samples.Enqueue(time);
    }

    private void NoteTable(long tick, LeaseTableCounts? counts)
    {
        if (counts is null)
        {
            return;
        }

        if (_table.Count > Minute)
        {
            _table.Dequeue();
        }

        _table.Enqueue((tick, counts));
    }

    /// <summary>What is gone from the table is kept for as long as its last sample is drawn.</summary>
    private void Forget(WorkerView view, long tick)
    {
        foreach (string gone in _shards.Where(shard => shard.Value.Last <= tick - SampleRing.Length)
            .Select(static shard => shard.Key).ToList())
        {
            _shards.Remove(gone);
        }

        if (_owners.Count > view.Shards.Count)
        {
            HashSet<string> there = new(view.Shards.Select(static shard => shard.Row.ShardId), StringComparer.Ordinal);
            foreach (string gone in _owners.Keys.Where(id => !there.Contains(id)).ToList())
            {
                _owners.Remove(gone);
                _times.Remove(gone);
            }
        }
    }
}

/// <summary>A shard's change of owner, as a sample saw it.</summary>
/// <param name="At">When it was seen, within ten seconds of the list that showed it.</param>
/// <param name="Shard">The shard.</param>
/// <param name="From">The owner before; null for nobody.</param>
/// <param name="To">The owner since; null for nobody.</param>
internal sealed record HandOver(DateTimeOffset At, string Shard, string? From, string? To);

using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.State.Format;
using FastConsumer.Testing.Checkpoints;

namespace FastConsumer.LoadTest.StateSize;

/// <summary>
/// What the checkpoints of a large state cost: what they write and keep, for how long they hold the lanes, their CPU time and memory, and
/// what a restore takes. Lanes and checkpoints are those of a worker; the records come from memory.
/// </summary>
internal static class StateSizeCommand
{
    public static Command Create()
    {
        var keys = new Option<int>("--keys")
        {
            Description = "Keys of the state, of all shards.",
            DefaultValueFactory = static _ => 100_000,
        };
        var changed = new Option<double>("--changed")
        {
            Description = "Percent of the keys that change between two checkpoints.",
            DefaultValueFactory = static _ => 1,
        };
        var checkpoints = new Option<int>("--checkpoints")
        {
            Description = "Checkpoints behind the first one, which is whole.",
            DefaultValueFactory = static _ => 100,
        };
        var lanes = new Option<int>("--lanes") { Description = "Lanes of a shard.", DefaultValueFactory = static _ => 16 };
        var shards = new Option<int>("--shards")
        {
            Description = "Shards of the worker, which checkpoint at the same time.",
            DefaultValueFactory = static _ => 1,
        };
        var local = new Option<string?>("--local") { Description = "A folder for the checkpoints; in memory where not said." };
        var json = new Option<bool>("--json") { Description = "One line of JSON." };
        foreach (Option<int> option in (Option<int>[])[keys, checkpoints, lanes, shards])
        {
            option.Validators.Add(result =>
            {
                if (result.GetValueOrDefault<int>() < 1)
                {
                    result.AddError($"{option.Name} must be 1 or more.");
                }
            });
        }

        var command = new Command("state-size", "What checkpoints of a large state cost, and its restore.")
        {
            keys, changed, checkpoints, lanes, shards, local, json,
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var settings = new StateSizeSettings(
                arguments.GetValue(keys),
                arguments.GetValue(changed),
                arguments.GetValue(checkpoints),
                arguments.GetValue(lanes),
                arguments.GetValue(shards),
                arguments.GetValue(local));
            StateSizeFigures figures = await new StateSizeRun(settings).RunAsync(cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(figures, StateSizeJson.Default.StateSizeFigures)
                : Text(figures));
            if (figures.WrongKeys > 0)
            {
                await Console.Error.WriteLineAsync($"{figures.WrongKeys} keys are not restored as they were.");
                return 1;
            }

            return 0;
        });
        return command;
    }

    private static string Text(StateSizeFigures figures) => string.Create(
        CultureInfo.InvariantCulture,
        $"""
        {figures.Keys} keys in {figures.Shards} shards of {figures.Lanes} lanes; {figures.Checkpoints} checkpoints behind the first
        {"changes",-9} {figures.ChangedKeys} keys between two checkpoints; written of them {figures.DeltaBytesPerEntry:F0} B an entry
        {"whole",-9} {Mega(figures.BytesWhole)}, {figures.BytesPerEntry:F0} B an entry
        {"then",-9} {Mega(figures.BytesPerCheckpoint)} each, {figures.WriteAmplification:F2} times what has changed
        {"",-9} {figures.CheckpointsWhole} of them whole; {figures.PutsPerRound:F2} PUTs a round; at most {figures.Ranges} ranges
        {"kept",-9} {figures.BytesKept:F2} times the whole, in {figures.ObjectsKept} objects; at most {figures.BytesKeptMax:F2} times
        {"gate",-9} closed for {Times(figures.CutMicrosecondsMedian, figures.CutMicrosecondsP99)} of {figures.Cuts} cuts
        {"",-9} at most {figures.CutMicrosecondsMax:F0} us
        {"",-9} until no lane was inside {Times(figures.ClosingMicrosecondsMedian, figures.ClosingMicrosecondsP99)}
        {"CPU",-9} whole {figures.SerializeCpuSecondsWhole:F3} s, then {figures.SerializeCpuSecondsPerCheckpoint:F4} s each
        {"memory",-9} {Mega(figures.MemoryBytes)}; whole {Mega(figures.ExtraBytesWhole)} more, then {Mega(figures.ExtraBytesPerCheckpoint)}
        {"",-9} garbage collection held all threads for {figures.CollectorMillisecondsMax:F1} ms at most
        {"restore",-9} {figures.RestoreSeconds:F2} s (CPU {figures.RestoreCpuSeconds:F2} s), read {Mega(figures.RestoreBytes)}
        {"",-9} {figures.RestoreSecondsPerGigabyte:F1} s a GB of the state; {figures.WrongKeys} keys wrong
        """);

    private static string Times(double median, double p99) =>
        string.Create(CultureInfo.InvariantCulture, $"{median:F0} us in the median, p99 {p99:F0} us");

    private static string Mega(double bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F2} MB");
}

/// <summary>One run of <see cref="StateSizeCommand"/>.</summary>
internal sealed class StateSizeRun
{
    /// <summary>Keys that change all the time, so that the lanes have something to do beside each cut.</summary>
    private const int MostHotKeys = 200;

    private const int MostKeysAtOnce = 100_000;
    private const int CutsPerCheckpoint = 10;
    private const int MemoryRounds = 5;

    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(1);

    private readonly StateSizeSettings _settings;
    private readonly CountingCheckpointStore _store;
    private readonly Random _random = new(1);

    // how many records each key had
    private readonly int[] _expected;
    private readonly List<TimeSpan> _cuts = [];
    private readonly List<TimeSpan> _closings = [];
    private readonly List<TimeSpan> _cpu = [];
    private Part[] _parts = [];
    private TimeSpan _longestPause;
    private long _mostKept;

    public StateSizeRun(StateSizeSettings settings)
    {
        _settings = settings;
        _expected = new int[settings.Keys];
        _store = new CountingCheckpointStore(
            settings.Local is { } folder
                ? new LocalCheckpointStore(folder, new Random(Environment.ProcessId))
                : new InMemoryCheckpointStore());
    }

    public async Task<StateSizeFigures> RunAsync(CancellationToken cancellationToken)
    {
        // a lane that has something to do finds a thread, also while others write checkpoints
        ThreadPool.GetMinThreads(out _, out int completion);
        ThreadPool.SetMinThreads(_settings.Lanes + CutsPerCheckpoint, completion);
        await _store.PrepareAsync(cancellationToken);
        CheckpointPlace place = SizedShard.Place(_store, "Process1");
        _parts = Divide(place);
        foreach (Part part in _parts)
        {
            await part.Shard.RestoreAsync(cancellationToken);
            part.Shard.Start();
            for (int first = 0; first < part.Keys.Length; first += MostKeysAtOnce)
            {
                await HandleAsync(part, part.Keys.AsMemory(first, Math.Min(MostKeysAtOnce, part.Keys.Length - first)), cancellationToken);
            }
        }

        using var beside = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] others = [.. _parts.Select(part => Task.Run(() => HandleBesideAsync(part, beside.Token), cancellationToken))];
        (long memory, long extraWhole) = await CheckpointAsync(isMemoryMeasured: true, cancellationToken);
        long bytesWhole = _parts.Sum(static part => part.Shard.SealedBytes);
        TimeSpan cpuWhole = _cpu.Single();
        _cpu.Clear();
        _longestPause = TimeSpan.Zero;

        long puts = _store.Puts;
        long written = _store.Written;
        var tally = new Tally();
        await tally.AddAsync(_parts, isFirst: true, cancellationToken);
        long extra = 0;
        for (int i = 0; i < _settings.Checkpoints; i++)
        {
            foreach (Part part in _parts)
            {
                await HandleAsync(part, part.NextChanged(_random), cancellationToken);
            }

            await CutAsync(cancellationToken);
            bool isMemoryMeasured = i % Math.Max(1, _settings.Checkpoints / MemoryRounds) == 0;
            (_, long more) = await CheckpointAsync(isMemoryMeasured, cancellationToken);
            extra = Math.Max(extra, more);
            await tally.AddAsync(_parts, isFirst: false, cancellationToken);
        }

        puts = _store.Puts - puts;
        written = _store.Written - written;
        await beside.CancelAsync();
        await Task.WhenAll(others);

        // one more, for what was handled beside the last
        foreach (Part part in _parts)
        {
            await HandleAsync(part, part.Hot, cancellationToken);
        }

        await CheckpointAsync(isMemoryMeasured: false, cancellationToken);
        _cpu.RemoveAt(_cpu.Count - 1);
        int changedKeys = _parts.Sum(static part => part.Changed);
        double perEntry = (double)bytesWhole / _settings.Keys;
        double perCheckpoint = (double)written / _settings.Checkpoints;
        (TimeSpan restore, TimeSpan restoreCpu, long restoreBytes, long wrong) = await RestoreAsync(cancellationToken);
        return new StateSizeFigures
        {
            Keys = _settings.Keys,
            ChangedKeys = changedKeys,
            Checkpoints = _settings.Checkpoints,
            Lanes = _settings.Lanes,
            Shards = _settings.Shards,
            BytesWhole = bytesWhole,
            BytesPerCheckpoint = perCheckpoint,
            ChangedBytes = changedKeys * perEntry,
            WriteAmplification = perCheckpoint / (changedKeys * perEntry),
            BytesPerEntry = perEntry,
            DeltaBytesPerEntry = tally.DeltaEntries == 0 ? 0 : (double)tally.DeltaBytes / tally.DeltaEntries,
            CheckpointsWhole = tally.Whole,
            Ranges = tally.MostRanges,
            BytesKept = (double)_store.Kept / bytesWhole,
            BytesKeptMax = (double)_mostKept / bytesWhole,
            ObjectsKept = _store.Objects,
            PutsPerRound = (double)puts / _settings.Checkpoints,
            Cuts = _cuts.Count,
            CutMicrosecondsMedian = Microseconds(_cuts, 0.5),
            CutMicrosecondsP99 = Microseconds(_cuts, 0.99),
            CutMicrosecondsMax = Microseconds(_cuts, 1),
            ClosingMicrosecondsMedian = Microseconds(_closings, 0.5),
            ClosingMicrosecondsP99 = Microseconds(_closings, 0.99),
            SerializeCpuSecondsWhole = cpuWhole.TotalSeconds,
            SerializeCpuSecondsPerCheckpoint = _cpu.Average(static spent => spent.TotalSeconds),
            MemoryBytes = memory,
            ExtraBytesWhole = extraWhole,
            ExtraBytesPerCheckpoint = extra,
            CollectorMillisecondsMax = _longestPause.TotalMilliseconds,
            RestoreSeconds = restore.TotalSeconds,
            RestoreCpuSeconds = restoreCpu.TotalSeconds,
            RestoreBytes = restoreBytes,
            RestoreSecondsPerGigabyte = restore.TotalSeconds / (bytesWhole / 1e9),
            WrongKeys = wrong,
        };
    }

    private static double Microseconds(List<TimeSpan> times, double part)
    {
        TimeSpan[] sorted = [.. times.Order()];
        return sorted[Math.Clamp((int)Math.Ceiling(sorted.Length * part) - 1, 0, sorted.Length - 1)].TotalMicroseconds;
    }

    /// <summary>Divides the hash keys evenly among the shards, and the keys by them.</summary>
    private Part[] Divide(CheckpointPlace place)
    {
        UInt128 width = UInt128.MaxValue / (UInt128)_settings.Shards;
        List<int>[] keys = [.. Enumerable.Range(0, _settings.Shards).Select(static _ => new List<int>())];
        for (int key = 0; key < _settings.Keys; key++)
        {
            int shard = 0;
            if (_settings.Shards > 1)
            {
                UInt128 hashKey = HashKeys.Of(Encoding.UTF8.GetBytes(
                    string.Create(CultureInfo.InvariantCulture, $"{SizedPipeline.KeyStart}{key}")));
                shard = (int)UInt128.Min(hashKey / width, (UInt128)(_settings.Shards - 1));
            }

            keys[shard].Add(key);
        }

        return [.. keys.Select((own, number) => new Part(
            new SizedShard(
                place,
                SizedShard.NewRow(
                    number,
                    new HashKeyRange(
                        (UInt128)number * width,
                        number == _settings.Shards - 1 ? UInt128.MaxValue : ((UInt128)(number + 1) * width) - 1)),
                _settings.Lanes),
            own.Count > 0
                ? [.. own]
                : throw new InvalidOperationException($"{_settings.Keys} keys leave a shard without any. Take more, or fewer shards."),
            _settings.Changed))];
    }

    private Task HandleAsync(Part part, ReadOnlyMemory<int> keys, CancellationToken cancellationToken)
    {
        Count(keys.Span);
        return part.Shard.HandleAsync(keys, cancellationToken);
    }

    /// <summary>Changes some keys again and again, all shards together some hundred a millisecond.</summary>
    private async Task HandleBesideAsync(Part part, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            Count(part.Hot.Span);
            // what is counted is put, also where the end comes
            await part.Shard.PutAsync(part.Hot, CancellationToken.None);
            await Task.Delay(s_step * _settings.Shards, TimeProvider.System, CancellationToken.None);
        }
    }

    private void Count(ReadOnlySpan<int> keys)
    {
        foreach (int key in keys)
        {
            Interlocked.Increment(ref _expected[key]);
        }
    }

    private async Task CutAsync(CancellationToken cancellationToken)
    {
        for (int i = 0; i < Math.Max(_parts.Length, CutsPerCheckpoint); i++)
        {
            (TimeSpan all, TimeSpan closing) = _parts[i % _parts.Length].Shard.Cut();
            _cuts.Add(all);
            _closings.Add(closing);
            await Task.Delay(s_step, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>All shards checkpoint at the same time.</summary>
    /// <returns>The memory before, and the most that was taken beside it; zero where that is not measured.</returns>
    private async Task<(long Before, long Extra)> CheckpointAsync(bool isMemoryMeasured, CancellationToken cancellationToken)
    {
        bool isInMemory = _settings.Local is null;
        // what was deleted is garbage as well as what is not needed any more
        long before = isMemoryMeasured ? GC.GetTotalMemory(forceFullCollection: true) - InStore() : 0;
        using var end = new CancellationTokenSource();
        Task<long> most = isMemoryMeasured ? Task.Run(WatchAsync, cancellationToken) : Task.FromResult(0L);
        TimeSpan paused = GC.GetTotalPauseDuration();
        TimeSpan patience = _parts.Length == 1 ? SegmentRounds.PatienceInHaste : SegmentRounds.MostPatience;
        TimeSpan[] spent = await Task.WhenAll(
            _parts.Select(part => Task.Run(() => part.Shard.CheckpointAsync(patience, cancellationToken), cancellationToken)));
        paused = GC.GetTotalPauseDuration() - paused;
        _longestPause = paused > _longestPause ? paused : _longestPause;
        await end.CancelAsync();
        long extra = Math.Max(0, await most - before);
        _cpu.Add(spent.Aggregate(static (a, b) => a + b));
        foreach (Part part in _parts)
        {
            await part.Shard.ForgetAsync(cancellationToken);
        }

        _mostKept = Math.Max(_mostKept, _store.Kept);

        return (before, extra);

        async Task<long> WatchAsync()
        {
            long greatest = 0;
            while (!end.IsCancellationRequested)
            {
                greatest = Math.Max(greatest, GC.GetTotalMemory(forceFullCollection: false) - InStore());
                await Task.Delay(s_step, TimeProvider.System, CancellationToken.None);
            }

            return greatest;
        }

        long InStore() => isInMemory ? _store.Kept : 0;
    }

    /// <summary>Other processes restore the shards, one after the other, and look at each key.</summary>
    private async Task<(TimeSpan Restore, TimeSpan Cpu, long Bytes, long Wrong)> RestoreAsync(CancellationToken cancellationToken)
    {
        Part[] parts = _parts;
        _parts = [];
        TimeSpan restore = TimeSpan.Zero;
        TimeSpan cpu = TimeSpan.Zero;
        long bytes = 0;
        long wrong = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            (SizedShard former, int[] keys) = (parts[i].Shard, parts[i].Keys);
            await former.DisposeAsync();
            parts[i] = null!;
            CheckpointPlace place = SizedShard.Place(_store, "Process2");
            await using var shard = new SizedShard(place, former.Row, _settings.Lanes, _expected);
            former = null!;
            GC.Collect();
            TimeSpan before = Environment.CpuUsage.TotalTime;
            long since = TimeProvider.System.GetTimestamp();
            await shard.RestoreAsync(cancellationToken);
            restore += TimeProvider.System.GetElapsedTime(since);
            cpu += Environment.CpuUsage.TotalTime - before;
            bytes += shard.RestoredBytes;
            shard.Start();
            await shard.HandleAsync(keys, cancellationToken);
            wrong += shard.Wrong;
        }

        return (restore, cpu, bytes, wrong);
    }

    /// <summary>One shard and its keys.</summary>
    private sealed class Part
    {
        private readonly int[] _cold;
        private readonly int[] _next;

        public Part(SizedShard shard, int[] keys, double percent)
        {
            (Shard, Keys) = (shard, keys);
            Changed = Math.Clamp((int)Math.Round(keys.Length * percent / 100), 1, keys.Length);
            int hot = Math.Min(MostHotKeys, (Changed + 9) / 10);
            Hot = keys.AsMemory(0, hot);
            _cold = keys[hot..];
            _next = [.. keys[..hot], .. new int[Changed - hot]];
        }

        public SizedShard Shard { get; }

        public int[] Keys { get; }

        /// <summary>How many keys change between two checkpoints.</summary>
        public int Changed { get; }

        /// <summary>Those of them that change all the time.</summary>
        public ReadOnlyMemory<int> Hot { get; }

        /// <summary>The keys that change before the next checkpoint: those that do each time, and others, each once.</summary>
        public ReadOnlyMemory<int> NextChanged(Random random)
        {
            for (int i = 0; i < _next.Length - Hot.Length; i++)
            {
                int other = random.Next(i, _cold.Length);
                (_cold[i], _cold[other]) = (_cold[other], _cold[i]);
                _next[Hot.Length + i] = _cold[i];
            }

            return _next;
        }
    }

    /// <summary>What the manifests say.</summary>
    private sealed class Tally
    {
        public int MostRanges { get; private set; }

        public int Whole { get; private set; }

        public long DeltaBytes { get; private set; }

        public long DeltaEntries { get; private set; }

        public async Task AddAsync(Part[] parts, bool isFirst, CancellationToken cancellationToken)
        {
            foreach (Part part in parts)
            {
                (string name, SnapshotManifest manifest) = await part.Shard.ReadManifestAsync(cancellationToken);
                MostRanges = Math.Max(MostRanges, manifest.Ranges.Count);
                long delta = manifest.Ranges
                    .Where(range => range.Segment == name && range.State is null && !range.IsWhole)
                    .Sum(static range => (long)range.Length);
                if (delta > 0)
                {
                    DeltaBytes += delta;
                    DeltaEntries += part.Changed;
                }
                else if (!isFirst)
                {
                    Whole++;
                }
            }
        }
    }
}

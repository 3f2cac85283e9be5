using System.Diagnostics.Metrics;

namespace QuickStart;

/// <summary>What the processors have seen: one for the program, shared by all shards.</summary>
public sealed class Tally : IDisposable
{
    private const double StrongFrom = 5;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _byType = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _byShard = new(StringComparer.Ordinal);
    private readonly List<SeismicEvent> _strong = [];
    private readonly List<string> _notes = [];
    private readonly MeterListener _meters = new();
    private int _records;
    private long _checkpoints;

    public Tally()
    {
        _meters.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == "FastConsumer" && instrument.Name == "fastconsumer.checkpoints")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _meters.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref _checkpoints, count));
        _meters.Start();
    }

    /// <summary>Called with each note as it comes.</summary>
    public event Action<string>? Noted;

    public Snapshot Now
    {
        get
        {
            lock (_lock)
            {
                return new Snapshot(
                    _records,
                    _ids.Count,
                    new SortedDictionary<string, int>(_byType, StringComparer.Ordinal),
                    new SortedDictionary<string, int>(_byShard, StringComparer.Ordinal),
                    [.. _strong],
                    [.. _notes],
                    Interlocked.Read(ref _checkpoints));
            }
        }
    }

    public void Add(string type, SeismicEvent seismic, string shardId)
    {
        lock (_lock)
        {
            Count(type, shardId);
            if (_ids.Add(seismic.Id) && seismic.Mag >= StrongFrom)
            {
                _strong.Add(seismic);
            }
        }
    }

    public void AddUnknown(int bytes, string shardId)
    {
        lock (_lock)
        {
            Count("other", shardId);
        }

        Note($"{shardId} held a record of {bytes} bytes of no known type");
    }

    public void Note(string text)
    {
        lock (_lock)
        {
            _notes.Add(text);
        }

        Noted?.Invoke(text);
    }

    public void Dispose() => _meters.Dispose();

    private void Count(string type, string shardId)
    {
        _records++;
        _byType[type] = _byType.GetValueOrDefault(type) + 1;
        _byShard[shardId] = _byShard.GetValueOrDefault(shardId) + 1;
    }
}

/// <summary>The tally at one moment.</summary>
public sealed record Snapshot(
    int Records,
    int Distinct,
    IReadOnlyDictionary<string, int> ByType,
    IReadOnlyDictionary<string, int> ByShard,
    IReadOnlyList<SeismicEvent> Strong,
    IReadOnlyList<string> Notes,
    long Checkpoints);

using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Simulation;

/// <summary>A record of the stream, and how often it was done.</summary>
internal sealed class BookedRecord(int index, SequenceNumber number, string key, long arrivalMs)
{
    public int Index { get; } = index;

    public SequenceNumber Number { get; } = number;

    public string Key { get; } = key;

    public long ArrivalMs { get; } = arrivalMs;

    /// <summary>By how many owners it was done.</summary>
    public int Times { get; set; }
}

/// <summary>All records of a shard, in their order, and which of them must be handled.</summary>
internal sealed class ShardBook(string id)
{
    private readonly Dictionary<string, int> _lastOfKey = new(StringComparer.Ordinal);
    private readonly Dictionary<int, int> _afterInKey = [];

    public string Id { get; } = id;

    public List<BookedRecord> Records { get; } = [];

    public Dictionary<SequenceNumber, int> ByNumber { get; } = [];

    public bool IsLeased { get; set; }

    /// <summary>When a lease at LATEST was created, until somebody has asked for a place to read from.</summary>
    public long? LatestSince { get; set; }

    public bool HasParentsDone { get; set; }

    /// <summary>From which record, or from which time on, nothing may be left out; null while that is open.</summary>
    public (int Index, long Ms)? Required { get; set; }

    public bool IsRequired(BookedRecord record) => Required is { } from && (record.Index >= from.Index || record.ArrivalMs >= from.Ms);

    public void NextOfKey(string key, int index)
    {
        if (_lastOfKey.TryGetValue(key, out int last))
        {
            _afterInKey[last] = index;
        }

        _lastOfKey[key] = index;
    }

    public int AfterInKey(int index) => _afterInKey.GetValueOrDefault(index, -1);
}

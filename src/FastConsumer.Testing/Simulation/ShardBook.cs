using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Simulation;

/// <summary>A user record of the stream, and how often it was done.</summary>
internal sealed class BookedRecord(int index, CheckpointPosition position, string key, byte[] data, long arrivalMs)
{
    public int Index { get; } = index;

    public CheckpointPosition Position { get; } = position;

    public string Key { get; } = key;

    public byte[] Data { get; } = data;

    public long ArrivalMs { get; } = arrivalMs;

    /// <summary>By how many owners it was done.</summary>
    public int Times { get; set; }

    /// <summary>True where an operator's decision, which is durable, has left it out.</summary>
    public bool IsLeftOut { get; set; }

    /// <summary>True where nobody has to do it any more.</summary>
    public bool IsDone => Times > 0 || IsLeftOut;
}

/// <summary>All user records of a shard that are to be delivered, in their order, and which of them must be handled.</summary>
internal sealed class ShardBook(string id)
{
    private readonly Dictionary<string, int> _lastOfKey = new(StringComparer.Ordinal);
    private readonly Dictionary<int, int> _afterInKey = [];
    private readonly Dictionary<CheckpointPosition, int> _byPosition = [];
    private readonly List<SequenceNumber> _numbers = [];

    public string Id { get; } = id;

    public List<BookedRecord> Records { get; } = [];

    public bool IsLeased { get; set; }

    /// <summary>When a lease at LATEST was created, until somebody has asked for a place to read from.</summary>
    public long? LatestSince { get; set; }

    /// <summary>The counter of the last reset: what owners of before do counts no more.</summary>
    public long ResetAt { get; set; } = -1;

    /// <summary>Since when the shard is paused until it is resumed, by an operator; null where it is not.</summary>
    public long? PausedSince { get; set; }

    public bool HasParentsDone { get; set; }

    /// <summary>From which record, or from which time on, nothing may be left out; null while that is open.</summary>
    public (int Index, long Ms)? Required { get; set; }

    public bool IsRequired(BookedRecord record) => Required is { } from && (record.Index >= from.Index || record.ArrivalMs >= from.Ms);

    /// <summary>A record of the stream, with its user records: more than one where it is an aggregate.</summary>
    public void Add(SequenceNumber number, IReadOnlyList<PutUserRecord> records, long arrivalMs)
    {
        _numbers.Add(number);
        for (int i = 0; i < records.Count; i++)
        {
            var position = CheckpointPosition.At(number, i);
            if (!records[i].IsLeftOut)
            {
                var record = new BookedRecord(Records.Count, position, records[i].Key, records[i].Data, arrivalMs);
                Records.Add(record);
                NextOfKey(record.Key, record.Index);
            }

            // a position of what is left out stands for all that comes before it
            _byPosition.Add(position, Records.Count - 1);
        }
    }

    /// <summary>The last record that is done at a position; -1 where none is. False where nothing was put there.</summary>
    public bool TryFind(CheckpointPosition position, out int index) => _byPosition.TryGetValue(position, out index);

    /// <summary>The record of the stream behind another, where there is one.</summary>
    public SequenceNumber? NumberAfter(SequenceNumber number)
    {
        int index = _numbers.BinarySearch(number);
        return index >= 0 && index + 1 < _numbers.Count ? _numbers[index + 1] : null;
    }

    /// <summary>True where an aggregate goes on behind a position.</summary>
    public bool GoesOnInside(CheckpointPosition position) =>
        position.Kind == CheckpointKind.Record
        && _byPosition.ContainsKey(CheckpointPosition.At(position.SequenceNumber, position.SubSequenceNumber + 1));

    public int AfterInKey(int index) => _afterInKey.GetValueOrDefault(index, -1);

    private void NextOfKey(string key, int index)
    {
        if (_lastOfKey.TryGetValue(key, out int last))
        {
            _afterInKey[last] = index;
        }

        _lastOfKey[key] = index;
    }
}

/// <summary>A user record as it was put.</summary>
/// <param name="Key">Its own partition key.</param>
/// <param name="Data">Its own payload.</param>
/// <param name="IsLeftOut">True where it belongs to another shard, and is not to be delivered for that.</param>
internal readonly record struct PutUserRecord(string Key, byte[] Data, bool IsLeftOut);

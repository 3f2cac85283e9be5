using System.Globalization;
using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Engine.Quotas;
using FastConsumer.Testing.Storage;

namespace FastConsumer.Testing.Engine;

/// <summary>One shard: its place in the lineage and its records. Guarded by its stream's lock.</summary>
internal sealed class ShardState
{
    private readonly List<StoredRecord> _records = [];
    private int _head;
    private ulong _headCounter = 1;
    private long _lastArrivalMs;

    public ShardState(int index, HashKeyRange range, long createdMs, IReadOnlyList<ShardState> parents)
    {
        Index = index;
        ShardId = string.Create(CultureInfo.InvariantCulture, $"shardId-{index:D12}");
        Range = range;
        CreatedMs = createdMs;
        Parents = [.. parents.Select(static parent => parent.ShardId)];
        // Above the parents even where they were created within the same second.
        CreatedSecond = parents.Aggregate(createdMs / 1000, static (second, parent) => Math.Max(second, parent.CreatedSecond + 1));
        StartingSequenceNumber = Number(0, CreatedSecond);
        _lastArrivalMs = createdMs;
    }

    public int Index { get; }

    public string ShardId { get; }

    public HashKeyRange Range { get; }

    public long CreatedMs { get; }

    public long CreatedSecond { get; }

    public IReadOnlyList<string> Parents { get; }

    public string StartingSequenceNumber { get; }

    public string? EndingSequenceNumber { get; private set; }

    public long? ClosedMs { get; private set; }

    public IReadOnlyList<ShardState> Children { get; private set; } = [];

    /// <summary>Who is told of new records, and of the end.</summary>
    public List<SubscriptionState> Subscriptions { get; } = [];

    /// <summary>Null until the first read under a quota.</summary>
    public ShardReadQuota? ReadQuota { get; set; }

    /// <summary>Null until the first put under a quota.</summary>
    public ShardWriteQuota? WriteQuota { get; set; }

    /// <summary>The position of the record that comes next; positions are the counters of the sequence numbers.</summary>
    public ulong TipPosition => _headCounter + (ulong)(_records.Count - _head);

    public ulong TrimPosition => _headCounter;

    public StoredRecord Append(byte[] partitionKey, byte[] data, long nowMs, bool isEncrypted)
    {
        _lastArrivalMs = Math.Max(_lastArrivalMs, nowMs);
        byte[] number = SequenceLayout.Compose(CreatedSecond, Index, TipPosition, Math.Max(CreatedSecond, _lastArrivalMs / 1000));
        var record = new StoredRecord(number, _lastArrivalMs, partitionKey, data, isEncrypted);
        _records.Add(record);
        Wake();
        return record;
    }

    /// <summary>Puts a record back, or keeps the place of one that is gone; false where the place is none.</summary>
    public bool TryRestore(WrittenRecord record)
    {
        if (record.Position < TipPosition || (record.Position > TipPosition && _head < _records.Count))
        {
            return false;
        }

        _headCounter = _head < _records.Count ? _headCounter : record.Position;
        if (!record.IsDropped)
        {
            Append(record.PartitionKey, record.Data, record.ArrivalMs, record.IsEncrypted);
            return true;
        }

        _lastArrivalMs = Math.Max(_lastArrivalMs, record.ArrivalMs);
        _headCounter += _head < _records.Count ? 0UL : 1;
        return _head == _records.Count;
    }

    /// <summary>Tells every subscription to look again.</summary>
    public void Wake()
    {
        foreach (SubscriptionState subscription in Subscriptions)
        {
            subscription.Wake();
        }
    }

    /// <summary>
    /// A number that stands for everything before a position at some time: that of the last record there, with the time moved
    /// on. It is no record's, and lies below every later one.
    /// </summary>
    public string ContinuationBefore(ulong position, long nowMs) =>
        Number(position - 1, Math.Max(CreatedSecond, Math.Max(_lastArrivalMs, nowMs) / 1000));

    public void Close(long closedMs, IReadOnlyList<ShardState> children)
    {
        ClosedMs = closedMs;
        Children = children;
        EndingSequenceNumber = Number(SequenceLayout.ClosingCounter, Math.Max(CreatedSecond, closedMs / 1000));
        Wake();
    }

    /// <summary>
    /// Takes records from a position on: at least one where there is one, at most <paramref name="limit"/> and <paramref name="maxBytes"/>.
    /// </summary>
    public StoredRecord[] Read(ulong position, int limit, int maxBytes, out ulong nextPosition)
    {
        position = Math.Clamp(position, _headCounter, TipPosition);
        int start = _head + (int)(position - _headCounter);
        int end = start;
        long bytes = 0;
        while (end < _records.Count && end - start < limit)
        {
            bytes += _records[end].Bytes;
            if (bytes > maxBytes && end > start)
            {
                break;
            }

            end++;
        }

        nextPosition = position + (ulong)(end - start);
        return end == start ? [] : _records.GetRange(start, end - start).ToArray();
    }

    /// <summary>The arrival of the record at a position that has one.</summary>
    public long ArrivalAt(ulong position) => _records[_head + (int)(position - _headCounter)].ArrivalMs;

    /// <summary>Whether a number stands for a time after the record at its position, as continuation numbers do.</summary>
    public bool IsPast(ulong position, string digits) =>
        position < _headCounter
        || (position < TipPosition
            && digits.Length == SequenceLayout.Digits
            && string.CompareOrdinal(digits, Encoding.ASCII.GetString(_records[_head + (int)(position - _headCounter)].SequenceNumber))
                > 0);

    /// <summary>The first position whose record came at or after a time; the tip where none has.</summary>
    public ulong PositionAt(long timestampMs)
    {
        int low = _head;
        int high = _records.Count;
        while (low < high)
        {
            int middle = low + ((high - low) / 2);
            if (_records[middle].ArrivalMs < timestampMs)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return _headCounter + (ulong)(low - _head);
    }

    /// <summary>Forgets the records that came before the trim horizon.</summary>
    public void Trim(long horizonMs)
    {
        while (_head < _records.Count && _records[_head].ArrivalMs < horizonMs)
        {
            _records[_head++] = null!;
            _headCounter++;
        }

        if (_head > 1024 && _head > _records.Count / 2)
        {
            _records.RemoveRange(0, _head);
            _head = 0;
        }
    }

    public Shard Describe() => new()
    {
        ShardId = ShardId,
        ParentShardId = Parents.Count > 0 ? Parents[0] : null,
        AdjacentParentShardId = Parents.Count > 1 ? Parents[1] : null,
        HashKeyRange = Range,
        StartingSequenceNumber = SequenceNumber.Parse(StartingSequenceNumber),
        EndingSequenceNumber = EndingSequenceNumber is { } ending ? SequenceNumber.Parse(ending) : null,
    };

    private string Number(
        ulong counter, long second) => Encoding.ASCII.GetString(SequenceLayout.Compose(CreatedSecond, Index, counter, second));
}

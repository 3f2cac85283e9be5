using System.Buffers;

namespace FastConsumer.Kinesis.Wire;

/// <summary>The entries of one answer while it is decoded: a rented array that grows.</summary>
internal ref struct RecordTable(ArrayPool<RecordEntry> pool)
{
    private const int FirstCapacity = 256;
    private const int LargestFirstCapacity = 10_000;

    public static readonly RecordEntry Empty = new() { SubSequenceNumber = RecordEntry.NotAggregated };

    private RecordEntry[]? _entries;

    public int Count { get; private set; }

    public long PayloadBytes { get; private set; }

    public bool MayHoldAggregates { get; private set; }

    /// <summary>Makes room for a number of entries that the answer announces; it is a hint, for nobody checked it.</summary>
    public void Reserve(int count) => _entries ??= pool.Rent(Math.Clamp(count, 1, LargestFirstCapacity));

    /// <summary>The place of the next record, empty; nothing counts until <see cref="Keep"/>.</summary>
    public ref RecordEntry Next()
    {
        RecordEntry[]? entries = _entries;
        if (entries is null || Count == entries.Length)
        {
            entries = Grow();
        }

        ref RecordEntry entry = ref entries[Count];
        entry = Empty;
        return ref entry;
    }

    /// <summary>Counts the record of the former <see cref="Next"/>.</summary>
    public void Keep(ReadOnlySpan<byte> buffer, ref readonly RecordEntry entry)
    {
        ReadOnlySpan<byte> number = buffer.Slice(entry.SequenceNumberOffset, entry.SequenceNumberLength);
        if (number.Length is 0 or > 129 || number.ContainsAnyExceptInRange((byte)'0', (byte)'9') || (number[0] == '0' && number.Length > 1))
        {
            throw new WireFormatException($"Record {Count} has no valid sequence number.");
        }

        ReadOnlySpan<byte> data = buffer.Slice(entry.DataOffset, entry.DataLength);
        // now its first bytes are near; later they are not
        MayHoldAggregates |= AggregatedRecordReader.HasMagic(data);
        Count++;
        PayloadBytes += entry.DataLength + entry.PartitionKeyLength;
    }

    /// <summary>Hands the array over to the caller.</summary>
    public RecordEntry[] Detach()
    {
        RecordEntry[] entries = _entries ?? pool.Rent(1);
        _entries = null;
        return entries;
    }

    /// <summary>Returns the array unless it was handed over.</summary>
    public void Dispose()
    {
        if (_entries is not null)
        {
            pool.Return(_entries);
            _entries = null;
        }
    }

    private RecordEntry[] Grow()
    {
        RecordEntry[]? former = _entries;
        RecordEntry[] entries = pool.Rent(former is null ? FirstCapacity : Count * 2);
        if (former is not null)
        {
            former.AsSpan(0, Count).CopyTo(entries);
            pool.Return(former);
        }

        _entries = entries;
        return entries;
    }
}

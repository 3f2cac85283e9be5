using System.Buffers;

namespace FastConsumer.Kinesis.Wire;

/// <summary>The entries of one answer while it is decoded: a rented array that grows.</summary>
internal ref struct RecordTable(ArrayPool<RecordEntry> pool)
{
    private const int FirstCapacity = 256;
    private const int LargestFirstCapacity = 10_000;

    private RecordEntry[]? _entries;

    public int Count { get; private set; }

    public long PayloadBytes { get; private set; }

    /// <summary>Makes room for a number of entries that the answer announces; it is a hint, for nobody checked it.</summary>
    public void Reserve(int count) => _entries ??= pool.Rent(Math.Clamp(count, 1, LargestFirstCapacity));

    public void Add(ReadOnlySpan<byte> buffer, ref readonly RecordEntry entry)
    {
        ReadOnlySpan<byte> number = buffer.Slice(entry.SequenceNumberOffset, entry.SequenceNumberLength);
        if (number.Length is 0 or > 129 || number.ContainsAnyExceptInRange((byte)'0', (byte)'9') || (number[0] == '0' && number.Length > 1))
        {
            throw new WireFormatException($"Record {Count} has no valid sequence number.");
        }

        _entries ??= pool.Rent(FirstCapacity);
        if (Count == _entries.Length)
        {
            RecordEntry[] larger = pool.Rent(Count * 2);
            _entries.AsSpan(0, Count).CopyTo(larger);
            pool.Return(_entries);
            _entries = larger;
        }

        _entries[Count++] = entry;
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
}

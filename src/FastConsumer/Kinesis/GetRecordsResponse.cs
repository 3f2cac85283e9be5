using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using FastConsumer.Buffers;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Kinesis;

/// <summary>
/// The answer of GetRecords, or an event of SubscribeToShard, which has the same form: one pooled buffer, and a table of where each record
/// lies in it. Whoever receives it owns it and disposes it exactly once; after that every view of its records throws
/// <see cref="ObjectDisposedException"/>.
/// </summary>
public sealed class GetRecordsResponse : IDisposable
{
    private readonly ResponseBuffer _buffer;
    private RecordEntry[]? _entries;
    private bool _entriesArePooled;
    private int _tableBytes;
    private string? _iterator;
    // answers of GetRecords, of which there are many, have none
    private readonly StrongBox<SequenceNumber>? _continuation;

    internal GetRecordsResponse(ResponseBuffer buffer, RecordEntry[] entries, int count, bool entriesArePooled = true)
    {
        _buffer = buffer;
        _entries = entries;
        _entriesArePooled = entriesArePooled;
        _tableBytes = SizeOf(entries);
        Count = count;
    }

    /// <summary>The number of records; of user records once KPL aggregates are unpacked.</summary>
    public int Count { get; private set; }

    /// <summary>The iterator to go on with; null at the end of the shard. To be read before the answer is disposed.</summary>
    public string? NextShardIterator
    {
        get => _iterator ??= IteratorRange is var (offset, length) ? Encoding.UTF8.GetString(_buffer.Array, offset, length) : null;
        init => _iterator = value;
    }

    /// <summary>
    /// Of an event of SubscribeToShard: where to subscribe again, AFTER_SEQUENCE_NUMBER; moves on without records too. Null at the end of
    /// the shard, and in answers of GetRecords.
    /// </summary>
    public SequenceNumber? ContinuationSequenceNumber
    {
        get => _continuation?.Value;
        init => _continuation = value is { } number ? new StrongBox<SequenceNumber>(number) : null;
    }

    /// <summary>How far the answer is behind the newest record, in milliseconds; null where the server does not say.</summary>
    public long? MillisBehindLatest { get; init; }

    /// <summary>The shard's children; named only at its end.</summary>
    public IReadOnlyList<ChildShard> ChildShards { get; init; } = [];

    /// <summary>
    /// The bytes this answer keeps from the pools: those it came with, and the table of its records, 48 for each and spare ones.
    /// </summary>
    public int RetainedBytes => _buffer.Capacity + _tableBytes;

    /// <summary>Sum of the records' data and partition keys in bytes: what the service's byte quota counts.</summary>
    public long PayloadBytes { get; init; }

    /// <summary>Where the iterator lies in the buffer, for those who read on without a string of it.</summary>
    internal (int Offset, int Length)? IteratorRange { get; init; }

    /// <summary>True where there is no iterator to go on with.</summary>
    internal bool IsLast => _iterator is null && IteratorRange is null;

    /// <summary>False where the decoder has seen that no record is an aggregate of the KPL.</summary>
    internal bool MayHoldAggregates { get; init; } = true;

    /// <summary>
    /// The table itself, for who knows that the answer is not returned meanwhile; its first <see cref="Count"/> entries count.
    /// </summary>
    internal RecordEntry[] Entries => Volatile.Read(ref _entries) ?? throw Returned();

    /// <summary>The bytes themselves, as <see cref="Entries"/>.</summary>
    internal byte[] Bytes => _buffer.Array;

    internal ReadOnlySpan<byte> BufferSpan => _buffer.GetSpan();

    /// <summary>Appends the iterator to go on with to an empty <paramref name="target"/>.</summary>
    internal void CopyNextShardIteratorTo(ArrayBufferWriter<byte> target)
    {
        if (IteratorRange is var (offset, length))
        {
            target.Write(_buffer.Array.AsSpan(offset, length));
        }
        else
        {
            Encoding.UTF8.GetBytes(_iterator, target);
        }
    }

    internal ReadOnlySpan<byte> GetDataSpan(int index)
    {
        ref readonly RecordEntry entry = ref Entry(index);
        return _buffer.Array.AsSpan(entry.DataOffset, entry.DataLength);
    }

    internal ReadOnlyMemory<byte> GetData(int index)
    {
        ref readonly RecordEntry entry = ref Entry(index);
        return Slice(entry.DataOffset, entry.DataLength);
    }

    internal ReadOnlyMemory<byte> Slice(int start, int length) => _buffer.Slice(start, length);

    internal ReadOnlySpan<byte> GetPartitionKeyUtf8(int index)
    {
        ref readonly RecordEntry entry = ref Entry(index);
        return _buffer.Array.AsSpan(entry.PartitionKeyOffset, entry.PartitionKeyLength);
    }

    internal SequenceNumber GetSequenceNumber(int index)
    {
        ref readonly RecordEntry entry = ref Entry(index);
        return SequenceNumber.Parse(_buffer.Array.AsSpan(entry.SequenceNumberOffset, entry.SequenceNumberLength));
    }

    internal ReadOnlySpan<byte> GetExplicitHashKeyUtf8(int index)
    {
        ref readonly RecordEntry entry = ref Entry(index);
        return _buffer.Array.AsSpan(entry.ExplicitHashKeyOffset, entry.ExplicitHashKeyLength);
    }

    internal ref readonly RecordEntry Entry(int index)
    {
        RecordEntry[] entries = Entries;
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
        return ref entries[index];
    }

    /// <summary>
    /// Puts another table, rented from the shared pool, in the place of the decoder's, which is returned. An aggregate of tiny
    /// records makes a table larger than the answer itself.
    /// </summary>
    internal void ReplaceEntries(RecordEntry[] entries, int count)
    {
        RecordEntry[] former = Interlocked.Exchange(ref _entries, entries) ?? throw Returned();
        if (_entriesArePooled)
        {
            PagePool<RecordEntry>.Shared.Return(former);
        }

        _entriesArePooled = true;
        _tableBytes = SizeOf(entries);
        Count = count;
    }

    /// <summary>Returns the bytes to the pool.</summary>
    public void Dispose()
    {
        RecordEntry[]? entries = Interlocked.Exchange(ref _entries, null);
        if (entries is null)
        {
            return;
        }

        _buffer.Return();
        if (_entriesArePooled)
        {
            PagePool<RecordEntry>.Shared.Return(entries);
        }
    }

    private static int SizeOf(RecordEntry[] entries) => entries.Length * Unsafe.SizeOf<RecordEntry>();

    private static ObjectDisposedException Returned() =>
        new(nameof(GetRecordsResponse), "The records were returned to the pool: a record is valid during its handler's call only. "
            + "Copy it with KinesisRecord.ToOwned() to keep it.");
}

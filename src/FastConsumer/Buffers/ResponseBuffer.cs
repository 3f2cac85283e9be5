using System.Buffers;

namespace FastConsumer.Buffers;

/// <summary>
/// The bytes of one response: rented once, borrowed by records, returned once. The owner object is never used again for
/// another response, so a view that outlives its record throws instead of showing somebody else's bytes.
/// </summary>
internal sealed class ResponseBuffer : MemoryManager<byte>
{
    private readonly ArrayPool<byte>? _pool;
    private byte[]? _array;
    private readonly int _length;

    private ResponseBuffer(byte[] array, int length, ArrayPool<byte>? pool)
    {
        _array = array;
        _length = length;
        _pool = pool;
    }

    /// <summary>The bytes that are rented, at least <see cref="Length"/>.</summary>
    public int Capacity => Array.Length;

    /// <summary>The bytes that are used.</summary>
    public int Length => _length;

    /// <summary>The array itself; throws <see cref="ObjectDisposedException"/> after the return.</summary>
    public byte[] Array => Volatile.Read(ref _array)
        ?? throw new ObjectDisposedException("KinesisRecord", "The record's memory was returned to the pool: "
            + "a record is valid during its handler's call only. Copy it with KinesisRecord.ToOwned() to keep it.");

    /// <summary>Takes over <paramref name="array"/>, rented from <paramref name="pool"/>.</summary>
    public static ResponseBuffer Take(byte[] array, int length, ArrayPool<byte> pool) => new(array, length, pool);

    /// <summary>Wraps an array that belongs to nobody's pool.</summary>
    public static ResponseBuffer Wrap(byte[] array) => new(array, array.Length, null);

    public override Span<byte> GetSpan() => Array.AsSpan(0, _length);

    /// <summary>A view of a part; looks at the bounds only, for each use of it looks whether the bytes were returned.</summary>
    public ReadOnlyMemory<byte> Slice(int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)(uint)start + (uint)length, (ulong)(uint)_length, nameof(length));
        return CreateMemory(start, length);
    }

    public override MemoryHandle Pin(int elementIndex = 0) => new ArraySegment<byte>(Array, elementIndex, _length - elementIndex)
        .AsMemory().Pin();

    public override void Unpin()
    {
        // Pin hands out the array's own handle, which unpins itself.
    }

    /// <summary>Returns the bytes; a second call does nothing.</summary>
    public void Return()
    {
        byte[]? array = Interlocked.Exchange(ref _array, null);
        if (array is not null)
        {
            _pool?.Return(array);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Return();
        }
    }
}

using System.Buffers;

namespace FastConsumer.Buffers;

/// <summary>Bytes that are still growing, in one rented array: rented once, and either handed over as a response or returned.</summary>
internal sealed class PooledBufferWriter : IBufferWriter<byte>, IDisposable
{
    private readonly ArrayPool<byte> _pool;
    private readonly int _limit;
    private byte[]? _array;

    /// <param name="pool">Where the array comes from.</param>
    /// <param name="capacity">The bytes that are expected.</param>
    /// <param name="limit">The most bytes there may be.</param>
    public PooledBufferWriter(ArrayPool<byte> pool, int capacity, int limit = int.MaxValue)
    {
        _pool = pool;
        _limit = limit;
        _array = pool.Rent(Math.Max(capacity, 1));
    }

    /// <summary>The bytes written.</summary>
    public int Length { get; private set; }

    /// <summary>What was written, writable for decoding in place.</summary>
    public Span<byte> WrittenSpan => Owned.AsSpan(0, Length);

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => Owned.AsMemory(0, Length);

    private byte[] Owned => _array ?? throw new ObjectDisposedException(nameof(PooledBufferWriter));

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(Owned.Length - Length), nameof(count));
        Length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return Owned.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return Owned.AsSpan(Length);
    }

    /// <summary>Appends bytes.</summary>
    /// <exception cref="InvalidDataException">They exceed the limit.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _limit - Length)
        {
            throw new InvalidDataException($"The body is larger than {_limit} bytes.");
        }

        Reserve(bytes.Length);
        bytes.CopyTo(Owned.AsSpan(Length));
        Length += bytes.Length;
    }

    /// <summary>Hands the array over as a response, whose owner returns it.</summary>
    public ResponseBuffer DetachResponse()
    {
        var response = ResponseBuffer.Take(Owned, Length, _pool);
        _array = null;
        return response;
    }

    /// <summary>Returns the array unless it was handed over.</summary>
    public void Dispose()
    {
        if (_array is not null)
        {
            _pool.Return(_array);
            _array = null;
        }
    }

    private void Reserve(int count)
    {
        byte[] array = Owned;
        if (count <= array.Length - Length)
        {
            return;
        }

        // twice as much, or what may still come, where that is less
        long needed = (long)Length + count;
        byte[] larger = _pool.Rent((int)Math.Min(Math.Max(Math.Min((long)array.Length * 2, _limit), needed), Array.MaxLength));
        array.AsSpan(0, Length).CopyTo(larger);
        _array = larger;
        _pool.Return(array);
    }
}

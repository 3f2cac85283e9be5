using System.Buffers;
using FastConsumer.Buffers;

namespace FastConsumer.Tests.Buffers;

public class ResponseBufferTests
{
    [Fact]
    public void Shows_the_used_bytes_until_it_is_returned()
    {
        var pool = new CountingPool<byte>();
        byte[] array = pool.Rent(16);
        array[2] = 7;
        var buffer = ResponseBuffer.Take(array, 3, pool);
        Assert.Equal(3, buffer.Length);
        Assert.Equal(16, buffer.Capacity);
        Assert.Equal([0, 0, 7], buffer.GetSpan().ToArray());
        Assert.Equal([0, 7], buffer.Memory[1..].ToArray());

        buffer.Return();

        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void A_view_of_returned_bytes_throws()
    {
        var pool = new CountingPool<byte>();
        var buffer = ResponseBuffer.Take(pool.Rent(4), 4, pool);
        ReadOnlyMemory<byte> view = buffer.Memory;
        buffer.Return();
        Assert.Throws<ObjectDisposedException>(() => view.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => view.ToArray());
        Assert.Throws<ObjectDisposedException>(() => buffer.Capacity);
        Assert.Throws<ObjectDisposedException>(() => view.Pin());
    }

    [Fact]
    public void Returns_once_only()
    {
        var pool = new CountingPool<byte>();
        var buffer = ResponseBuffer.Take(pool.Rent(4), 4, pool);
        buffer.Return();
        buffer.Return();
        ((IDisposable)buffer).Dispose();
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public unsafe void Pins_the_byte_that_was_asked_for()
    {
        var buffer = ResponseBuffer.Wrap([1, 2, 3]);
        using MemoryHandle handle = buffer.Memory[1..].Pin();
        Assert.Equal(2, *(byte*)handle.Pointer);
    }
}

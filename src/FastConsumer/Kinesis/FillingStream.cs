using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastConsumer.Kinesis;

/// <summary>
/// What an HTTP connection reads from. A read into <see cref="Room"/> comes back when that is full, or at the stream's end: the
/// connection allocates with each read that has to wait, and a large answer, above all with TLS, comes in hundreds of pieces.
/// </summary>
internal sealed class FillingStream(Stream connection) : Stream
{
    public override bool CanRead => connection.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => connection.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        MemoryMarshal.TryGetMemoryManager<byte, Room>(buffer, out Room? room, out int start, out int length)
            ? FillAsync(room.Array.Slice(start, length), cancellationToken)
            : connection.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        connection.ReadAsync(buffer, offset, count, cancellationToken);

    public override int Read(Span<byte> buffer) => connection.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => connection.Read(buffer, offset, count);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        connection.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        connection.WriteAsync(buffer, offset, count, cancellationToken);

    public override void Write(ReadOnlySpan<byte> buffer) => connection.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => connection.Write(buffer, offset, count);

    public override void Flush() => connection.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => connection.FlushAsync(cancellationToken);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            connection.Dispose();
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> FillAsync(Memory<byte> room, CancellationToken cancellationToken)
    {
        int filled = 0;
        while (filled < room.Length)
        {
            int read = await connection.ReadAsync(room[filled..], cancellationToken);
            if (read == 0)
            {
                break;
            }

            filled += read;
        }

        return filled;
    }

    /// <summary>
    /// Memory for an answer whose length is known, so that nothing is waited for that does not come. It is known by its type, through all
    /// that lies between.
    /// </summary>
    internal sealed class Room(Memory<byte> array) : MemoryManager<byte>
    {
        public Memory<byte> Array => array;

        public override Span<byte> GetSpan() => array.Span;

        public override MemoryHandle Pin(int elementIndex = 0) => array[elementIndex..].Pin();

        public override void Unpin()
        {
            // Pin hands out the array's own handle, which unpins itself.
        }

        protected override void Dispose(bool disposing)
        {
            // whoever lent the array returns it
        }
    }
}

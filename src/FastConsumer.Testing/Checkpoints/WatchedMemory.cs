using System.Buffers;

namespace FastConsumer.Testing.Checkpoints;

/// <summary>Memory that says when it is looked at.</summary>
internal sealed class WatchedMemory(byte[] bytes, Action looked) : MemoryManager<byte>
{
    public override Span<byte> GetSpan()
    {
        looked();
        return bytes;
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        looked();
        return bytes.AsMemory(elementIndex).Pin();
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}

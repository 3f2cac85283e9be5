using System.Buffers;

namespace FastConsumer.Checkpoints;

/// <summary>Content in several segments.</summary>
internal static class Segments
{
    /// <summary>The same bytes in segments of the given lengths; the rest is the last one.</summary>
    public static ReadOnlySequence<byte> Of(ReadOnlyMemory<byte> bytes, params ReadOnlySpan<int> lengths)
    {
        List<ReadOnlyMemory<byte>> segments = [];
        foreach (int length in lengths)
        {
            segments.Add(bytes[..length]);
            bytes = bytes[length..];
        }

        segments.Add(bytes);
        return Of(segments);
    }

    public static ReadOnlySequence<byte> Of(IEnumerable<ReadOnlyMemory<byte>> segments)
    {
        Segment? first = null;
        Segment? last = null;
        foreach (ReadOnlyMemory<byte> memory in segments)
        {
            last = new Segment(memory, last);
            first ??= last;
        }

        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? former)
        {
            Memory = memory;
            if (former is not null)
            {
                RunningIndex = former.RunningIndex + former.Memory.Length;
                former.Next = this;
            }
        }
    }
}

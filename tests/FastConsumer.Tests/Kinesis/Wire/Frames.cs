using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace FastConsumer.Tests.Kinesis.Wire;

/// <summary>Frames of an event stream, put together byte by byte, with zlib's own checksum.</summary>
internal static class Frames
{
    public static byte[] Event(string type, string json, string contentType = "application/x-amz-json-1.1") =>
        Frame(
            [.. Text(":event-type", type), .. Text(":content-type", contentType), .. Text(":message-type", "event")],
            Encoding.UTF8.GetBytes(json));

    public static byte[] Exception(string type, string json) =>
        Frame([.. Text(":exception-type", type), .. Text(":message-type", "exception")], Encoding.UTF8.GetBytes(json));

    public static byte[] Error(string code, string message) =>
        Frame([.. Text(":error-code", code), .. Text(":error-message", message), .. Text(":message-type", "error")], []);

    public static byte[] Frame(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[12 + headers.Length + payload.Length + 4];
        headers.CopyTo(frame.AsSpan(12));
        payload.CopyTo(frame.AsSpan(12 + headers.Length));
        return Seal(frame, (uint)frame.Length, (uint)headers.Length);
    }

    /// <summary>Writes both lengths and both checksums into a frame.</summary>
    public static byte[] Seal(byte[] frame, uint total, uint headers)
    {
        BinaryPrimitives.WriteUInt32BigEndian(frame, total);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), headers);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(8), Checksum(frame.AsSpan(0, 8)));
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(frame.Length - 4), Checksum(frame.AsSpan(0, frame.Length - 4)));
        return frame;
    }

    public static byte[] Text(
        string name, string value) => Header(name, 7, [(byte)(value.Length >> 8), (byte)value.Length, .. Encoding.UTF8.GetBytes(value)]);

    public static byte[] Header(string name, byte type, byte[] value) =>
        [(byte)name.Length, .. Encoding.UTF8.GetBytes(name), type, .. value];

    /// <summary>What gzip writes behind its data.</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.NoCompression))
        {
            gzip.Write(bytes);
        }

        return bytes.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(output.ToArray().AsSpan(^8..^4));
    }

    /// <summary>A sequence of several segments, each of at most <paramref name="size"/> bytes.</summary>
    public static ReadOnlySequence<byte> Cut(byte[] bytes, int size)
    {
        Segment? first = null;
        Segment? last = null;
        for (int at = 0; at < bytes.Length; at += size)
        {
            last = new Segment(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)), last);
            first ??= last;
        }

        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}

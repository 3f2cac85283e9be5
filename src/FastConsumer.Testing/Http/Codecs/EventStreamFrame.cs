using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>
/// Writes frames of <c>application/vnd.amazon.eventstream</c>. Written apart from the client's decoder, with a plain
/// checksum of its own, so that the two check each other.
/// </summary>
internal static class EventStreamFrame
{
    private const int PreludeBytes = 12;
    private const int ChecksumBytes = 4;
    private const byte TextType = 7;

    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(static index =>
    {
        uint value = (uint)index;
        for (int bit = 0; bit < 8; bit++)
        {
            value = (value & 1) == 0 ? value >> 1 : 0xEDB88320 ^ (value >> 1);
        }

        return value;
    })];

    /// <summary>Appends one frame whose headers are all texts.</summary>
    public static void Write(
        IBufferWriter<byte> output, ReadOnlySpan<byte> payload, params ReadOnlySpan<(string Name, string Value)> headers)
    {
        int headerBytes = 0;
        foreach ((string name, string value) in headers)
        {
            headerBytes += 1 + Encoding.UTF8.GetByteCount(name) + 1 + 2 + Encoding.UTF8.GetByteCount(value);
        }

        int total = PreludeBytes + headerBytes + payload.Length + ChecksumBytes;
        Span<byte> frame = output.GetSpan(total)[..total];
        BinaryPrimitives.WriteInt32BigEndian(frame, total);
        BinaryPrimitives.WriteInt32BigEndian(frame[4..], headerBytes);
        BinaryPrimitives.WriteUInt32BigEndian(frame[8..], Checksum(frame[..8]));
        int at = PreludeBytes;
        foreach ((string name, string value) in headers)
        {
            int nameBytes = Encoding.UTF8.GetBytes(name, frame[(at + 1)..]);
            frame[at] = (byte)nameBytes;
            at += 1 + nameBytes;
            frame[at++] = TextType;
            int valueBytes = Encoding.UTF8.GetBytes(value, frame[(at + 2)..]);
            BinaryPrimitives.WriteUInt16BigEndian(frame[at..], (ushort)valueBytes);
            at += 2 + valueBytes;
        }

        payload.CopyTo(frame[at..]);
        BinaryPrimitives.WriteUInt32BigEndian(frame[^ChecksumBytes..], Checksum(frame[..^ChecksumBytes]));
        output.Advance(total);
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint value = uint.MaxValue;
        foreach (byte next in bytes)
        {
            value = Table[(value ^ next) & 0xFF] ^ (value >> 8);
        }

        return value ^ uint.MaxValue;
    }
}

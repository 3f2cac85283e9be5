using System.Buffers.Binary;
using System.Text;

namespace FastConsumer.Tests.Kinesis.Wire;

/// <summary>Builds CBOR by hand from RFC 8949, sharing nothing with the code under test.</summary>
internal sealed class CborBytes
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    public CborBytes Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public CborBytes Map(int pairs) => Head(5, (ulong)pairs);

    public CborBytes OpenMap() => Raw(0xBF);

    public CborBytes Array(int items) => Head(4, (ulong)items);

    public CborBytes OpenArray() => Raw(0x9F);

    public CborBytes Break() => Raw(0xFF);

    public CborBytes Tag(int tag) => Head(6, (ulong)tag);

    public CborBytes Null() => Raw(0xF6);

    public CborBytes Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return Head(3, (ulong)utf8.Length).Raw(utf8);
    }

    public CborBytes Blob(params ReadOnlySpan<byte> bytes) => Head(2, (ulong)bytes.Length).Raw(bytes);

    public CborBytes ChunkedText(string text, int chunkLength)
    {
        Raw(0x7F);
        foreach (byte[] chunk in Encoding.UTF8.GetBytes(text).Chunk(chunkLength))
        {
            Head(3, (ulong)chunk.Length).Raw(chunk);
        }

        return Break();
    }

    public CborBytes ChunkedBlob(byte[] bytes, int chunkLength)
    {
        Raw(0x5F);
        foreach (byte[] chunk in bytes.Chunk(chunkLength))
        {
            Head(2, (ulong)chunk.Length).Raw(chunk);
        }

        return Break();
    }

    public CborBytes Integer(long value) => value >= 0 ? Head(0, (ulong)value) : Head(1, (ulong)(-1 - value));

    public CborBytes Double(double value)
    {
        Span<byte> bytes = stackalloc byte[9];
        bytes[0] = 0xFB;
        BinaryPrimitives.WriteDoubleBigEndian(bytes[1..], value);
        return Raw(bytes);
    }

    public CborBytes Head(int major, ulong value)
    {
        Span<byte> bytes = stackalloc byte[9];
        int length = value < 24 ? 0 : value <= 0xFF ? 1 : value <= 0xFFFF ? 2 : value <= 0xFFFFFFFF ? 4 : 8;
        bytes[0] = (byte)((major << 5) | (length switch { 0 => (int)value, 1 => 24, 2 => 25, 4 => 26, _ => 27 }));
        for (int i = 0; i < length; i++)
        {
            bytes[length - i] = (byte)(value >> (8 * i));
        }

        return Raw(bytes[..(1 + length)]);
    }
}

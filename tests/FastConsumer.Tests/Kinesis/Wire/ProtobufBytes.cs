using System.Text;

namespace FastConsumer.Tests.Kinesis.Wire;

/// <summary>Protobuf, written byte by byte.</summary>
internal sealed class ProtobufBytes
{
    private readonly List<byte> _bytes = [];

    public ProtobufBytes Varint(ulong value)
    {
        while (value >= 0x80)
        {
            _bytes.Add((byte)(value | 0x80));
            value >>= 7;
        }

        _bytes.Add((byte)value);
        return this;
    }

    public ProtobufBytes Tag(uint field, int wireType) => Varint(((ulong)field << 3) | (uint)wireType);

    public ProtobufBytes Number(uint field, ulong value) => Tag(field, 0).Varint(value);

    public ProtobufBytes Blob(uint field, ReadOnlySpan<byte> value) => Tag(field, 2).Varint((ulong)value.Length).Raw(value);

    public ProtobufBytes Text(uint field, string value) => Blob(field, Encoding.UTF8.GetBytes(value));

    public ProtobufBytes Raw(ReadOnlySpan<byte> value)
    {
        _bytes.AddRange(value);
        return this;
    }

    public byte[] ToArray() => [.. _bytes];
}

using System.Buffers.Binary;
using System.Text;

namespace FastConsumer.State.Format;

/// <summary>Reads numbers and lengths, and never beyond the end.</summary>
internal ref struct ByteReader(byte[] bytes, int position, int end)
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _bytes = bytes;
    private int _position = position;

    public readonly int Position => _position;

    public int End { get; } = end;

    public byte Byte() => _bytes[Take(1)];

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(Take(sizeof(uint))));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(_bytes.AsSpan(Take(sizeof(long))));

    public UInt128 UInt128() => BinaryPrimitives.ReadUInt128LittleEndian(_bytes.AsSpan(Take(16)));

    public uint Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 35; shift += 7)
        {
            byte one = Byte();
            value |= (ulong)(one & 0x7f) << shift;
            if (one <= 0x7f)
            {
                return value <= uint.MaxValue ? (uint)value : throw new SnapshotDamagedException("a number is too large");
            }
        }

        throw new SnapshotDamagedException("a number does not end");
    }

    /// <summary>A version of a state.</summary>
    public int Version() => Varint() is > 0 and <= int.MaxValue and var version
        ? (int)version
        : throw new SnapshotDamagedException("a value has no version");

    /// <summary>Where so many bytes lie as the number in front of them says.</summary>
    public (int Start, int Length) Bytes()
    {
        uint length = Varint();
        return length <= int.MaxValue ? (Take((int)length), (int)length) : throw CutOff();
    }

    public readonly ReadOnlySpan<byte> Span((int Start, int Length) range) => _bytes.AsSpan(range.Start, range.Length);

    public string Text()
    {
        try
        {
            return s_strict.GetString(Span(Bytes()));
        }
        catch (DecoderFallbackException)
        {
            throw new SnapshotDamagedException("a name is not UTF-8");
        }
    }

    public readonly void ThrowUnlessAtEnd()
    {
        if (_position != End)
        {
            throw new SnapshotDamagedException("a part of the segment holds more than it says");
        }
    }

    private int Take(int count)
    {
        int start = _position;
        if (count > End - start)
        {
            throw CutOff();
        }

        _position = start + count;
        return start;
    }

    private static SnapshotDamagedException CutOff() => new("a part of the segment ends too early");
}

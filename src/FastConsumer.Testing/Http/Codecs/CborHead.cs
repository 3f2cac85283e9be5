using System.Buffers.Binary;

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>The first bytes of a CBOR item: a major type and an argument (RFC 8949, section 3).</summary>
internal static class CborHead
{
    public const int MaxSize = 9;
    public const int UnsignedInteger = 0;
    public const int NegativeInteger = 1;
    public const int ByteString = 2;
    public const int TextString = 3;
    public const int Array = 4;
    public const int Map = 5;
    public const int Tag = 6;
    public const int Simple = 7;

    /// <summary>The additional information that opens an item of indefinite length.</summary>
    public const byte Indefinite = 31;
    public const byte Break = 0xFF;
    public const byte False = 0xF4;
    public const byte True = 0xF5;
    public const byte Null = 0xF6;

    public static int SizeOf(ulong argument) => argument switch
    {
        < 24 => 1,
        <= byte.MaxValue => 2,
        <= ushort.MaxValue => 3,
        <= uint.MaxValue => 5,
        _ => 9,
    };

    public static int Write(Span<byte> destination, int majorType, ulong argument)
    {
        byte major = (byte)(majorType << 5);
        int size = SizeOf(argument);
        switch (size)
        {
            case 1:
                destination[0] = (byte)(major | (byte)argument);
                break;
            case 2:
                destination[0] = (byte)(major | 24);
                destination[1] = (byte)argument;
                break;
            case 3:
                destination[0] = (byte)(major | 25);
                BinaryPrimitives.WriteUInt16BigEndian(destination[1..], (ushort)argument);
                break;
            case 5:
                destination[0] = (byte)(major | 26);
                BinaryPrimitives.WriteUInt32BigEndian(destination[1..], (uint)argument);
                break;
            default:
                destination[0] = (byte)(major | 27);
                BinaryPrimitives.WriteUInt64BigEndian(destination[1..], argument);
                break;
        }

        return size;
    }
}

using System.Buffers.Binary;
using System.Text;

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>Reads a CBOR request: definite and indefinite lengths, integers, floats, tag 1 as milliseconds.</summary>
internal ref struct CborRequestReader
{
    private const int MaxDepth = 32;
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest;
    private int _depth;

    private CborRequestReader(ReadOnlySpan<byte> body) => _rest = body;

    public static RequestMap Read(ReadOnlySpan<byte> body)
    {
        if (body.IsEmpty)
        {
            return new RequestMap();
        }

        var reader = new CborRequestReader(body);
        RequestMap map = reader.Value() as RequestMap ?? throw new RequestFormatException("The request is not a CBOR map.");
        return reader._rest.IsEmpty ? map : throw new RequestFormatException("The CBOR request has bytes after its end.");
    }

    private object? Value()
    {
        if (++_depth > MaxDepth)
        {
            throw new RequestFormatException($"The CBOR request nests deeper than {MaxDepth}.");
        }

        (int major, byte info, ulong argument) = Head();
        object? value = major switch
        {
            CborHead.UnsignedInteger => argument <= long.MaxValue
                ? (long)argument
                : throw new RequestFormatException("A CBOR integer is out of range."),
            CborHead.NegativeInteger => argument <= long.MaxValue
                ? ~(long)argument
                : throw new RequestFormatException("A CBOR integer is out of range."),
            CborHead.ByteString => String(major, info, argument),
            CborHead.TextString => Text(String(major, info, argument)),
            CborHead.Array => List(info, argument),
            CborHead.Map => Map(info, argument),
            CborHead.Tag => Tagged(argument),
            _ => Simple(info, argument),
        };
        _depth--;
        return value;
    }

    private (int Major, byte Info, ulong Argument) Head()
    {
        byte first = Take(1)[0];
        byte info = (byte)(first & 0x1F);
        ulong argument = info switch
        {
            < 24 => info,
            24 => Take(1)[0],
            25 => BinaryPrimitives.ReadUInt16BigEndian(Take(2)),
            26 => BinaryPrimitives.ReadUInt32BigEndian(Take(4)),
            27 => BinaryPrimitives.ReadUInt64BigEndian(Take(8)),
            CborHead.Indefinite => 0,
            _ => throw new RequestFormatException($"CBOR byte 0x{first:X2} is reserved."),
        };
        return (first >> 5, info, argument);
    }

    private byte[] String(int major, byte info, ulong argument)
    {
        if (info != CborHead.Indefinite)
        {
            return Take(argument).ToArray();
        }

        using var whole = new MemoryStream();
        while (!TryBreak())
        {
            (int chunkMajor, byte chunkInfo, ulong chunkLength) = Head();
            if (chunkMajor != major || chunkInfo == CborHead.Indefinite)
            {
                throw new RequestFormatException("A CBOR string has a chunk of another type.");
            }

            whole.Write(Take(chunkLength));
        }

        return whole.ToArray();
    }

    private static string Text(byte[] bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new RequestFormatException("A CBOR text string is not valid UTF-8.", exception);
        }
    }

    private List<object?> List(byte info, ulong count)
    {
        var list = new List<object?>();
        for (ulong i = 0; More(info, count, i); i++)
        {
            list.Add(Value());
        }

        return list;
    }

    private RequestMap Map(byte info, ulong count)
    {
        var map = new RequestMap();
        for (ulong i = 0; More(info, count, i); i++)
        {
            string name = Value() as string ?? throw new RequestFormatException("A CBOR map has a key that is not text.");
            map.Set(name, Value());
        }

        return map;
    }

    private bool More(byte info, ulong count, ulong index) => info == CborHead.Indefinite ? !TryBreak() : index < count;

    private object? Tagged(ulong tag)
    {
        object? value = Value();
        return tag != 1
            ? value
            : value switch
            {
                long unixMs => new WireTimestamp(unixMs),
                double unixMs => new WireTimestamp((long)Math.Round(unixMs)),
                _ => throw new RequestFormatException("A CBOR timestamp (tag 1) is not a number."),
            };
    }

    private static object? Simple(byte info, ulong argument) => info switch
    {
        20 => false,
        21 => true,
        22 or 23 => null,
        25 => (double)BitConverter.UInt16BitsToHalf((ushort)argument),
        26 => (double)BitConverter.UInt32BitsToSingle((uint)argument),
        27 => BitConverter.UInt64BitsToDouble(argument),
        _ => throw new RequestFormatException($"CBOR simple value {argument} is not known."),
    };

    private bool TryBreak()
    {
        if (_rest.IsEmpty || _rest[0] != CborHead.Break)
        {
            return false;
        }

        _rest = _rest[1..];
        return true;
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
        {
            throw new RequestFormatException("The CBOR request ends before its end.");
        }

        ReadOnlySpan<byte> taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}

using System.Buffers.Binary;

namespace FastConsumer.Kinesis.Wire;

/// <summary>What the next CBOR item is, behind its tags.</summary>
internal enum CborKind
{
    UnsignedInteger = 0,
    NegativeInteger = 1,
    Bytes = 2,
    Text = 3,
    Array = 4,
    Map = 5,
    Null,
    Boolean,
    Float,
    OtherSimple,
}

/// <summary>The progress through an array or a map; a definite one counts down, an indefinite one waits for its break.</summary>
internal struct CborContainer
{
    public int Remaining;
    public bool IsIndefinite;
}

/// <summary>
/// Reads CBOR (RFC 8949) from one buffer, forwards only. It never reads past the buffer, recurses at most
/// <see cref="MaxDepth"/> levels and throws <see cref="WireFormatException"/> for everything malformed.
/// </summary>
/// <remarks>
/// The buffer is writable because a chunked string is compacted where it lies: the caller gets one range for every string,
/// and nothing is allocated.
/// </remarks>
internal ref struct CborReader(Span<byte> bytes)
{
    public const int MaxDepth = 64;

    private const byte Break = 0xFF;
    private const int IndefiniteInfo = 31;
    private const int TagMajor = 6;

    private readonly Span<byte> _bytes = bytes;
    private int _position;

    /// <summary>The offset of the next byte.</summary>
    public int Position
    {
        readonly get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, (uint)_bytes.Length, nameof(value));
            _position = value;
        }
    }

    /// <summary>The bytes that were not read yet.</summary>
    public readonly int Remaining => _bytes.Length - _position;

    /// <summary>The kind of the next item; its tags are skipped.</summary>
    public CborKind PeekKind()
    {
        byte initial = PeekByte();
        return initial < TagMajor << 5 ? (CborKind)(initial >> 5) : PeekTaggedOrSimple();
    }

    /// <summary>Consumes a null (or undefined) where one is next.</summary>
    public bool TryReadNull()
    {
        if (PeekKind() != CborKind.Null)
        {
            return false;
        }

        _position++;
        return true;
    }

    public CborContainer ReadMap() => ReadContainer(CborKind.Map, bytesPerItem: 2);

    public CborContainer ReadArray() => ReadContainer(CborKind.Array, bytesPerItem: 1);

    /// <summary>True where <paramref name="container"/> has another item (or pair); false once, at its end.</summary>
    public bool MoveNext(ref CborContainer container)
    {
        if (container.IsIndefinite)
        {
            if (PeekByte() == Break)
            {
                _position++;
                return false;
            }

            return true;
        }

        return container.Remaining-- > 0;
    }

    /// <summary>Reads a text string; a chunked one is compacted in place.</summary>
    public ReadOnlySpan<byte> ReadText()
    {
        // member names: a definite string of less than 24 bytes
        if ((uint)_position < (uint)_bytes.Length)
        {
            uint length = (uint)_bytes[_position] - 0x60;
            if (length < 24 && length < (uint)(_bytes.Length - _position))
            {
                ReadOnlySpan<byte> text = _bytes.Slice(_position + 1, (int)length);
                _position += 1 + (int)length;
                return text;
            }
        }

        ReadString(CborKind.Text, out int offset, out int count);
        return _bytes.Slice(offset, count);
    }

    /// <summary>Reads a string of <paramref name="kind"/> as a range of the buffer; a chunked one is compacted in place.</summary>
    public void ReadString(CborKind kind, out int offset, out int length)
    {
        Expect(kind);
        Head head = ReadHead();
        if (head.Info != IndefiniteInfo)
        {
            length = Length(head);
            offset = Advance(length);
            return;
        }

        offset = _position;
        length = 0;
        while (PeekByte() != Break)
        {
            Head chunk = ReadHead();
            if (chunk.Major != (int)kind || chunk.Info == IndefiniteInfo)
            {
                throw new WireFormatException($"A chunked CBOR string holds something else before offset {_position}.");
            }

            int chunkLength = Length(chunk);
            int chunkOffset = Advance(chunkLength);
            _bytes.Slice(chunkOffset, chunkLength).CopyTo(_bytes[(offset + length)..]);
            length += chunkLength;
        }

        _position++;
    }

    /// <summary>Reads a text string for decoding it in place.</summary>
    public Span<byte> ReadWritableText(out int offset)
    {
        ReadString(CborKind.Text, out offset, out int length);
        return _bytes.Slice(offset, length);
    }

    public bool ReadBoolean()
    {
        Expect(CborKind.Boolean);
        return _bytes[_position++] == 0xF5;
    }

    /// <summary>Reads an integer; false where it is a floating-point number, which is then in <paramref name="real"/>.</summary>
    public bool ReadNumber(out long integer, out double real)
    {
        CborKind kind = PeekKind();
        integer = 0;
        real = 0;
        if (kind is not (CborKind.UnsignedInteger or CborKind.NegativeInteger or CborKind.Float))
        {
            throw Unexpected("a number", kind);
        }

        Head head = ReadHead();
        switch (kind)
        {
            case CborKind.Float:
                real = head.Info switch
                {
                    25 => (double)BitConverter.UInt16BitsToHalf((ushort)head.Value),
                    26 => BitConverter.UInt32BitsToSingle((uint)head.Value),
                    _ => BitConverter.UInt64BitsToDouble(head.Value),
                };
                return false;
            default:
                if (head.Value > long.MaxValue)
                {
                    throw new WireFormatException($"The CBOR integer before offset {_position} does not fit 64 bits.");
                }

                integer = kind == CborKind.UnsignedInteger ? (long)head.Value : -1 - (long)head.Value;
                return true;
        }
    }

    public long ReadInteger() => ReadNumber(out long integer, out double real) ? integer : WireNumbers.ToInteger(real);

    /// <summary>
    /// Epoch milliseconds. Kinesis writes tag 1 and an integer of milliseconds (not RFC 8949's seconds); a floating-point
    /// number is taken for seconds where it is too small to be milliseconds of this century.
    /// </summary>
    public long ReadTimestamp() => ReadNumber(out long integer, out double real)
        ? WireNumbers.CheckTimestamp(integer)
        : WireNumbers.ToTimestamp(Math.Abs(real) < WireNumbers.LeastFloatMilliseconds ? real * 1000 : real);

    /// <summary>Checks that nothing follows.</summary>
    public readonly void ReadEnd()
    {
        if (Remaining != 0)
        {
            throw new WireFormatException($"{Remaining} bytes follow the CBOR value.");
        }
    }

    /// <summary>Passes over one item of any kind.</summary>
    public void Skip() => Skip(1);

    private CborKind PeekTaggedOrSimple()
    {
        while (PeekByte() >> 5 == TagMajor)
        {
            ReadHead();
        }

        byte initial = PeekByte();
        return initial < TagMajor << 5
            ? (CborKind)(initial >> 5)
            : (initial & 0x1F) switch
            {
                20 or 21 => CborKind.Boolean,
                22 or 23 => CborKind.Null,
                25 or 26 or 27 => CborKind.Float,
                IndefiniteInfo => throw new WireFormatException($"A CBOR break stands at offset {_position} where a value is due."),
                _ => CborKind.OtherSimple,
            };
    }

    private void Skip(int depth)
    {
        if (depth > MaxDepth)
        {
            throw TooDeep();
        }

        switch (PeekKind())
        {
            case CborKind.Bytes:
                ReadString(CborKind.Bytes, out _, out _);
                break;
            case CborKind.Text:
                ReadString(CborKind.Text, out _, out _);
                break;
            case CborKind.Array:
                CborContainer array = ReadArray();
                while (MoveNext(ref array))
                {
                    Skip(depth + 1);
                }

                break;
            case CborKind.Map:
                CborContainer map = ReadMap();
                while (MoveNext(ref map))
                {
                    Skip(depth + 1);
                    Skip(depth + 1);
                }

                break;
            default:
                ReadHead();
                break;
        }
    }

    public static WireFormatException TooDeep() => new($"The value is nested more than {MaxDepth} levels deep.");

    private CborContainer ReadContainer(CborKind kind, int bytesPerItem)
    {
        Expect(kind);
        Head head = ReadHead();
        if (head.Info == IndefiniteInfo)
        {
            return new CborContainer { IsIndefinite = true };
        }

        if (head.Value > (ulong)(Remaining / bytesPerItem))
        {
            throw Truncated();
        }

        return new CborContainer { Remaining = (int)head.Value };
    }

    private void Expect(CborKind kind)
    {
        CborKind actual = PeekKind();
        if (actual != kind)
        {
            throw Unexpected(kind.ToString(), actual);
        }
    }

    private readonly WireFormatException Unexpected(string expected, CborKind actual) =>
        new($"CBOR {expected} was expected at offset {_position}, found {actual}.");

    private readonly byte PeekByte() => (uint)_position < (uint)_bytes.Length ? _bytes[_position] : throw Truncated();

    private readonly int Length(in Head head) => head.Value <= (ulong)Remaining ? (int)head.Value : throw Truncated();

    private int Advance(int count)
    {
        int start = _position;
        if ((uint)count > (uint)Remaining)
        {
            throw Truncated();
        }

        _position += count;
        return start;
    }

    private Head ReadHead()
    {
        byte initial = PeekByte();
        _position++;
        int major = initial >> 5;
        int info = initial & 0x1F;
        ulong value;
        switch (info)
        {
            case < 24:
                value = (uint)info;
                break;
            case 24:
                value = _bytes[Advance(1)];
                break;
            case 25:
                value = BinaryPrimitives.ReadUInt16BigEndian(_bytes.Slice(Advance(2), 2));
                break;
            case 26:
                value = BinaryPrimitives.ReadUInt32BigEndian(_bytes.Slice(Advance(4), 4));
                break;
            case 27:
                value = BinaryPrimitives.ReadUInt64BigEndian(_bytes.Slice(Advance(8), 8));
                break;
            case IndefiniteInfo when major is >= (int)CborKind.Bytes and <= (int)CborKind.Map:
                value = 0;
                break;
            default:
                throw new WireFormatException($"The byte 0x{initial:X2} at offset {_position - 1} does not begin a CBOR item.");
        }

        return new Head(major, info, value);
    }

    private readonly WireFormatException Truncated() => new($"The CBOR ends early, at {_bytes.Length} bytes.");

    private readonly struct Head(int major, int info, ulong value)
    {
        public readonly int Major = major;
        public readonly int Info = info;
        public readonly ulong Value = value;
    }
}

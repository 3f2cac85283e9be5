namespace FastConsumer.Kinesis.Wire;

/// <summary>The wire types of protobuf's encoding.</summary>
internal enum ProtobufType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    GroupStart = 3,
    GroupEnd = 4,
    Fixed32 = 5,
}

/// <summary>
/// Reads the fields of one protobuf message in place. Every method says false where the bytes are no protobuf, reads nothing
/// outside of the message, and positions count from the start of the whole span, so that a nested message shares them.
/// </summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> bytes, int start, int length)
{
    private const int MaximumDepth = 100;
    private const int MaximumVarintBytes = 10;

    private readonly ReadOnlySpan<byte> _bytes = bytes[..(start + length)];
    private int _position = start;

    public readonly bool AtEnd => _position == _bytes.Length;

    public bool TryReadTag(out uint field, out ProtobufType type)
    {
        bool read = TryReadVarint(out ulong tag);
        field = (uint)(tag >> 3);
        type = (ProtobufType)(tag & 7);
        return read && tag <= uint.MaxValue && field != 0;
    }

    public bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (int i = 0; i < MaximumVarintBytes && _position < _bytes.Length; i++)
        {
            byte next = _bytes[_position++];
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }

    public bool TryReadBytes(out int offset, out int count)
    {
        offset = count = 0;
        if (!TryReadVarint(out ulong announced) || announced > (ulong)(_bytes.Length - _position))
        {
            return false;
        }

        offset = _position;
        count = (int)announced;
        _position += count;
        return true;
    }

    /// <summary>Passes over a field whose tag was read.</summary>
    public bool TrySkip(uint field, ProtobufType type) => TrySkip(field, type, MaximumDepth);

    private bool TrySkip(uint field, ProtobufType type, int depth)
    {
        switch (type)
        {
            case ProtobufType.Varint:
                return TryReadVarint(out _);
            case ProtobufType.Fixed64:
                return TryAdvance(sizeof(ulong));
            case ProtobufType.Fixed32:
                return TryAdvance(sizeof(uint));
            case ProtobufType.Bytes:
                return TryReadBytes(out _, out _);
            case ProtobufType.GroupStart:
                return depth > 0 && TrySkipGroup(field, depth - 1);
            default:
                return false;
        }
    }

    private bool TrySkipGroup(uint group, int depth)
    {
        while (TryReadTag(out uint field, out ProtobufType type))
        {
            if (type == ProtobufType.GroupEnd)
            {
                return field == group;
            }

            if (!TrySkip(field, type, depth))
            {
                return false;
            }
        }

        return false;
    }

    private bool TryAdvance(int count)
    {
        if (count > _bytes.Length - _position)
        {
            return false;
        }

        _position += count;
        return true;
    }
}

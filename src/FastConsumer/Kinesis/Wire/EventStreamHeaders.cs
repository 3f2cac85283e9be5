using System.Buffers.Binary;

namespace FastConsumer.Kinesis.Wire;

/// <summary>The types of an event stream's header values, under their numbers on the wire.</summary>
internal enum EventStreamHeaderType : byte
{
    True,
    False,
    Int8,
    Int16,
    Int32,
    Int64,
    Bytes,
    Text,
    Timestamp,
    Uuid,
}

/// <summary>
/// Walks over the headers of one frame: name length (u8), name, type (u8), value; bytes and text have a length (u16) in
/// front. Source: the event stream encoding of the AWS SDKs (application/vnd.amazon.eventstream).
/// </summary>
internal ref struct EventStreamHeaders(ReadOnlySpan<byte> headers)
{
    private ReadOnlySpan<byte> _rest = headers;

    /// <summary>The name in UTF-8.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    public EventStreamHeaderType Type { get; private set; }

    /// <summary>The value's bytes, big-endian where they are a number; none for true and false.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <exception cref="WireFormatException">The headers are malformed.</exception>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        int nameLength = Take(1)[0];
        if (nameLength == 0)
        {
            throw new WireFormatException("A frame's header has no name.");
        }

        Name = Take(nameLength);
        byte type = Take(1)[0];
        Type = (EventStreamHeaderType)type;
        Value = Take(Type switch
        {
            EventStreamHeaderType.True or EventStreamHeaderType.False => 0,
            EventStreamHeaderType.Int8 => 1,
            EventStreamHeaderType.Int16 => 2,
            EventStreamHeaderType.Int32 => 4,
            EventStreamHeaderType.Int64 or EventStreamHeaderType.Timestamp => 8,
            EventStreamHeaderType.Bytes or EventStreamHeaderType.Text => BinaryPrimitives.ReadUInt16BigEndian(Take(2)),
            EventStreamHeaderType.Uuid => 16,
            _ => throw new WireFormatException($"A frame's header has the unknown type {type}."),
        });
        return true;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            throw new WireFormatException("A frame's headers end inside a header.");
        }

        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }
}

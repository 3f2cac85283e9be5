namespace FastConsumer.Kinesis.Wire;

/// <summary>What a frame is, by its header <c>:message-type</c>.</summary>
internal enum EventStreamMessageKind
{
    /// <summary>An event; its type is <see cref="EventStreamMessage.Name"/>.</summary>
    Event,

    /// <summary>An error of the service model; its name is <see cref="EventStreamMessage.Name"/>, its payload the error.</summary>
    Exception,

    /// <summary>
    /// Any other error: <see cref="EventStreamMessage.Name"/> is its code, <see cref="EventStreamMessage.Text"/> its message.
    /// </summary>
    Error,
}

/// <summary>The headers of one frame that say what it is, borrowed from the frame.</summary>
internal readonly ref struct EventStreamMessage
{
    public EventStreamMessageKind Kind { get; private init; }

    /// <summary><c>:event-type</c>, <c>:exception-type</c> or <c>:error-code</c>.</summary>
    public ReadOnlySpan<byte> Name { get; private init; }

    /// <summary><c>:error-message</c>.</summary>
    public ReadOnlySpan<byte> Text { get; private init; }

    /// <summary><c>:content-type</c>, of the payload.</summary>
    public ReadOnlySpan<byte> ContentType { get; private init; }

    /// <exception cref="WireFormatException">The headers are malformed, or do not say what the frame is.</exception>
    public static EventStreamMessage Read(ReadOnlySpan<byte> headers)
    {
        ReadOnlySpan<byte> messageType = default, eventType = default, exceptionType = default, errorCode = default, text = default,
            contentType = default;
        var reader = new EventStreamHeaders(headers);
        while (reader.MoveNext())
        {
            if (reader.Type != EventStreamHeaderType.Text)
            {
                continue;
            }

            if (reader.Name.SequenceEqual(":message-type"u8))
            {
                messageType = reader.Value;
            }
            else if (reader.Name.SequenceEqual(":event-type"u8))
            {
                eventType = reader.Value;
            }
            else if (reader.Name.SequenceEqual(":exception-type"u8))
            {
                exceptionType = reader.Value;
            }
            else if (reader.Name.SequenceEqual(":error-code"u8))
            {
                errorCode = reader.Value;
            }
            else if (reader.Name.SequenceEqual(":error-message"u8))
            {
                text = reader.Value;
            }
            else if (reader.Name.SequenceEqual(":content-type"u8))
            {
                contentType = reader.Value;
            }
        }

        EventStreamMessageKind kind = messageType.SequenceEqual("event"u8) ? EventStreamMessageKind.Event
            : messageType.SequenceEqual("exception"u8) ? EventStreamMessageKind.Exception
            : messageType.SequenceEqual("error"u8) ? EventStreamMessageKind.Error
            : throw new WireFormatException("A frame's :message-type is none of event, exception and error.");
        ReadOnlySpan<byte> name = kind switch
        {
            EventStreamMessageKind.Event => eventType,
            EventStreamMessageKind.Exception => exceptionType,
            _ => errorCode,
        };
        if (name.IsEmpty)
        {
            throw new WireFormatException("A frame does not say which event or error it is.");
        }

        return new EventStreamMessage { Kind = kind, Name = name, Text = text, ContentType = contentType };
    }
}

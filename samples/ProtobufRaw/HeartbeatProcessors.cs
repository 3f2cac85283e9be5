using FastConsumer;
using Google.Protobuf.WellKnownTypes;

namespace ProtobufRaw;

/// <summary>
/// A message type of your own stands here just like this one of protobuf's: it is read by its parser, an object for each record.
/// </summary>
[KinesisProcessor("heartbeats")]
public sealed partial class MessageProcessor(Newest newest)
{
    [OnRecord]
    private void Handle(Timestamp heartbeat) => newest.Saw(heartbeat.Seconds);
}

/// <summary>The same records as bytes, straight from the answer's buffer: nothing is put on the heap for a record.</summary>
[KinesisProcessor("heartbeats")]
[OnError(typeof(FormatException), ErrorAction.Stop)]
public sealed partial class RawProcessor(Newest newest)
{
    [OnRecord]
    private void Handle(ReadOnlySpan<byte> heartbeat) => newest.Saw(SecondsOf(heartbeat));

    /// <summary>Field 1 of a <see cref="Timestamp"/>: the tag 0x08, then a number in groups of seven bits, the lowest first.</summary>
    private static long SecondsOf(ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty || message[0] != 0x08)
        {
            throw new FormatException("The message does not begin with its seconds.");
        }

        long seconds = 0;
        for (int i = 1, shift = 0; i < message.Length && shift < 64; i++, shift += 7)
        {
            seconds |= (long)(message[i] & 0x7F) << shift;
            if (message[i] < 0x80)
            {
                return seconds;
            }
        }

        throw new FormatException("The message ends within its seconds.");
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire;

public sealed class EventStreamDecoderTests
{
    private static readonly byte[] s_event = Frames.Event("SubscribeToShardEvent", """{"Records":[],"ContinuationSequenceNumber":"7"}""");

    [Theory]
    [InlineData("000000100000000005c248eb7d98c8ff", 0, "")]
    [InlineData("0000001d00000000fd528c5a7b27666f6f273a27626172277dc36539 36", 0, "{'foo':'bar'}")]
    [InlineData(
        "0000003d0000002007fd83960c636f6e74656e742d7479706507001061 70706c69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1",
        32,
        "{'foo':'bar'}")]
    public void Published_vectors(string hex, int headers, string payload)
    {
        // the empty message, a payload alone, and one header: vectors of the AWS SDKs' event stream test suites
        byte[] frame = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        var decoder = new EventStreamDecoder();
        var input = new ReadOnlySequence<byte>(frame);
        var output = new ArrayBufferWriter<byte>();

        Assert.True(decoder.TryBegin(ref input));
        Assert.Equal(frame.Length - 16 - headers, decoder.PayloadLength);
        Assert.True(decoder.TryEnd(ref input, output));

        Assert.Equal(payload, Encoding.UTF8.GetString(output.WrittenSpan));
        Assert.True(input.IsEmpty);
    }

    [Fact]
    public void An_event_says_what_it_is()
    {
        var decoder = new EventStreamDecoder();
        Assert.Equal("""{"Records":[],"ContinuationSequenceNumber":"7"}""", Encoding.UTF8.GetString(Decode(decoder, s_event)));

        Assert.Equal(EventStreamMessageKind.Event, decoder.Message.Kind);
        Assert.Equal("SubscribeToShardEvent", Encoding.UTF8.GetString(decoder.Message.Name));
        Assert.Equal("application/x-amz-json-1.1", Encoding.UTF8.GetString(decoder.Message.ContentType));
    }

    [Fact]
    public void Exceptions_and_errors_say_what_they_are()
    {
        var decoder = new EventStreamDecoder();
        Decode(decoder, Frames.Exception("ResourceInUseException", "{}"));
        Assert.Equal(EventStreamMessageKind.Exception, decoder.Message.Kind);
        Assert.Equal("ResourceInUseException", Encoding.UTF8.GetString(decoder.Message.Name));

        Decode(decoder, Frames.Error("InternalError", "gone"));
        Assert.Equal(EventStreamMessageKind.Error, decoder.Message.Kind);
        Assert.Equal("InternalError", Encoding.UTF8.GetString(decoder.Message.Name));
        Assert.Equal("gone", Encoding.UTF8.GetString(decoder.Message.Text));
    }

    [Fact]
    public void Headers_of_every_type_are_walked_over()
    {
        byte[] headers =
        [
            .. Frames.Header("t", 0, []),
            .. Frames.Header("f", 1, []),
            .. Frames.Header("i8", 2, [0x80]),
            .. Frames.Header("i16", 3, [1, 2]),
            .. Frames.Header("i32", 4, [1, 2, 3, 4]),
            .. Frames.Header("i64", 5, [1, 2, 3, 4, 5, 6, 7, 8]),
            .. Frames.Header("bytes", 6, [0, 3, 9, 9, 9]),
            .. Frames.Header("text", 7, [0, 2, (byte)'o', (byte)'k']),
            .. Frames.Header("empty", 7, [0, 0]),
            .. Frames.Header("time", 8, new byte[8]),
            .. Frames.Header("uuid", 9, new byte[16]),
        ];
        List<string> seen = [];
        var reader = new EventStreamHeaders(headers);
        while (reader.MoveNext())
        {
            seen.Add($"{Encoding.UTF8.GetString(reader.Name)} {reader.Type} {reader.Value.Length}");
        }

        Assert.Equal(
            ["t True 0", "f False 0", "i8 Int8 1", "i16 Int16 2", "i32 Int32 4", "i64 Int64 8", "bytes Bytes 3", "text Text 2",
                "empty Text 0", "time Timestamp 8", "uuid Uuid 16"],
            seen);

        // cut short anywhere, the last header is incomplete or the rest is a shorter list, and nothing is read beyond it
        for (int length = 0; length < headers.Length; length++)
        {
            Count(headers.AsSpan(0, length).ToArray());
        }
    }

    [Theory]
    [InlineData("00", "no name")]
    [InlineData("01610A", "unknown type 10")]
    [InlineData("01610700FF41", "inside a header")]
    [InlineData("0561", "inside a header")]
    public void Malformed_headers_are_refused(string hex, string reason)
    {
        WireFormatException refusal = Assert.Throws<WireFormatException>(() => EventStreamMessage.Read(Convert.FromHexString(hex)));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("event", ":exception-type")]
    [InlineData("exception", ":event-type")]
    [InlineData("error", ":event-type")]
    [InlineData("other", ":event-type")]
    public void A_frame_that_does_not_say_what_it_is_is_refused(string messageType, string header) =>
        Assert.Throws<WireFormatException>(
            () => EventStreamMessage.Read([.. Frames.Text(":message-type", messageType), .. Frames.Text(header, "x")]));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    public void However_they_are_cut_frames_come_out_whole(int size)
    {
        byte[] all = [.. Frames.Event("initial-response", "{}"), .. s_event, .. Frames.Event("x", new string('y', 5000))];
        var decoder = new EventStreamDecoder();
        List<string> payloads = [];
        var output = new ArrayBufferWriter<byte>();
        byte[] rest = [];
        for (int at = 0; at < all.Length; at += size)
        {
            // what a pipe does: the rest of before, and what came
            byte[] seen = [.. rest, .. all.AsSpan(at, Math.Min(size, all.Length - at))];
            ReadOnlySequence<byte> input = Frames.Cut(seen, 2);
            while (decoder.IsOpen || decoder.TryBegin(ref input))
            {
                if (!decoder.TryEnd(ref input, output))
                {
                    break;
                }

                payloads.Add(Encoding.UTF8.GetString(output.WrittenSpan));
                output = new ArrayBufferWriter<byte>();
            }

            rest = input.ToArray();
        }

        Assert.Empty(rest);
        Assert.Equal(["{}", """{"Records":[],"ContinuationSequenceNumber":"7"}""", new string('y', 5000)], payloads);
    }

    [Fact]
    public void Cut_short_anywhere_a_frame_is_not_complete_and_nothing_behind_it_is_touched()
    {
        for (int length = 0; length < s_event.Length; length++)
        {
            var decoder = new EventStreamDecoder();
            var input = new ReadOnlySequence<byte>(s_event, 0, length);
            var output = new ArrayBufferWriter<byte>();
            bool begun = decoder.TryBegin(ref input);
            Assert.Equal(length >= EventStreamDecoder.PreludeLength, begun);
            Assert.False(begun && decoder.TryEnd(ref input, output), $"complete with {length} of {s_event.Length} bytes");
            Assert.Equal(begun, decoder.IsOpen);
        }

        var whole = new EventStreamDecoder();
        var more = new ReadOnlySequence<byte>([.. s_event, 1, 2, 3]);
        Assert.True(whole.TryBegin(ref more) && whole.TryEnd(ref more, new ArrayBufferWriter<byte>()));
        Assert.Equal([1, 2, 3], more.ToArray());
    }

    [Fact]
    public void Every_flipped_bit_is_noticed()
    {
        for (int bit = 0; bit < s_event.Length * 8; bit++)
        {
            byte[] flipped = [.. s_event];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<WireFormatException>(() => Decode(new EventStreamDecoder(), flipped));
        }
    }

    [Fact]
    public void Lengths_out_of_bounds_are_refused_before_anything_is_rented()
    {
        Assert.Contains("131073 bytes of headers", Refused(200_000, 131_073), StringComparison.Ordinal);
        Assert.Contains("no payload", Refused(15, 0), StringComparison.Ordinal);
        Assert.Contains("no payload", Refused(100, 90), StringComparison.Ordinal);
        Assert.Contains("no payload", Refused((64 * 1024 * 1024) + 17, 0), StringComparison.Ordinal);
        Assert.Contains("bytes of headers", Refused(uint.MaxValue, uint.MaxValue), StringComparison.Ordinal);

        var decoder = new EventStreamDecoder();
        var largest = new ReadOnlySequence<byte>(Frames.Seal(new byte[16], (64 * 1024 * 1024) + 16 + (128 * 1024), 128 * 1024));
        Assert.True(decoder.TryBegin(ref largest));
        Assert.Equal(EventStreamDecoder.LargestPayload, decoder.PayloadLength);

        static string Refused(uint total, uint headers)
        {
            var input = new ReadOnlySequence<byte>(Frames.Seal(new byte[16], total, headers));
            return Assert.Throws<WireFormatException>(() => new EventStreamDecoder().TryBegin(ref input)).Message;
        }
    }

    [Fact]
    public void Whatever_comes_it_decodes_or_throws_the_one_exception()
    {
        var random = new Random(20260801);
        for (int run = 0; run < 20_000; run++)
        {
            byte[] frame = [.. s_event];
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                frame[random.Next(frame.Length)] = (byte)random.Next(256);
            }

            if (run % 2 == 0)
            {
                // with right checksums, so that what lies behind them is reached
                Frames.Seal(frame, (uint)frame.Length, BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(4)) % 200);
            }

            var decoder = new EventStreamDecoder();
            try
            {
                Decode(decoder, frame);
                _ = decoder.Message.Kind;
            }
            catch (WireFormatException)
            {
                // as it should
            }
        }
    }

    private static byte[] Decode(EventStreamDecoder decoder, byte[] frame)
    {
        ReadOnlySequence<byte> input = Frames.Cut(frame, 5);
        var output = new ArrayBufferWriter<byte>();
        return decoder.TryBegin(ref input) && decoder.TryEnd(ref input, output)
            ? output.WrittenSpan.ToArray()
            : throw new WireFormatException("The frame is not complete.");
    }

    private static int Count(byte[] headers)
    {
        int count = 0;
        var reader = new EventStreamHeaders(headers);
        try
        {
            while (reader.MoveNext())
            {
                count++;
            }
        }
        catch (WireFormatException)
        {
            // cut inside a header
        }

        return count;
    }
}

using System.Text;
using ZstdSharp;

namespace FastConsumer.Payloads.Tests;

public sealed class CompressedDeserializerTests
{
    private static readonly CompressedTextDeserializer s_text = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16 * 1024)]
    [InlineData(3_000_000)]
    public void Gzip_zstd_and_plain_payloads_are_told_apart(int length)
    {
        string text = string.Concat(Enumerable.Range(0, (length / 8) + 1).Select(static i => $"{i:D8}"))[..length];
        byte[] plain = Encoding.UTF8.GetBytes(text);
        foreach (byte[] payload in (byte[][])[PayloadPageTests.Gzip(plain), Zstd(plain), plain])
        {
            Assert.Equal(text, s_text.Deserialize(Record(payload)));
            Assert.Equal(plain, new CompressedBytesDeserializer().Deserialize(Record(payload)).ToArray());
        }
    }

    [Fact]
    public void Frames_that_follow_each_other_are_one_payload()
    {
        Assert.Equal("onetwo", s_text.Deserialize(Record([.. PayloadPageTests.Gzip("one"u8), .. PayloadPageTests.Gzip("two"u8)])));
        Assert.Equal("onetwo", s_text.Deserialize(Record([.. Zstd("one"u8), .. Zstd("two"u8)])));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_payload_that_becomes_too_large_is_refused_before_it_is(bool isGzip)
    {
        byte[] zeros = new byte[64 * 1024 * 1024];
        byte[] bomb = isGzip ? PayloadPageTests.Gzip(zeros) : Zstd(zeros);
        Assert.InRange(bomb.Length, 1, 100_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        InvalidDataException exception = Assert.Throws<InvalidDataException>(
            () => new CompressedTextDeserializer(1024 * 1024).Deserialize(Record(bomb)));
        Assert.Contains("1048576 bytes", exception.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * 1024 * 1024);
        Assert.Throws<InvalidDataException>(() => s_text.Deserialize(Record(bomb)));
    }

    [Fact]
    public void The_bound_itself_is_allowed()
    {
        byte[] payload = new byte[1000];
        Assert.Equal(1000, new CompressedTextDeserializer(1000).Deserialize(Record(PayloadPageTests.Gzip(payload))).Length);
        Assert.Throws<InvalidDataException>(() => new CompressedTextDeserializer(999).Deserialize(Record(PayloadPageTests.Gzip(payload))));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CompressedTextDeserializer(0));
    }

    [Fact]
    public void A_zstd_frame_that_asks_for_a_huge_window_is_refused()
    {
        // magic, a header with a window of 128 MiB and without a content size, and an empty last block
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 17 << 3, 0x01, 0x00, 0x00];
        Assert.Throws<InvalidDataException>(() => s_text.Deserialize(Record(frame)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_broken_payload_is_told_as_such(bool isGzip)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 1000)));
        byte[] whole = isGzip ? PayloadPageTests.Gzip(text) : Zstd(text);
        Assert.Throws<InvalidDataException>(() => s_text.Deserialize(Record(whole[..(whole.Length / 2)])));
        byte[] spoiled = [.. whole];
        spoiled[whole.Length / 2] ^= 0xFF;
        spoiled[(whole.Length / 2) + 1] ^= 0xFF;
        Assert.ThrowsAny<Exception>(() => Assert.Equal(Encoding.UTF8.GetString(text), s_text.Deserialize(Record(spoiled))));
    }

    private static KinesisRecord Record(byte[] payload) => KinesisRecord.Create(payload, "key");

    private static byte[] Zstd(ReadOnlySpan<byte> payload)
    {
        using var compressor = new Compressor();
        return compressor.Wrap(payload).ToArray();
    }
}

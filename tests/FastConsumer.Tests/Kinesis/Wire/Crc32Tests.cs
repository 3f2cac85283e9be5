using System.Text;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis.Wire;

public sealed class Crc32Tests
{
    [Theory]
    [InlineData("", 0x00000000u)]
    [InlineData("a", 0xE8B7BE43u)]
    [InlineData("123456789", 0xCBF43926u)]
    [InlineData("The quick brown fox jumps over the lazy dog", 0x414FA339u)]
    public void Known_values(string text, uint expected) => Assert.Equal(expected, Crc32.Hash(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void It_is_gzips_checksum_at_every_length_and_start()
    {
        byte[] bytes = new byte[300];
        new Random(1).NextBytes(bytes);
        for (int start = 0; start < 20; start++)
        {
            for (int length = 0; length < 100; length++)
            {
                Assert.Equal(Frames.Checksum(bytes.AsSpan(start, length)), Crc32.Hash(bytes.AsSpan(start, length)));
            }
        }
    }

    [Fact]
    public void Parts_come_to_the_same_as_the_whole()
    {
        byte[] bytes = new byte[200];
        new Random(2).NextBytes(bytes);
        uint whole = Crc32.Hash(bytes);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Assert.Equal(whole, Crc32.Append(Crc32.Hash(bytes.AsSpan(0, cut)), bytes.AsSpan(cut)));
        }
    }
}

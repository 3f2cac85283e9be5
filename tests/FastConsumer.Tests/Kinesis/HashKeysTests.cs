using System.Buffers.Binary;
using System.Security.Cryptography;
using FastConsumer.Kinesis;

namespace FastConsumer.Tests.Kinesis;

public sealed class HashKeysTests
{
    [Fact]
    public void The_hash_key_is_the_md5_of_the_partition_key()
    {
        var random = new Random(3);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] key = new byte[i < 300 ? i : random.Next(70)];
            random.NextBytes(key);
            Assert.Equal(BinaryPrimitives.ReadUInt128BigEndian(MD5.HashData(key)), HashKeys.Of(key));
        }

        // a vector of RFC 1321
        Assert.Equal(new UInt128(0xf96b697d7cb7938d, 0x525a2f31aaf161d0), HashKeys.Of("message digest"u8));
    }
}

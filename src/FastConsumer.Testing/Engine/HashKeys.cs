using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

/// <summary>The 128-bit ring that shards divide among themselves.</summary>
internal static class HashKeys
{
    /// <summary>Where a partition key falls: its MD5, read big-endian.</summary>
    [SuppressMessage("Security", "CA5351", Justification = "Kinesis defines the hash key as MD5; nothing is protected by it.")]
    public static UInt128 Of(ReadOnlySpan<byte> partitionKeyUtf8)
    {
        Span<byte> hash = stackalloc byte[MD5.HashSizeInBytes];
        MD5.HashData(partitionKeyUtf8, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    /// <summary>Equal parts of the ring; the last one takes the remainder.</summary>
    public static IEnumerable<HashKeyRange> Divide(int count)
    {
        // floor(2^128 / count); wraps to 0 for one part, where it is not used.
        UInt128 width = unchecked(((UInt128.MaxValue - (UInt128)(count - 1)) / (UInt128)count) + 1);
        for (int i = 0; i < count; i++)
        {
            UInt128 start = unchecked(width * (UInt128)i);
            yield return new HashKeyRange(start, i == count - 1 ? UInt128.MaxValue : unchecked(start + width - 1));
        }
    }
}

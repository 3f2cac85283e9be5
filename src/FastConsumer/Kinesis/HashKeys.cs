using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace FastConsumer.Kinesis;

/// <summary>
/// The hash key of a partition key: its MD5, as a number. Keys that fit one block of MD5 are hashed here, in a fraction of the time
/// of a call into the operating system's library.
/// </summary>
internal static class HashKeys
{
    private const int BlockBytes = 64;
    private const int WordsInBlock = 16;

    /// <summary>So many bytes leave room for the padding in one block.</summary>
    private const int MostInOneBlock = BlockBytes - 1 - sizeof(ulong);

    [SuppressMessage("Security", "CA5351", Justification = "Kinesis defines the hash key as MD5; nothing is protected by it.")]
    [SkipLocalsInit]
    public static UInt128 Of(ReadOnlySpan<byte> partitionKeyUtf8)
    {
        if (partitionKeyUtf8.Length <= MostInOneBlock)
        {
            return OfOneBlock(partitionKeyUtf8);
        }

        Span<byte> hash = stackalloc byte[MD5.HashSizeInBytes];
        MD5.HashData(partitionKeyUtf8, hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    // RFC 1321, section 3.4, for a message of one block
    [SkipLocalsInit]
    private static UInt128 OfOneBlock(ReadOnlySpan<byte> key)
    {
        Span<byte> block = stackalloc byte[BlockBytes];
        block.Clear();
        key.CopyTo(block);
        block[key.Length] = 0x80;
        BinaryPrimitives.WriteUInt64LittleEndian(block[^sizeof(ulong)..], (ulong)key.Length * 8);
        Span<uint> words = stackalloc uint[WordsInBlock];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = BinaryPrimitives.ReadUInt32LittleEndian(block[(i * sizeof(uint))..]);
        }

        uint a = 0x67452301, b = 0xefcdab89, c = 0x98badcfe, d = 0x10325476;
        ReadOnlySpan<uint> sines = s_sines;
        for (int i = 0; i < 16; i += 4)
        {
            a = b + BitOperations.RotateLeft(a + (d ^ (b & (c ^ d))) + words[i] + sines[i], 7);
            d = a + BitOperations.RotateLeft(d + (c ^ (a & (b ^ c))) + words[i + 1] + sines[i + 1], 12);
            c = d + BitOperations.RotateLeft(c + (b ^ (d & (a ^ b))) + words[i + 2] + sines[i + 2], 17);
            b = c + BitOperations.RotateLeft(b + (a ^ (c & (d ^ a))) + words[i + 3] + sines[i + 3], 22);
        }

        for (int i = 16; i < 32; i += 4)
        {
            int word = (5 * i) + 1;
            a = b + BitOperations.RotateLeft(a + (c ^ (d & (b ^ c))) + words[word & 15] + sines[i], 5);
            d = a + BitOperations.RotateLeft(d + (b ^ (c & (a ^ b))) + words[(word + 5) & 15] + sines[i + 1], 9);
            c = d + BitOperations.RotateLeft(c + (a ^ (b & (d ^ a))) + words[(word + 10) & 15] + sines[i + 2], 14);
            b = c + BitOperations.RotateLeft(b + (d ^ (a & (c ^ d))) + words[(word + 15) & 15] + sines[i + 3], 20);
        }

        for (int i = 32; i < 48; i += 4)
        {
            int word = (3 * i) + 5;
            a = b + BitOperations.RotateLeft(a + (b ^ c ^ d) + words[word & 15] + sines[i], 4);
            d = a + BitOperations.RotateLeft(d + (a ^ b ^ c) + words[(word + 3) & 15] + sines[i + 1], 11);
            c = d + BitOperations.RotateLeft(c + (d ^ a ^ b) + words[(word + 6) & 15] + sines[i + 2], 16);
            b = c + BitOperations.RotateLeft(b + (c ^ d ^ a) + words[(word + 9) & 15] + sines[i + 3], 23);
        }

        for (int i = 48; i < 64; i += 4)
        {
            int word = 7 * i;
            a = b + BitOperations.RotateLeft(a + (c ^ (b | ~d)) + words[word & 15] + sines[i], 6);
            d = a + BitOperations.RotateLeft(d + (b ^ (a | ~c)) + words[(word + 7) & 15] + sines[i + 1], 10);
            c = d + BitOperations.RotateLeft(c + (a ^ (d | ~b)) + words[(word + 14) & 15] + sines[i + 2], 15);
            b = c + BitOperations.RotateLeft(b + (d ^ (c | ~a)) + words[(word + 21) & 15] + sines[i + 3], 21);
        }

        return new UInt128(Join(a + 0x67452301, b + 0xefcdab89), Join(c + 0x98badcfe, d + 0x10325476));

        static ulong Join(uint first, uint second) =>
            ((ulong)BinaryPrimitives.ReverseEndianness(first) << 32) | BinaryPrimitives.ReverseEndianness(second);
    }

    /// <summary>
    /// The whole part of 2^32 times the absolute sine of 1 to 64. An array: code that is not optimized takes 48 bytes from the heap each
    /// time that it makes a span of constants.
    /// </summary>
    private static readonly uint[] s_sines =
    [
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
        0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
        0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
        0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
        0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
        0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
        0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
        0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
    ];
}

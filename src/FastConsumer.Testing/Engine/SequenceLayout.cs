using System.Globalization;
using System.Numerics;

namespace FastConsumer.Testing.Engine;

/// <summary>
/// How a sequence number is composed. From the highest bit: version (4), the shard's creation second (36), the shard's
/// low bits (4), a counter (64), a gap (8), the record's second (36), the shard (32), version (4): 188 bits, 56 digits.
/// The creation second leads, so a child's numbers lie above those of its parents; then the counter, so numbers of a shard
/// grow whatever its clock does.
/// </summary>
internal static class SequenceLayout
{
    public const int Digits = 56;

    /// <summary>The counter in the ending sequence number of a closed shard: above every record's.</summary>
    public const ulong ClosingCounter = long.MaxValue;

    private const ulong ChunkBase = 10_000_000_000_000_000_000;
    private const ulong Version = 2;

    public static byte[] Compose(long shardSecond, int shardIndex, ulong counter, long second)
    {
        ulong time = (ulong)second & 0xF_FFFF_FFFF;
        ulong low = Version | ((ulong)(uint)shardIndex << 4) | (time << 36);
        ulong middle = (time >> 28) | (counter << 16);
        ulong high = (counter >> 48) | (((ulong)shardIndex & 0xF) << 16) | (((ulong)shardSecond & 0xF_FFFF_FFFF) << 20) | (Version << 56);

        ulong last = Divide(ref high, ref middle, ref low);
        ulong next = Divide(ref high, ref middle, ref low);
        byte[] digits = new byte[Digits];
        low.TryFormat(digits, out int written, "D18", CultureInfo.InvariantCulture);
        next.TryFormat(digits.AsSpan(written), out _, "D19", CultureInfo.InvariantCulture);
        last.TryFormat(digits.AsSpan(written + 19), out _, "D19", CultureInfo.InvariantCulture);
        return digits;
    }

    /// <summary>Takes a number apart; false where it is none of this shard.</summary>
    public static bool TryReadCounter(string digits, long shardSecond, int shardIndex, out ulong counter)
    {
        counter = 0;
        if (digits.Length > Digits || !BigInteger.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out BigInteger number))
        {
            return false;
        }

        counter = Field(number, 80, 64);
        return Field(number, 0, 4) == Version
            && Field(number, 4, 32) == (uint)shardIndex
            && Field(number, 148, 36) == (ulong)shardSecond
            && Field(number, 184, 8) == Version;
    }

    private static ulong Field(BigInteger number, int offset, int bits) => (ulong)((number >> offset) & ((BigInteger.One << bits) - 1));

    private static ulong Divide(ref ulong high, ref ulong middle, ref ulong low)
    {
        (high, ulong rest) = Math.DivRem(high, ChunkBase);
        (UInt128 quotient, UInt128 remainder) = UInt128.DivRem(new UInt128(rest, middle), ChunkBase);
        middle = (ulong)quotient;
        (quotient, remainder) = UInt128.DivRem(new UInt128((ulong)remainder, low), ChunkBase);
        low = (ulong)quotient;
        return (ulong)remainder;
    }
}

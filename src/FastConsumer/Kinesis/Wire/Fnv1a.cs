namespace FastConsumer.Kinesis.Wire;

/// <summary>The hash FNV-1a of 64 bits: the same on every machine and in every version, which workers of one application rely on.</summary>
internal static class Fnv1a
{
    /// <summary>The hash of nothing.</summary>
    public const ulong Start = 14695981039346656037;

    private const ulong Prime = 1099511628211;

    /// <summary>The hash with one more value: a byte, or a character taken as a whole.</summary>
    public static ulong Add(ulong hash, ulong value) => unchecked((hash ^ value) * Prime);

    /// <summary>Spreads what the last values have changed over all bits.</summary>
    public static ulong Mix(ulong hash)
    {
        hash = unchecked((hash ^ (hash >> 33)) * 0xff51afd7ed558ccd);
        return hash ^ (hash >> 33);
    }

    /// <summary>One of so many buckets for a partition key.</summary>
    public static int BucketOf(ReadOnlySpan<byte> key, int buckets)
    {
        ulong hash = Start;
        foreach (byte b in key)
        {
            hash = Add(hash, b);
        }

        return (int)(((Mix(hash) >> 32) * (uint)buckets) >> 32);
    }
}

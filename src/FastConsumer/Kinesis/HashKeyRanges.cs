namespace FastConsumer.Kinesis;

/// <summary>What several ranges of hash keys come to together.</summary>
internal static class HashKeyRanges
{
    /// <summary>The hash keys that none of these ranges holds.</summary>
    public static IReadOnlyList<HashKeyRange> Holes(IEnumerable<HashKeyRange> ranges)
    {
        List<HashKeyRange> holes = [];
        UInt128 next = 0;
        foreach (HashKeyRange range in ranges.OrderBy(static range => range.StartingHashKey))
        {
            if (range.StartingHashKey > next)
            {
                holes.Add(new HashKeyRange(next, range.StartingHashKey - 1));
            }

            if (range.EndingHashKey == UInt128.MaxValue)
            {
                return holes;
            }

            next = range.EndingHashKey + 1 > next ? range.EndingHashKey + 1 : next;
        }

        holes.Add(new HashKeyRange(next, UInt128.MaxValue));
        return holes;
    }
}

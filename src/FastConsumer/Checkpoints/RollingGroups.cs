using FastConsumer.State.Format;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Says which groups of a shard's state the next checkpoint writes whole. The others are what earlier checkpoints wrote, and behind it what
/// has changed. The groups take turns, the oldest first, so that what a snapshot reads and a store keeps stays a small multiple of the
/// state: a checkpoint writes about as much of them as has changed, and a 50th of the state at least.
/// </summary>
/// <param name="wholeBelow">A state whose snapshot is smaller, in bytes, is written whole each time.</param>
internal sealed class RollingGroups(long wholeBelow)
{
    /// <summary>So many are written whole at a time, so that they do not make too many ranges.</summary>
    private const int LeastGroups = HashKeyGroups.Count / SegmentLayout.MostWholeRanges;

    /// <summary>A checkpoint adds no more ranges than these: what has changed, and some groups.</summary>
    private const int MostNewRanges = 6;

    /// <summary>
    /// All groups have had their turn after so many checkpoints. Each of these adds a range of what has changed, so a manifest has these
    /// and the ranges of the groups.
    /// </summary>
    private const int MostCheckpoints = 50;

    private long _changed;
    private double _credit;

    // the credit of the checkpoint that is being written; it counts once that is stored
    private double _offered;

    /// <summary>The groups to write whole, a bit each, behind what the last checkpoint wrote.</summary>
    /// <param name="ranges">The ranges of the snapshot before.</param>
    public ulong Next(IReadOnlyList<SnapshotRange> ranges)
    {
        if (ranges.Sum(static range => (long)range.Length) < wholeBelow || ranges.Count > SegmentLayout.MostRanges - MostNewRanges)
        {
            return HashKeyGroups.All;
        }

        int[] bases = SnapshotRanges.Bases(ranges);
        double[] sizes = SizesOf(ranges, bases);
        double state = sizes.Sum();
        _offered = Math.Min(state, _credit + Math.Max(_changed, state / MostCheckpoints));
        ulong groups = 0;
        int runs = 0;
        double size = 0;
        int[] oldest = [.. Enumerable.Range(0, HashKeyGroups.Count).OrderBy(group => bases[group])];
        for (int i = 0; i < oldest.Length && runs < MostNewRanges - 1; i += LeastGroups)
        {
            ReadOnlySpan<int> next = oldest.AsSpan(i, LeastGroups);
            foreach (int group in next)
            {
                size += sizes[group];
            }

            if (size > _offered)
            {
                break;
            }

            foreach (int group in next)
            {
                groups |= 1UL << group;
            }

            runs = HashKeyGroups.Runs(groups).Count();
        }

        return groups;
    }

    /// <summary>A checkpoint was stored.</summary>
    /// <param name="isWhole">True where it has written all of the state.</param>
    /// <param name="changed">How many bytes of it are what has changed; 0 where all was written whole.</param>
    /// <param name="ranges">What it has written.</param>
    public void Wrote(bool isWhole, long changed, IReadOnlyList<SnapshotRange> ranges)
    {
        _changed = changed;
        _credit = isWhole
            ? 0
            : Math.Max(0, _offered - ranges.Where(static range => range.IsWhole).Sum(static range => (long)range.Length));
    }

    /// <summary>How many bytes each group takes, about, without what is not of use any more.</summary>
    private static double[] SizesOf(IReadOnlyList<SnapshotRange> ranges, int[] bases)
    {
        double[] sizes = new double[HashKeyGroups.Count];
        for (int i = 0; i < ranges.Count; i++)
        {
            SnapshotRange range = ranges[i];
            // those of one state are of a snapshot that was whole
            if (!range.IsWhole && range.State is null)
            {
                continue;
            }

            for (int group = range.FirstGroup; group <= range.LastGroup; group++)
            {
                if (bases[group] <= i)
                {
                    sizes[group] += (double)range.Length / (range.LastGroup - range.FirstGroup + 1);
                }
            }
        }

        return sizes;
    }
}

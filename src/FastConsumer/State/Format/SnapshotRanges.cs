namespace FastConsumer.State.Format;

/// <summary>
/// Which ranges of a manifest count for an entry. A checkpoint writes what has changed behind the ranges of the one before it, so several
/// ranges may hold an entry: the last of them says what it is, or that it was removed. A range that is whole for some groups holds all that
/// there is in them, so the earlier ones do not count for these groups any more.
/// </summary>
internal static class SnapshotRanges
{
    /// <summary>For each group, the number of the last range that is whole for it; -1 for none. Earlier ranges do not count.</summary>
    public static int[] Bases(IReadOnlyList<SnapshotRange> ranges)
    {
        int[] bases = new int[HashKeyGroups.Count];
        Array.Fill(bases, -1);
        for (int i = 0; i < ranges.Count; i++)
        {
            if (ranges[i].IsWhole)
            {
                bases.AsSpan(ranges[i].FirstGroup..(ranges[i].LastGroup + 1)).Fill(i);
            }
        }

        return bases;
    }

    /// <summary>The ranges that count for one of their groups at least, in their order.</summary>
    public static List<SnapshotRange> Live(IReadOnlyList<SnapshotRange> ranges)
    {
        int[] bases = Bases(ranges);
        return [.. ranges.Where((range, i) =>
            bases.AsSpan(range.FirstGroup..(range.LastGroup + 1)).ContainsAnyInRange(-1, i))];
    }
}

using System.Numerics;
using FastConsumer.Kinesis;

namespace FastConsumer.State.Format;

/// <summary>The equal parts of the whole range of hash keys by which a segment is written and read.</summary>
internal static class HashKeyGroups
{
    public const int Count = 64;

    /// <summary>A bit for each group.</summary>
    public const ulong All = ulong.MaxValue;

    private const int Shift = 128 - 6;

    public static int Of(UInt128 hashKey) => (int)(hashKey >> Shift);

    public static bool Contains(ulong groups, int group) => (groups >> group & 1) != 0;

    /// <summary>The groups that follow one another, as their first and last.</summary>
    public static IEnumerable<(int First, int Last)> Runs(ulong groups)
    {
        for (int first = 0; groups >> first != 0;)
        {
            first += BitOperations.TrailingZeroCount(groups >> first);
            int last = first + BitOperations.TrailingZeroCount(~(groups >> first)) - 1;
            yield return (first, last);
            if (last >= Count - 1)
            {
                yield break;
            }

            first = last + 1;
        }
    }

    /// <summary>The hash keys of some groups that follow one another.</summary>
    public static HashKeyRange HashKeysOf(int first, int last) =>
        new((UInt128)first << Shift, ((UInt128)last << Shift) | ((UInt128.One << Shift) - 1));
}

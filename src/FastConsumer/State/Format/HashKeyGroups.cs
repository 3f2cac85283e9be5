namespace FastConsumer.State.Format;

/// <summary>The equal parts of the whole range of hash keys by which a segment is written and read.</summary>
internal static class HashKeyGroups
{
    public const int Count = 64;

    private const int Shift = 128 - 6;

    public static int Of(UInt128 hashKey) => (int)(hashKey >> Shift);
}

namespace FastConsumer.State.Format;

/// <summary>Bytes of a snapshot that were written under one version of the processor's state.</summary>
/// <param name="bytes">Never changed.</param>
/// <param name="version">The version.</param>
internal sealed class StoredBytes(byte[] bytes, int version)
{
    public byte[] Bytes { get; } = bytes;

    public int Version { get; } = version;
}

/// <summary>A value as it is stored.</summary>
/// <param name="Source">Null for none.</param>
/// <param name="Offset">Where it begins.</param>
/// <param name="Length">Its length.</param>
internal readonly record struct StoredValue(StoredBytes? Source, int Offset, int Length)
{
    public ReadOnlySpan<byte> Span => Source is null ? default : Source.Bytes.AsSpan(Offset, Length);

    public int Version => Source?.Version ?? 0;
}

/// <summary>
/// What a key outside of its shard's range was when the shard was split, so that both children got it.
/// </summary>
/// <param name="Id">The split's number: the other child's has the same, and no other split's.</param>
/// <param name="Exists">False where the key was removed before, and a base below says from what.</param>
/// <param name="Value">What it was.</param>
/// <param name="Older">What that came from, by an earlier split.</param>
internal sealed record CopyBase(ulong Id, bool Exists, StoredValue Value, CopyBase? Older)
{
    /// <summary>No more are kept of one entry: the oldest go.</summary>
    public const int Most = 16;

    /// <summary>The bases of what two entries became: those that only one has are newer than what both have.</summary>
    public static CopyBase? Union(CopyBase? a, CopyBase? b)
    {
        List<CopyBase> ofA = List(a);
        List<CopyBase> ofB = List(b);
        HashSet<ulong> both = [.. ofA.Select(static one => one.Id).Intersect(ofB.Select(static one => one.Id))];
        return Chain([
            .. ofA.Where(one => !both.Contains(one.Id)), .. ofB.Where(one => !both.Contains(one.Id)),
            .. ofA.Where(one => both.Contains(one.Id))]);
    }

    /// <summary>From the newest on.</summary>
    public static List<CopyBase> List(CopyBase? bases)
    {
        List<CopyBase> list = [];
        for (; bases is not null; bases = bases.Older)
        {
            list.Add(bases);
        }

        return list;
    }

    /// <summary>The reverse of <see cref="List"/>.</summary>
    public static CopyBase? Chain(IReadOnlyList<CopyBase> list)
    {
        CopyBase? chain = null;
        for (int i = Math.Min(list.Count, Most) - 1; i >= 0; i--)
        {
            chain = list[i] with { Older = chain };
        }

        return chain;
    }
}

/// <summary>One entry of a state in a block.</summary>
internal ref struct StateEntry
{
    /// <summary>Of <see cref="Expiry"/>: never.</summary>
    public const long Never = long.MaxValue;

    /// <summary>The partition key in UTF-8.</summary>
    public ReadOnlySpan<byte> Key;
    public UInt128 HashKey;

    /// <summary>Empty where the state has none.</summary>
    public ReadOnlySpan<byte> SubKey;

    /// <summary>False where it was removed.</summary>
    public bool Exists;

    /// <summary>It is what its newest base says: it was not written since.</summary>
    public bool IsCopy;

    /// <summary>The stream time from which on it is gone, in epoch milliseconds.</summary>
    public long Expiry;
    public CopyBase? Bases;

    /// <summary>The version that the value was written under.</summary>
    public int Version;

    /// <summary>The value; empty where it does not exist.</summary>
    public ReadOnlySpan<byte> Value;

    /// <summary>The same, where it was read from a block.</summary>
    public StoredValue Stored;

    /// <summary>It was removed, and nothing of it is kept: what earlier ranges say does not count.</summary>
    public readonly bool IsRemoved => !Exists && Bases is null;
}

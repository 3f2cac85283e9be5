using FastConsumer.State.Format;

namespace FastConsumer.State;

// how entries of snapshots come in, and what becomes of two of one key
internal sealed partial class StateTable<TSub, T>
{
    public override void Load(in StateEntry entry, int parent, long streamTime)
    {
        long expiry = Ttl is null ? StateEntry.Never : entry.Expiry == StateEntry.Never ? streamTime + Ttl.Value : entry.Expiry;
        if (expiry <= streamTime)
        {
            return;
        }

        TSub sub = SubKeys.Read<TSub>(entry.SubKey);
        uint hash = KeyTable.Hash(entry.Key);
        Reserve();
        int key = _keys.Find(entry.Key, hash);
        if (key < 0)
        {
            key = _keys.Add(entry.Key.ToArray(), hash, entry.HashKey);
        }

        int found = FindEntry(key, sub);
        bool isNew = found < 0;
        ref Entry held = ref _entries[isNew ? Add(key, sub) : found];
        if (!isNew && held.Generation == ~parent)
        {
            throw new SnapshotDamagedException($"state '{Name}' holds an entry twice");
        }

        var other = new Version(entry.Exists, entry.IsCopy, entry.Stored, default, entry.Bases, expiry);
        if (!isNew)
        {
            var former = new Version(
                (held.Marks & Marks.Exists) != 0, (held.Marks & Marks.Copy) != 0, held.Stored, held.Value, held.Bases, held.Expiry);
            other = ~held.Generation < parent ? Unite(former, other, key) : Unite(other, former, key);
        }

        ForgetStored(ref held);
        held.Value = other.Value!;
        held.Stored = other.Stored;
        _stored += other.Stored.Source is null ? 0 : 1;
        held.Bases = other.Bases;
        held.Expiry = other.Expiry;
        held.Generation = ~parent;
        Mark(ref held, other.Exists, other.IsCopy);
        _writtenBytes += entry.Value.Length;
        _written++;
    }

    /// <summary>
    /// Makes one of what two shards have of one key. A copy gives way to what came from it; what both have written since they had a value
    /// in common is merged; of what never met, an original comes before a copy.
    /// </summary>
    private Version Unite(in Version a, in Version b, int key)
    {
        if (b.IsCopy && Has(a.Bases, b.Bases!.Id))
        {
            return a;
        }

        if (a.IsCopy && Has(b.Bases, a.Bases!.Id))
        {
            return b;
        }

        CopyBase? common = a.Bases;
        while (common is not null && !Has(b.Bases, common.Id))
        {
            common = common.Older;
        }

        if (common is null && (a.IsCopy || b.IsCopy))
        {
            return a.IsCopy && !b.IsCopy ? b : a;
        }

        Version united = a.Exists && b.Exists ? Merge(in a, in b, common, key) : a.Exists ? a : b;
        return united with { IsCopy = false, Bases = CopyBase.Union(a.Bases, b.Bases), Expiry = Math.Max(a.Expiry, b.Expiry) };
    }

    private Version Merge(in Version a, in Version b, CopyBase? common, int key)
    {
        byte[] name = _keys[key].Key;
        bool hasCommon = common is { Exists: true };
        T? former = hasCommon ? _codec.Read(common!.Value, name) : default;
        return _codec.TryMerge(Read(in a), Read(in b), hasCommon, former, out T merged)
            ? new Version(true, false, default, merged, null, 0)
            : throw new StateMergeException(Name, _keys[key].HashKey);

        T Read(in Version version) => version.Stored.Source is null ? version.Value! : _codec.Read(version.Stored, name);
    }

    private static bool Has(CopyBase? bases, ulong id)
    {
        for (; bases is not null; bases = bases.Older)
        {
            if (bases.Id == id)
            {
                return true;
            }
        }

        return false;
    }

    private readonly record struct Version(bool Exists, bool IsCopy, StoredValue Stored, T? Value, CopyBase? Bases, long Expiry);
}

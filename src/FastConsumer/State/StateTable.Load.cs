using FastConsumer.State.Format;

namespace FastConsumer.State;

// how entries of snapshots come in, and what becomes of two of one key
internal sealed partial class StateTable<TSub, T>
{
    // while a snapshot is loaded: entries that its ranges so far say were removed, or have expired
    private HashSet<KeptKey>? _gone;
    private HashSet<KeptKey>.AlternateLookup<SpanKey> _goneBySpan;

    public override void Load(in StateEntry entry, in LoadedRange from)
    {
        TSub sub = SubKeys.Read<TSub>(entry.SubKey);
        uint hash = KeyTable.Hash(entry.Key);
        int key = _keys.Find(entry.Key, hash);
        int found = FindEntry(key, sub);
        if (found >= 0 && _entries[found].Generation == ~from.Parent)
        {
            if (_entries[found].Changed == from.Age && !entry.IsRemoved)
            {
                throw new SnapshotDamagedException($"state '{Name}' holds an entry twice");
            }

            // a later range has it
            return;
        }

        if (_gone is not null && _goneBySpan.Contains(new SpanKey(entry.Key, hash, sub)))
        {
            return;
        }

        long expiry = Ttl is null ? StateEntry.Never : entry.Expiry == StateEntry.Never ? from.RestoredTime + Ttl.Value : entry.Expiry;
        if (entry.IsRemoved || entry.Expiry <= from.StreamTime || expiry <= from.RestoredTime)
        {
            if (_gone is null)
            {
                _gone = new HashSet<KeptKey>(KeptKey.Comparer);
                _goneBySpan = _gone.GetAlternateLookup<SpanKey>();
            }

            _goneBySpan.Add(new SpanKey(entry.Key, hash, sub));
            return;
        }

        Reserve();
        if (key < 0)
        {
            (byte[] bytes, int offset) = from.Keys.Keep(entry.Key);
            key = _keys.Add(bytes, offset, entry.Key.Length, hash, entry.HashKey);
        }

        bool isNew = found < 0;
        ref Entry held = ref _entries[isNew ? Add(key, sub) : found];
        var other = new Version(
            entry.Exists, entry.IsCopy, from.Values.Keep(in entry.Stored), default, from.Values.Keep(entry.Bases), expiry);
        if (!isNew)
        {
            var former = new Version(
                (held.Marks & Marks.Exists) != 0, (held.Marks & Marks.Copy) != 0, held.Stored, held.Value, held.Bases, held.Expiry);
            other = ~held.Generation < from.Parent ? Unite(former, other, key) : Unite(other, former, key);
        }

        ForgetStored(ref held);
        held.Value = other.Value!;
        held.Stored = other.Stored;
        _stored += other.Stored.Source is null ? 0 : 1;
        held.Bases = other.Bases;
        held.Expiry = other.Expiry;
        held.Generation = ~from.Parent;
        // what is not as it is stored has to be written
        held.Changed = isNew && expiry == entry.Expiry ? from.Age : _generation;
        held.Marks |= Marks.Stored;
        Mark(ref held, other.Exists, other.IsCopy);
        _writtenBytes += entry.Value.Length;
        _written++;
    }

    public override void EndLoading() => (_gone, _goneBySpan) = (null, default);

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
        ReadOnlyMemory<byte> name = _keys[key].KeyBytes;
        bool hasCommon = common is { Exists: true };
        T? former = hasCommon ? _codec.Read(common!.Value, name.Span) : default;
        return _codec.TryMerge(Read(in a), Read(in b), hasCommon, former, out T merged)
            ? new Version(true, false, default, merged, null, 0)
            : throw new StateMergeException(Name, _keys[key].HashKey);

        T Read(in Version version) => version.Stored.Source is null ? version.Value! : _codec.Read(version.Stored, name.Span);
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

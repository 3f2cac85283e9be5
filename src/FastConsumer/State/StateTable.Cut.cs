using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FastConsumer.State.Format;

namespace FastConsumer.State;

// what a cut reads beside the lane
internal sealed partial class StateTable<TSub, T>
{
    private const int CopiedAtOnce = 64;
    private const int LookedAtAtOnce = 1024;

    /// <summary>
    /// So many entries that were removed are noted in all stripes, or as many as there are others: a store that is down for long must not
    /// fill the memory.
    /// </summary>
    private const int MostRemoved = 64 * 1024;

    /// <summary>Between the numbers of two cuts lies a mark for what the writer has copied: <see cref="Entry.Generation"/>.</summary>
    private const int Step = 2;

    private readonly Lock _lock = new();
    private int _generation;
    private bool _isFrozen;

    // until all that was frozen is written, or given up
    private bool _isToWrite;

    // what was frozen: entries up to this one with an older generation, and by group what was written or removed since
    private int _frozenEnd;
    private long _frozenAt;
    private List<FrozenEntry>?[] _preserved = [];

    // which groups the cut writes whole, and the cut from which on an entry of the others must have changed
    private ulong _whole;
    private int _since;

    // entries that a snapshot may hold and that were removed: since the cut, and before it but in no stored cut. The lane notes them inside
    // of the gate, so the notes grow without moving; the writer of a cut puts them together
    private Chunks<KeyValuePair<KeptKey, Removed>> _removed = new();
    private int _removedCount;
    private readonly List<(Chunks<KeyValuePair<KeptKey, Removed>> Notes, int Count)> _removedBefore = [];
    private Dictionary<KeptKey, Removed>? _removedEarlier;

    // how many are in the latter two, and whether there are too many: since the cut, and before it but in no stored cut
    private int _countBefore;
    private bool _isTooMuch;
    private bool _wasTooMuch;

    // what is left to write, by group, and the bytes and number of the values that were written
    private List<int>?[] _groups = [];
    private List<KeyValuePair<KeptKey, Removed>>?[] _removals = [];
    private long _bytesInCut;
    private long _inCut;

    // bytes and number of the values that the last cut wrote, or that were restored
    private long _writtenBytes;
    private long _written;

    public override long Bytes => _keys.Bytes + ((long)_entries.Capacity * Entry.Size) + ((long)_buckets.Length * sizeof(int))
        + ((long)(_kept?.Count ?? 0) * Unsafe.SizeOf<FrozenEntry>())
        + ((RuntimeHelpers.IsReferenceOrContainsReferences<T>() ? _count : _stored) * (_writtenBytes / Math.Max(1, _written)));

    public override bool NeedsWhole => _isTooMuch || _wasTooMuch;

    public override void Freeze(long streamTime, object? cut, ulong whole)
    {
        if (_readers is null)
        {
            Freeze(streamTime, whole);
            return;
        }

        // they read beside the closed gate, for a moment each
        lock (_readers)
        {
            Freeze(streamTime, whole);
            _cut = cut ?? throw new InvalidOperationException("Invariant violated: a cut that is kept for readers says nothing of itself.");
            _kept = new Dictionary<KeptKey, FrozenEntry>(KeptKey.Comparer);
        }
    }

    public override void BeginWriting()
    {
        _groups = GroupFrozen();
        _removals = GroupRemoved();
        _bytesInCut = _inCut = 0;
    }

    public override void WriteFrozen(int group, SegmentWriter writer)
    {
        ReadOnlySpan<int> entries = CollectionsMarshal.AsSpan(_groups[group]);
        _groups[group] = null;
        if (!entries.IsEmpty)
        {
            var copies = new FrozenEntry[Math.Min(CopiedAtOnce, entries.Length)];
            while (!entries.IsEmpty)
            {
                int take = Math.Min(CopiedAtOnce, entries.Length);
                int copied = CopyFrozen(entries[..take], copies);
                entries = entries[take..];
                Write(writer, copies.AsSpan(0, copied));
            }
        }

        // no entry of the group is frozen any more, so nothing is added to this
        List<FrozenEntry>? preserved = TakePreserved(group);
        Write(writer, CollectionsMarshal.AsSpan(preserved));
        WriteRemoved(writer, _removals[group]);
        _removals[group] = null;
    }

    public override void Stored()
    {
        lock (_lock)
        {
            // what was written before the cut is in a store
            _since = _generation;
            _removedBefore.Clear();
            _removedEarlier = null;
            _countBefore = 0;
            _wasTooMuch = false;
        }
    }

    public override void Release()
    {
        _groups = [];
        _removals = [];
        if (_inCut > 0)
        {
            (_writtenBytes, _written) = (_bytesInCut, _inCut);
        }

        lock (_lock)
        {
            _preserved = [];
            _isToWrite = false;
            Volatile.Write(ref _isFrozen, _cut is not null);
        }
    }

    private void Freeze(long streamTime, ulong whole)
    {
        EndLoading();
        _generation += Step;
        _whole = whole;
        if (NeedsWhole)
        {
            if (whole != HashKeyGroups.All)
            {
                throw new InvalidOperationException($"Invariant violated: a cut of state '{Name}' that must be whole is not.");
            }

            (_isTooMuch, _wasTooMuch) = (false, true);
            _removedBefore.Clear();
            _removedEarlier = null;
        }
        else if (_removedCount > 0)
        {
            _removedBefore.Add((_removed, _removedCount));
        }

        (_removed, _removedCount) = (new Chunks<KeyValuePair<KeptKey, Removed>>(), 0);
        _countBefore = _removedEarlier?.Count ?? 0;
        foreach ((_, int count) in _removedBefore)
        {
            _countBefore += count;
        }

        _frozenEnd = _used;
        _frozenAt = streamTime;
        _preserved = [];
        _isToWrite = true;
        Volatile.Write(ref _isFrozen, true);
    }

    private void Write(SegmentWriter writer, ReadOnlySpan<FrozenEntry> frozen)
    {
        foreach (ref readonly FrozenEntry entry in frozen)
        {
            _bytesInCut += WriteEntry(writer, in entry);
            _inCut++;
        }
    }

    /// <summary>The frozen entries by group, so that they are written in its order.</summary>
    private List<int>?[] GroupFrozen()
    {
        var groups = new List<int>?[HashKeyGroups.Count];
        for (int first = 0; first < _frozenEnd; first += LookedAtAtOnce)
        {
            lock (_lock)
            {
                for (int i = first; i < Math.Min(first + LookedAtAtOnce, _frozenEnd); i++)
                {
                    ref Entry entry = ref _entries[i];
                    if (IsUntouched(in entry) && IsToWrite(in entry))
                    {
                        (groups[entry.Group] ??= []).Add(i);
                    }
                }
            }
        }

        return groups;
    }

    private int CopyFrozen(ReadOnlySpan<int> entries, FrozenEntry[] copies)
    {
        int copied = 0;
        lock (_lock)
        {
            foreach (int i in entries)
            {
                // what was written or removed since is preserved, and its place may be another entry's
                ref Entry entry = ref _entries[i];
                if (IsUntouched(in entry) && IsToWrite(in entry))
                {
                    entry.Generation = _readers is null ? _generation : _generation - 1;
                    copies[copied++] = CopyToWrite(ref entry);
                }
            }
        }

        return copied;
    }

    private List<FrozenEntry>? TakePreserved(int group)
    {
        lock (_lock)
        {
            List<FrozenEntry>? taken = _preserved.Length == 0 ? null : _preserved[group];
            if (taken is not null)
            {
                _preserved[group] = null;
            }

            return taken;
        }
    }

    /// <summary>True where nobody has written the entry since the cut, nor has the writer copied it.</summary>
    private bool IsUntouched(in Entry entry) => entry.Generation <= _generation - Step;

    /// <summary>
    /// True for what the cut writes: of a group that is written whole each value, of the others what has changed. Among these may be one
    /// that has expired, and whose earlier form an earlier range holds.
    /// </summary>
    private bool IsToWrite(in Entry entry) => HashKeyGroups.Contains(_whole, entry.Group)
        ? IsFrozenValue(in entry)
        : entry.Changed >= _since && (IsFrozenValue(in entry) || (entry.Marks & Marks.Stored) != 0);

    private bool IsFrozenValue(in Entry entry) => (entry.Marks & Marks.Used) != 0 && entry.Expiry > _frozenAt
        && ((entry.Marks & Marks.Exists) != 0 || entry.Bases is not null);

    private FrozenEntry Copy(in Entry entry)
    {
        ref KeySlot key = ref _keys[entry.Key];
        return new FrozenEntry(key.KeyBytes, key.HashKey, entry.Sub, entry.Value, entry.Stored, entry.Bases, entry.Expiry, entry.Marks);
    }

    /// <summary>The entry as the cut writes it: from now on a snapshot may hold it.</summary>
    private FrozenEntry CopyToWrite(ref Entry entry)
    {
        entry.Marks |= Marks.Stored;
        FrozenEntry copy = Copy(in entry);
        return IsFrozenValue(in entry) ? copy : copy with { Marks = Marks.Used, Bases = null, Expiry = StateEntry.Never };
    }

    /// <summary>By the lane, before it removes an entry that a snapshot may hold.</summary>
    private void NoteRemoved(in Entry entry, in KeySlot key)
    {
        if (_isTooMuch)
        {
            return;
        }

        if (_countBefore + _removedCount >= Math.Max(MostRemoved / _stripe.StripeCount, _count))
        {
            _isTooMuch = true;
            (_removed, _removedCount) = (new Chunks<KeyValuePair<KeptKey, Removed>>(), 0);
            return;
        }

        // a value that is stored as it is expires there too
        var removed = new Removed(key.HashKey, entry.Changed < Volatile.Read(ref _since) ? entry.Expiry : StateEntry.Never);
        _removed.Reserve(_removedCount);
        _removed[_removedCount++] = new KeyValuePair<KeptKey, Removed>(new KeptKey(key.KeyBytes, key.Hash, entry.Sub), removed);
    }

    /// <summary>What was removed by group, for those that are not written whole.</summary>
    private List<KeyValuePair<KeptKey, Removed>>?[] GroupRemoved()
    {
        foreach ((Chunks<KeyValuePair<KeptKey, Removed>> notes, int count) in _removedBefore)
        {
            _removedEarlier ??= new Dictionary<KeptKey, Removed>(KeptKey.Comparer);
            for (int i = 0; i < count; i++)
            {
                // what was removed twice was stored in two forms, one of which may not expire
                (KeptKey key, Removed removed) = notes[i];
                ref Removed noted = ref CollectionsMarshal.GetValueRefOrAddDefault(_removedEarlier, key, out bool isTwice);
                noted = isTwice ? removed with { Expiry = StateEntry.Never } : removed;
            }
        }

        _removedBefore.Clear();
        var groups = new List<KeyValuePair<KeptKey, Removed>>?[HashKeyGroups.Count];
        foreach (KeyValuePair<KeptKey, Removed> one in _removedEarlier ?? [])
        {
            int group = HashKeyGroups.Of(one.Value.HashKey);
            if (!HashKeyGroups.Contains(_whole, group) && one.Value.Expiry > _frozenAt)
            {
                (groups[group] ??= []).Add(one);
            }
        }

        return groups;
    }

    private static void WriteRemoved(SegmentWriter writer, List<KeyValuePair<KeptKey, Removed>>? removals)
    {
        foreach ((KeptKey key, Removed removed) in removals ?? [])
        {
            var entry = new StateEntry { Key = key.Key.Span, HashKey = removed.HashKey, Expiry = StateEntry.Never };
            if (HasSubKeys)
            {
                SubKeys.Write(key.Sub, writer.SubKey());
                entry.SubKey = writer.SubKeyWritten;
            }

            writer.Add(in entry);
        }
    }

    /// <summary>By the lane, before it writes or removes an entry: keeps what the cut has to write, and what its readers see.</summary>
    private void Preserve(ref Entry entry, bool isFrozen)
    {
        if (!isFrozen || entry.Generation == _generation)
        {
            return;
        }

        bool isUntouched = IsUntouched(in entry);
        entry.Generation = _generation;
        if (_kept is not null && IsFrozenValue(in entry))
        {
            Keep(in entry);
        }

        if (_isToWrite && isUntouched && IsToWrite(in entry))
        {
            if (_preserved.Length == 0)
            {
                _preserved = new List<FrozenEntry>?[HashKeyGroups.Count];
            }

            (_preserved[entry.Group] ??= []).Add(CopyToWrite(ref entry));
        }
    }

    /// <summary>By the lane, inside the gate.</summary>
    private bool LockIfFrozen()
    {
        if (!Volatile.Read(ref _isFrozen))
        {
            return false;
        }

        _lock.Enter();
        return true;
    }

    private void Unlock(bool isLocked)
    {
        if (isLocked)
        {
            _lock.Exit();
        }
    }

    private long WriteEntry(SegmentWriter writer, in FrozenEntry frozen)
    {
        bool exists = (frozen.Marks & Marks.Exists) != 0;
        var entry = new StateEntry
        {
            Key = frozen.Key.Span,
            HashKey = frozen.HashKey,
            Exists = exists,
            IsCopy = (frozen.Marks & Marks.Copy) != 0,
            Expiry = frozen.Expiry,
            Bases = frozen.Bases,
            Version = frozen.Stored.Source is null ? _stripe.Version : frozen.Stored.Version,
        };
        if (HasSubKeys)
        {
            SubKeys.Write(frozen.Sub, writer.SubKey());
            entry.SubKey = writer.SubKeyWritten;
        }

        if (exists && frozen.Stored.Source is null)
        {
            _codec.Write(frozen.Value, writer.Value());
            entry.Value = writer.ValueWritten;
        }
        else
        {
            entry.Value = frozen.Stored.Span;
        }

        writer.Add(in entry);
        return entry.Value.Length;
    }

    /// <summary>An entry that was removed.</summary>
    /// <param name="HashKey">Its key's.</param>
    /// <param name="Expiry">When all forms of it have expired that a snapshot may hold.</param>
    private readonly record struct Removed(UInt128 HashKey, long Expiry);

    private readonly record struct FrozenEntry(
        ReadOnlyMemory<byte> Key, UInt128 HashKey, TSub Sub, T Value, StoredValue Stored, CopyBase? Bases, long Expiry, Marks Marks);
}

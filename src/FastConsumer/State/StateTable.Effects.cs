using System.Diagnostics.CodeAnalysis;
using FastConsumer.State.Format;

namespace FastConsumer.State;

/// <summary>
/// One state of a shard: entries by partition key and sub-key. The lane reads and writes it; beside it, the writer of a cut reads it.
/// </summary>
/// <remarks>
/// The lane stages effects outside of the gate, and changes entries inside of it only: so it knows there whether a cut is being written,
/// and takes the lock then. The writer changes nothing but <see cref="Entry.Generation"/> and a mark, under the lock, so reads of the lane
/// take none.
/// </remarks>
internal sealed partial class StateTable<TSub, T> : StateTable
    where TSub : notnull
{
    /// <summary>A sweep looks at so many entries, and at twice as many as were written since the last one.</summary>
    private const int LeastSwept = 16;

    private readonly StateStripe _stripe;
    private readonly StateCodec<T> _codec;
    private Chunks<Effect> _effects = new();
    private int _effectCount;
    private long _foundIn;
    private int _key = None;
    private int _copies;
    private int _swept;
    private int _toSweep;

    public StateTable(StateStripe stripe, string name, StateKind kind, long? ttl, StateCodec<T> codec)
        : base(name, kind, ttl)
    {
        _stripe = stripe;
        _codec = codec;
        _readers = stripe.KeepsCuts ? _lock : null;
    }

    public override int Copies => _copies;

    public bool Contains(TSub sub)
    {
        int found = FindEntry(CurrentKey(), sub);
        if (found < 0)
        {
            return false;
        }

        ref Entry entry = ref _entries[found];
        return entry.Effect > 0 ? _effects[entry.Effect - 1].Exists : IsLive(in entry);
    }

    public bool TryGet(TSub sub, [MaybeNullWhen(false)] out T value)
    {
        int found = FindEntry(CurrentKey(), sub);
        if (found >= 0)
        {
            return TryGet(ref _entries[found], out value);
        }

        value = default;
        return false;
    }

    /// <summary>The value as the attempt will leave it, created where there is none. The reference is valid until it ends.</summary>
    public ref T Edit(TSub sub)
    {
        int found = FindEntry(CurrentKey(), sub);
        if (found < 0)
        {
            return ref Stage(AddStaged(sub), default!, exists: true);
        }

        ref Entry entry = ref _entries[found];
        T former = entry.Effect > 0 ? _effects[entry.Effect - 1].Value : IsLive(in entry) ? Read(in entry) : default!;
        return ref Stage(found, former, exists: true);
    }

    public void Set(TSub sub, T value)
    {
        int found = FindEntry(CurrentKey(), sub);
        if (found < 0)
        {
            found = AddStaged(sub);
        }

        Stage(found, value, exists: true);
    }

    /// <summary>False where there is nothing to remove.</summary>
    public bool Remove(TSub sub)
    {
        int found = FindEntry(CurrentKey(), sub);
        return found >= 0 && RemoveFound(found);
    }

    /// <summary>Removes all entries of the key.</summary>
    public void Clear()
    {
        for (int i = FirstEntry(); i >= 0; i = _entries[i].NextOfKey)
        {
            RemoveFound(i);
        }
    }

    /// <summary>The number of the key's entries.</summary>
    public int Count()
    {
        int key = CurrentKey();
        if (key < 0)
        {
            return 0;
        }

        int count = 0;
        if (Ttl is null)
        {
            count = _keys[key].Live;
            for (int i = 0; i < _effectCount; i++)
            {
                ref Effect effect = ref _effects[i];
                ref Entry entry = ref _entries[effect.Entry];
                // in a batch, others are of other keys
                count += entry.Key != key ? 0 : (effect.Exists ? 1 : 0) - ((entry.Marks & Marks.Exists) != 0 ? 1 : 0);
            }

            return count;
        }

        for (int i = _keys[key].First; i >= 0; i = _entries[i].NextOfKey)
        {
            ref Entry entry = ref _entries[i];
            count += (entry.Effect > 0 ? _effects[entry.Effect - 1].Exists : IsLive(in entry)) ? 1 : 0;
        }

        return count;
    }

    /// <summary>The first of the key's entries, for <see cref="TryNext"/>; negative for none.</summary>
    public int FirstEntry() => CurrentKey() is >= 0 and var key ? _keys[key].First : None;

    /// <summary>Reads on to the next entry that exists. Entries stay where they are until the attempt ends.</summary>
    public bool TryNext(ref int entry, out KeyValuePair<TSub, T> current)
    {
        while (entry >= 0)
        {
            ref Entry found = ref _entries[entry];
            entry = found.NextOfKey;
            if (TryGet(ref found, out T? value))
            {
                current = new KeyValuePair<TSub, T>(found.Sub, value);
                return true;
            }
        }

        current = default;
        return false;
    }

    /// <summary>The table, for a call of a handler.</summary>
    /// <param name="attempt">The attempt that the call belongs to.</param>
    /// <param name="place">The record's place in a batch.</param>
    /// <exception cref="InvalidOperationException">The call is over.</exception>
    public StateTable<TSub, T> Open(long attempt, int place)
    {
        _stripe.Require(attempt, place);
        return this;
    }

    public override void Apply()
    {
        bool isLocked = LockIfFrozen();
        try
        {
            for (int i = 0; i < _effectCount; i++)
            {
                ref Effect effect = ref _effects[i];
                ref Entry entry = ref _entries[effect.Entry];
                entry.Effect = 0;
                Preserve(ref entry, isLocked);
                entry.Changed = _generation;
                if (effect.Exists)
                {
                    entry.Value = effect.Value;
                    ForgetStored(ref entry);
                    entry.Expiry = Ttl is { } ttl && effect.Now <= StateEntry.Never - ttl ? effect.Now + ttl : StateEntry.Never;
                    if ((entry.Marks & ~Marks.Stored) != (Marks.Used | Marks.Exists))
                    {
                        Mark(ref entry, exists: true, isCopy: false);
                    }
                }
                else if (entry.Bases is null)
                {
                    RemoveEntry(effect.Entry);
                }
                else
                {
                    // the copy in the other child must not come back when the two are merged
                    entry.Value = default!;
                    ForgetStored(ref entry);
                    Mark(ref entry, exists: false, isCopy: false);
                }

                effect = default;
            }

            _toSweep += 2 * _effectCount;
            _effectCount = 0;
        }
        finally
        {
            Unlock(isLocked);
        }
    }

    public override void Discard()
    {
        bool isLocked = LockIfFrozen();
        try
        {
            for (int i = 0; i < _effectCount; i++)
            {
                ref Effect effect = ref _effects[i];
                ref Entry entry = ref _entries[effect.Entry];
                entry.Effect = 0;
                if ((entry.Marks & Marks.Exists) == 0 && entry.Bases is null)
                {
                    RemoveEntry(effect.Entry);
                }

                effect = default;
            }

            _effectCount = 0;
        }
        finally
        {
            Unlock(isLocked);
        }
    }

    public override void Sweep(long streamTime)
    {
        int looks = Math.Min(_toSweep + LeastSwept, _used);
        _toSweep = 0;
        if (Ttl is null || _count == 0)
        {
            return;
        }

        bool isLocked = LockIfFrozen();
        try
        {
            for (; looks > 0; looks--)
            {
                _swept = _swept + 1 < _used ? _swept + 1 : 0;
                ref Entry entry = ref _entries[_swept];
                if ((entry.Marks & Marks.Used) != 0 && entry.Expiry <= streamTime)
                {
                    Preserve(ref entry, isLocked);
                    RemoveEntry(_swept);
                }
            }
        }
        finally
        {
            Unlock(isLocked);
        }
    }

    private bool TryGet(ref Entry entry, [MaybeNullWhen(false)] out T value)
    {
        if (entry.Effect > 0)
        {
            ref Effect effect = ref _effects[entry.Effect - 1];
            value = effect.Value;
            return effect.Exists;
        }

        if (!IsLive(in entry))
        {
            value = default;
            return false;
        }

        value = Read(in entry);
        if (entry.Stored.Source is not null)
        {
            Thaw(ref entry, value);
        }

        return true;
    }

    /// <summary>The same value in another form, so a cut may write either.</summary>
    private void Thaw(ref Entry entry, T value)
    {
        _stripe.Enter();
        bool isLocked = LockIfFrozen();
        try
        {
            entry.Value = value;
            ForgetStored(ref entry);
        }
        finally
        {
            Unlock(isLocked);
            _stripe.Exit();
        }
    }

    private bool RemoveFound(int found)
    {
        ref Entry entry = ref _entries[found];
        if (entry.Effect == 0)
        {
            if (!IsLive(in entry))
            {
                return false;
            }

            Stage(found, default!, exists: false);
            return true;
        }

        bool existed = _effects[entry.Effect - 1].Exists;
        Stage(found, default!, exists: false);
        return existed;
    }

    private ref T Stage(int entry, T value, bool exists)
    {
        ref int number = ref _entries[entry].Effect;
        _stripe.HasEffects(this, isFirst: _effectCount == 0);
        if (number == 0)
        {
            _effects.Reserve(_effectCount);
            number = ++_effectCount;
        }

        ref Effect effect = ref _effects[number - 1];
        effect.Entry = entry;
        effect.Value = value;
        effect.Now = _stripe.Now;
        effect.Exists = exists;
        return ref effect.Value;
    }

    /// <summary>Adds an entry without a value, which goes again where the attempt fails.</summary>
    private int AddStaged(TSub sub)
    {
        SubKeys.ThrowIfUnfit(sub);
        Reserve();
        int key = CurrentKey();
        byte[]? name = key < 0 ? _stripe.Key.ToArray() : null;
        UInt128 hashKey = key < 0 ? _stripe.HashKey : default;
        _stripe.Enter();
        bool isLocked = LockIfFrozen();
        try
        {
            if (name is not null)
            {
                key = _keys.Add(name, 0, name.Length, _stripe.KeyHash, hashKey);
                _key = key;
            }

            return Add(key, sub);
        }
        finally
        {
            Unlock(isLocked);
            _stripe.Exit();
        }
    }

    private int CurrentKey()
    {
        long focus = _stripe.Focus;
        if (_foundIn != focus)
        {
            _foundIn = focus;
            _key = _keys.Find(_stripe.Key, _stripe.KeyHash);
        }

        return _key;
    }

    private bool IsLive(in Entry entry) => (entry.Marks & Marks.Exists) != 0 && entry.Expiry > _stripe.Now;

    private T Read(in Entry entry)
    {
        if (entry.Stored.Source is null)
        {
            return entry.Value;
        }

        try
        {
            return _codec.Read(in entry.Stored, _keys[entry.Key].Key);
        }
        catch (Exception e)
        {
            _stripe.Unreadable = e;
            throw;
        }
    }

    /// <summary>What the attempt does to an entry.</summary>
    private struct Effect
    {
        public T Value;

        /// <summary>The stream's time of the record that it belongs to.</summary>
        public long Now;
        public int Entry;
        public bool Exists;
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;
using FastConsumer.State.Format;

namespace FastConsumer.State;

// where entries lie, and how they are found
internal sealed partial class StateTable<TSub, T>
{
    private const int None = -1;

    private readonly KeyTable _keys = new();
    private Chunks<Entry> _entries = new();

    // of entries with a sub-key; a value's entry is its key's first
    private int[] _buckets = [];
    private int _used;
    private int _free = None;
    private int _count;

    // entries whose value was not touched since it was restored
    private int _stored;

    [Flags]
    private enum Marks : byte
    {
        None = 0,
        Used = 1,

        /// <summary>It has a value; else it waits for its first, or was removed and has bases.</summary>
        Exists = 2,
        Copy = 4,

        /// <summary>A snapshot may hold it, or an earlier form of it.</summary>
        Stored = 8,
    }

    private static bool HasSubKeys => typeof(TSub) != typeof(NoSubKey);

    private int FindEntry(int key, TSub sub)
    {
        if (!HasSubKeys)
        {
            return key < 0 ? None : _keys[key].First;
        }

        if (key < 0 || _buckets.Length == 0)
        {
            return None;
        }

        int i = BucketOf(key, sub);
        while (i >= 0)
        {
            ref Entry entry = ref _entries[i];
            if (entry.Key == key && EqualityComparer<TSub>.Default.Equals(entry.Sub, sub))
            {
                break;
            }

            i = entry.NextInBucket;
        }

        return i;
    }

    /// <summary>Makes room for one entry more: apart from adding it, since it takes time with their number.</summary>
    private void Reserve()
    {
        _keys.Reserve(_readers);
        if (!HasSubKeys || _count < _buckets.Length)
        {
            return;
        }

        if (_readers is null)
        {
            Grow();
            return;
        }

        lock (_readers)
        {
            Grow();
        }
    }

    private void Grow()
    {
        _buckets = new int[Math.Max(16, 2 * _buckets.Length)];
        Array.Fill(_buckets, None);
        for (int i = 0; i < _used; i++)
        {
            ref Entry entry = ref _entries[i];
            if ((entry.Marks & Marks.Used) != 0)
            {
                ref int bucket = ref BucketOf(entry.Key, entry.Sub);
                entry.NextInBucket = bucket;
                bucket = i;
            }
        }
    }

    /// <summary>Adds an entry without a value.</summary>
    private int Add(int key, TSub sub)
    {
        int added = _free;
        if (added >= 0)
        {
            _free = _entries[added].NextInBucket;
        }
        else
        {
            added = _used;
            _entries.Reserve(added);
            _used++;
        }

        ref KeySlot slot = ref _keys[key];
        ref Entry entry = ref _entries[added];
        entry = new Entry
        {
            Sub = sub,
            Key = key,
            Marks = Marks.Used,
            Group = (byte)HashKeyGroups.Of(slot.HashKey),
            Generation = _generation,
            Changed = _generation,
            Expiry = StateEntry.Never,
            NextInBucket = None,
            PreviousOfKey = None,
            NextOfKey = slot.First,
        };
        if (slot.First >= 0)
        {
            _entries[slot.First].PreviousOfKey = added;
        }

        slot.First = added;
        if (HasSubKeys)
        {
            ref int bucket = ref BucketOf(key, sub);
            entry.NextInBucket = bucket;
            bucket = added;
        }

        _count++;
        return added;
    }

    /// <summary>Removes an entry, and its key with the last one.</summary>
    private void RemoveEntry(int removed)
    {
        ref Entry entry = ref _entries[removed];
        ref KeySlot slot = ref _keys[entry.Key];
        if (HasSubKeys)
        {
            ref int link = ref BucketOf(entry.Key, entry.Sub);
            while (link != removed)
            {
                link = ref _entries[link].NextInBucket;
            }

            link = entry.NextInBucket;
        }

        if (entry.PreviousOfKey >= 0)
        {
            _entries[entry.PreviousOfKey].NextOfKey = entry.NextOfKey;
        }
        else
        {
            slot.First = entry.NextOfKey;
        }

        if (entry.NextOfKey >= 0)
        {
            _entries[entry.NextOfKey].PreviousOfKey = entry.PreviousOfKey;
        }

        if ((entry.Marks & Marks.Stored) != 0)
        {
            NoteRemoved(in entry, in slot);
        }

        ForgetStored(ref entry);
        Mark(ref entry, exists: false, isCopy: false);
        if (slot.First < 0)
        {
            _keys.Remove(entry.Key);
        }

        entry = new Entry { NextInBucket = _free };
        _free = removed;
        _count--;
    }

    private void ForgetStored(ref Entry entry)
    {
        if (entry.Stored.Source is not null)
        {
            entry.Stored = default;
            _stored--;
        }
    }

    private void Mark(ref Entry entry, bool exists, bool isCopy)
    {
        _copies += (isCopy ? 1 : 0) - ((entry.Marks & Marks.Copy) != 0 ? 1 : 0);
        _keys[entry.Key].Live += (exists ? 1 : 0) - ((entry.Marks & Marks.Exists) != 0 ? 1 : 0);
        entry.Marks = Marks.Used | (entry.Marks & Marks.Stored) | (exists ? Marks.Exists : Marks.None) | (isCopy ? Marks.Copy : Marks.None);
    }

    private ref int BucketOf(int key, TSub sub)
    {
        ulong hash = (uint)EqualityComparer<TSub>.Default.GetHashCode(sub!) | ((ulong)(uint)key << 32);
        ulong high = Math.BigMul(hash, 0x9e3779b97f4a7c15, out ulong low);
        return ref _buckets[(uint)(BitOperations.RotateLeft(low, 32) ^ high) & (uint)(_buckets.Length - 1)];
    }

    private struct Entry
    {
        public TSub Sub;

        /// <summary>The value, unless <see cref="Stored"/> has it.</summary>
        public T Value;

        /// <summary>The value as it was restored, until it is touched.</summary>
        public StoredValue Stored;
        public CopyBase? Bases;
        public long Expiry;
        public int Key;
        public int NextInBucket;
        public int NextOfKey;
        public int PreviousOfKey;

        /// <summary>
        /// The number of the newest cut that has it, or came before it: it was written since, or the writer has copied it. Where cuts are
        /// kept, that number less 1 for what the writer has copied and nobody has written since. While entries are restored: ~ the shard
        /// it came from.
        /// </summary>
        public int Generation;

        /// <summary>
        /// The number of the newest cut before its last change; below zero since it was loaded (<see cref="LoadedRange.Age"/>).
        /// </summary>
        public int Changed;

        /// <summary>The number of its effect, counted from 1; 0 for none.</summary>
        public int Effect;
        public Marks Marks;

        /// <summary>Of <see cref="HashKeyGroups"/>.</summary>
        public byte Group;

        public static int Size => Unsafe.SizeOf<Entry>();
    }
}

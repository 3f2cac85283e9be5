using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastConsumer.State;

/// <summary>One partition key of a table.</summary>
internal struct KeySlot
{
    /// <summary>Where the key's bytes lie, perhaps among those of others, which are never changed; null where the slot is free.</summary>
    public byte[] Source;
    public int Offset;
    public int Length;

    /// <summary>Its place in the shard's range, as it was when the key came.</summary>
    public UInt128 HashKey;
    public uint Hash;

    /// <summary>The next key of the bucket, or of the free ones; -1 for none.</summary>
    public int Next;

    /// <summary>The first of its entries; -1 for none.</summary>
    public int First;

    /// <summary>How many of its entries exist, expired ones included.</summary>
    public int Live;

    /// <summary>In UTF-8.</summary>
    public readonly ReadOnlySpan<byte> Key => Source.AsSpan(Offset, Length);

    /// <inheritdoc cref="Key"/>
    public readonly ReadOnlyMemory<byte> KeyBytes => Source.AsMemory(Offset, Length);
}

/// <summary>The partition keys of a table, found by their bytes. Their numbers stay until they are removed.</summary>
internal sealed class KeyTable
{
    private const ulong Multiplier = 0x9e3779b97f4a7c15;

    // keys come from strangers: which of them share a bucket must not be known to them
    private static readonly ulong s_seed = ((ulong)(uint)HashCode.Combine(1) << 32) | (uint)HashCode.Combine(2);

    private Chunks<KeySlot> _slots = new();
    private int[] _buckets = NewBuckets(16);
    private int _used;
    private int _free = -1;

    public int Count { get; private set; }

    /// <summary>The bytes of all keys.</summary>
    public long KeyBytes { get; private set; }

    /// <summary>The memory of the table itself.</summary>
    public long Bytes => ((long)_slots.Capacity * Unsafe.SizeOf<KeySlot>()) + ((long)_buckets.Length * sizeof(int)) + KeyBytes;

    public ref KeySlot this[int key] => ref _slots[key];

    public static uint Hash(ReadOnlySpan<byte> key)
    {
        ulong hash = s_seed ^ ((ulong)key.Length * Multiplier);
        while (key.Length > sizeof(ulong))
        {
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(key));
            key = key[sizeof(ulong)..];
        }

        ulong last = 0;
        if (key.Length == sizeof(ulong))
        {
            last = MemoryMarshal.Read<ulong>(key);
        }
        else if (key.Length >= sizeof(uint))
        {
            last = MemoryMarshal.Read<uint>(key) | ((ulong)MemoryMarshal.Read<uint>(key[^sizeof(uint)..]) << 32);
        }
        else
        {
            foreach (byte one in key)
            {
                last = (last << 8) | one;
            }
        }

        hash = Mix(hash ^ last);
        return (uint)(hash ^ (hash >> 32));
    }

    /// <summary>The key's number; -1 where it is not there.</summary>
    public int Find(ReadOnlySpan<byte> key, uint hash)
    {
        for (int i = _buckets[hash & (uint)(_buckets.Length - 1)]; i >= 0;)
        {
            ref KeySlot slot = ref _slots[i];
            if (slot.Hash == hash && key.SequenceEqual(slot.Key))
            {
                return i;
            }

            i = slot.Next;
        }

        return -1;
    }

    /// <summary>Makes room for one key more, which takes time with the number of keys.</summary>
    /// <param name="readers">What those hold who find keys beside the caller; null where nobody does.</param>
    public void Reserve(Lock? readers)
    {
        if (_free < 0)
        {
            _slots.Reserve(_used);
        }

        if (Count < _buckets.Length)
        {
            return;
        }

        if (readers is null)
        {
            Grow();
            return;
        }

        lock (readers)
        {
            Grow();
        }
    }

    /// <summary>Adds a key, for which there is room, and which is not there.</summary>
    /// <param name="source">The array that has the key.</param>
    /// <param name="offset">Where it begins there.</param>
    /// <param name="length">Its length.</param>
    /// <param name="hash">Its <see cref="Hash"/>.</param>
    /// <param name="hashKey">Its place in the shard's range.</param>
    public int Add(byte[] source, int offset, int length, uint hash, UInt128 hashKey)
    {
        int added = _free >= 0 ? _free : _used++;
        ref KeySlot slot = ref _slots[added];
        if (_free >= 0)
        {
            _free = slot.Next;
        }

        ref int bucket = ref BucketOf(hash);
        slot = new KeySlot
        {
            Source = source,
            Offset = offset,
            Length = length,
            HashKey = hashKey,
            Hash = hash,
            Next = bucket,
            First = -1,
        };
        bucket = added;
        Count++;
        KeyBytes += length;
        return added;
    }

    public void Remove(int key)
    {
        ref KeySlot removed = ref _slots[key];
        ref int link = ref BucketOf(removed.Hash);
        while (link != key)
        {
            link = ref _slots[link].Next;
        }

        link = removed.Next;
        KeyBytes -= removed.Length;
        Count--;
        removed = new KeySlot { Source = null!, Next = _free, First = -1 };
        _free = key;
    }

    private void Grow()
    {
        _buckets = NewBuckets(2 * _buckets.Length);
        for (int i = 0; i < _used; i++)
        {
            ref KeySlot slot = ref _slots[i];
            if (slot.Source is not null)
            {
                ref int bucket = ref BucketOf(slot.Hash);
                slot.Next = bucket;
                bucket = i;
            }
        }
    }

    private static ulong Mix(ulong value)
    {
        ulong high = Math.BigMul(value, Multiplier, out ulong low);
        return BitOperations.RotateLeft(high ^ low, 29);
    }

    private static int[] NewBuckets(int count)
    {
        int[] buckets = new int[count];
        Array.Fill(buckets, -1);
        return buckets;
    }

    private ref int BucketOf(uint hash) => ref _buckets[hash & (uint)(_buckets.Length - 1)];
}

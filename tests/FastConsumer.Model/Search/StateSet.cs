namespace FastConsumer.Model;

/// <summary>The hashes of the states that were seen: 16 bytes each, in one table with open addresses.</summary>
internal sealed class StateSet
{
    private UInt128[] _slots = new UInt128[1 << 12];
    private int _count;

    public long Bytes => _slots.LongLength * 16;

    /// <summary>Whether the hash is new.</summary>
    public bool Add(UInt128 hash)
    {
        if (hash == UInt128.Zero)
        {
            hash = UInt128.One; // zero marks a free slot
        }

        if (!TryPut(_slots, hash))
        {
            return false;
        }

        if (++_count > _slots.Length / 4 * 3)
        {
            Grow();
        }

        return true;
    }

    private void Grow()
    {
        UInt128[] slots = new UInt128[_slots.Length * 2];
        foreach (UInt128 hash in _slots)
        {
            if (hash != UInt128.Zero)
            {
                TryPut(slots, hash);
            }
        }

        _slots = slots;
    }

    private static bool TryPut(UInt128[] slots, UInt128 hash)
    {
        int mask = slots.Length - 1;
        int index = (int)(ulong)hash & mask;
        while (slots[index] != UInt128.Zero)
        {
            if (slots[index] == hash)
            {
                return false;
            }

            index = (index + 1) & mask;
        }

        slots[index] = hash;
        return true;
    }
}

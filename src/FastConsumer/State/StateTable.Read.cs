using System.Diagnostics.CodeAnalysis;
using FastConsumer.State.Format;

namespace FastConsumer.State;

// what readers on other threads see: the last cut
internal sealed partial class StateTable<TSub, T>
{
    // the table's lock where cuts are kept for readers, else null
    private readonly Lock? _readers;

    // what readers are told of the cut that they see; null before the first
    private object? _cut;

    // what that cut has of entries that were written or removed since
    private Dictionary<KeptKey, FrozenEntry>? _kept;

    /// <summary>Reads an entry as of the last cut. Any thread may call it, also beside the lane. It changes nothing.</summary>
    /// <remarks>
    /// <para>
    /// The invariant: under the lock, the entries that are older than the cut's number, together with what is kept, are exactly what the
    /// table held when the gate was closed for that cut; so an answer never holds a part of what was applied since. For that, the table
    /// stays frozen from its first cut on; the lane changes entries under the lock only, and keeps each entry of the cut before its first
    /// write or its removal; an entry that is added has the number of the cut; and the next cut takes the lock to replace all of it at
    /// once. What a bucket links changes under the lock too: the growth of a table as well as the lane's changes.
    /// </para>
    /// <para>Values are immutable, and a list's are behind one another (<see cref="ListCells{T}"/>), so they are used outside of it.</para>
    /// </remarks>
    /// <param name="key">The partition key, in UTF-8.</param>
    /// <param name="sub">The sub-key.</param>
    /// <param name="value">The value.</param>
    /// <param name="cut">What <see cref="Freeze(long, object?, ulong)"/> was told of the cut; null where there was none yet.</param>
    public bool TryReadCut(ReadOnlyMemory<byte> key, TSub sub, [MaybeNullWhen(false)] out T value, out object? cut)
    {
        uint hash = KeyTable.Hash(key.Span);
        StoredValue stored = default;
        bool isFound = false;
        value = default;
        lock (_readers ?? throw new InvalidOperationException($"Invariant violated: no cut of state '{Name}' is kept."))
        {
            cut = _cut;
            if (cut is null)
            {
                return false;
            }

            if (!_isFrozen)
            {
                throw new InvalidOperationException($"Invariant violated: state '{Name}' is not frozen, and readers see its last cut.");
            }

            int found = FindEntry(_keys.Find(key.Span, hash), sub);
            if (found >= 0 && _entries[found].Generation != _generation)
            {
                ref Entry entry = ref _entries[found];
                isFound = (entry.Marks & Marks.Exists) != 0 && IsFrozenValue(in entry);
                (value, stored) = (entry.Value, entry.Stored);
            }
            else if (_kept!.TryGetValue(new KeptKey(key, hash, sub), out FrozenEntry kept))
            {
                isFound = (kept.Marks & Marks.Exists) != 0;
                (value, stored) = (kept.Value, kept.Stored);
            }
        }

        if (isFound && stored.Source is not null)
        {
            value = _codec.Read(in stored, key.Span);
        }

        return isFound;
    }

    /// <summary>Under the lock: keeps what the cut has of an entry.</summary>
    private void Keep(in Entry entry)
    {
        ref KeySlot slot = ref _keys[entry.Key];
        if (!_kept!.TryAdd(new KeptKey(slot.KeyBytes, slot.Hash, entry.Sub), Copy(in entry)))
        {
            throw new InvalidOperationException($"Invariant violated: an entry of state '{Name}' was kept twice for one cut.");
        }
    }

    private readonly struct KeptKey(ReadOnlyMemory<byte> key, uint hash, TSub sub)
    {
        private readonly ReadOnlyMemory<byte> _key = key;
        private readonly uint _hash = hash;
        private readonly TSub _sub = sub;

        public ReadOnlyMemory<byte> Key => _key;

        public TSub Sub => _sub;

        public static IEqualityComparer<KeptKey> Comparer { get; } = new Equality();

        private sealed class Equality : IEqualityComparer<KeptKey>, IAlternateEqualityComparer<SpanKey, KeptKey>
        {
            public bool Equals(KeptKey x, KeptKey y) => x._hash == y._hash && EqualityComparer<TSub>.Default.Equals(x._sub, y._sub)
                && x._key.Span.SequenceEqual(y._key.Span);

            public int GetHashCode(KeptKey key) => HashOf(key._hash, key._sub);

            public bool Equals(SpanKey alternate, KeptKey other) => alternate.Hash == other._hash
                && EqualityComparer<TSub>.Default.Equals(alternate.Sub, other._sub) && alternate.Key.SequenceEqual(other._key.Span);

            public int GetHashCode(SpanKey alternate) => HashOf(alternate.Hash, alternate.Sub);

            public KeptKey Create(SpanKey alternate) => new(alternate.Key.ToArray(), alternate.Hash, alternate.Sub);

            private static int HashOf(uint hash, TSub sub) =>
                HasSubKeys ? HashCode.Combine(hash, EqualityComparer<TSub>.Default.GetHashCode(sub)) : (int)hash;
        }
    }

    /// <summary>The same, looked up without a copy of the key.</summary>
    private readonly ref struct SpanKey(ReadOnlySpan<byte> key, uint hash, TSub sub)
    {
        public readonly ReadOnlySpan<byte> Key = key;
        public readonly uint Hash = hash;
        public readonly TSub Sub = sub;
    }
}

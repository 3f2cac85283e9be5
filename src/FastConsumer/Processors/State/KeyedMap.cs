using System.Diagnostics.CodeAnalysis;
using FastConsumer.State;

namespace FastConsumer;

/// <summary>A map for each partition key. See <see cref="StateAttribute"/>.</summary>
/// <typeparam name="TSubKey">The keys inside the map: <see cref="string"/>, an integer type, <see cref="Guid"/> or an enum.</typeparam>
/// <typeparam name="T">The values' type: a struct without mutable references, or an immutable class.</typeparam>
public sealed class KeyedMap<TSubKey, T>
    where TSubKey : notnull
{
    private readonly StateAccess<TSubKey, T> _access;

    internal KeyedMap(StateAccess<TSubKey, T> access) => _access = access;

    /// <summary>The map of a record's partition key.</summary>
    /// <param name="context">The context of the call.</param>
    /// <exception cref="InvalidOperationException">The call is over.</exception>
    public StateMap<TSubKey, T> Of(RecordContext context) => new(_access.Of(context));

    /// <summary>The map of the partition key of one record of a batch.</summary>
    /// <param name="context">The context of the call.</param>
    /// <param name="index">The record's index in this call's batch.</param>
    /// <exception cref="InvalidOperationException">
    /// The call is over, or <see cref="BatchContext.Fail"/> has named the record.
    /// </exception>
    public StateMap<TSubKey, T> Of(BatchContext context, int index) => new(_access.Of(context, index));
}

/// <summary>
/// The map of one partition key during one call of a handler. Reads see what the call has written; that is kept when the call has
/// succeeded, and nothing of it otherwise. Not thread-safe; may cross an <c>await</c>. It may be changed while it is enumerated.
/// </summary>
/// <remarks>
/// When the call is over, each member throws <see cref="InvalidOperationException"/>. Where a stored value does not deserialize, each
/// member that reads it throws <see cref="StateUnreadableException"/>.
/// </remarks>
/// <typeparam name="TSubKey">The keys inside the map.</typeparam>
/// <typeparam name="T">The values' type.</typeparam>
public readonly struct StateMap<TSubKey, T>
    where TSubKey : notnull
{
    private readonly StateCall<TSubKey, T> _call;

    internal StateMap(StateCall<TSubKey, T> call) => _call = call;

    /// <summary>The number of entries. With a time to live it looks at each of them.</summary>
    public int Count => Table.Count();

    internal StateTable<TSubKey, T> Table => _call.Table;

    /// <summary>The value of a key inside the map.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public T this[TSubKey key]
    {
        get => Table.TryGet(key, out T? value) ? value : throw new KeyNotFoundException("The map has no entry with this key.");
        set => Table.Set(key, value);
    }

    /// <summary>True where the map has an entry.</summary>
    /// <param name="key">Its key.</param>
    public bool ContainsKey(TSubKey key) => Table.Contains(key);

    /// <summary>Reads an entry; false where there is none.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="value">Its value.</param>
    public bool TryGetValue(TSubKey key, [MaybeNullWhen(false)] out T value) => Table.TryGet(key, out value);

    /// <summary>Adds an entry; false, and nothing is changed, where there is one already.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="value">Its value; it must not be changed any more.</param>
    public bool TryAdd(TSubKey key, T value)
    {
        StateTable<TSubKey, T> table = Table;
        if (table.Contains(key))
        {
            return false;
        }

        table.Set(key, value);
        return true;
    }

    /// <summary>Adds an entry or sets its value.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="value">Its value; it must not be changed any more.</param>
    public void Set(TSubKey key, T value) => Table.Set(key, value);

    /// <summary>Removes an entry; false where there is none.</summary>
    /// <param name="key">Its key.</param>
    public bool Remove(TSubKey key) => Table.Remove(key);

    /// <summary>Removes all entries.</summary>
    public void Clear() => Table.Clear();

    /// <summary>Enumerates the entries, in no particular order. Entries that are added meanwhile may be left out.</summary>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Enumerates the entries of a map.</summary>
    public struct Enumerator
    {
        private readonly StateMap<TSubKey, T> _map;
        private int _entry;
        private KeyValuePair<TSubKey, T> _current;

        internal Enumerator(StateMap<TSubKey, T> map)
        {
            _map = map;
            _entry = map.Table.FirstEntry();
        }

        /// <summary>The entry the enumerator stands on.</summary>
        public readonly KeyValuePair<TSubKey, T> Current => _current;

        /// <summary>Goes to the next entry.</summary>
        public bool MoveNext() => _map.Table.TryNext(ref _entry, out _current);
    }
}

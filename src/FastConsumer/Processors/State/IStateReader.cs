namespace FastConsumer;

/// <summary>
/// Reads the state of shards that this process holds, as of each shard's last cut, for an endpoint of the same host. In the host's services
/// after <c>AddStateReader()</c>: as it is for the unnamed consumer, and keyed by its name for a named one. Thread-safe; waits for nothing
/// and asks neither the stream nor a store.
/// </summary>
/// <remarks>
/// <para>
/// A cut is taken at each checkpoint interval, so an answer is about that old at most, and older while a checkpoint waits for its store.
/// It never holds a part of a record's effects, nor those of an attempt that has failed. The cut need not be durable yet: after a crash the
/// shard may go on from an earlier one, handle the records behind that again and come to the same values.
/// </para>
/// <para>Values are shared with the processor: they must not be changed. Serializers of the state are called by the caller's thread.</para>
/// </remarks>
public interface IStateReader
{
    /// <summary>Reads the value that a <see cref="KeyedState{T}"/> has for a partition key.</summary>
    /// <param name="state">The state's name in <see cref="StateAttribute"/>.</param>
    /// <param name="partitionKey">The partition key.</param>
    /// <param name="reading">What there is to say.</param>
    /// <param name="processor">
    /// The class name of the processor; null where the consumer has one processor with state.
    /// </param>
    /// <param name="explicitHashKey">
    /// The explicit hash key with which the producer puts records of this key; null where it sets none, so that the partition key's own
    /// (its MD5) counts.
    /// </param>
    /// <typeparam name="T">The type of the values.</typeparam>
    /// <returns>True where there is a value; else <paramref name="reading"/> says why not.</returns>
    /// <exception cref="ArgumentException">
    /// There is no such processor or state, the processor has no state or must be named, or the types are others; the message names what
    /// there is.
    /// </exception>
    /// <exception cref="InvalidOperationException">The host has not started yet.</exception>
    /// <exception cref="StateUnreadableException">The value is stored, and does not deserialize.</exception>
    bool TryGetValue<T>(
        string state, string partitionKey, out StateReading<T> reading, string? processor = null, UInt128? explicitHashKey = null);

    /// <summary>Reads one entry of the map that a <see cref="KeyedMap{TSubKey, T}"/> has for a partition key.</summary>
    /// <param name="state">The state's name in <see cref="StateAttribute"/>.</param>
    /// <param name="partitionKey">The partition key.</param>
    /// <param name="subKey">The key inside the map.</param>
    /// <param name="reading">What there is to say.</param>
    /// <param name="processor">
    /// The class name of the processor; null where the consumer has one processor with state.
    /// </param>
    /// <param name="explicitHashKey">
    /// The explicit hash key with which the producer puts records of this key; null where it sets none, so that the partition key's own
    /// (its MD5) counts.
    /// </param>
    /// <typeparam name="TSubKey">The type of the keys inside the map.</typeparam>
    /// <typeparam name="T">The type of the values.</typeparam>
    /// <returns>True where there is such an entry; else <paramref name="reading"/> says why not.</returns>
    /// <exception cref="ArgumentException">As with <see cref="TryGetValue"/>.</exception>
    /// <exception cref="InvalidOperationException">The host has not started yet.</exception>
    /// <exception cref="StateUnreadableException">What is stored does not deserialize.</exception>
    bool TryGetEntry<TSubKey, T>(
        string state,
        string partitionKey,
        TSubKey subKey,
        out StateReading<T> reading,
        string? processor = null,
        UInt128? explicitHashKey = null)
        where TSubKey : notnull;

    /// <summary>
    /// Reads the list that a <see cref="KeyedList{T}"/> has for a partition key. What is returned is a copy; a list without values is
    /// absent.
    /// </summary>
    /// <param name="state">The state's name in <see cref="StateAttribute"/>.</param>
    /// <param name="partitionKey">The partition key.</param>
    /// <param name="reading">What there is to say.</param>
    /// <param name="processor">
    /// The class name of the processor; null where the consumer has one processor with state.
    /// </param>
    /// <param name="explicitHashKey">
    /// The explicit hash key with which the producer puts records of this key; null where it sets none, so that the partition key's own
    /// (its MD5) counts.
    /// </param>
    /// <typeparam name="T">The type of the list's values.</typeparam>
    /// <returns>True where there is such a list; else <paramref name="reading"/> says why not.</returns>
    /// <exception cref="ArgumentException">As with <see cref="TryGetValue"/>.</exception>
    /// <exception cref="InvalidOperationException">The host has not started yet.</exception>
    /// <exception cref="StateUnreadableException">What is stored does not deserialize.</exception>
    bool TryGetList<T>(
        string state,
        string partitionKey,
        out StateReading<IReadOnlyList<T>> reading,
        string? processor = null,
        UInt128? explicitHashKey = null);
}

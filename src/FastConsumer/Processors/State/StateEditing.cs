namespace FastConsumer;

/// <summary>Changes values that are structs in place.</summary>
public static class StateEditing
{
    /// <summary>
    /// The value, to be changed in place; it is created with the type's default where there is none. It counts as written. The reference
    /// is valid until the call of the handler ends.
    /// </summary>
    /// <param name="state">The value.</param>
    /// <typeparam name="T">Its type.</typeparam>
    /// <exception cref="InvalidOperationException">The call is over.</exception>
    /// <exception cref="StateUnreadableException">The stored value does not deserialize.</exception>
    public static ref T Edit<T>(this StateValue<T> state)
        where T : struct => ref state.Table.Edit(default);

    /// <summary>
    /// The value of an entry, to be changed in place; the entry is added with the type's default where there is none. It counts as
    /// written. The reference is valid until the call of the handler ends.
    /// </summary>
    /// <param name="map">The map.</param>
    /// <param name="key">The entry's key.</param>
    /// <typeparam name="TSubKey">The keys inside the map.</typeparam>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <exception cref="InvalidOperationException">The call is over.</exception>
    /// <exception cref="StateUnreadableException">The stored value does not deserialize.</exception>
    public static ref T Edit<TSubKey, T>(this StateMap<TSubKey, T> map, TSubKey key)
        where TSubKey : notnull
        where T : struct => ref map.Table.Edit(key);
}

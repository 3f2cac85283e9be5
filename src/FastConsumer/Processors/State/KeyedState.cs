using FastConsumer.State;

namespace FastConsumer;

/// <summary>A value for each partition key. See <see cref="StateAttribute"/>.</summary>
/// <typeparam name="T">The values' type: a struct without mutable references, or an immutable class.</typeparam>
public sealed class KeyedState<T>
{
    private readonly StateAccess<NoSubKey, T> _access;

    internal KeyedState(StateAccess<NoSubKey, T> access) => _access = access;

    /// <summary>The value of a record's partition key.</summary>
    /// <param name="context">The context of the call.</param>
    /// <exception cref="InvalidOperationException">The call is over.</exception>
    public StateValue<T> Of(RecordContext context) => new(_access.Of(context));

    /// <summary>The value of the partition key of one record of a batch.</summary>
    /// <param name="context">The context of the call.</param>
    /// <param name="index">The record's index in this call's batch.</param>
    /// <exception cref="InvalidOperationException">
    /// The call is over, or <see cref="BatchContext.Fail"/> has named the record.
    /// </exception>
    public StateValue<T> Of(BatchContext context, int index) => new(_access.Of(context, index));
}

/// <summary>
/// The value of one partition key during one call of a handler. Reads see what the call has written; that is kept when the call has
/// succeeded, and nothing of it otherwise. Not thread-safe; may cross an <c>await</c>.
/// </summary>
/// <remarks>
/// When the call is over, each member throws <see cref="InvalidOperationException"/>. Where the stored value does not deserialize, each
/// member that reads it throws <see cref="StateUnreadableException"/>.
/// </remarks>
/// <typeparam name="T">The value's type.</typeparam>
public readonly struct StateValue<T>
{
    private readonly StateCall<NoSubKey, T> _call;

    internal StateValue(StateCall<NoSubKey, T> call) => _call = call;

    /// <summary>True where there is a value.</summary>
    public bool Exists => Table.Contains(default);

    /// <summary>The value; the type's default where there is none.</summary>
    public T? Value => Table.TryGet(default, out T? value) ? value : default;

    internal StateTable<NoSubKey, T> Table => _call.Table;

    /// <summary>Sets the value.</summary>
    /// <param name="value">The new value; it must not be changed any more.</param>
    public void Set(T value) => Table.Set(default, value);

    /// <summary>Removes the value.</summary>
    public void Clear() => Table.Remove(default);
}

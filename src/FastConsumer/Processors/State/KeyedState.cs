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
    public StateValue<T> Of(RecordContext context) => new(this, _access.AttemptOf(context));

    internal StateTable<NoSubKey, T> Open(long attempt) => _access.Open(attempt);
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
    private readonly KeyedState<T>? _state;
    private readonly long _attempt;

    internal StateValue(KeyedState<T> state, long attempt)
    {
        _state = state;
        _attempt = attempt;
    }

    /// <summary>True where there is a value.</summary>
    public bool Exists => Table.Contains(default);

    /// <summary>The value; the type's default where there is none.</summary>
    public T? Value => Table.TryGet(default, out T? value) ? value : default;

    internal StateTable<NoSubKey, T> Table => (_state ?? throw StateErrors.NotBound()).Open(_attempt);

    /// <summary>Sets the value.</summary>
    /// <param name="value">The new value; it must not be changed any more.</param>
    public void Set(T value) => Table.Set(default, value);

    /// <summary>Removes the value.</summary>
    public void Clear() => Table.Remove(default);
}

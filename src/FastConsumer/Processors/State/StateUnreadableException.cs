namespace FastConsumer;

/// <summary>
/// A stored value of a state does not deserialize. It is thrown where a handler first touches the value. No rule of
/// <see cref="OnErrorAttribute"/> takes it, also where another exception wraps it: the shard stops in front of the record.
/// </summary>
public sealed class StateUnreadableException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="state">The state's name.</param>
    /// <param name="key">The partition key.</param>
    /// <param name="message">What is wrong, and what to do.</param>
    /// <param name="innerException">What the serializer or the migration threw.</param>
    public StateUnreadableException(string state, string key, string message, Exception? innerException = null)
        : base(message, innerException)
    {
        State = state;
        Key = key;
    }

    /// <summary>The state's name.</summary>
    public string State { get; }

    /// <summary>The partition key.</summary>
    public string Key { get; }
}

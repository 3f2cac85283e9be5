namespace FastConsumer;

/// <summary>The shard belongs to another worker now: a checkpoint was refused, and the handler's cancellation token is cancelled.</summary>
public sealed class LeaseLostException : Exception
{
    /// <summary>Creates the exception.</summary>
    public LeaseLostException(string shardId, string message, Exception? innerException = null)
        : base(message, innerException) => ShardId = shardId;

    /// <summary>The shard.</summary>
    public string ShardId { get; }
}

/// <summary>A record whose route property names no handler, in a processor without a handler for the rest.</summary>
public sealed class UnmatchedRouteException : Exception
{
    /// <summary>Creates the exception.</summary>
    public UnmatchedRouteException(string message)
        : base(message)
    {
    }
}

/// <summary>
/// Thrown by an <see cref="IDeadLetterSink"/> that can never take a letter, for example because its target does not take records of that size.
/// The letter goes to the fallback (<c>UseDeadLetterFallback</c>) if there is one, or else the shard stops; it is not tried again.
/// </summary>
public sealed class DeadLetterRefusedException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">Why the letter can never be taken.</param>
    /// <param name="innerException">What the target answered.</param>
    public DeadLetterRefusedException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

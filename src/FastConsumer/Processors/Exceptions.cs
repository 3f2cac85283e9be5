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

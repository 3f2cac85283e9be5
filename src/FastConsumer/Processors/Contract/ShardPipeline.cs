namespace FastConsumer.Processors;

/// <summary>
/// One shard's way from records to the user's methods, compiled by the source generator. Called by one caller at a time.
/// Exceptions of the user's code leave it as they are: the dispatcher decides what becomes of them.
/// </summary>
public abstract class ShardPipeline
{
    private protected ShardPipeline()
    {
    }

    /// <summary>Calls the method with <see cref="OnShardStartedAttribute"/>.</summary>
    public virtual ValueTask ShardStartedAsync(ShardContext context, CancellationToken cancellationToken) => default;

    /// <summary>Calls the method with <see cref="OnShardEndedAttribute"/>.</summary>
    public virtual ValueTask ShardEndedAsync(ShardContext context, CancellationToken cancellationToken) => default;

    /// <summary>Calls the method with <see cref="OnLeaseLostAttribute"/>.</summary>
    public virtual ValueTask LeaseLostAsync(ShardContext context, CancellationToken cancellationToken) => default;

    /// <summary>Calls the method with <see cref="OnStoppingAttribute"/>.</summary>
    public virtual ValueTask StoppingAsync(ShardContext context, CancellationToken cancellationToken) => default;
}

/// <summary>The pipeline of a processor with <see cref="OnRecordAttribute"/> methods.</summary>
public abstract class RecordPipeline : ShardPipeline
{
    /// <summary>
    /// Runs the records from the cursor on until none is left or a stop is requested: <c>MoveNext</c>, read the payload,
    /// <c>EnterHandler</c>, the user's method, <c>Complete</c>. Stays synchronous while the handlers do.
    /// </summary>
    public abstract ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken);
}

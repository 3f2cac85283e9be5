using System.ComponentModel;

namespace FastConsumer.Processors;

/// <summary>
/// One shard's way from records to the user's methods, compiled by the source generator. Called by one caller at a time.
/// Exceptions of the user's code leave it as they are: the dispatcher decides what becomes of them.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class ShardPipeline
{
    private protected ShardPipeline()
    {
    }

    /// <summary>The task that a method of the processor has returned.</summary>
    /// <param name="task">What it returned.</param>
    /// <param name="method">The method's name.</param>
    /// <exception cref="InvalidOperationException">It returned null.</exception>
    protected static Task Required(Task? task, string method) => task ?? throw new InvalidOperationException(
        $"{method} returned null instead of a task. Return Task.CompletedTask where there is nothing to wait for, or make the method "
            + "async or void.");

    /// <summary>
    /// The first rule of <see cref="OnErrorAttribute"/> that an exception fits, on the handler's method, the class, the assembly;
    /// null where the defaults decide.
    /// </summary>
    /// <param name="exception">What left the pipeline.</param>
    /// <param name="handler">The handler's number in the source; negative where none was chosen. Always 0 unless handlers have rules of
    /// their own.</param>
    public virtual ErrorRule? RuleFor(Exception exception, int handler) => null;

    /// <summary>The transactions that its handlers write with; null where none takes one.</summary>
    public virtual SinkTransactions? Transactions => null;

    /// <summary>Its states; null where it has none.</summary>
    public virtual ProcessorState? State => null;

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
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class RecordPipeline : ShardPipeline
{
    /// <summary>
    /// Runs the records from the cursor on until none is left or a stop is requested: <c>MoveNext</c>, read the payload,
    /// <c>EnterHandler</c>, the user's method, <c>Complete</c>. Stays synchronous while the handlers do.
    /// </summary>
    public abstract ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken);
}

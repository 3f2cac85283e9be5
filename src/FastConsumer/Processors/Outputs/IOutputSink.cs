namespace FastConsumer;

/// <summary>
/// A sink of an output that knows no transactions: HTTP, a queue, another stream. Each value comes at least once: after a crash, those
/// since the last checkpoint come again. Register it by <c>AddOutput&lt;T&gt;(name).To&lt;TSink&gt;()</c>.
/// </summary>
/// <remarks>
/// One instance serves all shards, so <see cref="WriteAsync"/> may be called by several at a time; one shard has one call at a time. A call
/// that throws is repeated, with a back-off and the same values, until it returns: it must write nothing twice that it can tell by
/// <see cref="Positioned{T}.Position"/> and <see cref="Positioned{T}.Number"/>. Meanwhile the shard takes no checkpoint.
/// </remarks>
/// <typeparam name="T">The values' type.</typeparam>
public interface IOutputSink<T>
{
    /// <summary>Writes values. When it has returned, they are durable where they belong.</summary>
    /// <param name="outputs">The values, those of a partition key in the order of its records; at least one.</param>
    /// <param name="cancellationToken">Ends the call: the shard is lost, or the time for a graceful stop is over.</param>
    Task WriteAsync(ReadOnlyMemory<Positioned<T>> outputs, CancellationToken cancellationToken);
}

/// <summary>
/// Writes an output with the transactions of an <see cref="IPositionStore{TTransaction}"/>. The store's row for the shard is moved in the
/// same transaction, so that each value is there exactly once, provided that handlers add the same values when records are handled again.
/// </summary>
/// <remarks>One instance serves all shards, so it may be called by several at a time, each with a transaction of its own.</remarks>
/// <typeparam name="T">The values' type.</typeparam>
/// <typeparam name="TTransaction">The store's transactions.</typeparam>
public interface IOutputWriter<T, in TTransaction>
    where TTransaction : class
{
    /// <summary>Writes values with a transaction, and does not commit it.</summary>
    /// <param name="transaction">The transaction, of this call only.</param>
    /// <param name="outputs">The values, those of a partition key in the order of its records; at least one.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task WriteAsync(TTransaction transaction, ReadOnlyMemory<Positioned<T>> outputs, CancellationToken cancellationToken);
}

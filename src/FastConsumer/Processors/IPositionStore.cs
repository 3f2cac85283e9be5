namespace FastConsumer;

/// <summary>
/// Keeps the position of each shard beside what handlers write, in a row per shard, so that both change in one transaction: a sink such as
/// a database. The row leads and the lease follows: a start reads the row. This part is for starts and for operators;
/// <see cref="IPositionStore{TTransaction}"/> adds the transactions.
/// </summary>
/// <remarks>
/// All members may be called by several callers at a time. A call that fails throws whatever the sink's driver throws; it is called again.
/// <c>PositionStoreConformance</c> in FastConsumer.Testing has the cases that every store must pass.
/// </remarks>
public interface IPositionStore
{
    /// <summary>
    /// The kind of sink, such as <c>postgresql</c>: at most 40 letters, digits and '-'. It stands in the lease rows of the shards whose
    /// position it leads.
    /// </summary>
    string Name { get; }

    /// <summary>
    /// False where the rows are gone with the process, as in memory. Rows that last need leases that last: fencing tokens that start again
    /// with the process would be refused.
    /// </summary>
    bool OutlivesProcess => true;

    /// <summary>The sink and the place in it, for logs and messages; without credentials.</summary>
    string Description { get; }

    /// <summary>Creates or checks what the rows are kept in. Called at start, before the first lease is taken.</summary>
    /// <param name="cancellationToken">Ends the call.</param>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Reads the row of a shard; null where there is none. The answer is never older than a write that was answered before.
    /// </summary>
    /// <param name="key">The shard.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<StoredPosition?> ReadAsync(PositionKey key, CancellationToken cancellationToken);

    /// <summary>Reads the rows of an application's stream: of all shards, and of all streams that had this ARN.</summary>
    /// <param name="application">The application.</param>
    /// <param name="streamArn">The stream's ARN.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<IReadOnlyDictionary<PositionKey, StoredPosition>> ListAsync(
        string application, string streamArn, CancellationToken cancellationToken);

    /// <summary>
    /// Sets the epoch of a shard's row where it is lower, and creates the row, with number 0 and without a position, where there is none.
    /// A commit of the former owner that is under way is waited for, so that the answer includes it. A transaction of its that has not come
    /// to its commit is not waited for; it cannot commit any more.
    /// </summary>
    /// <param name="key">The shard.</param>
    /// <param name="epoch">The fencing token of the lease.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The row after the call. Its epoch is higher than <paramref name="epoch"/> where nothing was changed.</returns>
    Task<StoredPosition> SetEpochAsync(PositionKey key, long epoch, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a shard's row for an operator, on the condition that it is as it was read: same epoch and number, or no row at all.
    /// </summary>
    /// <param name="key">The shard.</param>
    /// <param name="former">The row as it was read; null where there was none.</param>
    /// <param name="next">The row to write. Its number is one above the former's; 1 where there was none.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>False where the row was another, and nothing was changed.</returns>
    /// <exception cref="ArgumentException">The number of <paramref name="next"/> is not the one that follows.</exception>
    Task<bool> SetAsync(PositionKey key, StoredPosition? former, StoredPosition next, CancellationToken cancellationToken);
}

/// <summary>
/// Keeps the position of each shard in the transaction of what handlers write. A method with <see cref="OnRecordAttribute"/> or
/// <see cref="OnBatchAttribute"/> that takes a <typeparamref name="TTransaction"/> writes with it, and what it writes is there exactly
/// once: after a crash, records run again from the position that was committed with the last effects.
/// </summary>
/// <remarks>
/// A shard has one transaction at a time, begun and committed by FastConsumer. Register an implementation as a singleton in the host's
/// services, as <c>IPositionStore&lt;TTransaction&gt;</c>.
/// </remarks>
/// <typeparam name="TTransaction">What handlers take, such as <c>NpgsqlTransaction</c>.</typeparam>
public interface IPositionStore<TTransaction> : IPositionStore
    where TTransaction : class
{
    /// <summary>
    /// The most values of outputs that one transaction takes, at least 1. A sink such as DynamoDB limits transactions. The call that adds
    /// more for one record, or for one batch, throws.
    /// </summary>
    int MaxOutputs => int.MaxValue;

    /// <summary>Begins a transaction. <see cref="EndAsync"/> follows in any case.</summary>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<TTransaction> BeginAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Writes the position into the transaction, on the condition that the row still has the epoch and number of
    /// <paramref name="former"/>, and commits. The row then has number <c>former.Number + 1</c>.
    /// </summary>
    /// <remarks>
    /// It must not commit before it knows that the condition held. Where it throws, the transaction may have been committed or may still
    /// be: the row is read before the next one.
    /// </remarks>
    /// <param name="transaction">The transaction.</param>
    /// <param name="key">The shard.</param>
    /// <param name="former">The row as this owner left it.</param>
    /// <param name="position">Everything up to this record is done.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>False where the condition did not hold; then nothing was committed, and nothing will be.</returns>
    Task<bool> CommitAsync(
        TTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken);

    /// <summary>
    /// Writes a whole row into the transaction, on the condition that the row still has the epoch and number of <paramref name="former"/>,
    /// and commits. It is called for the outputs of processors with state; what
    /// <see cref="CommitAsync(TTransaction, PositionKey, StoredPosition, CheckpointPosition, CancellationToken)"/> says holds here too.
    /// </summary>
    /// <remarks>A store that does not implement it serves handlers that take transactions, and no outputs.</remarks>
    /// <param name="transaction">The transaction.</param>
    /// <param name="key">The shard.</param>
    /// <param name="former">The row as this owner left it.</param>
    /// <param name="next">The row to write: with the epoch of <paramref name="former"/> and the number that follows.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>False where the condition did not hold; then nothing was committed, and nothing will be.</returns>
    /// <exception cref="NotSupportedException">The store does not implement it.</exception>
    /// <exception cref="RejectedOutputException">
    /// The sink refuses a value for good. The index counts all values that were written with the transaction, in their order.
    /// </exception>
    Task<bool> CommitAsync(
        TTransaction transaction, PositionKey key, StoredPosition former, StoredPosition next, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"{Description} keeps no rows for outputs: its position store does not implement "
            + "CommitAsync with a row. Implement it, or bind the output to another sink.");

    /// <summary>
    /// Releases a transaction, and rolls it back where it was not committed. Called once for each that was begun, also after a commit.
    /// </summary>
    /// <remarks>From then on a handler that was given up, and still has the transaction, must not be able to write by it.</remarks>
    /// <param name="transaction">The transaction.</param>
    ValueTask EndAsync(TTransaction transaction);
}

/// <summary>Names the row of one shard in a <see cref="IPositionStore"/>.</summary>
/// <param name="Application">The application: that of the lease table.</param>
/// <param name="StreamArn">The stream's ARN.</param>
/// <param name="StreamCreated">When the stream was created: a stream made again has other records under the same name. In UTC, in whole
/// seconds.</param>
/// <param name="ShardId">The shard.</param>
public sealed record PositionKey(string Application, string StreamArn, DateTimeOffset StreamCreated, string ShardId)
{
    /// <summary>The time of a stream's creation as keys have it: protocols tell it with different precision.</summary>
    /// <param name="time">The time as the service says it.</param>
    public static DateTimeOffset CreatedOf(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());
}

/// <summary>The row of one shard in a <see cref="IPositionStore"/>.</summary>
/// <param name="Epoch">The fencing token of the owner that took it last. An owner with a lower one cannot commit.</param>
/// <param name="Number">Grows by 1 with each commit, so that of a commit and its repetition only one succeeds.</param>
/// <param name="Position">Everything up to this record is done; null where nothing was committed yet, and the lease says where to start.
/// </param>
public sealed record StoredPosition(long Epoch, long Number, CheckpointPosition? Position)
{
    /// <summary>
    /// The records behind the position that are done too, for outputs of processors with state; null for none. A store keeps the text as it
    /// is.
    /// </summary>
    public string? Runs { get; init; }

    /// <summary>
    /// The life of the lease table in which the row was written, for outputs of processors with state; else null. A store keeps the text as
    /// it is.
    /// </summary>
    public string? Lineage { get; init; }
}

using System.ComponentModel;

namespace FastConsumer.Processors;

/// <summary>
/// One shard's position in the sink that its handlers write to, while this worker has the shard. One caller at a time, but for
/// <see cref="Position"/>.
/// </summary>
/// <remarks>
/// What must hold: positions only grow; a transaction begins only while it is known what the one before it came to; and of two owners, or
/// of a commit and its repetition, the sink's row lets one through, by epoch and number.
/// </remarks>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class SinkTransactions
{
    private readonly IPositionStore _store;

    private protected SinkTransactions(IPositionStore store)
    {
        _store = store;
        SinkRow = new SinkRow(store);
    }

    /// <summary>The store.</summary>
    internal IPositionStore Store => _store;

    /// <summary>What is committed; null for nothing yet. Any thread may ask.</summary>
    internal CheckpointPosition? Position => SinkRow.Known?.Position;

    /// <summary>The row of the shard.</summary>
    private protected SinkRow SinkRow { get; }

    private protected PositionKey Key => SinkRow.Key;

    private protected StoredPosition Row => SinkRow.Now;

    /// <summary>
    /// Makes the sink's row this owner's, so that former owners cannot commit any more, and compares it with the lease.
    /// </summary>
    /// <param name="key">The shard.</param>
    /// <param name="epoch">The fencing token.</param>
    /// <param name="lease">The lease's checkpoint, which follows the sink's row.</param>
    /// <param name="isLedBySink">True where the lease says that a sink leads its position.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="SinkPositionException">The row and the lease do not fit each other.</exception>
    internal async ValueTask TakeAsync(
        PositionKey key, long epoch, CheckpointPosition lease, bool isLedBySink, CancellationToken cancellationToken)
    {
        StoredPosition row = await _store.SetEpochAsync(key, epoch, cancellationToken);
        SinkRow.ThrowIfTakenByAnother(key.ShardId, row, epoch);
        if (row.Position is not { } position)
        {
            if (isLedBySink)
            {
                throw new SinkPositionException(
                    $"The lease of shard {key.ShardId} says that its position is kept in {_store.Description}, and there is none. Was the "
                        + "sink emptied, or is it another one? Connect the sink that has the positions, or go on from the lease: "
                        + $"'fastconsumer position adopt --shard {key.ShardId} --from lease'.");
            }
        }
        else if (lease.Kind == CheckpointKind.Record && lease > position)
        {
            throw new SinkPositionException(
                $"The lease of shard {key.ShardId} stands at {lease}, ahead of {position} in {_store.Description}, although it only "
                    + "follows. Another program has moved the lease, or the sink has lost what was committed. Say which of them holds: "
                    + $"'fastconsumer position adopt --shard {key.ShardId} --from lease' leaves out what lies between, '--from sink' "
                    + "handles it (again).");
        }

        SinkRow.Take(key, row);
    }

    /// <summary>Moves the position past records that nothing was written for, in a transaction of its own.</summary>
    /// <param name="position">Everything up to it is done.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    internal async ValueTask MoveAsync(CheckpointPosition position, CancellationToken cancellationToken)
    {
        await SinkRow.SettleAsync(cancellationToken);
        if (Row.Position is not { } committed || position > committed)
        {
            await MoveInOwnAsync(position, cancellationToken);
        }
    }

    /// <summary>
    /// True where the position is committed although the call that led to it has failed: nobody has answered its commit, or what came after
    /// that has failed.
    /// </summary>
    /// <param name="position">Where the call led to.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    internal async ValueTask<bool> HasAsync(CheckpointPosition position, CancellationToken cancellationToken)
    {
        await SinkRow.SettleAsync(cancellationToken);
        return Row.Position >= position;
    }

    /// <summary>True while it is not known what the last commit came to.</summary>
    internal bool IsInDoubt => SinkRow.IsInDoubt;

    private protected abstract ValueTask MoveInOwnAsync(CheckpointPosition position, CancellationToken cancellationToken);

    /// <summary>
    /// What must be known before a transaction begins: what the one before it came to. True where this very position is committed.
    /// </summary>
    private protected async ValueTask<bool> IsCommittedAsync(CheckpointPosition position, CancellationToken cancellationToken)
    {
        await SinkRow.SettleAsync(cancellationToken);
        if (Row.Position is { } committed && position < committed)
        {
            throw new InvalidOperationException(
                $"Invariant violated: record {position} of shard {Key.ShardId} was to be handled, and {_store.Description} is at "
                    + $"{committed}.");
        }

        return Row.Position == position;
    }
}

/// <summary>The transactions of one shard, which the source generator calls for.</summary>
/// <typeparam name="TTransaction">What handlers take.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class SinkTransactions<TTransaction> : SinkTransactions
    where TTransaction : class
{
    private readonly IPositionStore<TTransaction> _store;
    private TTransaction? _current;
    private CheckpointPosition _position;

    /// <summary>Creates the transactions of one shard.</summary>
    /// <param name="store">Where its position is kept, as the host's services have it.</param>
    /// <exception cref="InvalidOperationException">No store is registered.</exception>
    public SinkTransactions(IPositionStore<TTransaction>? store)
        : base(store ?? throw NotRegistered()) => _store = store;

    /// <summary>The transaction of the call that runs.</summary>
    public TTransaction Current =>
        _current ?? throw new InvalidOperationException("No transaction is open: it ends with the handler's call.");

    /// <summary>Begins the transaction of the record that the cursor stands on.</summary>
    /// <returns>False where the record's transaction was committed before, without an answer: the record is done.</returns>
    public ValueTask<bool> BeginAsync(RecordCursor cursor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(cursor);
        return BeginAsync(cursor.Page!.PositionOf(cursor.Index), cancellationToken);
    }

    /// <summary>Begins the transaction of the batch that was collected.</summary>
    /// <returns>False where the batch's transaction was committed before, without an answer: the batch is done.</returns>
    public ValueTask<bool> BeginAsync(BatchPipeline batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return BeginAsync(batch.EndPosition, cancellationToken);
    }

    /// <summary>The handler has returned: commits what it wrote, with the position.</summary>
    public async ValueTask CommitAsync(CancellationToken cancellationToken)
    {
        TTransaction transaction = Current;
        StoredPosition next = Row with { Number = Row.Number + 1, Position = _position, Runs = null };
        await SinkRow.CommitAsync(
            next, token => _store.CommitAsync(transaction, Key, Row, _position, token), cancellationToken);
    }

    /// <summary>Releases the transaction, and rolls it back where it was not committed.</summary>
    public ValueTask EndAsync()
    {
        TTransaction? ended = _current;
        _current = null;
        return ended is null ? default : _store.EndAsync(ended);
    }

    private protected override async ValueTask MoveInOwnAsync(CheckpointPosition position, CancellationToken cancellationToken)
    {
        try
        {
            await BeginAsync(position, cancellationToken);
            await CommitAsync(cancellationToken);
        }
        finally
        {
            await EndAsync();
        }
    }

    private async ValueTask<bool> BeginAsync(CheckpointPosition position, CancellationToken cancellationToken)
    {
        if (await IsCommittedAsync(position, cancellationToken))
        {
            return false;
        }

        _position = position;
        _current = await _store.BeginAsync(cancellationToken);
        return true;
    }

    private static InvalidOperationException NotRegistered() => new(
        $"A handler takes a {typeof(TTransaction).Name}, and no IPositionStore<{typeof(TTransaction).Name}> is registered. Add one to the "
            + "host's services, such as .UsePostgreSqlPositions(...) of FastConsumer.PostgreSql for NpgsqlTransaction.");
}

namespace FastConsumer.Testing.Positions;

/// <summary>
/// A store of positions on an <see cref="InMemoryPositionDatabase"/>, with the conditions of a real one and none of its faults. Its members
/// are virtual: derive from it to let calls fail or last. It has no thread and no clock of its own. Thread-safe.
/// </summary>
/// <remarks>
/// A commit happens at one instant, so there are no locks to wait for. A COMMIT that is held up is played by a derived store whose
/// <c>CommitAsync</c> throws, and calls this one later.
/// </remarks>
public class InMemoryPositionStore : IPositionStore<InMemoryTransaction>
{
    private readonly InMemoryPositionDatabase _database;

    /// <summary>A store on a database; stores on the same one share its rows.</summary>
    /// <param name="database">Where the positions are; null for one of the store's own.</param>
    public InMemoryPositionStore(InMemoryPositionDatabase? database = null) => _database = database ?? new InMemoryPositionDatabase();

    /// <summary><c>in-memory</c>.</summary>
    public virtual string Name => "in-memory";

    /// <summary>False: the database is gone with the process.</summary>
    public virtual bool OutlivesProcess => false;

    /// <inheritdoc/>
    public virtual string Description => "in-memory positions";

    /// <inheritdoc/>
    public virtual int MaxOutputs => int.MaxValue;

    /// <inheritdoc/>
    public virtual Task PrepareAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public virtual Task<StoredPosition?> ReadAsync(PositionKey key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(_database.Get(key));
    }

    /// <inheritdoc/>
    public virtual Task<IReadOnlyDictionary<PositionKey, StoredPosition>> ListAsync(
        string application, string streamArn, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(application);
        ArgumentNullException.ThrowIfNull(streamArn);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<IReadOnlyDictionary<PositionKey, StoredPosition>>(_database.Snapshot()
            .Where(row => row.Key.Application == application && row.Key.StreamArn == streamArn)
            .ToDictionary());
    }

    /// <inheritdoc/>
    public virtual Task<StoredPosition> SetEpochAsync(PositionKey key, long epoch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(_database.Change(key, row => row switch
        {
            null => new StoredPosition(epoch, 0, null),
            _ when row.Epoch < epoch => row with { Epoch = epoch },
            _ => row,
        })!);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The number of <paramref name="next"/> is not the one that follows.</exception>
    public virtual Task<bool> SetAsync(
        PositionKey key, StoredPosition? former, StoredPosition next, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(next);
        long number = (former?.Number ?? 0) + 1;
        if (next.Number != number)
        {
            throw new ArgumentException(
                $"Number {next.Number} does not follow {(former is null ? "no row" : $"{former.Number}")}: give {number}.", nameof(next));
        }

        cancellationToken.ThrowIfCancellationRequested();
        bool isSame = false;
        _database.Change(key, row =>
        {
            isSame = row is null ? former is null : Fits(row, former);
            return isSame ? next : row;
        });
        return Task.FromResult(isSame);
    }

    /// <inheritdoc/>
    public virtual Task<InMemoryTransaction> BeginAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(new InMemoryTransaction(this));
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The transaction was committed or ended before.</exception>
    public virtual Task<bool> CommitAsync(
        InMemoryTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(former);
        return CommitRowAsync(
            transaction,
            key,
            former,
            former with { Number = former.Number + 1, Position = position, Runs = null },
            cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The transaction was committed or ended before.</exception>
    public virtual Task<bool> CommitAsync(
        InMemoryTransaction transaction,
        PositionKey key,
        StoredPosition former,
        StoredPosition next,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(former);
        ArgumentNullException.ThrowIfNull(next);
        return CommitRowAsync(transaction, key, former, next, cancellationToken);
    }

    private Task<bool> CommitRowAsync(
        InMemoryTransaction transaction,
        PositionKey key,
        StoredPosition former,
        StoredPosition next,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        RequireOwn(transaction);
        transaction.RequireOpen();
        cancellationToken.ThrowIfCancellationRequested();
        bool isSame = false;
        _database.Change(key, row =>
        {
            isSame = Fits(row, former);
            if (!isSame)
            {
                return row;
            }

            transaction.Apply();
            return row! with { Number = row.Number + 1, Position = next.Position, Runs = next.Runs, Lineage = next.Lineage };
        });
        return Task.FromResult(isSame);
    }

    /// <inheritdoc/>
    public virtual ValueTask EndAsync(InMemoryTransaction transaction)
    {
        RequireOwn(transaction);
        transaction.End();
        return ValueTask.CompletedTask;
    }

    private static bool Fits(StoredPosition? row, StoredPosition? former) =>
        row is not null && former is not null && row.Epoch == former.Epoch && row.Number == former.Number;

    private void RequireOwn(InMemoryTransaction transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        if (transaction.Store != this)
        {
            throw new ArgumentException("The transaction was begun by another store: commit and end it there.", nameof(transaction));
        }
    }
}

using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>
/// A lease store on an <see cref="InMemoryLeaseDatabase"/>, with the conditions of a real one and none of its faults. The
/// leases belong to the database: they outlive the store. Thread-safe.
/// </summary>
public sealed class InMemoryLeaseStore : ILeaseStore
{
    private readonly InMemoryLeaseDatabase _database;
    private readonly string _tableName;

    /// <summary>Opens a table of a database; stores that name the same table of the same database share its leases.</summary>
    /// <param name="database">Where the leases are.</param>
    /// <param name="tableName">The table: the application's name.</param>
    public InMemoryLeaseStore(InMemoryLeaseDatabase database, string tableName)
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentException.ThrowIfNullOrEmpty(tableName);
        _database = database;
        _tableName = tableName;
    }

    /// <inheritdoc/>
    public string Description => $"in-memory lease table '{_tableName}'";

    private InMemoryLeaseTable Table => _database.GetTable(_tableName);

    /// <summary>Creates the table where it is missing; the other operations do so too.</summary>
    public Task PrepareAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _ = Table;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.List());
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Lease>> GetManyAsync(
        IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leaseKeys);
        cancellationToken.ThrowIfCancellationRequested();
        IReadOnlyList<Lease> found = [.. leaseKeys.Distinct(StringComparer.Ordinal).Select(Table.Get).OfType<Lease>()];
        return Task.FromResult(found);
    }

    /// <inheritdoc/>
    public Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lease);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Create(lease));
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
    {
        LeaseWrite.ThrowIfInvalid(writes);
        cancellationToken.ThrowIfCancellationRequested();
        IReadOnlyList<LeaseWrite.Result> results = [.. writes.Select(Table.Write)];
        return Task.FromResult(results);
    }

    /// <inheritdoc/>
    public Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Delete(observed));
    }

    /// <summary>Does nothing: the leases belong to the database.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

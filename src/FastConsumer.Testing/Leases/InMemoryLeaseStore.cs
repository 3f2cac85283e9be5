using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>
/// A lease store on an <see cref="InMemoryLeaseDatabase"/>, with the conditions of a real one and none of its faults, but that it
/// throttles where the database says so (<see cref="InMemoryLeaseDatabase.WriteUnitsPerSecond"/>). The leases belong to the database: they
/// outlive the store. Thread-safe.
/// </summary>
public sealed class InMemoryLeaseStore : ILeaseStore, IMeteredLeaseStore
{
    private const double BytesOfReadUnit = 4096;

    private readonly LeaseTableMeter _meter = new();
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

    /// <inheritdoc/>
    LeaseTableUse IMeteredLeaseStore.Use => _meter.Use;

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
        IReadOnlyList<Lease> leases = Table.List();
        bool isStrong = consistency == ReadConsistency.Strong;
        double units = Math.Max(1, Math.Ceiling(leases.Sum(WriteUnits.SizeOf) / BytesOfReadUnit));
        _meter.Read(isStrong ? units : units / 2, leases.Count, isStrong);
        return Task.FromResult(leases);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Lease>> GetManyAsync(
        IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leaseKeys);
        cancellationToken.ThrowIfCancellationRequested();
        IReadOnlyList<Lease> found = [.. leaseKeys.Distinct(StringComparer.Ordinal).Select(Table.Get).OfType<Lease>()];
        _meter.Read(units: null, leaseKeys.Count, consistency == ReadConsistency.Strong);
        return Task.FromResult(found);
    }

    /// <inheritdoc/>
    public Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lease);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Create(lease, _meter));
    }

    /// <inheritdoc/>
    public Task<LeaseWrite.Result> CreateWhileThereAsync(
        Lease lease, IReadOnlyList<string> whileThere, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentNullException.ThrowIfNull(whileThere);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Create(lease, _meter, whileThere));
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
    {
        LeaseWrite.ThrowIfInvalid(writes);
        cancellationToken.ThrowIfCancellationRequested();
        IReadOnlyList<LeaseWrite.Result> results = [.. writes.Select(write => Table.Write(write, _meter))];
        return Task.FromResult(results);
    }

    /// <inheritdoc/>
    public Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Delete(observed, _meter));
    }

    /// <inheritdoc/>
    Task<LeaseTableLimits> IMeteredLeaseStore.DescribeThroughputAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(new LeaseTableLimits(_database.WriteUnitsPerSecond, ReadUnits: null));
    }

    /// <summary>Does nothing: the leases belong to the database.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

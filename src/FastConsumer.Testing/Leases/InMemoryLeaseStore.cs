using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>
/// A lease store on an <see cref="InMemoryLeaseDatabase"/>, with the conditions of a real one and none of its faults. The
/// leases belong to the database: they outlive the store. Thread-safe.
/// </summary>
public sealed class InMemoryLeaseStore : ILeaseStore
{
    private static long s_opened;

    private readonly string _session = $"store {Interlocked.Increment(ref s_opened)}";
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
    public Task<IReadOnlyList<Lease>> GetManyAsync(IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leaseKeys);
        cancellationToken.ThrowIfCancellationRequested();
        IReadOnlyList<Lease> found = [.. leaseKeys.Distinct(StringComparer.Ordinal).Select(Table.Get).OfType<Lease>()];
        return Task.FromResult(found);
    }

    /// <inheritdoc/>
    public Task<Lease?> GetAsync(string leaseKey, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Get(leaseKey));
    }

    /// <inheritdoc/>
    public Task<bool> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(lease);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Create(lease));
    }

    /// <inheritdoc/>
    public Task<LeaseWriteResult> TakeAsync(Lease observed, string owner, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        ArgumentException.ThrowIfNullOrEmpty(owner);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Take(observed, owner, _session));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A lease of <paramref name="updates"/> has no owner, or is there twice.</exception>
    public Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(updates);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        foreach (LeaseUpdate update in updates)
        {
            RequireOwner(update.Held, nameof(updates));
            if (!keys.Add(update.Held.LeaseKey))
            {
                throw new ArgumentException($"There are two updates of lease '{update.Held.LeaseKey}': one write per lease at a time.", nameof(updates));
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        IReadOnlyList<LeaseWriteResult> results = [.. updates.Select(Table.Update)];
        return Task.FromResult(results);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException"><paramref name="held"/> has no owner.</exception>
    public Task<LeaseWriteResult> ReleaseAsync(Lease held, string? successor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(held);
        RequireOwner(held, nameof(held));
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Release(held, successor));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException"><paramref name="observed"/> has no owner.</exception>
    public Task<LeaseWriteResult> RequestAsync(Lease observed, string? requester, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        RequireOwner(observed, nameof(observed));
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Request(observed, requester));
    }

    /// <inheritdoc/>
    public Task<bool> RingAsync(string leaseKey, string owner, string ring, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        ArgumentException.ThrowIfNullOrEmpty(owner);
        ArgumentException.ThrowIfNullOrEmpty(ring);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Ring(leaseKey, owner, ring));
    }

    /// <inheritdoc/>
    /// <remarks>Where the lease is gone, there is nothing to write, and nothing happens.</remarks>
    public Task UpdateChildrenAsync(string leaseKey, IReadOnlyList<string> childShardIds, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseKey);
        ArgumentNullException.ThrowIfNull(childShardIds);
        cancellationToken.ThrowIfCancellationRequested();
        Table.UpdateChildren(leaseKey, childShardIds);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<bool> DeleteAsync(Lease observed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observed);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Table.Delete(observed));
    }

    /// <summary>Does nothing: the leases belong to the database.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void RequireOwner(Lease held, string parameter)
    {
        if (held.LeaseOwner is null)
        {
            throw new ArgumentException($"The lease '{held.LeaseKey}' has no owner: only what a worker holds can be renewed, released or asked for.", parameter);
        }
    }
}

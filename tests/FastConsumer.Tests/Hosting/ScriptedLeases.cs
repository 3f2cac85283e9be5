using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Tests.Hosting;

/// <summary>A lease store in memory with faults on demand.</summary>
internal sealed class ScriptedLeaseStore(ILeaseStore inner) : ILeaseStore
{
    /// <summary>Called before each write of an owner; may throw or wait.</summary>
    public Func<IReadOnlyList<LeaseUpdate>, CancellationToken, Task> BeforeUpdate { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Makes of an answer what the caller gets; may throw.</summary>
    public Func<IReadOnlyList<LeaseWriteResult>, IReadOnlyList<LeaseWriteResult>> AfterUpdate { get; set; } = static results => results;

    /// <summary>Called before each release; may throw or wait.</summary>
    public Func<CancellationToken, Task> BeforeRelease { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Called before each ring; may throw or wait.</summary>
    public Func<CancellationToken, Task> BeforeRing { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Called before everything else; may throw or wait.</summary>
    public Func<CancellationToken, Task> BeforeAnyOther { get; set; } = static _ => Task.CompletedTask;

    /// <summary>The checkpoints that were asked for, in order.</summary>
    public List<CheckpointPosition> Checkpoints { get; } = [];

    public string Description => inner.Description;

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        await inner.PrepareAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        return await inner.ListAsync(consistency, cancellationToken);
    }

    public async Task<IReadOnlyList<Lease>> GetManyAsync(IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        return await inner.GetManyAsync(leaseKeys, consistency, cancellationToken);
    }

    public async Task<LeaseWriteResult> RequestAsync(Lease observed, string? requester, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        return await inner.RequestAsync(observed, requester, cancellationToken);
    }

    public async Task<bool> RingAsync(string leaseKey, string owner, string ring, CancellationToken cancellationToken)
    {
        await BeforeRing(cancellationToken);
        return await inner.RingAsync(leaseKey, owner, ring, cancellationToken);
    }

    public async Task<Lease?> GetAsync(string leaseKey, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        return await inner.GetAsync(leaseKey, cancellationToken);
    }

    public async Task<bool> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        return await inner.CreateAsync(lease, cancellationToken);
    }

    public async Task<LeaseWriteResult> TakeAsync(Lease observed, string owner, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        return await inner.TakeAsync(observed, owner, cancellationToken);
    }

    public async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        lock (Checkpoints)
        {
            Checkpoints.AddRange(updates.Where(static update => update.Checkpoint is not null).Select(static update => update.Checkpoint!.Value));
        }

        await BeforeUpdate(updates, cancellationToken);
        return AfterUpdate(await inner.UpdateAsync(updates, cancellationToken));
    }

    public async Task<LeaseWriteResult> ReleaseAsync(Lease held, string? successor, CancellationToken cancellationToken)
    {
        await BeforeRelease(cancellationToken);
        return await inner.ReleaseAsync(held, successor, cancellationToken);
    }

    public async Task UpdateChildrenAsync(string leaseKey, IReadOnlyList<string> childShardIds, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        await inner.UpdateChildrenAsync(leaseKey, childShardIds, cancellationToken);
    }

    public Task<bool> DeleteAsync(Lease observed, CancellationToken cancellationToken) => inner.DeleteAsync(observed, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    /// <summary>Stands still until the caller gives up, as a server that is gone.</summary>
    public static Task NeverAsync(CancellationToken cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

    /// <summary>From now on nothing answers.</summary>
    public void Die()
    {
        BeforeUpdate = static (_, token) => NeverAsync(token);
        BeforeRelease = NeverAsync;
        BeforeRing = NeverAsync;
        BeforeAnyOther = NeverAsync;
    }
}

internal sealed class ScriptedLeaseStoreFactory(InMemoryLeaseDatabase database) : ILeaseStoreFactory
{
    private ScriptedLeaseStore? _store;

    public string Kind => "scripted";

    public ScriptedLeaseStore Store => _store ??= new ScriptedLeaseStore(new InMemoryLeaseStore(database, WorkerHost.Application));

    public string GetTableIdentity(LeaseStoreContext context) => $"scripted/{context.ApplicationName}";

    public ILeaseStore Create(LeaseStoreContext context) => Store;
}

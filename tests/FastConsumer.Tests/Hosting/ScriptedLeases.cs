using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Tests.Hosting;

/// <summary>A lease store in memory with faults on demand.</summary>
internal sealed class ScriptedLeaseStore(ILeaseStore inner) : ILeaseStore
{
    /// <summary>Called before each write of an owner; may throw or wait.</summary>
    public Func<IReadOnlyList<LeaseWrite>, CancellationToken, Task> BeforeUpdate { get; set; } = static (_, _) => Task.CompletedTask;

    /// <summary>Called before an owner hears of its writes, which have taken effect; may wait.</summary>
    public Func<CancellationToken, Task> BeforeAnswer { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Makes of an answer to an owner's writes what the caller gets; may throw.</summary>
    public Func<IReadOnlyList<LeaseWrite.Result>, IReadOnlyList<LeaseWrite.Result>> AfterUpdate { get; set; } = static results => results;

    /// <summary>Called before each release; may throw or wait.</summary>
    public Func<CancellationToken, Task> BeforeRelease { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Makes of the answer to a release or a request what the caller gets; may write first, as others do.</summary>
    public Func<LeaseWrite, LeaseWrite.Result, Task<LeaseWrite.Result>> AfterRelease { get; set; } =
        static (_, result) => Task.FromResult(result);

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

    public async Task<IReadOnlyList<Lease>> GetManyAsync(
        IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        return await inner.GetManyAsync(leaseKeys, consistency, cancellationToken);
    }

    public async Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        return await inner.CreateAsync(lease, cancellationToken);
    }

    public async Task<LeaseWrite.Result> CreateWhileThereAsync(
        Lease lease, IReadOnlyList<string> whileThere, CancellationToken cancellationToken)
    {
        await BeforeAnyOther(cancellationToken);
        return await inner.CreateWhileThereAsync(lease, whileThere, cancellationToken);
    }

    public async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken)
    {
        switch (LeaseOperationName.Of(writes[0]))
        {
            case LeaseOperationName.Update:
                lock (Checkpoints)
                {
                    Checkpoints.AddRange(writes.Select(CheckpointOf).OfType<CheckpointPosition>());
                }

                await BeforeUpdate(writes, cancellationToken);
                IReadOnlyList<LeaseWrite.Result> results = await inner.WriteAsync(writes, cancellationToken);
                await BeforeAnswer(cancellationToken);
                return AfterUpdate(results);
            case LeaseOperationName.Release:
                await BeforeRelease(cancellationToken);
                return [await AfterRelease(writes[0], (await inner.WriteAsync(writes, cancellationToken))[0])];
            case LeaseOperationName.Request:
                await BeforeAnyOther(cancellationToken);
                return [await AfterRelease(writes[0], (await inner.WriteAsync(writes, cancellationToken))[0])];
            case LeaseOperationName.Ring:
                await BeforeRing(cancellationToken);
                break;
            default:
                await BeforeAnyOther(cancellationToken);
                break;
        }

        return await inner.WriteAsync(writes, cancellationToken);
    }

    public Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken) =>
        inner.DeleteAsync(observed, cancellationToken);

    /// <summary>The checkpoint that a write sets; null where it sets none.</summary>
    public static CheckpointPosition? CheckpointOf(LeaseWrite write) =>
        write.Set.TryGetValue(Lease.Names.Checkpoint, out Lease.Value checkpoint)
            ? CheckpointPosition.Parse(checkpoint.Text!, write.Set[Lease.Names.CheckpointSubSequenceNumber].WholeNumber!.Value)
            : null;

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    /// <summary>Stands still until the caller gives up, as a server that is gone.</summary>
    public static Task NeverAsync(CancellationToken cancellationToken) =>
        Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

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

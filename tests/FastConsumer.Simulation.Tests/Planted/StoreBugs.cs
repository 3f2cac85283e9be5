using FastConsumer.Leases;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A mistake in how leases are written.</summary>
internal abstract class StoreBug : PlantedBug
{
    public override ILeaseStore Store(SimulatedCluster cluster, SimulatedWorker worker, SimulatedLeaseTable table) => new BugStore(this, cluster, worker, table);

    protected virtual Task<IReadOnlyList<Lease>> ListAsync(BugStore store, ReadConsistency consistency, CancellationToken cancellationToken) => store.RightListAsync(consistency, cancellationToken);

    protected virtual Task<bool> CreateAsync(BugStore store, Lease lease, CancellationToken cancellationToken) => store.RightCreateAsync(lease, cancellationToken);

    protected virtual Task<LeaseWriteResult> TakeAsync(BugStore store, Lease observed, string owner, CancellationToken cancellationToken) => store.RightTakeAsync(observed, owner, cancellationToken);

    protected virtual Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(BugStore store, IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken) => store.RightUpdateAsync(updates, cancellationToken);

    internal sealed class BugStore(StoreBug bug, SimulatedCluster cluster, SimulatedWorker worker, SimulatedLeaseTable table)
        : SimulatedLeaseStore(worker.Process, worker.ToTable, table)
    {
        public SimulatedCluster Cluster => cluster;

        public SimulatedWorker Owner => worker;

        public new SimulatedLeaseTable Table => base.Table;

        public override Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken) => bug.ListAsync(this, consistency, cancellationToken);

        public override Task<bool> CreateAsync(Lease lease, CancellationToken cancellationToken) => bug.CreateAsync(this, lease, cancellationToken);

        public override Task<LeaseWriteResult> TakeAsync(Lease observed, string owner, CancellationToken cancellationToken) => bug.TakeAsync(this, observed, owner, cancellationToken);

        public override Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken) => bug.UpdateAsync(this, updates, cancellationToken);

        public Task<IReadOnlyList<Lease>> RightListAsync(ReadConsistency consistency, CancellationToken cancellationToken) => base.ListAsync(consistency, cancellationToken);

        public Task<bool> RightCreateAsync(Lease lease, CancellationToken cancellationToken) => base.CreateAsync(lease, cancellationToken);

        public Task<LeaseWriteResult> RightTakeAsync(Lease observed, string owner, CancellationToken cancellationToken) => base.TakeAsync(observed, owner, cancellationToken);

        public Task<IReadOnlyList<LeaseWriteResult>> RightUpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken) => base.UpdateAsync(updates, cancellationToken);

        public Task<LeaseWriteResult> RightReleaseAsync(Lease held, CancellationToken cancellationToken) => ReleaseAsync(held, successor: null, cancellationToken);
    }
}

/// <summary>The checkpoint is what was begun, not what is done.</summary>
internal sealed class CheckpointsWhatWasDispatched : StoreBug
{
    protected override Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(BugStore store, IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken) => store.RightUpdateAsync(
        [.. updates.Select(update => update.Checkpoint?.Kind == CheckpointKind.Record ? update with { Checkpoint = store.Cluster.Ledger.LastBegun(update.Held.LeaseKey, store.Owner.Name) ?? update.Checkpoint } : update)],
        cancellationToken);
}

/// <summary>A take writes the row as it was read, whatever has become of it since.</summary>
internal sealed class TakesWithoutCondition : StoreBug
{
    protected override async Task<LeaseWriteResult> TakeAsync(BugStore store, Lease observed, string owner, CancellationToken cancellationToken)
    {
        Lease taken = observed with { LeaseOwner = owner, LeaseCounter = observed.LeaseCounter + 1 };
        await store.Owner.ToTable.CallAsync(
            "UpdateItem (take)",
            () =>
            {
                store.Table.Overwrite(owner, "take", taken);
                return true;
            },
            cancellationToken);
        return new LeaseWriteResult(LeaseWriteOutcome.Written, taken);
    }
}

/// <summary>A lease whose shard has nothing to checkpoint is not renewed.</summary>
internal sealed class RenewsByCheckpointsOnly : StoreBug
{
    protected override async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(BugStore store, IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        var written = new Queue<LeaseWriteResult>(await store.RightUpdateAsync([.. updates.Where(static update => update.Checkpoint is not null)], cancellationToken));
        return [.. updates.Select(update => update.Checkpoint is null ? new LeaseWriteResult(LeaseWriteOutcome.Failed, null) : written.Dequeue())];
    }
}

/// <summary>A refused renewal counts as written.</summary>
internal sealed class IgnoresRefusals : StoreBug
{
    protected override async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(BugStore store, IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        IReadOnlyList<LeaseWriteResult> results = await store.RightUpdateAsync(updates, cancellationToken);
        return [.. results.Select((result, i) => result.Outcome == LeaseWriteOutcome.Refused
            ? new LeaseWriteResult(LeaseWriteOutcome.Written, updates[i].Held with { LeaseCounter = updates[i].Held.LeaseCounter + 1, Checkpoint = updates[i].Checkpoint ?? updates[i].Held.Checkpoint })
            : result)];
    }
}

/// <summary>A lease has expired where the time that its owner wrote into it is long ago by the reader's own date.</summary>
internal sealed class ComparesWallClocks(TimeSpan leaseDuration) : StoreBug
{
    private readonly Dictionary<string, DateTimeOffset> _writtenAt = new(StringComparer.Ordinal);

    protected override async Task<IReadOnlyList<Lease>> ListAsync(BugStore store, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease> rows = await store.RightListAsync(consistency, cancellationToken);
        DateTimeOffset now = store.Owner.Process.Clock.GetUtcNow();
        return [.. rows.Select(row => row.Owner != store.Owner.Name && _writtenAt.TryGetValue(row.LeaseKey, out DateTimeOffset written) && now - written > leaseDuration
            ? row with { LeaseOwner = null }
            : row)];
    }

    protected override async Task<LeaseWriteResult> TakeAsync(BugStore store, Lease observed, string owner, CancellationToken cancellationToken)
    {
        string? former = observed.LeaseOwner ?? store.Table.Get(observed.LeaseKey)?.LeaseOwner;
        LeaseWriteResult result = await store.RightTakeAsync(observed with { LeaseOwner = former }, owner, cancellationToken);
        _writtenAt[observed.LeaseKey] = store.Owner.Process.Clock.GetUtcNow();
        return result;
    }

    protected override Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(BugStore store, IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        foreach (LeaseUpdate update in updates)
        {
            _writtenAt[update.Held.LeaseKey] = store.Owner.Process.Clock.GetUtcNow();
        }

        return store.RightUpdateAsync(updates, cancellationToken);
    }
}

/// <summary>At a stop the lease is free before the last checkpoint is written, which then fails.</summary>
internal sealed class ReleasesBeforeTheFlush : StoreBug
{
    protected override async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(BugStore store, IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        if (!store.Owner.IsStopping)
        {
            return await store.RightUpdateAsync(updates, cancellationToken);
        }

        foreach (LeaseUpdate update in updates)
        {
            await store.RightReleaseAsync(update.Held, cancellationToken);
        }

        return [.. updates.Select(static update => new LeaseWriteResult(LeaseWriteOutcome.Written, update.Held with { LeaseCounter = update.Held.LeaseCounter + 1 }))];
    }
}

/// <summary>What got no answer counts as not written, and is written again without a condition.</summary>
internal sealed class RepeatsLostWrites : StoreBug
{
    protected override async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(BugStore store, IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        try
        {
            return await store.Owner.ToTable.CallAsync("BatchExecuteStatement", () => store.Table.Update(store.Owner.Name, updates), CancellationToken.None);
        }
        catch (NoAnswerException)
        {
            List<LeaseWriteResult> results = [];
            foreach (LeaseUpdate update in updates)
            {
                Lease again = update.Held with { LeaseCounter = update.Held.LeaseCounter + 1, Checkpoint = update.Checkpoint ?? update.Held.Checkpoint };
                store.Table.Overwrite(store.Owner.Name, "update", again);
                results.Add(new LeaseWriteResult(LeaseWriteOutcome.Written, again));
            }

            return results;
        }
    }
}

/// <summary>The time of the first start is not kept, so that a restart at LATEST begins at what is the latest then.</summary>
internal sealed class ForgetsTheFirstStart : StoreBug
{
    protected override Task<bool> CreateAsync(BugStore store, Lease lease, CancellationToken cancellationToken) =>
        store.RightCreateAsync(lease with { StartedAt = null }, cancellationToken);
}

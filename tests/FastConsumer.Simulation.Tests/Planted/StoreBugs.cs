using FastConsumer.Leases;
using FastConsumer.Testing.Leases;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A mistake in how leases are written.</summary>
internal abstract class StoreBug : PlantedBug
{
    public override ILeaseStore Store(SimulatedCluster cluster, SimulatedWorker worker, SimulatedLeaseTable table) =>
        new BugStore(this, cluster, worker, table);

    protected virtual Task<IReadOnlyList<Lease>> ListAsync(
        BugStore store, ReadConsistency consistency, CancellationToken cancellationToken) =>
            store.RightListAsync(consistency, cancellationToken);

    protected virtual Task<LeaseWrite.Result> CreateAsync(BugStore store, Lease lease, CancellationToken cancellationToken) =>
        store.RightCreateAsync(lease, cancellationToken);

    /// <summary>The row of a child of shards with state, as it is created.</summary>
    protected virtual Lease ChildOf(Lease lease) => lease;

    /// <summary>A take, release, request or notification.</summary>
    protected virtual Task<LeaseWrite.Result> WriteAsync(
        BugStore store, string operation, LeaseWrite write, CancellationToken cancellationToken) =>
        store.RightWriteAsync(write, cancellationToken);

    /// <summary>Renewals and checkpoints.</summary>
    protected virtual Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken) =>
            store.RightUpdateAsync(updates, cancellationToken);

    protected static bool IsCheckpoint(LeaseWrite update) => update.Set.ContainsKey(Lease.Names.Checkpoint);

    /// <summary>The record up to which a write says that all is done; null where it says of none.</summary>
    protected static CheckpointPosition? CheckpointOf(LeaseWrite update) =>
        update.Set.TryGetValue(Lease.Names.Checkpoint, out Lease.Value checkpoint)
        && update.Set[Lease.Names.CheckpointSubSequenceNumber].WholeNumber is { } subSequenceNumber
        && CheckpointPosition.Parse(checkpoint.Text!, subSequenceNumber) is var position
        && position.Kind == CheckpointKind.Record
            ? position
            : null;

    protected static LeaseWrite With(LeaseWrite write, CheckpointPosition checkpoint) => write with
    {
        Set = new Dictionary<string, Lease.Value>(write.Set, StringComparer.Ordinal)
        {
            [Lease.Names.Checkpoint] = checkpoint.ToCheckpointString(),
            [Lease.Names.CheckpointSubSequenceNumber] = checkpoint.SubSequenceNumber,
        },
    };

    /// <summary>What the write makes of the row as it is now, whatever the condition says.</summary>
    protected static Lease Result(BugStore store, LeaseWrite write) => write.ApplyTo(store.Table.Get(write.LeaseKey)!);

    internal sealed class BugStore(StoreBug bug, SimulatedCluster cluster, SimulatedWorker worker, SimulatedLeaseTable table)
        : SimulatedLeaseStore(worker.Process, worker.ToTable, table)
    {
        public SimulatedCluster Cluster => cluster;

        public SimulatedWorker Owner => worker;

        public new SimulatedLeaseTable Table => base.Table;

        public override Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken) =>
            bug.ListAsync(this, consistency, cancellationToken);

        public override Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken) =>
            bug.CreateAsync(this, lease, cancellationToken);

        public override Task<LeaseWrite.Result> CreateWhileThereAsync(
            Lease lease, IReadOnlyList<string> whileThere, CancellationToken cancellationToken) =>
            base.CreateWhileThereAsync(bug.ChildOf(lease), whileThere, cancellationToken);

        public override async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(
            IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken) =>
            LeaseOperationName.Of(writes[0]) is var operation && operation == LeaseOperationName.Update
                ? await bug.UpdateAsync(this, writes, cancellationToken)
                : [await bug.WriteAsync(this, operation, writes.Single(), cancellationToken)];

        public Task<IReadOnlyList<Lease>> RightListAsync(ReadConsistency consistency, CancellationToken cancellationToken) =>
            base.ListAsync(consistency, cancellationToken);

        public Task<LeaseWrite.Result> RightCreateAsync(Lease lease, CancellationToken cancellationToken) =>
            base.CreateAsync(lease, cancellationToken);

        public async Task<LeaseWrite.Result> RightWriteAsync(LeaseWrite write, CancellationToken cancellationToken) =>
            (await base.WriteAsync([write], cancellationToken))[0];

        public Task<IReadOnlyList<LeaseWrite.Result>> RightUpdateAsync(
            IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken) =>
            updates.Count == 0 ? Task.FromResult<IReadOnlyList<LeaseWrite.Result>>([]) : base.WriteAsync(updates, cancellationToken);
    }
}

/// <summary>The checkpoint is what was begun, not what is done.</summary>
internal sealed class CheckpointsWhatWasDispatched : StoreBug
{
    protected override Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken) => store.RightUpdateAsync(
            [.. updates.Select(update =>
                CheckpointOf(update) is not null
                && store.Cluster.Ledger.LastBegun(update.LeaseKey, store.Owner.Name) is { } begun
                    ? With(update, begun)
                    : update)],
            cancellationToken);
}

/// <summary>A take writes the row, whatever has become of it since it was read.</summary>
internal sealed class TakesWithoutCondition : StoreBug
{
    protected override async Task<LeaseWrite.Result> WriteAsync(
        BugStore store, string operation, LeaseWrite write, CancellationToken cancellationToken) => operation == LeaseOperationName.Take
            ? await store.Owner.ToTable.CallAsync(
                "UpdateItem (take)",
                () =>
                {
                    Lease taken = Result(store, write);
                    store.Table.Overwrite(store.Owner.Name, LeaseOperationName.Take, taken);
                    return new LeaseWrite.Result(LeaseWrite.Outcome.Written, taken);
                },
                cancellationToken)
            : await store.RightWriteAsync(write, cancellationToken);
}

/// <summary>A lease whose shard has nothing to checkpoint is not renewed.</summary>
internal sealed class RenewsByCheckpointsOnly : StoreBug
{
    private static readonly LeaseWrite.Result s_notWritten = new(
        LeaseWrite.Outcome.NotWritten, Error: new LeaseStoreException("a planted mistake", isTransient: true));

    protected override async Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken)
    {
        var written = new Queue<LeaseWrite.Result>(await store.RightUpdateAsync([.. updates.Where(IsCheckpoint)], cancellationToken));
        return [.. updates.Select(update => IsCheckpoint(update) ? written.Dequeue() : s_notWritten)];
    }
}

/// <summary>A lease has expired where the time that its owner wrote into it is long ago by the reader's own date.</summary>
internal sealed class ComparesWallClocks(TimeSpan leaseDuration) : StoreBug
{
    private readonly Dictionary<string, DateTimeOffset> _writtenAt = new(StringComparer.Ordinal);

    protected override async Task<IReadOnlyList<Lease>> ListAsync(
        BugStore store, ReadConsistency consistency, CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease> rows = await store.RightListAsync(consistency, cancellationToken);
        DateTimeOffset now = store.Owner.Process.Clock.GetUtcNow();
        return [.. rows.Select(row => row.Owner != store.Owner.Name
            && _writtenAt.TryGetValue(row.LeaseKey, out DateTimeOffset written)
            && now - written > leaseDuration
                ? row with { LeaseOwner = null }
                : row)];
    }

    protected override async Task<LeaseWrite.Result> WriteAsync(
        BugStore store, string operation, LeaseWrite write, CancellationToken cancellationToken)
    {
        if (operation != LeaseOperationName.Take)
        {
            return await store.RightWriteAsync(write, cancellationToken);
        }

        Dictionary<string, Lease.Value?> condition = new(write.If, StringComparer.Ordinal);
        condition[Lease.Names.LeaseOwner] ??= Lease.Value.Optional(store.Table.Get(write.LeaseKey)?.LeaseOwner);
        LeaseWrite.Result result = await store.RightWriteAsync(write with { If = condition }, cancellationToken);
        _writtenAt[write.LeaseKey] = store.Owner.Process.Clock.GetUtcNow();
        return result;
    }

    protected override Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken)
    {
        foreach (LeaseWrite update in updates)
        {
            _writtenAt[update.LeaseKey] = store.Owner.Process.Clock.GetUtcNow();
        }

        return store.RightUpdateAsync(updates, cancellationToken);
    }
}

/// <summary>At a stop the lease is free before the last checkpoint is written, which then fails.</summary>
internal sealed class ReleasesBeforeTheFlush : StoreBug
{
    protected override async Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken)
    {
        if (!store.Owner.IsStopping)
        {
            return await store.RightUpdateAsync(updates, cancellationToken);
        }

        foreach (LeaseWrite update in updates)
        {
            await store.RightWriteAsync(
                update with
                {
                    Set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal)
                    {
                        [Lease.Names.LeaseCounter] = update.Set[Lease.Names.LeaseCounter],
                    },
                    Remove = [Lease.Names.LeaseOwner, Lease.Names.TakenBy, Lease.Names.Session],
                },
                cancellationToken);
        }

        return [.. updates.Select(static _ => new LeaseWrite.Result(LeaseWrite.Outcome.Written))];
    }
}

/// <summary>What got no answer counts as not written, and is written again without a condition.</summary>
internal sealed class RepeatsLostWrites : StoreBug
{
    protected override async Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken)
    {
        try
        {
            return await store.Owner.ToTable.CallAsync(
                "BatchExecuteStatement", () => store.Table.Write(store.Owner.Name, updates), CancellationToken.None);
        }
        catch (NoAnswerException)
        {
            List<LeaseWrite.Result> results = [];
            foreach (LeaseWrite update in updates)
            {
                Lease again = Result(store, update);
                store.Table.Overwrite(store.Owner.Name, LeaseOperationName.Update, again);
                results.Add(new LeaseWrite.Result(LeaseWrite.Outcome.Written, again));
            }

            return results;
        }
    }
}

/// <summary>The time of the first start is not kept, so that a restart at LATEST begins at what is the latest then.</summary>
internal sealed class ForgetsTheFirstStart : StoreBug
{
    protected override Task<LeaseWrite.Result> CreateAsync(BugStore store, Lease lease, CancellationToken cancellationToken) =>
        store.RightCreateAsync(lease with { StartedAt = null }, cancellationToken);
}

using FastConsumer.Leases;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A mistake in what an operator writes.</summary>
internal abstract class OperatorBug : PlantedBug
{
    public override ILeaseStore OperatorStore(SimulatedProcess process, SimulatedLink link, SimulatedLeaseTable table) =>
        new BugStore(this, process, link, table);

    protected static bool IsReset(LeaseWrite write) => write.Set.ContainsKey(Lease.Names.Reset);

    protected static LeaseWrite Without(LeaseWrite write, params string[] names) => write with
    {
        Set = new Dictionary<string, Lease.Value>(write.Set.Where(pair => !names.Contains(pair.Key)), StringComparer.Ordinal),
        Remove = [.. write.Remove.Except(names, StringComparer.Ordinal)],
    };

    protected abstract Task<LeaseWrite.Result> WriteAsync(BugStore store, LeaseWrite write, CancellationToken cancellationToken);

    internal sealed class BugStore(OperatorBug bug, SimulatedProcess process, SimulatedLink link, SimulatedLeaseTable table)
        : SimulatedLeaseStore(process, link, table)
    {
        public override async Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(
            IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken) =>
            [await bug.WriteAsync(this, writes.Single(), cancellationToken)];

        public async Task<LeaseWrite.Result> RightWriteAsync(LeaseWrite write, CancellationToken cancellationToken) =>
            (await base.WriteAsync([write], cancellationToken))[0];
    }
}

/// <summary>A reset counts up, and leaves the lease to its owner.</summary>
internal sealed class ResetKeepsTheOwner : OperatorBug
{
    protected override Task<LeaseWrite.Result> WriteAsync(BugStore store, LeaseWrite write, CancellationToken cancellationToken) =>
        store.RightWriteAsync(
            IsReset(write)
                ? Without(write, Lease.Names.LeaseOwner, Lease.Names.TakenBy, Lease.Names.Session, Lease.Names.Duration)
                : write,
            cancellationToken);
}

/// <summary>A reset to a time leaves the time of the former start in the row.</summary>
internal sealed class ResetLeavesTheStartTime : OperatorBug
{
    protected override Task<LeaseWrite.Result> WriteAsync(BugStore store, LeaseWrite write, CancellationToken cancellationToken) =>
        store.RightWriteAsync(IsReset(write) ? Without(write, Lease.Names.StartedAt) : write, cancellationToken);
}

/// <summary>A reset leaves the sub-sequence number of the former checkpoint in the row.</summary>
internal sealed class ResetLeavesTheSubSequenceNumber : OperatorBug
{
    protected override Task<LeaseWrite.Result> WriteAsync(BugStore store, LeaseWrite write, CancellationToken cancellationToken) =>
        store.RightWriteAsync(IsReset(write) ? Without(write, Lease.Names.CheckpointSubSequenceNumber) : write, cancellationToken);
}

/// <summary>What got no answer counts as not written: the lease is freed again, whoever has it by then.</summary>
internal sealed class FreesALeaseTwice : OperatorBug
{
    protected override async Task<LeaseWrite.Result> WriteAsync(BugStore store, LeaseWrite write, CancellationToken cancellationToken)
    {
        LeaseWrite.Result result = await store.RightWriteAsync(write, cancellationToken);
        while (result.Outcome is LeaseWrite.Outcome.Unknown or LeaseWrite.Outcome.Refused && write.Remove.Contains(Lease.Names.LeaseOwner))
        {
            Lease row = (await store.GetManyAsync([write.LeaseKey], ReadConsistency.Strong, cancellationToken))[0];
            Dictionary<string, Lease.Value?> condition = new(write.If, StringComparer.Ordinal)
            {
                [Lease.Names.LeaseCounter] = row.LeaseCounter,
                [Lease.Names.LeaseOwner] = Lease.Value.Optional(row.LeaseOwner),
                [Lease.Names.Session] = Lease.Value.Optional(row.Session),
            };
            Dictionary<string, Lease.Value> set = new(write.Set, StringComparer.Ordinal)
            {
                [Lease.Names.LeaseCounter] = row.LeaseCounter + 1,
            };
            result = await store.RightWriteAsync(write with { If = condition, Set = set }, cancellationToken);
        }

        return result;
    }
}

using FastConsumer.Hosting;
using FastConsumer.Leases;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A lane takes a record for done when its handler has begun.</summary>
internal sealed class CompletesBeforeTheHandlerEnds : PlantedBug
{
    public override ValueTask Handled(Func<ValueTask> handler)
    {
        _ = handler().AsTask();
        return default;
    }
}

/// <summary>Lanes run the records of one partition key beside each other.</summary>
internal sealed class LosesTheOrderOfKeys : PlantedBug
{
    public override ProcessorRegistration Processor(ProcessorRegistration processor) =>
        processor is ProcessorRegistration<LaneProcessor> ? new ProcessorRegistration<UnorderedProcessor>() : processor;
}

/// <summary>The progress is the furthest record that is done, and not the end of the contiguous run.</summary>
internal sealed class CheckpointsTheFurthest : StoreBug
{
    protected override Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken) => store.RightUpdateAsync(
            [.. updates.Select(update => CheckpointOf(update) is { } right
                && store.Cluster.Ledger.FurthestDone(update.LeaseKey, store.Owner.Name) is { } furthest && furthest > right
                    ? With(update, furthest)
                    : update)],
            cancellationToken);
}

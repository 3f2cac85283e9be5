using FastConsumer.Simulation.Tests.Sink;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A mistake of the store that keeps positions in the sink.</summary>
internal sealed class SinkBug(Func<SinkPlace, SimulatedPositionStore> make) : PlantedBug
{
    public override SimulatedPositionStore Positions(SinkPlace place) => make(place);
}

/// <summary>V1: the number is no part of the condition, so a commit that was held up and its repetition both succeed.</summary>
internal sealed class IgnoresFormerNumber(SinkPlace place) : SimulatedPositionStore(place)
{
    public override Task<bool> CommitAsync(
        SinkTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken)
    {
        StoredPosition now = Sink.Read(key) ?? former;
        return base.CommitAsync(
            transaction, key, now.Epoch == former.Epoch ? now : former, position, cancellationToken);
    }

    public override Task<bool> CommitAsync(
        SinkTransaction transaction, PositionKey key, StoredPosition former, StoredPosition next, CancellationToken cancellationToken)
    {
        StoredPosition now = Sink.Read(key) ?? former;
        return base.CommitAsync(transaction, key, now.Epoch == former.Epoch ? now : former, next, cancellationToken);
    }
}

/// <summary>It commits before it looks at whether the condition held.</summary>
internal sealed class CommitsWhatWasRefused(SinkPlace place) : SimulatedPositionStore(place)
{
    public override async Task<bool> CommitAsync(
        SinkTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken)
    {
        bool isCommitted = await base.CommitAsync(transaction, key, former, position, cancellationToken);
        if (!isCommitted)
        {
            Sink.CommitWithoutPosition(transaction, key.ShardId);
        }

        return isCommitted;
    }
}

/// <summary>The lease leads: a start does not look at where the sink stands.</summary>
internal sealed class StartsAtTheLease(SinkPlace place) : SimulatedPositionStore(place)
{
    public override async Task<StoredPosition> SetEpochAsync(PositionKey key, long epoch, CancellationToken cancellationToken)
    {
        StoredPosition row = await base.SetEpochAsync(key, epoch, cancellationToken);
        CheckpointPosition? lease = Lease(key);
        return row.Position is null ? row : row with { Position = lease ?? row.Position };
    }

    private CheckpointPosition? Lease(PositionKey key) =>
        Cluster.Table.Get(key.ShardId) is { Checkpoint: { Kind: CheckpointKind.Record } at } ? at : null;
}

/// <summary>A commit without an answer counts as made.</summary>
internal sealed class BelievesEachCommit(SinkPlace place) : SimulatedPositionStore(place)
{
    public override async Task<bool> CommitAsync(
        SinkTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken)
    {
        try
        {
            return await base.CommitAsync(transaction, key, former, position, cancellationToken);
        }
        catch (NoAnswerException)
        {
            return true;
        }
    }

    public override async Task<bool> CommitAsync(
        SinkTransaction transaction, PositionKey key, StoredPosition former, StoredPosition next, CancellationToken cancellationToken)
    {
        try
        {
            return await base.CommitAsync(transaction, key, former, next, cancellationToken);
        }
        catch (NoAnswerException)
        {
            return true;
        }
    }
}

using FastConsumer.Hosting;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A take follows the start of the options although an operator has set another.</summary>
internal sealed class FollowsTheOptionsStart(WorkerSettings settings) : StoreBug
{
    protected override Task<LeaseWrite.Result> WriteAsync(
        BugStore store, string operation, LeaseWrite write, CancellationToken cancellationToken)
    {
        if (operation != LeaseOperationName.Take
            || store.Table.Get(write.LeaseKey) is not { Reset: not null, Checkpoint.Kind: CheckpointKind.AtTimestamp } row)
        {
            return store.RightWriteAsync(write, cancellationToken);
        }

        Dictionary<string, Lease.Value> set = new(write.Set, StringComparer.Ordinal)
        {
            [Lease.Names.Checkpoint] = settings.StartPosition switch
            {
                StartPosition.TrimHorizon => CheckpointPosition.TrimHorizon.ToCheckpointString(),
                StartPosition.Latest => CheckpointPosition.Latest.ToCheckpointString(),
                _ => row.Checkpoint.ToCheckpointString(),
            },
            [Lease.Names.CheckpointSubSequenceNumber] = 0,
        };
        if (settings.StartTimestamp is { } time)
        {
            set[Lease.Names.StartedAt] = time.ToUnixTimeMilliseconds();
        }

        return store.RightWriteAsync(write with { Set = set }, cancellationToken);
    }
}

/// <summary>A command that was written for one owner is carried out again by the next one that fails on the record.</summary>
internal sealed class DecidesForAnotherOwner : StoreBug
{
    private readonly Dictionary<string, OperatorCommand> _commands = new(StringComparer.Ordinal);

    protected override async Task<IReadOnlyList<Lease>> ListAsync(
        BugStore store, ReadConsistency consistency, CancellationToken cancellationToken) =>
        [.. (await store.RightListAsync(consistency, cancellationToken)).Select(WithCommand)];

    private Lease WithCommand(Lease row)
    {
        if (OperatorNotes.ReadCommand(row.Command) is { } command)
        {
            _commands[row.LeaseKey] = command;
        }

        return row.Command is null
            && OperatorNotes.ReadStanding(row.Standing) is { } standing
            && _commands.TryGetValue(row.LeaseKey, out OperatorCommand? former)
            && former.Position == standing.Position
            && former.Epoch != standing.Epoch
                ? row with { Command = OperatorNotes.Write(former with { Epoch = standing.Epoch }) }
                : row;
    }
}

/// <summary>An owner whose write is refused takes the row for its own, and writes it.</summary>
internal sealed class AdoptsTheRow : StoreBug
{
    protected override async Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken)
    {
        IReadOnlyList<LeaseWrite.Result> results = await store.RightUpdateAsync(updates, cancellationToken);
        return [.. results.Zip(updates, (result, update) => result.Outcome == LeaseWrite.Outcome.Refused ? Adopt(store, update) : result)];
    }

    private static LeaseWrite.Result Adopt(BugStore store, LeaseWrite update)
    {
        Lease again = Result(store, update) with { LeaseCounter = store.Table.Get(update.LeaseKey)!.LeaseCounter + 1 };
        store.Table.Overwrite(store.Owner.Name, LeaseOperationName.Update, again);
        return new LeaseWrite.Result(LeaseWrite.Outcome.Written, again);
    }
}

/// <summary>A take does not look at the pause that the row bears.</summary>
internal sealed class LosesThePauseAtAHandOver : StoreBug
{
    protected override async Task<LeaseWrite.Result> WriteAsync(
        BugStore store, string operation, LeaseWrite write, CancellationToken cancellationToken)
    {
        LeaseWrite.Result result = await store.RightWriteAsync(write, cancellationToken);
        return operation == LeaseOperationName.Take && result.Row is { } row ? result with { Row = row with { Paused = null } } : result;
    }
}

/// <summary>An owner does not see that its shard is paused.</summary>
internal sealed class MissesThePause : StoreBug
{
    protected override async Task<IReadOnlyList<Lease>> ListAsync(
        BugStore store, ReadConsistency consistency, CancellationToken cancellationToken) =>
        [.. (await store.RightListAsync(consistency, cancellationToken)).Select(row => row.LeaseOwner == store.Owner.Name
            ? row with { Paused = null }
            : row)];
}

using FastConsumer.Testing.Positions;

namespace FastConsumer.Testing.Tests.Positions;

/// <summary>What an author of a store may get wrong.</summary>
public enum Mistake
{
    CommitsBeforeItLooks,
    IgnoresNumber,
    IgnoresEpoch,
    EpochGoesBack,
    EndCommits,
    SetIgnoresFormer,
    ForgetsSubSequenceNumber,
    ConfusesLives,
    EpochClearsPosition,
    CommitCreatesRow,
    CommitKeepsNumber,
    CommitForgetsRuns,
    CommitForgetsLineage,
    CommitOfRowIgnoresEpoch,
    CommitOfRowIgnoresNumber,
    CommitOfRowAppliesFirst,
    EpochClearsRuns,
    SetForgetsLineage,
}

/// <summary>A store with one mistake.</summary>
internal sealed class MistakenPositionStore(InMemoryPositionDatabase database, Mistake mistake) : InMemoryPositionStore(database)
{
    private readonly InMemoryPositionDatabase _database = database;
    private readonly HashSet<InMemoryTransaction> _committed = [];

    public override Task<StoredPosition?> ReadAsync(PositionKey key, CancellationToken cancellationToken) =>
        base.ReadAsync(Changed(key), cancellationToken);

    public override async Task<StoredPosition> SetEpochAsync(PositionKey key, long epoch, CancellationToken cancellationToken)
    {
        StoredPosition row = await base.SetEpochAsync(Changed(key), epoch, cancellationToken);
        if (mistake == Mistake.EpochClearsRuns)
        {
            row = row with { Runs = null };
            _database.Put(key, row);
        }

        if (mistake is Mistake.EpochGoesBack or Mistake.EpochClearsPosition)
        {
            row = mistake == Mistake.EpochGoesBack ? row with { Epoch = epoch } : row with { Position = null };
            _database.Put(key, row);
        }

        return row;
    }

    public override async Task<bool> SetAsync(
        PositionKey key, StoredPosition? former, StoredPosition next, CancellationToken cancellationToken)
    {
        if (mistake == Mistake.SetIgnoresFormer)
        {
            _database.Put(key, next);
            return true;
        }

        next = next with
        {
            Position = Changed(next.Position),
            Lineage = mistake == Mistake.SetForgetsLineage ? null : next.Lineage,
        };
        return await base.SetAsync(Changed(key), former, next, cancellationToken);
    }

    public override async Task<bool> CommitAsync(
        InMemoryTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken)
    {
        key = Changed(key);
        StoredPosition? row = await base.ReadAsync(key, cancellationToken);
        if (mistake == Mistake.CommitCreatesRow && row is null)
        {
            _database.Put(key, row = former);
        }

        former = mistake switch
        {
            Mistake.IgnoresNumber when row is not null => former with { Number = row.Number },
            Mistake.IgnoresEpoch when row is not null => former with { Epoch = row.Epoch },
            _ => former,
        };
        bool isCommitted = await base.CommitAsync(transaction, key, former, Changed(position)!.Value, cancellationToken);
        if (isCommitted)
        {
            _committed.Add(transaction);
        }
        else if (mistake == Mistake.CommitsBeforeItLooks)
        {
            transaction.Apply();
        }

        if (isCommitted && mistake == Mistake.CommitKeepsNumber)
        {
            _database.Put(key, former with { Position = position });
        }

        return isCommitted;
    }

    public override async Task<bool> CommitAsync(
        InMemoryTransaction transaction,
        PositionKey key,
        StoredPosition former,
        StoredPosition next,
        CancellationToken cancellationToken)
    {
        StoredPosition? row = await base.ReadAsync(key, cancellationToken);
        former = mistake switch
        {
            Mistake.CommitOfRowIgnoresNumber when row is not null => former with { Number = row.Number },
            Mistake.CommitOfRowIgnoresEpoch when row is not null => former with { Epoch = row.Epoch },
            _ => former,
        };
        next = mistake switch
        {
            Mistake.CommitForgetsRuns => next with { Runs = null },
            Mistake.CommitForgetsLineage => next with { Lineage = null },
            _ => next,
        };
        bool isCommitted = await base.CommitAsync(transaction, key, former, next, cancellationToken);
        if (!isCommitted && mistake == Mistake.CommitOfRowAppliesFirst)
        {
            transaction.Apply();
        }

        return isCommitted;
    }

    public override ValueTask EndAsync(InMemoryTransaction transaction)
    {
        if (mistake == Mistake.EndCommits && !_committed.Contains(transaction))
        {
            transaction.Apply();
        }

        return base.EndAsync(transaction);
    }

    private PositionKey Changed(PositionKey key) =>
        mistake == Mistake.ConfusesLives ? key with { StreamCreated = DateTimeOffset.UnixEpoch } : key;

    private CheckpointPosition? Changed(CheckpointPosition? position) =>
        mistake == Mistake.ForgetsSubSequenceNumber && position is { Kind: CheckpointKind.Record } record
            ? CheckpointPosition.At(record.SequenceNumber)
            : position;
}

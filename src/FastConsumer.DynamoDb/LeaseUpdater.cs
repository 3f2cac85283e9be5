using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>Renewals and checkpoints of many leases: one conditional write each, several under way at a time.</summary>
internal sealed class LeaseUpdater(LeaseTable table, LeaseWriter writer)
{
    /// <summary>Writes under way at a time.</summary>
    public const int Parallelism = 8;

    public async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        var results = new LeaseWriteResult[updates.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, updates.Count, options, async (i, token) => results[i] = await UpdateAsync(updates[i], token));
        return results;
    }

    private async Task<LeaseWriteResult> UpdateAsync(LeaseUpdate update, CancellationToken cancellationToken)
    {
        LeaseWriteResult result = await WriteAsync(update, cancellationToken);

        // An earlier write of ours, given up as failed, arrived late: the lease is ours still, and the news goes on top of it.
        if (result is { Outcome: LeaseWriteOutcome.Refused, Lease: { } row } && IsNextOf(update.Held, row))
        {
            result = await WriteAsync(update with { Held = row }, cancellationToken);
        }

        return result;
    }

    private Task<LeaseWriteResult> WriteAsync(LeaseUpdate update, CancellationToken cancellationToken)
    {
        Lease held = update.Held;
        return update.Checkpoint is { } checkpoint
            ? writer.WriteAsync(
                LeaseRequests.WriteCheckpoint(table, held, checkpoint),
                held,
                row => IsNextOf(held, row) && row.Checkpoint == checkpoint,
                cancellationToken)
            : writer.WriteAsync(LeaseRequests.Renew(table, held), held, row => IsNextOf(held, row), cancellationToken);
    }

    private static bool IsNextOf(Lease held, Lease row) =>
        row.LeaseCounter == held.LeaseCounter + 1 && row.LeaseOwner == held.LeaseOwner && row.CheckpointOwner is null;
}

using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>
/// Renewals and checkpoints as PartiQL statements: the one form in which conditional updates of several rows, each on its own
/// condition, go in one request. Only what every dialect reads alike: values set with commas between them, and no attribute removed.
/// </summary>
internal static class LeaseStatements
{
    private const string Owned =
        $" WHERE {Lease.Names.LeaseKey} = ? AND {Lease.Names.LeaseCounter} = ? AND {Lease.Names.LeaseOwner} = ? "
        + $"AND {Lease.Names.CheckpointOwner} IS MISSING";

    private const string Renewal = $"SET {Lease.Names.LeaseCounter} = ?";

    private const string Checkpoint =
        $"SET {Lease.Names.LeaseCounter} = ?, {Lease.Names.Checkpoint} = ?, {Lease.Names.CheckpointSubSequenceNumber} = ?, "
        + $"{Lease.Names.OwnerSwitchesSinceCheckpoint} = ?";

    private const string Throughput = $", {Lease.Names.Throughput} = ?";

    /// <summary>
    /// False where the write has to remove something (a prepared checkpoint), and where the row was in a hand-over when it was read:
    /// these go by UpdateItem.
    /// </summary>
    public static bool Suits(LeaseUpdate update) =>
        update.Held.CheckpointOwner is null && !(update.Checkpoint is not null && update.Held.HasPendingCheckpoint);

    public static BatchExecuteStatementRequest Batch(LeaseTable table, IReadOnlyList<LeaseUpdate> updates) => new()
    {
        Statements = [.. updates.Select(update => Statement(table, update))],
        ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
    };

    /// <summary>What the row becomes, as no statement returns it. What others wrote besides since it was read is not in it.</summary>
    public static Lease Result(LeaseUpdate update)
    {
        Lease renewed = update.Held with { LeaseCounter = update.Held.LeaseCounter + 1 };
        return update.Checkpoint is { } checkpoint
            ? renewed with { Checkpoint = checkpoint, OwnerSwitchesSinceCheckpoint = 0, Throughput = update.Throughput ?? renewed.Throughput }
            : renewed;
    }

    private static BatchStatementRequest Statement(LeaseTable table, LeaseUpdate update)
    {
        Lease held = update.Held;
        string assignments = Renewal;
        List<AttributeValue> parameters = [LeaseItem.Number(held.LeaseCounter + 1)];
        if (update.Checkpoint is { } checkpoint)
        {
            parameters.Add(LeaseItem.Text(checkpoint.ToCheckpointString()));
            parameters.Add(LeaseItem.Number(checkpoint.SubSequenceNumber));
            parameters.Add(LeaseItem.Number(0));
            assignments = Checkpoint;
            if (update.Throughput is { } throughput)
            {
                parameters.Add(LeaseItem.Real(throughput));
                assignments = Checkpoint + Throughput;
            }
        }

        parameters.Add(LeaseItem.Text(held.LeaseKey));
        parameters.Add(LeaseItem.Number(held.LeaseCounter));
        parameters.Add(LeaseItem.Text(held.LeaseOwner!));
        return new BatchStatementRequest
        {
            Statement = $"UPDATE \"{table.Name}\" {assignments}{Owned}",
            Parameters = parameters,
        };
    }
}

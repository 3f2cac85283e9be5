using System.Globalization;
using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb.Tests.Kcl;

/// <summary>A row as KCL's own serializer reads it: what it always writes it also demands.</summary>
internal sealed record KclLease(
    string Key, long Counter, string? Owner, string? CheckpointOwner, string Checkpoint, long SubSequence, long Switches)
{
    public static KclLease Read(Dictionary<string, AttributeValue> row) => new(
        row["leaseKey"].S,
        Number(row, "leaseCounter"),
        row.GetValueOrDefault("leaseOwner")?.S,
        row.GetValueOrDefault("checkpointOwner")?.S,
        row["checkpoint"].S ?? throw new InvalidOperationException($"Row {row["leaseKey"].S}: the checkpoint is no string."),
        Number(row, "checkpointSubSequenceNumber"),
        Number(row, "ownerSwitchesSinceCheckpoint"));

    private static long Number(Dictionary<string, AttributeValue> row, string name) =>
        long.Parse(
            row[name].N ?? throw new InvalidOperationException($"Row {row["leaseKey"].S}: {name} is no number."),
            CultureInfo.InvariantCulture);
}

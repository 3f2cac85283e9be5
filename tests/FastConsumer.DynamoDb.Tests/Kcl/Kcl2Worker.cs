using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb.Tests.Kcl;

/// <summary>
/// A worker with KCL 2.x's writes and their conditions: it looks at the counter and at nothing else, and reads every row as a lease.
/// </summary>
internal sealed class Kcl2Worker(AmazonDynamoDBClient client, string tableName, string name)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public string Name => name;

    public async Task<IReadOnlyList<KclLease>> ListAsync()
    {
        ScanResponse response = await client.ScanAsync(new ScanRequest { TableName = tableName, ConsistentRead = true }, Cancellation);
        return [.. response.Items.Select(KclLease.Read)];
    }

    /// <summary>The lease afterwards; null where the condition failed.</summary>
    public Task<KclLease?> TakeAsync(KclLease seen) => UpdateAsync(
        seen,
        seen.Owner is null || seen.Owner == name
            ? "SET leaseCounter = :next, leaseOwner = :me"
            : "SET leaseCounter = :next, leaseOwner = :me, ownerSwitchesSinceCheckpoint = ownerSwitchesSinceCheckpoint + :one",
        "leaseCounter = :counter",
        values =>
        {
            values[":me"] = new(name);
            if (seen.Owner is not null && seen.Owner != name)
            {
                values[":one"] = KclRows.Number(1);
            }
        });

    public Task<KclLease?> RenewAsync(KclLease held) => UpdateAsync(
        held, "SET leaseCounter = :next", "leaseCounter = :counter", static _ => { });

    public Task<KclLease?> CheckpointAsync(KclLease held, string checkpoint, long subSequence) => UpdateAsync(
        held,
        "SET leaseCounter = :next, checkpoint = :checkpoint, checkpointSubSequenceNumber = :sub, ownerSwitchesSinceCheckpoint = :zero "
        + "REMOVE pendingCheckpoint, pendingCheckpointSubSequenceNumber, pendingCheckpointState",
        "leaseCounter = :counter",
        values =>
        {
            values[":checkpoint"] = new(checkpoint);
            values[":sub"] = KclRows.Number(subSequence);
            values[":zero"] = KclRows.Number(0);
        });

    /// <summary>Gives up a lease as a worker that stops does.</summary>
    public Task<KclLease?> EvictAsync(KclLease held) => UpdateAsync(
        held,
        "SET leaseCounter = :next REMOVE leaseOwner",
        "leaseCounter = :counter AND leaseOwner = :me",
        values => values[":me"] = new(name));

    private async Task<KclLease?> UpdateAsync(
        KclLease seen, string update, string condition, Action<Dictionary<string, AttributeValue>> addValues)
    {
        Dictionary<string, AttributeValue> values = new()
        {
            [":counter"] = KclRows.Number(seen.Counter),
            [":next"] = KclRows.Number(seen.Counter + 1),
        };
        addValues(values);
        try
        {
            UpdateItemResponse response = await client.UpdateItemAsync(
                new UpdateItemRequest
                {
                    TableName = tableName,
                    Key = new Dictionary<string, AttributeValue> { ["leaseKey"] = new(seen.Key) },
                    UpdateExpression = update,
                    ConditionExpression = condition,
                    ExpressionAttributeValues = values,
                    ReturnValues = ReturnValue.ALL_NEW,
                },
                Cancellation);
            return KclLease.Read(response.Attributes);
        }
        catch (ConditionalCheckFailedException)
        {
            return null;
        }
    }
}

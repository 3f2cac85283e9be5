using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb.Tests.Kcl;

/// <summary>KCL 3.x's writes and their conditions: a leader that assigns, workers that renew with their throughput.</summary>
internal sealed class Kcl3Worker(AmazonDynamoDBClient client, string tableName, string name)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Rows that are no leases are passed over, as from 3.5 on.</summary>
    public async Task<IReadOnlyList<KclLease>> ListAsync()
    {
        ScanResponse response = await client.ScanAsync(new ScanRequest { TableName = tableName, ConsistentRead = true }, Cancellation);
        return [.. response.Items.Where(static row => row.GetValueOrDefault("entityType")?.S is null or "LEASE").Select(KclLease.Read)];
    }

    /// <summary>The leader gives the lease to this worker.</summary>
    public Task<KclLease?> AssignAsync(KclLease seen)
    {
        Dictionary<string, AttributeValue> values = new() { [":me"] = new(name), [":next"] = KclRows.Number(seen.Counter + 1) };
        return UpdateAsync(
            seen,
            "SET leaseOwner = :me, leaseCounter = :next REMOVE checkpointOwner",
            $"{AsRead("leaseOwner", ":owner", seen.Owner, values)} AND "
                + $"{AsRead("checkpointOwner", ":checkpointOwner", seen.CheckpointOwner, values)}",
            values);
    }

    public Task<KclLease?> RenewAsync(KclLease held, double throughput) => UpdateAsync(
        held,
        "SET leaseCounter = :next, throughputKBps = :throughput",
        "leaseCounter = :counter AND attribute_not_exists(checkpointOwner)",
        new()
        {
            [":counter"] = KclRows.Number(held.Counter),
            [":next"] = KclRows.Number(held.Counter + 1),
            [":throughput"] = new() { N = FormattableString.Invariant($"{throughput}") },
        });

    /// <summary>Begins to hand a lease to another worker.</summary>
    public Task<KclLease?> HandOverAsync(KclLease held, string next) => UpdateAsync(
        held,
        "SET leaseOwner = :next, checkpointOwner = :me",
        "leaseOwner = :me AND attribute_not_exists(checkpointOwner)",
        new() { [":me"] = new(name), [":next"] = new(next) });

    private static string AsRead(string attribute, string placeholder, string? value, Dictionary<string, AttributeValue> values)
    {
        if (value is null)
        {
            return $"attribute_not_exists({attribute})";
        }

        values[placeholder] = new(value);
        return $"{attribute} = {placeholder}";
    }

    private async Task<KclLease?> UpdateAsync(KclLease seen, string update, string condition, Dictionary<string, AttributeValue> values)
    {
        try
        {
            UpdateItemResponse response = await client.UpdateItemAsync(
                new UpdateItemRequest
                {
                    TableName = tableName,
                    Key = AttributeValues.Key(seen.Key),
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

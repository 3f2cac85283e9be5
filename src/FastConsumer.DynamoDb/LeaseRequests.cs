using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>
/// The writes of <see cref="ILeaseStore"/> as requests, with KCL's conditions. Each touches only the attributes it is
/// about, so that what others keep on the row survives. Each pins the counter, so that the new one is sent as a value.
/// </summary>
internal static class LeaseRequests
{
    public static PutItemRequest Create(LeaseTable table, Lease lease) => new()
    {
        TableName = table.Name,
        Item = LeaseItem.Write(lease),
        ConditionExpression = $"attribute_not_exists({LeaseAttributes.LeaseKey})",
        ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
    };

    public static UpdateItemRequest Take(LeaseTable table, Lease observed, string owner, string session)
    {
        Dictionary<string, AttributeValue> values = NewValues(observed);
        string condition = AsObserved(observed, values);
        values[":me"] = LeaseItem.Text(owner);
        values[":session"] = LeaseItem.Text(session);
        string update = $"SET {LeaseAttributes.LeaseCounter} = :next, {LeaseAttributes.LeaseOwner} = :me, {LeaseAttributes.TakenBy} = :me, {LeaseAttributes.Session} = :session";
        if (observed.LeaseOwner is not null && observed.LeaseOwner != owner)
        {
            update += $", {LeaseAttributes.OwnerSwitches} = :switches";
            values[":switches"] = LeaseItem.Number(observed.OwnerSwitchesSinceCheckpoint + 1);
        }

        // a take ends a hand-over, as KCL 3.x has it
        return Update(table, observed, $"{update} REMOVE {LeaseAttributes.CheckpointOwner}, {Calls}", condition, values);
    }

    public static UpdateItemRequest Renew(LeaseTable table, Lease held) =>
        Update(table, held, $"SET {LeaseAttributes.LeaseCounter} = :next", Owned, OwnerValues(held));

    public static UpdateItemRequest WriteCheckpoint(LeaseTable table, Lease held, CheckpointPosition checkpoint, double? throughput)
    {
        string update =
            $"SET {LeaseAttributes.LeaseCounter} = :next, {LeaseAttributes.Checkpoint} = :checkpoint, "
            + $"{LeaseAttributes.CheckpointSubSequenceNumber} = :sub, {LeaseAttributes.OwnerSwitches} = :zero "
            + (throughput is null ? "" : $", {LeaseAttributes.PublishedThroughput} = :throughput ")
            + $"REMOVE {LeaseAttributes.PendingCheckpoint}, {LeaseAttributes.PendingCheckpointSubSequenceNumber}, "
            + LeaseAttributes.PendingCheckpointState;
        Dictionary<string, AttributeValue> values = OwnerValues(held);
        values[":checkpoint"] = LeaseItem.Text(checkpoint.ToCheckpointString());
        values[":sub"] = LeaseItem.Number(checkpoint.SubSequenceNumber);
        values[":zero"] = LeaseItem.Number(0);
        if (throughput is { } published)
        {
            values[":throughput"] = LeaseItem.Real(published);
        }

        return Update(table, held, update, Owned, values);
    }

    /// <summary>KCL's evict, or an assignment to the successor: during a hand-over only the old owner goes, and the next one stays.</summary>
    public static UpdateItemRequest Release(LeaseTable table, Lease held, string? successor)
    {
        Dictionary<string, AttributeValue> values = NewValues(held);
        string condition = AsObserved(held, values);
        if (held.CheckpointOwner is null && successor is not null)
        {
            values[":successor"] = LeaseItem.Text(successor);
            return Update(
                table,
                held,
                $"SET {LeaseAttributes.LeaseCounter} = :next, {LeaseAttributes.LeaseOwner} = :successor REMOVE {Calls}",
                condition,
                values);
        }

        // what is nobody's bears nothing of ours but what tells where to start
        string given = held.CheckpointOwner is null ? $"{LeaseAttributes.LeaseOwner}, {LeaseAttributes.TakenBy}, {LeaseAttributes.Session}" : LeaseAttributes.CheckpointOwner;
        return Update(table, held, $"SET {LeaseAttributes.LeaseCounter} = :next REMOVE {given}, {Calls}", condition, values);
    }

    /// <summary>Sets or takes back a request, and leaves the counter alone.</summary>
    public static UpdateItemRequest Request(LeaseTable table, Lease observed, string? requester)
    {
        Dictionary<string, AttributeValue> values = new(StringComparer.Ordinal) { [":owner"] = LeaseItem.Text(observed.LeaseOwner!) };
        string condition = $"{OwnedBy} AND {Equal(LeaseAttributes.RequestedBy, ":requestedBy", observed.RequestedBy, values)}";
        if (requester is null)
        {
            return Update(table, observed, $"REMOVE {LeaseAttributes.RequestedBy}", condition, values);
        }

        values[":requester"] = LeaseItem.Text(requester);
        return Update(table, observed, $"SET {LeaseAttributes.RequestedBy} = :requester", condition, values);
    }

    /// <summary>May be sent twice.</summary>
    public static UpdateItemRequest Ring(LeaseTable table, string leaseKey, string owner, string ring) => new()
    {
        TableName = table.Name,
        Key = LeaseItem.Key(leaseKey),
        UpdateExpression = $"SET {LeaseAttributes.Ring} = :ring",
        ConditionExpression = OwnedBy,
        ExpressionAttributeValues = new Dictionary<string, AttributeValue>(StringComparer.Ordinal)
        {
            [":ring"] = LeaseItem.Text(ring),
            [":owner"] = LeaseItem.Text(owner),
        },
        ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
    };

    /// <summary>Does not depend on what it writes, so it may be sent twice.</summary>
    public static UpdateItemRequest UpdateChildren(LeaseTable table, string leaseKey, IReadOnlyList<string> childShardIds) => new()
    {
        TableName = table.Name,
        Key = LeaseItem.Key(leaseKey),
        UpdateExpression = childShardIds.Count == 0
            ? $"REMOVE {LeaseAttributes.ChildShardIds}"
            : $"SET {LeaseAttributes.ChildShardIds} = :children",
        ConditionExpression = $"attribute_exists({LeaseAttributes.LeaseCounter})",
        ExpressionAttributeValues = childShardIds.Count == 0
            ? null
            : new Dictionary<string, AttributeValue>(StringComparer.Ordinal) { [":children"] = LeaseItem.Set(childShardIds) },
        ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
    };

    public static DeleteItemRequest Delete(LeaseTable table, Lease observed)
    {
        var values = new Dictionary<string, AttributeValue>(StringComparer.Ordinal)
        {
            [":counter"] = LeaseItem.Number(observed.LeaseCounter),
        };
        return new DeleteItemRequest
        {
            TableName = table.Name,
            Key = LeaseItem.Key(observed.LeaseKey),
            ConditionExpression = AsObserved(observed, values),
            ExpressionAttributeValues = values,
            ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
        };
    }

    /// <summary>What others wrote for the owner, and its successors have nothing to do with.</summary>
    private const string Calls = $"{LeaseAttributes.RequestedBy}, {LeaseAttributes.Ring}";

    private const string OwnedBy = $"{LeaseAttributes.LeaseOwner} = :owner AND attribute_not_exists({LeaseAttributes.CheckpointOwner})";

    private const string Owned = $"{LeaseAttributes.LeaseCounter} = :counter AND {OwnedBy}";

    private static UpdateItemRequest Update(
        LeaseTable table, Lease lease, string update, string condition, Dictionary<string, AttributeValue> values) => new()
        {
            TableName = table.Name,
            Key = LeaseItem.Key(lease.LeaseKey),
            UpdateExpression = update,
            ConditionExpression = condition,
            ExpressionAttributeValues = values,
            ReturnValues = ReturnValue.ALL_NEW,
            ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
            // free, and saves reading the row back
            ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD,
        };

    private static Dictionary<string, AttributeValue> NewValues(Lease lease) => new(StringComparer.Ordinal)
    {
        [":counter"] = LeaseItem.Number(lease.LeaseCounter),
        [":next"] = LeaseItem.Number(lease.LeaseCounter + 1),
    };

    private static Dictionary<string, AttributeValue> OwnerValues(Lease held)
    {
        Dictionary<string, AttributeValue> values = NewValues(held);
        values[":owner"] = LeaseItem.Text(held.LeaseOwner!);
        return values;
    }

    private static string AsObserved(Lease observed, Dictionary<string, AttributeValue> values) =>
        $"{LeaseAttributes.LeaseCounter} = :counter "
        + $"AND {Equal(LeaseAttributes.LeaseOwner, ":owner", observed.LeaseOwner, values)} "
        + $"AND {Equal(LeaseAttributes.CheckpointOwner, ":checkpointOwner", observed.CheckpointOwner, values)}";

    private static string Equal(string attribute, string placeholder, string? value, Dictionary<string, AttributeValue> values)
    {
        if (value is null)
        {
            return $"attribute_not_exists({attribute})";
        }

        values[placeholder] = LeaseItem.Text(value);
        return $"{attribute} = {placeholder}";
    }
}

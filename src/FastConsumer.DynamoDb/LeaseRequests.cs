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
        ConditionExpression = $"attribute_not_exists({Lease.Names.LeaseKey})",
        ReturnConsumedCapacity = ReturnConsumedCapacity.TOTAL,
    };

    public static UpdateItemRequest Take(LeaseTable table, Lease observed, string owner, string session)
    {
        Dictionary<string, AttributeValue> values = NewValues(observed);
        string condition = AsObserved(observed, values);
        values[":me"] = LeaseItem.Text(owner);
        values[":session"] = LeaseItem.Text(session);
        string update = $"SET {Lease.Names.LeaseCounter} = :next, {Lease.Names.LeaseOwner} = :me, {Lease.Names.TakenBy} = :me, {Lease.Names.Session} = :session";
        if (observed.LeaseOwner is not null && observed.LeaseOwner != owner)
        {
            update += $", {Lease.Names.OwnerSwitchesSinceCheckpoint} = :switches";
            values[":switches"] = LeaseItem.Number(observed.OwnerSwitchesSinceCheckpoint + 1);
        }

        // a take ends a hand-over, as KCL 3.x has it
        return Update(table, observed, $"{update} REMOVE {Lease.Names.CheckpointOwner}, {Calls}", condition, values);
    }

    public static UpdateItemRequest Renew(LeaseTable table, Lease held) =>
        Update(table, held, $"SET {Lease.Names.LeaseCounter} = :next", Owned, OwnerValues(held));

    public static UpdateItemRequest WriteCheckpoint(LeaseTable table, Lease held, CheckpointPosition checkpoint, double? throughput)
    {
        string update =
            $"SET {Lease.Names.LeaseCounter} = :next, {Lease.Names.Checkpoint} = :checkpoint, "
            + $"{Lease.Names.CheckpointSubSequenceNumber} = :sub, {Lease.Names.OwnerSwitchesSinceCheckpoint} = :zero "
            + (throughput is null ? "" : $", {Lease.Names.Throughput} = :throughput ")
            + $"REMOVE {Lease.Names.PendingCheckpoint}, {Lease.Names.PendingCheckpointSubSequenceNumber}, "
            + Lease.Names.PendingCheckpointState;
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
                $"SET {Lease.Names.LeaseCounter} = :next, {Lease.Names.LeaseOwner} = :successor REMOVE {Calls}",
                condition,
                values);
        }

        // what is nobody's bears nothing of ours but what tells where to start
        string given = held.CheckpointOwner is null ? $"{Lease.Names.LeaseOwner}, {Lease.Names.TakenBy}, {Lease.Names.Session}" : Lease.Names.CheckpointOwner;
        return Update(table, held, $"SET {Lease.Names.LeaseCounter} = :next REMOVE {given}, {Calls}", condition, values);
    }

    /// <summary>Sets or takes back a request, and leaves the counter alone.</summary>
    public static UpdateItemRequest Request(LeaseTable table, Lease observed, string? requester)
    {
        Dictionary<string, AttributeValue> values = new(StringComparer.Ordinal) { [":owner"] = LeaseItem.Text(observed.LeaseOwner!) };
        string condition = $"{OwnedBy} AND {Equal(Lease.Names.RequestedBy, ":requestedBy", observed.RequestedBy, values)}";
        if (requester is null)
        {
            return Update(table, observed, $"REMOVE {Lease.Names.RequestedBy}", condition, values);
        }

        values[":requester"] = LeaseItem.Text(requester);
        return Update(table, observed, $"SET {Lease.Names.RequestedBy} = :requester", condition, values);
    }

    /// <summary>May be sent twice.</summary>
    public static UpdateItemRequest Ring(LeaseTable table, string leaseKey, string owner, string ring) => new()
    {
        TableName = table.Name,
        Key = LeaseItem.Key(leaseKey),
        UpdateExpression = $"SET {Lease.Names.Notification} = :ring",
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
            ? $"REMOVE {Lease.Names.ChildShardIds}"
            : $"SET {Lease.Names.ChildShardIds} = :children",
        ConditionExpression = $"attribute_exists({Lease.Names.LeaseCounter})",
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
    private const string Calls = $"{Lease.Names.RequestedBy}, {Lease.Names.Notification}";

    private const string OwnedBy = $"{Lease.Names.LeaseOwner} = :owner AND attribute_not_exists({Lease.Names.CheckpointOwner})";

    private const string Owned = $"{Lease.Names.LeaseCounter} = :counter AND {OwnedBy}";

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
        $"{Lease.Names.LeaseCounter} = :counter "
        + $"AND {Equal(Lease.Names.LeaseOwner, ":owner", observed.LeaseOwner, values)} "
        + $"AND {Equal(Lease.Names.CheckpointOwner, ":checkpointOwner", observed.CheckpointOwner, values)}";

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

using System.Globalization;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>Between a row and a <see cref="Lease"/>.</summary>
internal static class LeaseItem
{
    /// <summary>The lease that a row holds; null where the row is none: absent, of another kind, or without a counter.</summary>
    /// <exception cref="LeaseStoreException">It is a lease, with a value that cannot be one.</exception>
    public static Lease? Read(Dictionary<string, AttributeValue>? item, LeaseTable table)
    {
        if (item is null
            || (item.TryGetValue(LeaseAttributes.EntityType, out AttributeValue? entity) && entity.S != LeaseAttributes.LeaseEntity)
            || GetString(item, LeaseAttributes.LeaseKey) is not { } leaseKey
            || !item.ContainsKey(LeaseAttributes.LeaseCounter))
        {
            return null;
        }

        try
        {
            return new Lease
            {
                LeaseKey = leaseKey,
                LeaseCounter = GetNumber(item, LeaseAttributes.LeaseCounter) ?? throw new FormatException("leaseCounter is not a number."),
                LeaseOwner = GetString(item, LeaseAttributes.LeaseOwner),
                CheckpointOwner = GetString(item, LeaseAttributes.CheckpointOwner),
                OwnerSwitchesSinceCheckpoint = GetNumber(item, LeaseAttributes.OwnerSwitches) ?? 0,
                Checkpoint = CheckpointPosition.Parse(
                    GetString(item, LeaseAttributes.Checkpoint) ?? throw new FormatException("it has no checkpoint."),
                    GetNumber(item, LeaseAttributes.CheckpointSubSequenceNumber) ?? 0),
                ParentShardIds = GetSet(item, LeaseAttributes.ParentShardIds),
                ChildShardIds = GetSet(item, LeaseAttributes.ChildShardIds),
                HashKeyRange = GetHashKeyRange(item),
                StartedAt = GetTime(item, LeaseAttributes.StartedAt),
                StreamCreatedAt = GetTime(item, LeaseAttributes.StreamCreatedAt),
                StreamName = GetString(item, LeaseAttributes.StreamName),
                TakenBy = GetString(item, LeaseAttributes.TakenBy),
                Session = GetString(item, LeaseAttributes.Session),
                RequestedBy = GetString(item, LeaseAttributes.RequestedBy),
                Ring = GetString(item, LeaseAttributes.Ring),
                Throughput = GetReal(item, LeaseAttributes.PublishedThroughput),
                HasPendingCheckpoint = item.ContainsKey(LeaseAttributes.PendingCheckpoint)
                    || item.ContainsKey(LeaseAttributes.PendingCheckpointSubSequenceNumber)
                    || item.ContainsKey(LeaseAttributes.PendingCheckpointState),
            };
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or ArgumentOutOfRangeException)
        {
            throw new LeaseStoreException(
                $"The row '{leaseKey}' of {table} is not a lease as KCL or FastConsumer write it: {exception.Message} "
                + "Repair the row, or delete it if its shard may be read from the start position again.",
                isTransient: false,
                exception);
        }
    }

    /// <summary>The whole row of a new lease.</summary>
    public static Dictionary<string, AttributeValue> Write(Lease lease)
    {
        var item = new Dictionary<string, AttributeValue>(StringComparer.Ordinal)
        {
            [LeaseAttributes.LeaseKey] = Text(lease.LeaseKey),
            [LeaseAttributes.LeaseCounter] = Number(lease.LeaseCounter),
            [LeaseAttributes.OwnerSwitches] = Number(lease.OwnerSwitchesSinceCheckpoint),
            [LeaseAttributes.Checkpoint] = Text(lease.Checkpoint.ToCheckpointString()),
            [LeaseAttributes.CheckpointSubSequenceNumber] = Number(lease.Checkpoint.SubSequenceNumber),
            [LeaseAttributes.EntityType] = Text(LeaseAttributes.LeaseEntity),
        };
        if (lease.LeaseOwner is not null)
        {
            item[LeaseAttributes.LeaseOwner] = Text(lease.LeaseOwner);
        }

        if (lease.ParentShardIds.Count > 0)
        {
            item[LeaseAttributes.ParentShardIds] = Set(lease.ParentShardIds);
        }

        if (lease.ChildShardIds.Count > 0)
        {
            item[LeaseAttributes.ChildShardIds] = Set(lease.ChildShardIds);
        }

        if (lease.HashKeyRange is { } range)
        {
            item[LeaseAttributes.StartingHashKey] = Text(range.StartingHashKey.ToString(CultureInfo.InvariantCulture));
            item[LeaseAttributes.EndingHashKey] = Text(range.EndingHashKey.ToString(CultureInfo.InvariantCulture));
        }

        if (lease.StartedAt is { } startedAt)
        {
            item[LeaseAttributes.StartedAt] = Number(startedAt.ToUnixTimeMilliseconds());
        }

        if (lease.StreamCreatedAt is { } createdAt)
        {
            item[LeaseAttributes.StreamCreatedAt] = Number(createdAt.ToUnixTimeMilliseconds());
        }

        if (lease.StreamName is not null)
        {
            item[LeaseAttributes.StreamName] = Text(lease.StreamName);
        }

        if (lease.TakenBy is not null)
        {
            item[LeaseAttributes.TakenBy] = Text(lease.TakenBy);
        }

        if (lease.Session is not null)
        {
            item[LeaseAttributes.Session] = Text(lease.Session);
        }

        if (lease.RequestedBy is not null)
        {
            item[LeaseAttributes.RequestedBy] = Text(lease.RequestedBy);
        }

        if (lease.Ring is not null)
        {
            item[LeaseAttributes.Ring] = Text(lease.Ring);
        }

        if (lease.Throughput is { } throughput)
        {
            item[LeaseAttributes.PublishedThroughput] = Real(throughput);
        }

        return item;
    }

    public static Dictionary<string, AttributeValue> Key(string leaseKey) =>
        new(StringComparer.Ordinal) { [LeaseAttributes.LeaseKey] = Text(leaseKey) };

    public static AttributeValue Text(string value) => new() { S = value };

    public static AttributeValue Number(long value) => new() { N = value.ToString(CultureInfo.InvariantCulture) };

    public static AttributeValue Real(double value) => new() { N = value.ToString("0.###", CultureInfo.InvariantCulture) };

    /// <summary>Not empty: DynamoDB has no empty sets, nor values twice in one.</summary>
    public static AttributeValue Set(IReadOnlyList<string> values) => new() { SS = [.. values.Distinct(StringComparer.Ordinal)] };

    private static string? GetString(Dictionary<string, AttributeValue> item, string name) => item.GetValueOrDefault(name)?.S;

    private static long? GetNumber(Dictionary<string, AttributeValue> item, string name) =>
        item.GetValueOrDefault(name)?.N is not { } digits ? null
        : long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value
        : throw new FormatException($"{name} is '{digits}' instead of a whole number.");

    private static double? GetReal(Dictionary<string, AttributeValue> item, string name) =>
        double.TryParse(item.GetValueOrDefault(name)?.N, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value : null;

    private static DateTimeOffset? GetTime(Dictionary<string, AttributeValue> item, string name) =>
        GetNumber(item, name) is { } milliseconds ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;

    /// <summary>A set has no order; the ordinal one is as good as any, and steady.</summary>
    private static string[] GetSet(Dictionary<string, AttributeValue> item, string name) =>
        item.GetValueOrDefault(name)?.SS is { } values ? [.. values.Order(StringComparer.Ordinal)] : [];

    private static HashKeyRange? GetHashKeyRange(Dictionary<string, AttributeValue> item) =>
        GetString(item, LeaseAttributes.StartingHashKey) is { } start && GetString(item, LeaseAttributes.EndingHashKey) is { } end
            ? new HashKeyRange(ParseHashKey(LeaseAttributes.StartingHashKey, start), ParseHashKey(LeaseAttributes.EndingHashKey, end))
            : null;

    private static UInt128 ParseHashKey(string name, string digits) =>
        UInt128.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 value)
            ? value
            : throw new FormatException($"{name} is '{digits}' instead of a 128-bit number.");
}

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
            || (item.TryGetValue(Lease.Names.EntityType, out AttributeValue? entity) && entity.S != Lease.Names.LeaseEntity)
            || GetString(item, Lease.Names.LeaseKey) is not { } leaseKey
            || !item.ContainsKey(Lease.Names.LeaseCounter))
        {
            return null;
        }

        try
        {
            return new Lease
            {
                LeaseKey = leaseKey,
                LeaseCounter = GetNumber(item, Lease.Names.LeaseCounter) ?? throw new FormatException("leaseCounter is not a number."),
                LeaseOwner = GetString(item, Lease.Names.LeaseOwner),
                CheckpointOwner = GetString(item, Lease.Names.CheckpointOwner),
                OwnerSwitchesSinceCheckpoint = GetNumber(item, Lease.Names.OwnerSwitchesSinceCheckpoint) ?? 0,
                Checkpoint = CheckpointPosition.Parse(
                    GetString(item, Lease.Names.Checkpoint) ?? throw new FormatException("it has no checkpoint."),
                    GetNumber(item, Lease.Names.CheckpointSubSequenceNumber) ?? 0),
                ParentShardIds = GetSet(item, Lease.Names.ParentShardIds),
                ChildShardIds = GetSet(item, Lease.Names.ChildShardIds),
                HashKeyRange = GetHashKeyRange(item),
                StartedAt = GetTime(item, Lease.Names.StartedAt),
                StreamCreatedAt = GetTime(item, Lease.Names.StreamCreatedAt),
                StreamName = GetString(item, Lease.Names.StreamName),
                TakenBy = GetString(item, Lease.Names.TakenBy),
                Session = GetString(item, Lease.Names.Session),
                RequestedBy = GetString(item, Lease.Names.RequestedBy),
                Notification = GetString(item, Lease.Names.Notification),
                Throughput = GetReal(item, Lease.Names.Throughput),
                HasPendingCheckpoint = item.ContainsKey(Lease.Names.PendingCheckpoint)
                    || item.ContainsKey(Lease.Names.PendingCheckpointSubSequenceNumber)
                    || item.ContainsKey(Lease.Names.PendingCheckpointState),
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
            [Lease.Names.LeaseKey] = Text(lease.LeaseKey),
            [Lease.Names.LeaseCounter] = Number(lease.LeaseCounter),
            [Lease.Names.OwnerSwitchesSinceCheckpoint] = Number(lease.OwnerSwitchesSinceCheckpoint),
            [Lease.Names.Checkpoint] = Text(lease.Checkpoint.ToCheckpointString()),
            [Lease.Names.CheckpointSubSequenceNumber] = Number(lease.Checkpoint.SubSequenceNumber),
            [Lease.Names.EntityType] = Text(Lease.Names.LeaseEntity),
        };
        if (lease.LeaseOwner is not null)
        {
            item[Lease.Names.LeaseOwner] = Text(lease.LeaseOwner);
        }

        if (lease.ParentShardIds.Count > 0)
        {
            item[Lease.Names.ParentShardIds] = Set(lease.ParentShardIds);
        }

        if (lease.ChildShardIds.Count > 0)
        {
            item[Lease.Names.ChildShardIds] = Set(lease.ChildShardIds);
        }

        if (lease.HashKeyRange is { } range)
        {
            item[Lease.Names.StartingHashKey] = Text(range.StartingHashKey.ToString(CultureInfo.InvariantCulture));
            item[Lease.Names.EndingHashKey] = Text(range.EndingHashKey.ToString(CultureInfo.InvariantCulture));
        }

        if (lease.StartedAt is { } startedAt)
        {
            item[Lease.Names.StartedAt] = Number(startedAt.ToUnixTimeMilliseconds());
        }

        if (lease.StreamCreatedAt is { } createdAt)
        {
            item[Lease.Names.StreamCreatedAt] = Number(createdAt.ToUnixTimeMilliseconds());
        }

        if (lease.StreamName is not null)
        {
            item[Lease.Names.StreamName] = Text(lease.StreamName);
        }

        if (lease.TakenBy is not null)
        {
            item[Lease.Names.TakenBy] = Text(lease.TakenBy);
        }

        if (lease.Session is not null)
        {
            item[Lease.Names.Session] = Text(lease.Session);
        }

        if (lease.RequestedBy is not null)
        {
            item[Lease.Names.RequestedBy] = Text(lease.RequestedBy);
        }

        if (lease.Notification is not null)
        {
            item[Lease.Names.Notification] = Text(lease.Notification);
        }

        if (lease.Throughput is { } throughput)
        {
            item[Lease.Names.Throughput] = Real(throughput);
        }

        return item;
    }

    public static Dictionary<string, AttributeValue> Key(string leaseKey) =>
        new(StringComparer.Ordinal) { [Lease.Names.LeaseKey] = Text(leaseKey) };

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
        GetString(item, Lease.Names.StartingHashKey) is { } start && GetString(item, Lease.Names.EndingHashKey) is { } end
            ? new HashKeyRange(ParseHashKey(Lease.Names.StartingHashKey, start), ParseHashKey(Lease.Names.EndingHashKey, end))
            : null;

    private static UInt128 ParseHashKey(string name, string digits) =>
        UInt128.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 value)
            ? value
            : throw new FormatException($"{name} is '{digits}' instead of a 128-bit number.");
}

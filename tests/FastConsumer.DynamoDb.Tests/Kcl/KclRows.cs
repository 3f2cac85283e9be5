using Amazon.DynamoDBv2.Model;

namespace FastConsumer.DynamoDb.Tests.Kcl;

/// <summary>Tables as KCL leaves them, one row for each state that a lease can be in.</summary>
internal static class KclRows
{
    public const string Sequence = "49590338271490256608559692538361571095921575989136588898";

    public static IReadOnlyList<string> Versions => ["1.x", "2.x", "3.0", "3.5"];

    public static IReadOnlyList<Dictionary<string, AttributeValue>> Table(string version) => version switch
    {
        "1.x" => Leases(),
        "2.x" => [.. Leases().Select(WithMetadata), PreparedCheckpoint("shardId-000000000006")],
        "3.0" => [.. Leases().Select(WithMetadata).Select(WithThroughput), PreparedCheckpoint("shardId-000000000006"),
            HandOver("shardId-000000000007")],
        _ =>
        [
            .. Leases().Select(WithMetadata).Select(WithThroughput).Select(WithEntityType),
            PreparedCheckpoint("shardId-000000000006"),
            WithEntityType(HandOver("shardId-000000000007")),
            WorkerMetrics("worker-1", 1_700_000_000),
            Leader(),
            Foreign("Migration3.0", "CLIENT_VERSION_MIGRATION", ("cv", "CLIENT_VERSION_3X")),
            Foreign("TableMigration", "TABLE_MIGRATION", ("ts", "COMPLETE")),
            Foreign("123456789012:orders:1700000000", "STREAM", ("streamName", "orders")),
        ],
    };

    /// <summary>What every version writes: numbers, sub-sequences, sentinels; owned and not; with a parent and without.</summary>
    private static IReadOnlyList<Dictionary<string, AttributeValue>> Leases() =>
    [
        Lease("shardId-000000000000", 4711, Sequence, 0, owner: "ip-10-0-0-1:worker-1"),
        Lease("shardId-000000000001", 12, Sequence, 41, owner: "ip-10-0-0-2:worker-2", switches: 2),
        Lease("shardId-000000000002", 3, "TRIM_HORIZON", 0),
        Lease("shardId-000000000003", 0, "LATEST", 0),
        Lease("shardId-000000000004", 1, "AT_TIMESTAMP", 0, owner: "ip-10-0-0-1:worker-1"),
        Lease("shardId-000000000005", 99, "SHARD_END", 0, owner: "ip-10-0-0-1:worker-1", parents: [
            "shardId-00000000000a", "shardId-00000000000b"]),
    ];

    public static Dictionary<string, AttributeValue> Lease(
        string key, long counter, string checkpoint, long subSequence, string? owner = null, long switches = 0, string[]? parents = null)
    {
        Dictionary<string, AttributeValue> row = new()
        {
            ["leaseKey"] = new(key),
            ["leaseCounter"] = Number(counter),
            ["ownerSwitchesSinceCheckpoint"] = Number(switches),
            ["checkpoint"] = new(checkpoint),
            ["checkpointSubSequenceNumber"] = Number(subSequence),
        };
        if (owner is not null)
        {
            row["leaseOwner"] = new(owner);
        }

        if (parents is not null)
        {
            row["parentShardId"] = new() { SS = [.. parents] };
        }

        return row;
    }

    /// <summary>A worker prepared a checkpoint and died before it made it.</summary>
    public static Dictionary<string, AttributeValue> PreparedCheckpoint(string key)
    {
        Dictionary<string, AttributeValue> row = Lease(key, 30, "100", 2, owner: "ip-10-0-0-2:worker-2");
        row["pendingCheckpoint"] = new("200");
        row["pendingCheckpointSubSequenceNumber"] = Number(1);
        row["pendingCheckpointState"] = new() { B = new MemoryStream([1, 2, 3]) };
        return row;
    }

    /// <summary>A fleet of 3.x stopped while worker 1 was handing the lease to worker 2.</summary>
    public static Dictionary<string, AttributeValue> HandOver(string key)
    {
        Dictionary<string, AttributeValue> row = WithThroughput(Lease(key, 8, "300", 0, owner: "worker-2"));
        row["checkpointOwner"] = new("worker-1");
        return row;
    }

    public static Dictionary<string, AttributeValue> WorkerMetrics(string worker, long updatedAt)
    {
        Dictionary<string, AttributeValue> row = Foreign(worker, "WORKER_METRIC_STATS");
        row["lut"] = Number(updatedAt);
        row["sts"] = new() { M = new() { ["C"] = new() { L = [new() { N = "12.5" }, new() { N = "13" }] } } };
        row["opr"] = new() { M = new() { ["C"] = new() { L = [new() { N = "80" }] } } };
        return row;
    }

    public static Dictionary<string, AttributeValue> Leader() =>
        Foreign(
            "Leader",
            "LEADER",
            ("recordVersionNumber", "3c5e0a6e-0000-4000-8000-000000000001"),
            ("ownerName", "worker-1"),
            ("leaseDuration", "120000"));

    private static Dictionary<string, AttributeValue> Foreign(string key, string entityType, params (string Name, string Value)[] values)
    {
        Dictionary<string, AttributeValue> row = new() { ["leaseKey"] = new(key), ["entityType"] = new(entityType) };
        foreach ((string name, string value) in values)
        {
            row[name] = new(value);
        }

        return row;
    }

    private static Dictionary<string, AttributeValue> WithMetadata(Dictionary<string, AttributeValue> row) => new(row)
    {
        ["childShardIds"] = new() { SS = ["shardId-00000000000c", "shardId-00000000000d"] },
        ["startingHashKey"] = new("0"),
        ["endingHashKey"] = new("340282366920938463463374607431768211455"),
        ["somethingOfALaterVersion"] = new() { M = new() { ["x"] = new() { NS = ["1", "2"] } } },
    };

    private static Dictionary<string, AttributeValue> WithThroughput(Dictionary<string, AttributeValue> row) =>
        new(row) { ["throughputKBps"] = new() { N = "12.75" } };

    private static Dictionary<string, AttributeValue> WithEntityType(Dictionary<string, AttributeValue> row) =>
        new(row) { ["entityType"] = new("LEASE") };

    public static AttributeValue Number(long value) => new() { N = $"{value}" };
}

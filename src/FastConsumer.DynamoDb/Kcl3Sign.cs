using System.Globalization;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>Something that only KCL 3.x writes, as it was read: where it changes, a fleet of it is running.</summary>
/// <param name="Id">What it is, apart from all others.</param>
/// <param name="Kind">What kind of sign it is.</param>
/// <param name="Place">For messages.</param>
/// <param name="State">Changes with every write.</param>
/// <param name="WrittenAt">When its writer says that it wrote it, by the writer's clock; null where it does not say.</param>
internal readonly record struct Kcl3Sign(string Id, Kcl3SignKind Kind, string Place, string State, DateTimeOffset? WrittenAt = null)
{
    // KCL's names in the rows of worker metrics (lastUpdateTime, seconds since 1970) and of its coordinator
    private const string UpdatedAt = "lut";
    private const string LeaderKey = "Leader";

    /// <summary>The sign in a row of the lease table; null where it is none.</summary>
    public static Kcl3Sign? InLeaseTable(Dictionary<string, AttributeValue> item)
    {
        string key = item.GetValueOrDefault(Lease.Names.LeaseKey)?.S ?? "";
        return item.GetValueOrDefault(Lease.Names.EntityType)?.S switch
        {
            "WORKER_METRIC_STATS" => new($"row:{key}", Kcl3SignKind.WorkerMetrics, $"metrics of worker '{key}'", AttributeValues.ToText(item), TimeOf(item)),
            "LEADER" => new($"row:{key}", Kcl3SignKind.Leader, $"leader row '{key}'", AttributeValues.ToText(item)),
            null or Lease.Names.LeaseEntity when item.GetValueOrDefault(Lease.Names.ThroughputKBps) is { } throughput => new(
                $"lease:{key}",
                item.ContainsKey(Lease.Names.LeaseOwner) ? Kcl3SignKind.OwnedThroughput : Kcl3SignKind.Throughput,
                $"{Lease.Names.ThroughputKBps} of lease '{key}'",
                AttributeValues.ToText(throughput)),
            _ => null,
        };
    }

    /// <summary>The sign in a row of <c>(application)-WorkerMetricStats</c>.</summary>
    public static Kcl3Sign InMetricsTable(Dictionary<string, AttributeValue> item)
    {
        string worker = item.GetValueOrDefault("wid")?.S ?? "";
        return new($"metrics:{worker}", Kcl3SignKind.WorkerMetrics, $"metrics of worker '{worker}'", AttributeValues.ToText(item), TimeOf(item));
    }

    /// <summary>The sign in a row of <c>(application)-CoordinatorState</c>; null where it is none (people write there too, to migrate).</summary>
    public static Kcl3Sign? InCoordinatorTable(Dictionary<string, AttributeValue> item) =>
        item.GetValueOrDefault("key")?.S is LeaderKey
            ? new Kcl3Sign("coordinator:" + LeaderKey, Kcl3SignKind.Leader, $"leader row '{LeaderKey}'", AttributeValues.ToText(item))
            : null;

    private static DateTimeOffset? TimeOf(Dictionary<string, AttributeValue> item) =>
        long.TryParse(item.GetValueOrDefault(UpdatedAt)?.N, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
        && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;
}

/// <summary>The signs by which KCL 3.x is known.</summary>
internal enum Kcl3SignKind
{
    /// <summary>A lease that nobody owns bears a throughput.</summary>
    Throughput,

    /// <summary>A lease that somebody owns does.</summary>
    OwnedThroughput,

    /// <summary>A worker's report of its own load, each 30 s.</summary>
    WorkerMetrics,

    /// <summary>The leader's lock.</summary>
    Leader,
}

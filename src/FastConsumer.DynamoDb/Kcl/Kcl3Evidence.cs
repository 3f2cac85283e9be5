using System.Globalization;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>Something that only KCL 3.x writes, as it was read: where it changes, a fleet of it is running.</summary>
/// <param name="Id">What it is, apart from all others.</param>
/// <param name="Kind">What kind of evidence it is.</param>
/// <param name="Place">For messages.</param>
/// <param name="State">Changes with every write.</param>
/// <param name="WrittenAt">When its writer says that it wrote it, by the writer's clock; null where it does not say.</param>
internal readonly record struct Kcl3Evidence(string Id, Kcl3EvidenceKind Kind, string Place, string State, DateTimeOffset? WrittenAt = null)
{
    // KCL's names in the rows of worker metrics (lastUpdateTime, seconds since 1970) and of its coordinator
    private const string UpdatedAt = "lut";
    private const string LeaderKey = "Leader";

    /// <summary>The evidence in a row of the lease table; null where it is none.</summary>
    public static Kcl3Evidence? InLeaseTable(Dictionary<string, AttributeValue> item)
    {
        string key = item.GetValueOrDefault(Lease.Names.LeaseKey)?.S ?? "";
        return item.GetValueOrDefault(Lease.Names.EntityType)?.S switch
        {
            "WORKER_METRIC_STATS" =>
                new($"row:{key}", Kcl3EvidenceKind.WorkerMetrics, $"metrics of worker '{key}'", AttributeValues.ToText(item), TimeOf(item)),
            "LEADER" => new($"row:{key}", Kcl3EvidenceKind.Leader, $"leader row '{key}'", AttributeValues.ToText(item)),
            null or Lease.Names.LeaseEntity when item.GetValueOrDefault(Lease.Names.ThroughputKBps) is { } throughput => new(
                $"lease:{key}",
                item.ContainsKey(Lease.Names.LeaseOwner) ? Kcl3EvidenceKind.OwnedThroughput : Kcl3EvidenceKind.Throughput,
                $"{Lease.Names.ThroughputKBps} of lease '{key}'",
                AttributeValues.ToText(throughput)),
            _ => null,
        };
    }

    /// <summary>The evidence in a row of <c>(application)-WorkerMetricStats</c>.</summary>
    public static Kcl3Evidence InMetricsTable(Dictionary<string, AttributeValue> item)
    {
        string worker = item.GetValueOrDefault("wid")?.S ?? "";
        return new(
            $"metrics:{worker}", Kcl3EvidenceKind.WorkerMetrics, $"metrics of worker '{worker}'", AttributeValues.ToText(item),
                TimeOf(item));
    }

    /// <summary>
    /// The evidence in a row of <c>(application)-CoordinatorState</c>; null where it is none (people write there too, to migrate).
    /// </summary>
    public static Kcl3Evidence? InCoordinatorTable(Dictionary<string, AttributeValue> item) =>
        item.GetValueOrDefault("key")?.S is LeaderKey
            ? new Kcl3Evidence(
                "coordinator:" + LeaderKey, Kcl3EvidenceKind.Leader, $"leader row '{LeaderKey}'", AttributeValues.ToText(item))
            : null;

    private static DateTimeOffset? TimeOf(Dictionary<string, AttributeValue> item) =>
        long.TryParse(item.GetValueOrDefault(UpdatedAt)?.N, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds)
        && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;
}

/// <summary>The kinds of evidence for KCL 3.x.</summary>
internal enum Kcl3EvidenceKind
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

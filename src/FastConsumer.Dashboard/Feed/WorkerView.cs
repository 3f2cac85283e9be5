using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases.Core;
using FastConsumer.Monitoring;
using FastConsumer.Operators;

namespace FastConsumer.Dashboard.Feed;

/// <summary>
/// One worker of this process at one moment, and the fleet as it sees it: the rows of its last list, and its own shards as they are now.
/// Reads nothing from any service.
/// </summary>
internal sealed class WorkerView
{
    private WorkerView(StreamWorker worker, LeaseTableState? leases, DateTimeOffset now)
    {
        Worker = worker;
        Now = now;
        Snapshot = worker.Snapshot();
        ListedAgo = worker.SinceListed;
        Fleet = leases is null ? null : FleetView.Of(
            [.. leases.Leases.Values.Select(static entry => entry.Row)], null, now - (ListedAgo ?? TimeSpan.Zero));
        Own = worker.Shards.ToDictionary(static shard => shard.Now.ShardId, StringComparer.Ordinal);
        Shards = [.. (Fleet?.Shards ?? []).Select(row => new ShardView(this, leases!, row))];
    }

    public StreamWorker Worker { get; }

    public DateTimeOffset Now { get; }

    public WorkerSnapshot Snapshot { get; }

    /// <summary>How long ago the table was listed; null before.</summary>
    public TimeSpan? ListedAgo { get; }

    public FleetView? Fleet { get; }

    public IReadOnlyDictionary<string, (ShardTelemetry Shard, ShardSnapshot Now)> Own { get; }

    /// <summary>All shards of the table.</summary>
    public IReadOnlyList<ShardView> Shards { get; }

    public static WorkerView Of(StreamWorker worker, DateTimeOffset now) => new(worker, worker.Leases, now);
}

/// <summary>One shard: what its row says, and what this process knows of it where it runs here.</summary>
internal sealed class ShardView
{
    /// <summary>What a worker has said longer ago is not drawn.</summary>
    private static readonly TimeSpan s_reportLasts = TimeSpan.FromMinutes(2);

    private readonly DateTimeOffset _now;

    public ShardView(WorkerView worker, LeaseTableState leases, FleetShard row)
    {
        _now = worker.Now;
        Row = row;
        if (worker.Own.TryGetValue(row.ShardId, out (ShardTelemetry Shard, ShardSnapshot Now) own))
        {
            Telemetry = own.Shard;
            Snapshot = own.Now;
            Report = ShardReport.Read(own.Shard.Report);
        }
        else
        {
            Report = row.Report;
        }

        Owner = Snapshot is null ? row.Owner : worker.Snapshot.WorkerId;
        HashKeys = row.HashKeyRange ?? leases.Stream.HashKeys.GetValueOrDefault(row.ShardId);
    }

    public FleetShard Row { get; }

    /// <summary>How it stands now; null where another worker has it, or nobody.</summary>
    public ShardSnapshot? Snapshot { get; }

    public ShardTelemetry? Telemetry { get; }

    /// <summary>What its owner has said of it; null where that is nothing.</summary>
    public ShardReport? Report { get; }

    public string? Owner { get; }

    public HashKeyRange? HashKeys { get; }

    public bool IsMine => Snapshot is not null;

    public TimeSpan? ReportAge => IsMine || Report is null ? null
        : _now > Report.At ? _now - Report.At
        : TimeSpan.Zero;

    /// <summary>Its lag, as far as it is known; null where the last word about it is old.</summary>
    public TimeSpan? Lag => IsMine ? Snapshot!.Lag : IsReportFresh ? Report!.Lag : null;

    /// <summary>Records done in a second; null where that is not known.</summary>
    public double? RecordsPerSecond => IsMine || IsReportFresh ? Report?.RecordsPerSecond : null;

    public FleetShardStatus Status => Snapshot?.State switch
    {
        null => Row.Status,
        ShardState.Stopped => FleetShardStatus.Stopped,
        ShardState.Retrying => FleetShardStatus.Retrying,
        ShardState.Paused => FleetShardStatus.Paused,
        // a row that was read before the take, or before the record succeeded
        _ => FleetShardStatus.Held,
    };

    private bool IsReportFresh => ReportAge is { } age && age <= s_reportLasts;
}

using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Reading;

namespace FastConsumer.Monitoring;

/// <summary>What a shard is to the whole fleet, by its row.</summary>
internal enum FleetShardStatus
{
    /// <summary>The stream has it, and the table has no lease for it.</summary>
    NoLease,

    /// <summary>It waits until its parents are finished.</summary>
    WaitsForParents,

    /// <summary>Nobody holds it.</summary>
    Free,

    /// <summary>A worker holds it.</summary>
    Held,

    /// <summary>It was released to a worker that has not taken it yet, or KCL 3.x hands it over.</summary>
    HandedOver,

    /// <summary>A worker holds it, and tries a record again and again.</summary>
    Retrying,

    /// <summary>A worker holds it, and has stopped in front of a record.</summary>
    Stopped,

    /// <summary>An operator has paused it.</summary>
    Paused,

    /// <summary>It is closed, and done.</summary>
    Finished,

    /// <summary>Its row cannot be read as a lease.</summary>
    Unreadable,
}

/// <summary>
/// How the whole fleet stands, by the rows of the lease table and, where one is given, a listing of the stream. What a row does not say is
/// not known: a worker without a lease is in no row.
/// </summary>
internal sealed record FleetView
{
    /// <summary>When the rows were read.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>All shards, parents first, then by id.</summary>
    public required IReadOnlyList<FleetShard> Shards { get; init; }

    /// <summary>The workers that hold a lease, by name.</summary>
    public required IReadOnlyList<FleetWorker> Workers { get; init; }

    /// <summary>The view that rows give.</summary>
    /// <param name="rows">All leases of the table.</param>
    /// <param name="stream">The stream's shards; null where it was not listed.</param>
    /// <param name="at">When the rows were read.</param>
    public static FleetView Of(IReadOnlyList<Lease> rows, IReadOnlyList<Shard>? stream, DateTimeOffset at)
    {
        Dictionary<string, Lease> leases = rows.ToDictionary(static row => row.LeaseKey, StringComparer.Ordinal);
        Dictionary<string, Shard> listed = (stream ?? []).ToDictionary(static shard => shard.ShardId, StringComparer.Ordinal);
        List<FleetShard> shards =
        [
            .. leases.Values.Select(row => FleetShard.Of(row, listed.GetValueOrDefault(row.LeaseKey), leases, stream is not null, at)),
            .. listed.Values.Where(shard => !leases.ContainsKey(shard.ShardId)).Select(FleetShard.Of),
        ];
        shards.Sort(static (one, other) => string.CompareOrdinal(one.ShardId, other.ShardId));
        return new FleetView
        {
            At = at,
            Shards = shards,
            Workers =
            [
                .. shards.Where(static shard => shard.Owner is not null && shard.Status != FleetShardStatus.Finished)
                    .GroupBy(static shard => shard.Owner!, StringComparer.Ordinal)
                    .Select(static owned => FleetWorker.Of(owned.Key, [.. owned]))
                    .OrderBy(static worker => worker.WorkerId, StringComparer.Ordinal),
            ],
        };
    }
}

/// <summary>One shard, as its row and the stream show it.</summary>
internal sealed record FleetShard
{
    /// <summary>The shard's id.</summary>
    public required string ShardId { get; init; }

    /// <summary>What it is to the fleet.</summary>
    public required FleetShardStatus Status { get; init; }

    /// <summary>The worker that holds it; null for nobody.</summary>
    public string? Owner { get; init; }

    /// <summary>True where that is a worker of KCL, which writes no reports and cannot be asked for anything.</summary>
    public bool IsKcl { get; init; }

    /// <summary>The worker that has asked for it.</summary>
    public string? RequestedBy { get; init; }

    /// <summary>The shards it was made from.</summary>
    public IReadOnlyList<string> ParentShardIds { get; init; } = [];

    /// <summary>The part of the hash keys that it has; null where nobody has said so.</summary>
    public HashKeyRange? HashKeyRange { get; init; }

    /// <summary>True where the stream has closed it; null where the stream was not asked, or no longer has it.</summary>
    public bool? IsClosed { get; init; }

    /// <summary>True where the stream has it no more; null where the stream was not asked.</summary>
    public bool? IsGone { get; init; }

    /// <summary>What is done, in KCL's words: a sequence number (with a colon and a sub-sequence number), TRIM_HORIZON and so on.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>The time of a checkpoint LATEST or AT_TIMESTAMP.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>The lease's counter.</summary>
    public long Counter { get; init; }

    /// <summary>The fencing token of the owner: the counter that its take wrote; null where no FastConsumer worker holds it.</summary>
    public long? FencingToken { get; init; }

    /// <summary>How long its owner may be silent; null where it does not say.</summary>
    public TimeSpan? LeaseDuration { get; init; }

    /// <summary>What its owner says of it; null where that is nothing.</summary>
    public ShardReport? Report { get; init; }

    /// <summary>The age of the report.</summary>
    public TimeSpan? ReportAge { get; init; }

    /// <summary>The record that its owner fails on.</summary>
    public Standing? Failing { get; init; }

    /// <summary>The last decision of an operator about one of its records.</summary>
    public DecidedRecord? Decision { get; init; }

    /// <summary>The last reset of its checkpoint.</summary>
    public CheckpointReset? Reset { get; init; }

    /// <summary>Who has paused it, and until when.</summary>
    public ShardPause? Pause { get; init; }

    /// <summary>The state that belongs to its checkpoint; null where there is none.</summary>
    public FleetShardState? State { get; init; }

    /// <summary>Why the row cannot be read, and what to do about it.</summary>
    public string? Problem { get; init; }

    internal static FleetShard Of(
        Lease row, Shard? shard, Dictionary<string, Lease> leases, bool isListed, DateTimeOffset at)
    {
        bool isHeld = row.IsHeldByFastConsumer;
        Standing? failing = isHeld ? OperatorNotes.ReadStanding(row.Standing) : null;
        ShardPause? pause = OperatorNotes.ReadPause(row.Paused) is { } said && !(said.Until <= at) ? said : null;
        ShardReport? report = isHeld ? ShardReport.Read(row.Report) : null;
        return new FleetShard
        {
            ShardId = row.LeaseKey,
            Status = StatusOf(row, leases, failing, pause),
            Owner = row.Owner,
            IsKcl = row.Owner is not null && row.TakenBy is null,
            RequestedBy = row.RequestedBy,
            ParentShardIds = row.ParentShardIds,
            HashKeyRange = row.HashKeyRange ?? shard?.HashKeyRange,
            IsClosed = shard is null ? null : shard.EndingSequenceNumber is not null,
            IsGone = isListed ? shard is null : null,
            Checkpoint = row.Problem is null ? row.Checkpoint.ToString() : null,
            StartedAt = row.StartedAt,
            Counter = row.LeaseCounter,
            FencingToken = isHeld ? Lease.EpochOf(row.Session) : null,
            LeaseDuration = row.Duration,
            Report = report,
            ReportAge = report is null ? null : at - report.At,
            Failing = failing,
            Decision = OperatorNotes.ReadDecision(row.Decision),
            Reset = OperatorNotes.ReadReset(row.Reset),
            Pause = pause,
            State = FleetShardState.Of(row),
            Problem = row.Problem,
        };
    }

    internal static FleetShard Of(Shard shard) => new()
    {
        ShardId = shard.ShardId,
        Status = FleetShardStatus.NoLease,
        ParentShardIds = shard.ParentIds(),
        HashKeyRange = shard.HashKeyRange,
        IsClosed = shard.EndingSequenceNumber is not null,
        IsGone = false,
    };

    private static FleetShardStatus StatusOf(Lease row, Dictionary<string, Lease> leases, Standing? failing, ShardPause? pause) =>
        row.Problem is not null ? FleetShardStatus.Unreadable
        : row.IsFinished ? FleetShardStatus.Finished
        : pause is not null ? FleetShardStatus.Paused
        : row.ParentShardIds.Any(parent => leases.TryGetValue(parent, out Lease? lease) && !lease.IsFinished)
            ? FleetShardStatus.WaitsForParents
        : row.CheckpointOwner is not null || row.IsPassedOn ? FleetShardStatus.HandedOver
        : row.LeaseOwner is null ? FleetShardStatus.Free
        : failing is { IsStopped: true } ? FleetShardStatus.Stopped
        : failing is not null ? FleetShardStatus.Retrying
        : FleetShardStatus.Held;
}

/// <summary>The state that belongs to a shard's checkpoint, as the row names it.</summary>
/// <param name="Version">The version of the state.</param>
/// <param name="Lineage">The table of state that the row belongs to, and the row's life.</param>
/// <param name="Snapshot">
/// The object; null for the empty state, and until the shard has a snapshot of its own. Of a handle that cannot be read, the whole.
/// </param>
/// <param name="StreamTime">The latest arrival up to the checkpoint.</param>
/// <param name="Seen">The time up to which the shard is known to be done.</param>
/// <param name="Inherits">The parents' objects, until the shard has a snapshot of its own.</param>
internal sealed record FleetShardState(
    int Version,
    string? Lineage,
    string? Snapshot,
    DateTimeOffset? StreamTime,
    DateTimeOffset? Seen,
    IReadOnlyList<string> Inherits)
{
    internal static FleetShardState? Of(Lease row)
    {
        if (!row.HasState)
        {
            return null;
        }

        SnapshotHandle? handle = SnapshotHandle.Parse(row.Snapshot);
        return new FleetShardState(
            row.StateVersion,
            row.Lineage,
            handle is null ? row.Snapshot : handle.Object,
            handle?.StreamTime,
            handle?.Seen,
            row.Snapshot is null
                ? [.. SnapshotHandle.Inherited(row).Parents.Select(static parent => parent?.Object).OfType<string>()]
                : []);
    }
}

/// <summary>One worker that holds leases, as their rows show it.</summary>
/// <param name="WorkerId">Its name.</param>
/// <param name="IsKcl">True where it is one of KCL.</param>
/// <param name="Shards">What it holds.</param>
/// <param name="Lag">The longest lag that it reports; null where it reports none.</param>
/// <param name="LossIn">The first loss that it reports; null where none is near.</param>
/// <param name="RecordsPerSecond">The records that it does in a second, as it reports.</param>
/// <param name="BytesPerSecond">The bytes that it reads in a second, as it reports.</param>
/// <param name="ReportAge">The age of its newest report; null where it has written none.</param>
internal sealed record FleetWorker(
    string WorkerId,
    bool IsKcl,
    IReadOnlyList<FleetShard> Shards,
    TimeSpan? Lag,
    TimeSpan? LossIn,
    double? RecordsPerSecond,
    double? BytesPerSecond,
    TimeSpan? ReportAge)
{
    internal static FleetWorker Of(string workerId, IReadOnlyList<FleetShard> shards)
    {
        List<ShardReport> reports = [.. shards.Select(static shard => shard.Report).OfType<ShardReport>()];
        bool reportsAny = reports.Count > 0;
        return new FleetWorker(
            workerId,
            shards.All(static shard => shard.IsKcl),
            shards,
            reports.Max(static report => report.Lag),
            reports.Min(static report => report.LossIn),
            reportsAny ? reports.Sum(static report => report.RecordsPerSecond) : null,
            reportsAny ? reports.Sum(static report => report.BytesPerSecond) : null,
            shards.Min(static shard => shard.ReportAge));
    }
}

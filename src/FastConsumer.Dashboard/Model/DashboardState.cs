namespace FastConsumer.Dashboard.Model;

/// <summary>All that a page shows live. Times are in seconds, rates in a second; what is not known is left out.</summary>
/// <param name="At">When it was made.</param>
/// <param name="Consumers">The host's consumers.</param>
internal sealed record DashboardState(DateTimeOffset At, IReadOnlyList<ConsumerState> Consumers);

/// <summary>One consumer.</summary>
internal sealed record ConsumerState
{
    public required string Name { get; init; }

    public required IReadOnlyList<FindingState> Findings { get; init; }

    public required IReadOnlyList<WorkerState> Workers { get; init; }

    /// <summary>Where dead letters lie; null where there is no place for them.</summary>
    public string? DeadLetters { get; init; }
}

/// <summary>One finding.</summary>
internal sealed record FindingState(
    string Id,
    string Title,
    string Severity,
    string Scope,
    string Message,
    string Remedy,
    DateTimeOffset Since,
    int Episodes,
    IReadOnlyList<FigureState> Figures,
    string? Page,
    bool IsAcknowledgeable);

/// <summary>One figure of a finding.</summary>
internal sealed record FigureState(string Name, double Value, string Unit);

/// <summary>One worker of this process, and the fleet that it sees.</summary>
internal sealed record WorkerState
{
    public required string Processor { get; init; }

    public required string Application { get; init; }

    public required string Stream { get; init; }

    public required string WorkerId { get; init; }

    public required string Table { get; init; }

    /// <summary>The age of the last list of the table; null before the first.</summary>
    public double? ListedAgo { get; init; }

    public bool IsAlive { get; init; }

    public bool IsReady { get; init; }

    public bool IsDraining { get; init; }

    public double? Retention { get; init; }

    public double? LossIn { get; init; }

    public int Unread { get; init; }

    public double SinceRenewal { get; init; }

    public long BufferUsed { get; init; }

    public long BufferLimit { get; init; }

    public TableState? TableUse { get; init; }

    public required IReadOnlyList<OwnerState> Owners { get; init; }

    public required IReadOnlyList<ShardRow> Shards { get; init; }

    /// <summary>Changes of owners within this page's memory, the newest first.</summary>
    public required IReadOnlyList<HandOverState> HandOvers { get; init; }
}

/// <summary>What the lease table was asked for.</summary>
internal sealed record TableState(
    long Requests, long WriteUnits, double ReadUnits, long Throttled, double? WritesPerSecond, double? ReadsPerSecond);

/// <summary>One worker of the fleet that has leases.</summary>
internal sealed record OwnerState
{
    public required string Id { get; init; }

    public bool IsMe { get; init; }

    public bool IsKcl { get; init; }

    public int Shards { get; init; }

    public double? Lag { get; init; }

    public double? LossIn { get; init; }

    public double? Records { get; init; }

    public double? Bytes { get; init; }

    public double? ReportAge { get; init; }

    public string? Url { get; init; }
}

/// <summary>A change of owner.</summary>
internal sealed record HandOverState(DateTimeOffset At, string Shard, string? From, string? To);

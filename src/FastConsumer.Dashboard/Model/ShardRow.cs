namespace FastConsumer.Dashboard.Model;

/// <summary>One shard. What its owner does not say is left out.</summary>
internal sealed record ShardRow
{
    public required string Id { get; init; }

    public required string Status { get; init; }

    /// <summary>The owner's place in the list of owners; null for nobody.</summary>
    public int? Owner { get; init; }

    public bool Mine { get; init; }

    public string? State { get; init; }

    public double? Lag { get; init; }

    public double? LossIn { get; init; }

    public double? Behind { get; init; }

    public double? Records { get; init; }

    public double? Bytes { get; init; }

    /// <summary>The part of the last minute that the handler took.</summary>
    public double? Handling { get; init; }

    /// <summary>The part of the read quota that is taken.</summary>
    public double? Share { get; init; }

    /// <summary>The part of what the worker reads.</summary>
    public double? BytesShare { get; init; }

    public string? Checkpoint { get; init; }

    public double? CheckpointAge { get; init; }

    public int InFlight { get; init; }

    public int Lanes { get; init; }

    public double? LongestCall { get; init; }

    public long Done { get; init; }

    public long Skipped { get; init; }

    public long DeadLettered { get; init; }

    public long Refused { get; init; }

    /// <summary>Where its hash keys begin, as a part of all of them.</summary>
    public double? From { get; init; }

    /// <summary>Where its hash keys end.</summary>
    public double? To { get; init; }

    public IReadOnlyList<string>? Parents { get; init; }

    public double? ReportAge { get; init; }

    public IReadOnlyList<string>? Findings { get; init; }

    /// <summary>Per cent of the last minute in each state, in their order.</summary>
    public IReadOnlyList<int>? Time { get; init; }

    public string? RequestedBy { get; init; }

    public FailingState? Failing { get; init; }

    public PauseState? Pause { get; init; }

    public DecisionState? Decision { get; init; }

    public string? Problem { get; init; }
}

/// <summary>The record that a shard fails on: where it is, and the exception's type.</summary>
internal sealed record FailingState(string Position, string Token, string Error, int Attempts, bool IsStopped);

/// <summary>A pause.</summary>
internal sealed record PauseState(string By, string? Reason, DateTimeOffset At, DateTimeOffset? Until, bool IsOfAll);

/// <summary>The last decision about one of its records.</summary>
internal sealed record DecisionState(
    string Position, string Decision, string By, string? Reason, DateTimeOffset At, string? Refusal);

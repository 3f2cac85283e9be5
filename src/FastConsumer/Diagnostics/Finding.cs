namespace FastConsumer.Diagnostics;

/// <summary>How bad a finding is.</summary>
public enum FindingSeverity
{
    /// <summary>Worth knowing; nothing has to be done.</summary>
    Information,

    /// <summary>It goes on by itself, more slowly or with retries; somebody should look.</summary>
    Degraded,

    /// <summary>A shard is not read, or records are about to be lost, and somebody must act.</summary>
    Unhealthy,
}

/// <summary>One figure that shows why a finding was raised.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">Its value.</param>
/// <param name="Unit">Its unit, as in metrics: <c>s</c>, <c>By/s</c>, <c>1</c>.</param>
public readonly record struct FindingFigure(string Name, double Value, string Unit);

/// <summary>A condition that holds now, by name: what, where, since when, and the figures that show it.</summary>
public sealed record Finding
{
    /// <summary>The rule's id, <c>FCFnnnn</c>.</summary>
    public required string Id { get; init; }

    /// <summary>What the condition is, in a few words.</summary>
    public required string Title { get; init; }

    /// <summary>Where it holds: application, stream, and shard or step, separated by slashes.</summary>
    public required string Scope { get; init; }

    /// <summary>How bad it is.</summary>
    public required FindingSeverity Severity { get; init; }

    /// <summary>What was found, with its reason, in whole sentences. It may change while the finding lasts.</summary>
    public required string Message { get; init; }

    /// <summary>What somebody can do about it.</summary>
    public required string Remedy { get; init; }

    /// <summary>When the condition began to hold.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>When it was last seen to hold.</summary>
    public required DateTimeOffset LastSeen { get; init; }

    /// <summary>How often it has begun to hold, with less than five minutes between.</summary>
    public required int Episodes { get; init; }

    /// <summary>The figures that show it; empty where there are none.</summary>
    public IReadOnlyList<FindingFigure> Figures { get; init; } = [];

    /// <summary>The rule's page, below the docs' root.</summary>
    public string Page => $"findings/{Id}.md";
}

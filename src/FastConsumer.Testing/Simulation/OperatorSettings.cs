namespace FastConsumer.Testing.Simulation;

/// <summary>What operators do to a simulated cluster, and how often.</summary>
internal sealed record OperatorSettings
{
    /// <summary>Decides what they do; the other choices of a run do not come from it.</summary>
    public required int Seed { get; init; }

    /// <summary>What they do at all.</summary>
    public required IReadOnlyList<OperatorDeed> Deeds { get; init; }

    /// <summary>How long it is from one deed to the next on average.</summary>
    public required TimeSpan BetweenDeeds { get; init; }

    /// <summary>The part of deeds whose process vanishes in the midst of them.</summary>
    public double Killed { get; init; }

    /// <summary>The part of deeds that are cancelled, as by Ctrl+C.</summary>
    public double Cancelled { get; init; }

    /// <summary>The part of their requests that get lost on the way.</summary>
    public double LostRequests { get; init; }

    /// <summary>The part of answers that do.</summary>
    public double LostAnswers { get; init; }

    /// <summary>True where workers have a place for dead letters.</summary>
    public bool HasDeadLetters { get; init; }
}

/// <summary>What an operator does.</summary>
internal enum OperatorDeed
{
    Reset,
    Release,
    Evict,
    Pause,
    Resume,
    Decide,
}

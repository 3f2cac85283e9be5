namespace FastConsumer.Dashboard.Model;

/// <summary>What somebody asks the dashboard to do.</summary>
internal sealed record ActionRequest
{
    /// <summary>retry, skip, dead-letter, pause, resume, acknowledge, drain or end-drain.</summary>
    public string? Action { get; init; }

    /// <summary>The consumer; empty for the unnamed one.</summary>
    public string? Consumer { get; init; }

    /// <summary>The processor whose record it is.</summary>
    public string? Processor { get; init; }

    /// <summary>The shard; null for all, where that is meant.</summary>
    public string? Shard { get; init; }

    /// <summary>The record.</summary>
    public string? Position { get; init; }

    /// <summary>The fencing token of the owner that fails on it.</summary>
    public string? Token { get; init; }

    /// <summary>The finding.</summary>
    public string? Finding { get; init; }

    /// <summary>Where the finding holds.</summary>
    public string? Scope { get; init; }

    /// <summary>When a pause ends by itself.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Who asks; where somebody has signed in, that one's name counts.</summary>
    public string? By { get; init; }

    /// <summary>Why.</summary>
    public string? Reason { get; init; }
}

/// <summary>What became of it.</summary>
/// <param name="IsDone">False where it was refused.</param>
/// <param name="Message">What was done, or why not.</param>
internal sealed record ActionAnswer(bool IsDone, string Message);

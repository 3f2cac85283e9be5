namespace FastConsumer.Diagnostics;

/// <summary>How one finding is treated: section <c>FastConsumer:Findings:&lt;id&gt;</c>.</summary>
public sealed class FindingOptions
{
    /// <summary>How bad the finding is. The default is what its rule says.</summary>
    public FindingSeverity? Severity { get; set; }

    /// <summary>How long the condition must hold before the finding is raised, zero or more. The default is what its rule says.</summary>
    public TimeSpan? RaiseAfter { get; set; }

    /// <summary>True if the finding is never raised. The default is false.</summary>
    public bool Off { get; set; }
}

namespace FastConsumer.Diagnostics;

/// <summary>A condition that FastConsumer knows by name: what it means, how bad it is, and what helps.</summary>
/// <param name="Id">The id, <c>FCFnnnn</c>. Its page is <c>docs/findings/{Id}.md</c>.</param>
/// <param name="Title">What the condition is, in a few words.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="RaiseAfter">How long the condition must hold before it is raised; zero for what is an event.</param>
/// <param name="Remedy">What somebody can do about it.</param>
internal sealed record FindingRule(string Id, string Title, FindingSeverity Severity, TimeSpan RaiseAfter, string Remedy)
{
    private static readonly TimeSpan s_shortestClear = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long the condition must be over before the finding is cleared. What is an event is over when it is told to be; what is sampled
    /// may come back with the next sample.
    /// </summary>
    public TimeSpan ClearAfter { get; } = RaiseAfter == TimeSpan.Zero ? TimeSpan.Zero
        : RaiseAfter > s_shortestClear ? RaiseAfter : s_shortestClear;
}

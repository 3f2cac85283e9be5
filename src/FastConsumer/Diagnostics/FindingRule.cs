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
    /// True where the condition is looked for again and again; false for an event, which is told when it begins and when it ends.
    /// </summary>
    public bool IsSampled { get; init; }

    /// <summary>
    /// How long the condition must be over before the finding is cleared. What is an event is over when it is told to be; what is sampled
    /// may come back with the next sample.
    /// </summary>
    /// <param name="raiseAfter">How long it must hold before it is raised: what the rule says, or the options.</param>
    public TimeSpan ClearAfter(TimeSpan raiseAfter) =>
        !IsSampled ? TimeSpan.Zero : raiseAfter > s_shortestClear ? raiseAfter : s_shortestClear;
}

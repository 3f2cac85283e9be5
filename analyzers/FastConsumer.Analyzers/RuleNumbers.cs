namespace FastConsumer.Analyzers;

/// <summary>
/// The ids of the rules about what a processor does, beside those about its shape (<c>RuleIds</c>); each has a page in docs/rules.
/// </summary>
internal static class RuleNumbers
{
    public const string UnhandledException = "FC2001";
    public const string SwallowedException = "FC2002";
    public const string OutlivingWork = "FC2003";
    public const string HiddenCancellation = "FC2004";
    public const string EscapingMemory = "FC2005";
    public const string BufferedRecord = "FC2006";
    public const string UnreadAnswer = "FC2007";
    public const string DroppedFailure = "FC2008";
    public const string BlockingCall = "FC3001";
    public const string TokenNotPassed = "FC3002";
    public const string SharedState = "FC3003";
    public const string AvoidableAllocation = "FC3004";
    public const string ShortLease = "FC4002";
    public const string EndlessRetry = "FC4003";
    public const string SlowReading = "FC4004";
    public const string PlainField = "FC5001";
    public const string MutableState = "FC5002";
    public const string StateOrder = "FC5004";
    public const string StateWithoutContext = "FC5005";
    public const string EscapingState = "FC5006";
    public const string StateShape = "FC5007";
    public const string StateSetting = "FC5008";
    public const string UnsteadyOutput = "FC5009";
    public const string OutsideEffect = "FC5010";
}

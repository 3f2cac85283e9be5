namespace FastConsumer.SourceGenerator.Parsing;

/// <summary>The ids of the rules that a processor's shape may break; each has a page in docs/rules.</summary>
internal static class RuleIds
{
    public const string Type = "FC1001";
    public const string Handler = "FC1002";
    public const string HandlerSet = "FC1003";
    public const string Route = "FC1004";
    public const string Json = "FC1005";
    public const string ErrorRules = "FC1006";
    public const string IdleAttribute = "FC1007";
    public const string Value = "FC4001";
    public const string StateJson = "FC5003";
}

using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;

namespace FastConsumer.Analyzers;

/// <summary>
/// Every rule. FC1xxx: the shape of a processor; FC4xxx: values of settings. A rule's message names what is wrong and the
/// remedy; it is written where the rule is found, since one rule has several ways to be broken.
/// </summary>
internal static class Descriptors
{
    private const string Processor = "Processor";
    private const string Settings = "Settings";

    public static readonly DiagnosticDescriptor Type = Rule(RuleIds.Type, Processor, "A processor is a partial class that DI can create");

    public static readonly DiagnosticDescriptor Handler = Rule(RuleIds.Handler, Processor, "A handler's signature can be bound");

    public static readonly DiagnosticDescriptor HandlerSet = Rule(RuleIds.HandlerSet, Processor, "A processor's handlers do not conflict");

    public static readonly DiagnosticDescriptor Route = Rule(RuleIds.Route, Processor, "A route can be reached and leads to one method");

    public static readonly DiagnosticDescriptor Json = Rule(RuleIds.Json, Processor, "A JSON payload is known to the JSON context");

    public static readonly DiagnosticDescriptor Value = Rule(RuleIds.Value, Settings, "A value of an attribute is well-formed and in range");

    private static DiagnosticDescriptor Rule(string id, string category, string title) => new(
        id,
        title,
        messageFormat: "{0}",
        category,
        DiagnosticSeverity.Error,
        isEnabledByDefault: true,
        helpLinkUri: $"https://github.com/fastconsumer/fastconsumer/blob/main/docs/rules/{id}.md");
}

using FastConsumer.SourceGenerator.Parsing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Operations;

namespace FastConsumer.Analyzers.Reach;

/// <summary>Calls that say or count something and do nothing about it: logging, metrics, error reporting, waiting, undoing.</summary>
internal static class QuietCalls
{
    /// <summary>Namespaces of which every call is quiet; what lies inside them too.</summary>
    private static readonly string[] s_namespaces =
    [
        "Microsoft.Extensions.Logging", "Serilog", "NLog", "log4net", "System.Diagnostics", "System.Text",
        "Prometheus", "App.Metrics", "OpenTelemetry", "StatsdClient", "Microsoft.ApplicationInsights",
        "Sentry", "Bugsnag", "Mindscape.Raygun4Net", "Rollbar", "Elastic.Apm", "NewRelic.Api.Agent",
    ];

    /// <summary>The framework's own types that only say or tell something.</summary>
    private static readonly string[] s_types =
        ["Console", "TextWriter", "Exception", "String", "Object", "Environment", "DateTime", "DateTimeOffset", "TimeSpan", "TimeProvider",
            "Stopwatch", "Math", "Guid"];

    private static readonly string[] s_counting = ["Inc", "Increment", "Count", "Observe", "Record"];

    private static readonly string[] s_reporting = ["Track", "Capture"];

    private static readonly string[] s_undoing = ["Rollback", "Abort", "Dispose"];

    public static bool IsQuiet(IInvocationOperation call)
    {
        IMethodSymbol method = call.TargetMethod;
        INamedTypeSymbol type = method.ContainingType;
        string place = type.NamespaceName();
        return s_namespaces.Any(known => place == known || (place.Length > known.Length && place[known.Length] == '.'
            && place.StartsWith(known, StringComparison.Ordinal) && !place.StartsWith("System.Text.Json", StringComparison.Ordinal)))
            || (place.StartsWith("System", StringComparison.Ordinal)
                && (Array.IndexOf(s_types, type.Name) >= 0 || type.DerivesFrom("System.IO", "TextWriter")))
            || (type.IsTask() && method.Name is "Delay" or "Yield")
            || (type.Is("System.Threading", "Thread") && method.Name == "Sleep")
            || method.Name is "ConfigureAwait" or "ToString" or "GetType"
            || type.DerivesFrom("System", "Exception")
            || IsByName(method.Name)
            || method.GetAttributes()
                .Any(attribute => attribute.AttributeClass.Is("Microsoft.Extensions.Logging", "LoggerMessageAttribute"));
    }

    /// <summary>Logging, metrics and error reporting only.</summary>
    public static bool IsTelling(IInvocationOperation call) =>
        IsQuiet(call) && !call.TargetMethod.ContainingType.NamespaceName().StartsWith("System", StringComparison.Ordinal);

    /// <summary>Rolls back, aborts, disposes or clears: the record's work is undone, and the record is not.</summary>
    public static bool IsUndoing(IInvocationOperation call) =>
        call.TargetMethod.Name is "Clear" or "ClearAsync"
        || s_undoing.Any(prefix => call.TargetMethod.Name.StartsWith(prefix, StringComparison.Ordinal));

    private static bool IsByName(string name) =>
        Array.IndexOf(s_counting, name.EndsWith("Async", StringComparison.Ordinal) ? name.Substring(0, name.Length - 5) : name) >= 0
        || s_reporting.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
}

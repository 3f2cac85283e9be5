using System.Diagnostics;
using System.Reflection;

namespace FastConsumer.Diagnostics;

/// <summary>The sources of spans. A span is made only while somebody listens to its source.</summary>
internal static class Tracing
{
    /// <summary>What handlers do.</summary>
    public const string SourceName = "FastConsumer";

    /// <summary>What FastConsumer does for itself.</summary>
    public const string InternalsName = "FastConsumer.Internals";

    /// <summary>The version of the sources and of the meter.</summary>
    public static string Version { get; } = typeof(Tracing).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    /// <summary>Spans of pages, batches and records.</summary>
    public static ActivitySource Source { get; } = new(SourceName, Version);

    /// <summary>Spans of runs, checkpoints and leases.</summary>
    public static ActivitySource Internals { get; } = new(InternalsName, Version);

    /// <summary>Ends a span with the failure that ended what it stands for; null where there is none.</summary>
    public static void End(Activity? activity, Exception? error)
    {
        if (activity is null)
        {
            return;
        }

        if (error is not null)
        {
            // the type only: what an exception says may be a payload
            activity.SetTag("error.type", error.GetType().FullName);
            activity.SetStatus(ActivityStatusCode.Error, error.GetType().Name);
        }

        activity.Dispose();
    }
}

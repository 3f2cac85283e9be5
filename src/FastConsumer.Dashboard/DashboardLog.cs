using Microsoft.Extensions.Logging;

namespace FastConsumer.Dashboard;

/// <summary>What the dashboard tells.</summary>
internal static partial class DashboardLog
{
    [LoggerMessage(2800, LogLevel.Information, "FastConsumer's dashboard is at {Url}.")]
    public static partial void Listens(ILogger log, string url);

    [LoggerMessage(2801, LogLevel.Warning, "{By} asks by the dashboard: {Action} of {Target}. Reason: {Reason}.")]
    public static partial void Asked(ILogger log, string by, string action, string target, string reason);

    [LoggerMessage(2802, LogLevel.Warning, "The dashboard did not get its samples; its charts have a gap there.")]
    public static partial void NotSampled(ILogger log, Exception error);

    [LoggerMessage(2803, LogLevel.Warning,
        "The dashboard has dropped a viewer that took nothing for {Seconds} s; its place is free again.")]
    public static partial void ViewerDropped(ILogger log, double seconds);
}

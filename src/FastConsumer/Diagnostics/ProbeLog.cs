using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>What becomes of the file that probes look at.</summary>
internal static partial class ProbeLog
{
    [LoggerMessage(2630, LogLevel.Warning,
        "The probe file '{Path}' could not be written; FastConsumer tries again each {Interval}. Consumers are not affected, but a probe "
            + "may end the process. {Failure}")]
    public static partial void NotWritten(ILogger log, string path, TimeSpan interval, string failure, Exception error);

    [LoggerMessage(2631, LogLevel.Warning,
        "The probe file '{Path}' is not written while a consumer is not alive, so that a probe restarts the process. {Reason}")]
    public static partial void NotTouched(ILogger log, string path, string reason);

    [LoggerMessage(2632, LogLevel.Information, "The probe file '{Path}' is written again.")]
    public static partial void TouchedAgain(ILogger log, string path);

    [LoggerMessage(2633, LogLevel.Warning, "The probe file '{Path}' could not be deleted at the stop.")]
    public static partial void NotDeleted(ILogger log, string path, Exception error);
}

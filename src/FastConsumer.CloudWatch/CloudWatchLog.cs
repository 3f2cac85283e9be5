using Microsoft.Extensions.Logging;

namespace FastConsumer.CloudWatch;

internal static partial class CloudWatchLog
{
    [LoggerMessage(2700, LogLevel.Warning, "{Destination} did not take CloudWatch metrics: {Dropped} lines of them are dropped since the "
        + "last such message, {Total} in all. FastConsumer tries again each {Interval}; consumers are not affected. {Reason}")]
    public static partial void Dropped(ILogger log, string destination, long dropped, long total, TimeSpan interval, string reason);

    [LoggerMessage(2701, LogLevel.Information, "{Destination} takes CloudWatch metrics again; {Dropped} lines are dropped since the last "
        + "message, {Total} in all.")]
    public static partial void TakesAgain(ILogger log, string destination, long dropped, long total);

    [LoggerMessage(2702, LogLevel.Warning, "Some of FastConsumer's figures could not be observed for CloudWatch; the others are sent.")]
    public static partial void ObservingFailed(ILogger log, Exception exception);
}

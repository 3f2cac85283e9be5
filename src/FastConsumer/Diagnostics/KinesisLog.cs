using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>What the Kinesis client logs: events 1000 to 1099.</summary>
internal static partial class KinesisLog
{
    [LoggerMessage(
        1000,
        LogLevel.Warning,
        "{Endpoint} does not answer in usable CBOR ({Reason}). This client uses JSON for {Time} and then tries CBOR again. "
            + "If the server supports JSON only, set the option Protocol (FastConsumer:Protocol of a host) to Json.")]
    public static partial void SwitchedToJson(ILogger logger, string endpoint, string reason, TimeSpan time);

    [LoggerMessage(1001, LogLevel.Debug, "{Operation} failed on attempt {Attempt} and is repeated in {Delay}: {Reason}")]
    public static partial void Retrying(ILogger logger, string operation, int attempt, TimeSpan delay, string reason);

    [LoggerMessage(1002, LogLevel.Warning, "This machine's clock is off by {Offset} from {Endpoint}'s; signatures are corrected by that.")]
    public static partial void ClockCorrected(ILogger logger, TimeSpan offset, string endpoint);
}

using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>What readers log of their position and of what they deliver: events 2008 to 2019 and 2021 to 2029.</summary>
internal static partial class ReadingLog
{
    [LoggerMessage(2008, LogLevel.Warning, "The service refused to continue shard {ShardId} after sequence number {Continuation}. It is read again from {Position}, the last position known to be good; nothing is lost or repeated. {Reason}")]
    public static partial void ContinuationRefused(ILogger log, string shardId, object continuation, object position, string reason);
}

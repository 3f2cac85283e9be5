using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>What readers log of their position and of what they deliver: events 2008 to 2019 and 2021 to 2029.</summary>
internal static partial class ReadingLog
{
    [LoggerMessage(
        2008,
        LogLevel.Warning,
        "The service refused to continue shard {ShardId} after sequence number {Continuation}. It is read again from {Position}, "
            + "the last position known to be good; nothing is lost or repeated. {Reason}")]
    public static partial void ContinuationRefused(ILogger log, string shardId, object continuation, object position, string reason);

    [LoggerMessage(
        2009,
        LogLevel.Warning,
        "FastConsumer:PrefetchBytes is {PrefetchBytes}, and the runtime may use {AvailableBytes} "
            + "bytes of memory in this process: records read ahead may end in OutOfMemoryException. Leave it unset ({DefaultBytes} "
            + "here), lower it, or give the process more memory.")]
    public static partial void PrefetchTooLarge(ILogger log, long prefetchBytes, long availableBytes, long defaultBytes);
}

using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>What enhanced fan-out logs: events 2050 to 2069.</summary>
internal static partial class FanOutLog
{
    [LoggerMessage(2050, LogLevel.Information, "Stream {Stream} is read by enhanced fan-out, as consumer {Consumer} ({ConsumerArn}).")]
    public static partial void ConsumerReady(ILogger log, string stream, string consumer, string consumerArn);

    [LoggerMessage(
        2051,
        LogLevel.Information,
        "Consumer {Consumer} was registered on stream {Stream}; it stays registered when this worker stops.")]
    public static partial void ConsumerRegistered(ILogger log, string stream, string consumer);

    [LoggerMessage(
        2052,
        LogLevel.Warning,
        "Stream {Stream} cannot be read by enhanced fan-out; its shards are read by polling instead, as FanOutFallback says. {Reason}")]
    public static partial void FellBack(ILogger log, string stream, string reason);

    [LoggerMessage(2053, LogLevel.Debug, "Subscribed to shard {ShardId} from {Position} on.")]
    public static partial void Subscribed(ILogger log, string shardId, object position);

    [LoggerMessage(2054, LogLevel.Debug, "The subscription to shard {ShardId} has ended; going on with a new one.")]
    public static partial void SubscriptionEnded(ILogger log, string shardId);

    [LoggerMessage(
        2055,
        LogLevel.Warning,
        "The subscription to shard {ShardId} has been silent for {Silence}, and the service sends an event every few seconds. "
            + "FastConsumer treats the connection as dead and subscribes again over another connection.")]
    public static partial void SubscriptionSilent(ILogger log, string shardId, TimeSpan silence);

    [LoggerMessage(2056, LogLevel.Debug, "Subscribing to shard {ShardId} was refused; next try in {Wait}. {Reason}")]
    public static partial void SubscriptionRefused(ILogger log, string shardId, TimeSpan wait, string reason);

    [LoggerMessage(
        2057,
        LogLevel.Warning,
        "The rest of an event of shard {ShardId} has not come for {Silence}, after {Bytes} bytes of the subscription. "
            + "FastConsumer subscribes again. If this repeats, the server sends no more than the first HTTP/2 window: "
            + "set FastConsumer:StreamWindowBytes to 16777216.")]
    public static partial void EventSilent(ILogger log, string shardId, TimeSpan silence, long bytes);
}

using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>What operators have done, and what became of it: the audit.</summary>
internal static partial class OperatorLog
{
    [LoggerMessage(2610, LogLevel.Warning,
        "{By} decided {Decision} for record {Position} of shard {ShardId}: carried out. Reason: {Reason}.")]
    public static partial void Decided(
        ILogger log, string by, string decision, string shardId, string position, string reason);

    [LoggerMessage(2611, LogLevel.Warning,
        "{By} decided {Decision} for record {Position} of shard {ShardId}: refused, and nothing was done. {Refusal}")]
    public static partial void Refused(
        ILogger log, string by, string decision, string shardId, string position, string refusal);

    [LoggerMessage(2612, LogLevel.Warning,
        "The lease of shard {ShardId} has an operator's command that cannot be read (fastConsumerCommand). It is ignored.")]
    public static partial void Unreadable(ILogger log, string shardId);

    [LoggerMessage(2613, LogLevel.Warning,
        "Shard {ShardId} is paused {Until}, by {By} since {At}. Its lease is kept, and nothing of it is read. Reason: {Reason}.")]
    public static partial void Paused(ILogger log, string shardId, string by, DateTimeOffset at, string until, string reason);

    [LoggerMessage(2614, LogLevel.Warning, "{By}: {Action} of {Shards} ({Count} changed). Reason: {Reason}.")]
    public static partial void ShardsChanged(ILogger log, string by, string action, int count, string shards, string reason);

    [LoggerMessage(2615, LogLevel.Warning, "{Consumer} hands its leases over and takes none: a drain was asked for.")]
    public static partial void DrainBegins(ILogger log, string consumer);

    [LoggerMessage(2616, LogLevel.Information, "{Consumer} holds no lease any more and takes none until the drain is ended.")]
    public static partial void Drained(ILogger log, string consumer);

    [LoggerMessage(2617, LogLevel.Information, "{Consumer} takes leases again: the drain was ended.")]
    public static partial void DrainEnds(ILogger log, string consumer);
}

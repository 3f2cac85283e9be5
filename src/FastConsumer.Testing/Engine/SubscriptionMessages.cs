using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

internal sealed record SubscribeToShardRequest(
    string ConsumerArn,
    string ShardId,
    string? StartingType,
    string? SequenceNumber = null,
    long? TimestampMs = null,
    bool DryRun = false);

/// <summary>What one event of a subscription says; without a continuation number it is the last one of the shard.</summary>
internal sealed record SubscriptionEvent(
    StoredRecord[] Records,
    string? ContinuationSequenceNumber,
    long MillisBehindLatest,
    IReadOnlyList<ChildShard> ChildShards);

using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

internal sealed record ShardFilter(string Type, string? ShardId = null, long? TimestampMs = null);

internal sealed record ListShardsRequest(
    StreamReference Stream,
    string? NextToken = null,
    string? ExclusiveStartShardId = null,
    int? MaxResults = null,
    long? StreamCreationTimestampMs = null,
    ShardFilter? Filter = null);

internal sealed record ListShardsResult(IReadOnlyList<Shard> Shards, string? NextToken);

internal sealed record SplitShardRequest(StreamReference Stream, string ShardToSplit, string NewStartingHashKey);

internal sealed record MergeShardsRequest(StreamReference Stream, string ShardToMerge, string AdjacentShardToMerge);

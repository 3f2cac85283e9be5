namespace FastConsumer.Testing.Engine;

/// <summary>A stream as a request names it: by name, by ARN, or by both.</summary>
internal readonly record struct StreamReference(string? Name, string? Arn);

internal sealed record CreateStreamRequest(string StreamName, int? ShardCount = null, string? StreamMode = null)
{
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    public int? MaxRecordSizeInKiB { get; init; }

    public int? WarmThroughputMiBps { get; init; }

    public string? RecordDistributionStrategy { get; init; }

    /// <summary>What the service sets by further calls; in force from the beginning on.</summary>
    public StreamExtras Extras { get; init; } = StreamExtras.None;
}

/// <summary>Null and empty for what the service gives a new stream.</summary>
internal sealed record StreamExtras(int? RetentionHours, string? KeyId, IReadOnlyList<string> Consumers)
{
    public static StreamExtras None { get; } = new(null, null, []);
}

internal sealed record DeleteStreamRequest(StreamReference Stream, bool EnforceConsumerDeletion = false);

internal sealed record DescribeStreamRequest(StreamReference Stream, int? Limit = null, string? ExclusiveStartShardId = null);

internal sealed record ListStreamsRequest(int? Limit = null, string? ExclusiveStartStreamName = null, string? NextToken = null);

/// <summary>A stream at one moment.</summary>
internal sealed record StreamView(
    string Name,
    string Arn,
    string Status,
    string Mode,
    long CreatedMs,
    int RetentionHours,
    int OpenShardCount,
    int ConsumerCount,
    string? KeyId)
{
    public IReadOnlyList<string> ShardLevelMetrics { get; init; } = [];

    public int MaxRecordKiB { get; init; }

    /// <summary>Null for a provisioned stream.</summary>
    public string? Distribution { get; init; }

    /// <summary>Null for a provisioned stream, and for an account without a commitment.</summary>
    public WarmThroughput? WarmThroughput { get; init; }
}

internal sealed record DescribeStreamResult(StreamView Stream, IReadOnlyList<Kinesis.Shard> Shards, bool HasMoreShards);

internal sealed record ListStreamsResult(IReadOnlyList<StreamView> Streams, bool HasMoreStreams, string? NextToken);

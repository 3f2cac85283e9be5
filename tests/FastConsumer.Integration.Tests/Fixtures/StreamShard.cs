using System.Text.Json.Serialization;

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>A shard as ListShards tells it.</summary>
public sealed record StreamShard
{
    public required string ShardId { get; init; }

    public string? ParentShardId { get; init; }

    public string? AdjacentParentShardId { get; init; }

    [JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)]
    public required UInt128 StartingHashKey { get; init; }

    [JsonNumberHandling(JsonNumberHandling.AllowReadingFromString)]
    public required UInt128 EndingHashKey { get; init; }

    public required string StartingSequenceNumber { get; init; }

    /// <summary>Null while the shard is open.</summary>
    public string? EndingSequenceNumber { get; init; }

    [JsonIgnore]
    public bool IsOpen => EndingSequenceNumber is null;
}

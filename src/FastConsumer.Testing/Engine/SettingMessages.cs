namespace FastConsumer.Testing.Engine;

internal sealed record RetentionRequest(StreamReference Stream, int? RetentionPeriodHours);

internal sealed record EncryptionRequest(StreamReference Stream, string? EncryptionType, string? KeyId);

internal sealed record MonitoringRequest(StreamReference Stream, IReadOnlyList<string>? ShardLevelMetrics);

/// <summary>The shard-level metrics before the request and after it.</summary>
internal sealed record MonitoringResult(
    string StreamName, string StreamArn, IReadOnlyList<string> Current, IReadOnlyList<string> Desired);

internal sealed record UpdateMaxRecordSizeRequest(StreamReference Stream, int? MaxRecordSizeInKiB);

internal sealed record UpdateShardCountRequest(StreamReference Stream, int? TargetShardCount, string? ScalingType = "UNIFORM_SCALING");

internal sealed record UpdateShardCountResult(string StreamName, string StreamArn, int CurrentShardCount, int TargetShardCount);

internal sealed record UpdateStreamModeRequest(string? StreamArn, string? StreamMode, int? WarmThroughputMiBps = null);

internal sealed record UpdateWarmThroughputRequest(StreamReference Stream, int? WarmThroughputMiBps);

/// <summary>What an on-demand stream can write without growing, in MiB a second.</summary>
internal sealed record WarmThroughput(int TargetMiBps, int CurrentMiBps);

internal sealed record UpdateWarmThroughputResult(string StreamName, string StreamArn, WarmThroughput WarmThroughput);

internal sealed record UpdateRecordDistributionRequest(string? StreamArn, string? Strategy);

namespace FastConsumer.Testing.Engine;

/// <summary>What the engine is told once, at its start.</summary>
internal sealed record EngineSettings
{
    public string Region { get; init; } = "us-east-1";

    public string AccountId { get; init; } = "000000000000";

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public int Seed { get; init; }

    /// <summary>How long a stream or a consumer is CREATING.</summary>
    public TimeSpan CreateDelay { get; init; }

    /// <summary>How long a stream is UPDATING; what changes takes effect at the end.</summary>
    public TimeSpan UpdateDelay { get; init; }

    /// <summary>How long a stream or a consumer is DELETING.</summary>
    public TimeSpan DeleteDelay { get; init; }

    public TimeSpan IteratorLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The life of a token of ListShards, ListStreams and ListStreamConsumers.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>The most data and partition keys in one answer of GetRecords.</summary>
    public int MaxResponseBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>The largest record, data alone, of a stream that is told no other.</summary>
    public int MaxRecordBytes { get; init; } = 1024 * 1024;

    /// <summary>How reads are counted against a shard's quota.</summary>
    public ReadQuotaModel ReadQuota { get; init; }

    /// <summary>True where puts are counted against a shard's quota.</summary>
    public bool WriteQuota { get; init; }

    /// <summary>The most open shards in the account.</summary>
    public int ShardLimit { get; init; } = 20_000;
}

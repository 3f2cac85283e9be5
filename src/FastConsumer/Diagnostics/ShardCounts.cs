namespace FastConsumer.Diagnostics;

/// <summary>What was counted of one shard since its run began: what sampled findings are made of.</summary>
internal readonly record struct ShardCounts
{
    /// <summary>Answers.</summary>
    public long Reads { get; init; }

    /// <summary>Answers that held as many records as the options allow.</summary>
    public long FullReads { get; init; }

    /// <summary>Answers that the service asks for five seconds of silence after.</summary>
    public long LargeReads { get; init; }

    /// <summary>Reads that were refused for throughput.</summary>
    public long Refused { get; init; }

    /// <summary>Data and partition keys received.</summary>
    public long Bytes { get; init; }

    /// <summary>Records that are done.</summary>
    public long Done { get; init; }

    /// <summary>The time that handlers took, of all lanes.</summary>
    public TimeSpan Handling { get; init; }

    /// <summary>Records left out by a rule.</summary>
    public long Skipped { get; init; }

    /// <summary>Records that went to the dead letters.</summary>
    public long DeadLettered { get; init; }

    /// <summary>Records of other shards that were left out.</summary>
    public long Foreign { get; init; }

    public static ShardCounts operator -(ShardCounts now, ShardCounts before) => new()
    {
        Reads = now.Reads - before.Reads,
        FullReads = now.FullReads - before.FullReads,
        LargeReads = now.LargeReads - before.LargeReads,
        Refused = now.Refused - before.Refused,
        Bytes = now.Bytes - before.Bytes,
        Done = now.Done - before.Done,
        Handling = now.Handling - before.Handling,
        Skipped = now.Skipped - before.Skipped,
        DeadLettered = now.DeadLettered - before.DeadLettered,
        Foreign = now.Foreign - before.Foreign,
    };
}

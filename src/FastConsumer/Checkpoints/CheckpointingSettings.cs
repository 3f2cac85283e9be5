namespace FastConsumer.Checkpoints;

/// <summary>How checkpoints of state are taken.</summary>
internal sealed record CheckpointingSettings
{
    /// <summary>A checkpoint that is not stored within this time has failed.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(10);

    public CheckpointingMode Mode { get; init; }

    /// <summary>How long a checkpoint may take until it is stored.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    /// <summary>The least time between the end of a checkpoint and the beginning of the next.</summary>
    public TimeSpan MinPause { get; init; }

    /// <summary>How many may fail in a row before the shard is taken anew; null for any number.</summary>
    public int? TolerableFailures { get; init; }

    /// <summary>How many snapshots of a shard are kept, counting the one that its row names.</summary>
    public int RetainedCheckpoints { get; init; } = 1;

    /// <summary>
    /// How long a checkpoint waits for the lanes to finish what they have; zero for not at all, infinite for as long as the checkpoint may
    /// take.
    /// </summary>
    public TimeSpan AlignedTimeout { get; init; }

    /// <summary>Whether a checkpoint writes what has changed behind what earlier ones have written, instead of all of the state.</summary>
    public bool Incremental { get; init; } = true;

    /// <summary>A state whose snapshot is smaller, in bytes, is written whole all the same.</summary>
    public long WholeBelow { get; init; } = 64 * 1024;
}

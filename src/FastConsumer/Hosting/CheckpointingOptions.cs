using FastConsumer.Checkpoints;

namespace FastConsumer.Hosting;

/// <summary>
/// How checkpoints are taken: section <c>FastConsumer:Checkpointing</c>, or <c>FastConsumer:Processors:&lt;class name&gt;:Checkpointing</c>
/// for one processor. The names are those of Flink. All but <see cref="Interval"/> and <see cref="Records"/> are of processors with
/// <see cref="StateAttribute"/> only. An option that is null is not set.
/// </summary>
public sealed class CheckpointingOptions
{
    /// <summary>The same as <see cref="ConsumerSettings.CheckpointInterval"/>. Set one of them.</summary>
    public TimeSpan? Interval { get; set; }

    /// <summary>The same as <see cref="ConsumerSettings.CheckpointRecords"/>. Set one of them.</summary>
    public int? Records { get; set; }

    /// <summary>What a checkpoint promises. The default is <see cref="CheckpointingMode.ExactlyOnce"/>.</summary>
    public CheckpointingMode? Mode { get; set; }

    /// <summary>
    /// How long a checkpoint may take until the store has it, more than zero to 1 day. The default is 10 minutes. One that takes longer has
    /// failed, and is begun again.
    /// </summary>
    public TimeSpan? Timeout { get; set; }

    /// <summary>
    /// The least time between the end of a checkpoint and the beginning of the next, zero to 1 day, also where a handler waits for one. The
    /// default is zero. The last checkpoint of a stop does not wait for it.
    /// </summary>
    public TimeSpan? MinPause { get; set; }

    /// <summary>
    /// How many checkpoints of a shard may fail in a row; 0 for none. With one more the worker releases the shard, and whoever takes it
    /// begins with its last checkpoint. The default is any number: the shard goes on, and the health check says that it is not
    /// checkpointed.
    /// </summary>
    public int? TolerableFailures { get; set; }

    /// <summary>
    /// Whether a checkpoint is taken while lanes are in the midst of their records. The default is true: it holds which records behind its
    /// position are done. With false it waits until every lane has finished what it was given, or waits for a retry, and gives them no
    /// record meanwhile. Of no effect with one lane and with batches, which are always between two calls.
    /// </summary>
    public bool? Unaligned { get; set; }

    /// <summary>
    /// How long a checkpoint first waits for the lanes, as with <see cref="Unaligned"/> = false, before it is taken in their midst: zero to
    /// less than <see cref="Timeout"/>. The default is zero.
    /// </summary>
    public TimeSpan? AlignedTimeout { get; set; }

    /// <summary>
    /// Whether a checkpoint writes only what has changed since the one before, and a part of the rest, so that what is read and kept stays
    /// a small multiple of the state. The default is true. With false each checkpoint writes all of the shard's state. State below 64 KiB
    /// is written whole in any case.
    /// </summary>
    public bool? Incremental { get; set; }

    /// <summary>
    /// How many snapshots of a shard are kept in the store, 1 to 100, counting the one that its lease names. The default is 1: what a
    /// checkpoint supersedes is deleted. Nothing goes back to an earlier one by itself.
    /// </summary>
    public int? RetainedCheckpoints { get; set; }
}

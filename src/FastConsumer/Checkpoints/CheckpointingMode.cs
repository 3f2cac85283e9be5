namespace FastConsumer.Checkpoints;

/// <summary>What a checkpoint of state promises after a crash.</summary>
public enum CheckpointingMode
{
    /// <summary>
    /// Each record has its effects in the state exactly once: a checkpoint holds the position up to which all records are done, and those
    /// behind it that are done too. The default.
    /// </summary>
    ExactlyOnce,

    /// <summary>
    /// A checkpoint holds the position only. After a crash the records behind it are handled again, although the state may have their
    /// effects already: those that were done by other lanes, or as part of a batch, count twice.
    /// </summary>
    AtLeastOnce,
}

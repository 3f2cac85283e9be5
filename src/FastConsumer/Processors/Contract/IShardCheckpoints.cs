namespace FastConsumer.Processors;

/// <summary>The way from a handler back to the shard's checkpoints, which live in a later folder.</summary>
internal interface IShardCheckpoints
{
    /// <summary>Why a handler with a transaction cannot ask for a checkpoint.</summary>
    const string RefusedInTransaction = "A handler that takes a transaction has no checkpoint to wait for: its position is committed with "
        + "the transaction, when it returns. Remove CheckpointAsync.";

    /// <summary>Marks the record as done, before which its lane has done all; returns when a checkpoint at or past it is durable.</summary>
    ValueTask CheckpointAsync(RecordPage page, int index, int attempt, CancellationToken cancellationToken);

    /// <summary>A record of a page that several lanes share is done and its handler has returned.</summary>
    void Completed(RecordPage page, int index);

    /// <summary>Says that the number of records that the settings allow between two checkpoints is reached.</summary>
    void RequestCheckpoint();
}

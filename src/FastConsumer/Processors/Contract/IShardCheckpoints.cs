namespace FastConsumer.Processors;

/// <summary>The way from a handler back to the shard's checkpoints, which live in a later folder.</summary>
internal interface IShardCheckpoints
{
    /// <summary>Marks the record, and so all before it in its lane, as done; returns when a checkpoint at or past it is durable.</summary>
    ValueTask CheckpointAsync(RecordPage page, int index, CancellationToken cancellationToken);

    /// <summary>Says that the number of records that the settings allow between two checkpoints is reached.</summary>
    void RequestCheckpoint();
}

namespace FastConsumer.Checkpoints;

/// <summary>
/// A shard's run is over, since its state cannot be checkpointed: more tries have failed than the settings allow, or a sink refuses one of
/// its outputs, or their row, for good.
/// </summary>
internal sealed class NotCheckpointedException(string message, Exception cause) : Exception(message, cause);

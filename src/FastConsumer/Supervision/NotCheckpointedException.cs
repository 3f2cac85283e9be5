namespace FastConsumer.Supervision;

/// <summary>More checkpoints of a shard have failed in a row than the settings allow: its run is over.</summary>
internal sealed class NotCheckpointedException(string message, Exception cause) : Exception(message, cause);

namespace FastConsumer.State;

/// <summary>
/// A shard cannot go on from the state that its lease's row leads to: somebody has to act. The message names the object and the remedy.
/// </summary>
internal sealed class SnapshotRefusedException(string message, Exception? innerException = null) : Exception(message, innerException);

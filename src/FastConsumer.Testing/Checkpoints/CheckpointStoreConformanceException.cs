namespace FastConsumer.Testing.Checkpoints;

/// <summary>
/// A store of checkpoints does not do what <see cref="FastConsumer.Checkpoints.ICheckpointStore"/> says. The message names the case, what
/// was expected and what was found.
/// </summary>
public sealed class CheckpointStoreConformanceException : Exception
{
    /// <summary>Creates the exception; <paramref name="message"/> is complete.</summary>
    public CheckpointStoreConformanceException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

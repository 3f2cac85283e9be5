namespace FastConsumer.Testing;

/// <summary>
/// The folder of <see cref="EmbeddedKinesisOptions.DataFolder"/> cannot be used: it is in use, its format is another, it was written
/// with other options, or it is damaged. The message names the file and the remedy.
/// </summary>
public sealed class EmbeddedKinesisDataException : Exception
{
    /// <summary>With a message and a cause.</summary>
    public EmbeddedKinesisDataException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

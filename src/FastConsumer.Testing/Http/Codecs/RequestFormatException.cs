namespace FastConsumer.Testing.Http.Codecs;

/// <summary>A body that is not what its Content-Type says, or a member of the wrong type.</summary>
internal sealed class RequestFormatException(string message, Exception? innerException = null) : Exception(message, innerException);

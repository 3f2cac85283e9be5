namespace FastConsumer.Cli.Emulator;

/// <summary>A file of the options about TLS that cannot be used.</summary>
internal sealed class TlsFileException(string message, Exception innerException) : Exception(message, innerException);

namespace FastConsumer.Cli.Emulator;

/// <summary>A configuration that cannot be used; the message names the file, the property and the value.</summary>
internal sealed class ConfigFileException(string message, Exception? innerException = null) : Exception(message, innerException);

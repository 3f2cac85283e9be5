namespace FastConsumer.Kinesis.Wire;

/// <summary>Bytes that are not what the protocol says. The only exception the readers of this folder throw for bad input.</summary>
internal sealed class WireFormatException(string message, Exception? innerException = null) : Exception(message, innerException);

namespace FastConsumer.Kinesis.Signing;

/// <summary>A header that takes part in the signature: its name in lower case, its value without outer white space.</summary>
internal readonly record struct SignedHeader(string Name, string Value);

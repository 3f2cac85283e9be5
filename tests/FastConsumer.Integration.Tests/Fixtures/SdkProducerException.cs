namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>The AWS SDK for JavaScript refused a command; the message starts with its error's name.</summary>
public sealed class SdkProducerException(string message) : Exception(message);

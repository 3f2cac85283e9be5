namespace FastConsumer.Testing.Http.Codecs;

/// <summary>The two encodings of the service.</summary>
internal enum WireFormat
{
    Json,
    Cbor,
}

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>A time that CBOR marked as one (tag 1), in the service's milliseconds.</summary>
internal readonly record struct WireTimestamp(long UnixMs);

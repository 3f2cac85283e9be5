namespace FastConsumer.Testing;

/// <summary>How <see cref="EmbeddedKinesis"/> writes CBOR; both forms are valid, and a client must take either.</summary>
public enum CborStyle
{
    /// <summary>Maps, arrays and strings with their lengths in front.</summary>
    Definite,

    /// <summary>Maps and arrays without lengths, and text and byte strings in chunks.</summary>
    Indefinite,
}

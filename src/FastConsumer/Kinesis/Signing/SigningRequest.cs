namespace FastConsumer.Kinesis.Signing;

/// <summary>What of a request is signed. <see cref="Headers"/> are sorted by name.</summary>
internal readonly ref struct SigningRequest
{
    public required ReadOnlySpan<char> Method { get; init; }

    /// <summary>The canonical path: absolute, each segment URI-encoded.</summary>
    public required ReadOnlySpan<char> Path { get; init; }

    /// <summary>The canonical query: sorted and URI-encoded, without the question mark.</summary>
    public ReadOnlySpan<char> Query { get; init; }

    public required ReadOnlySpan<SignedHeader> Headers { get; init; }

    public required ReadOnlySpan<byte> Payload { get; init; }
}

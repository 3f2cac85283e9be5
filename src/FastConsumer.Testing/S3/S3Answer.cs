namespace FastConsumer.Testing.S3;

/// <summary>An answer before it is sent.</summary>
/// <param name="Status">The HTTP status.</param>
internal sealed record S3Answer(int Status = 200)
{
    public Dictionary<string, string> Headers { get; } = new(StringComparer.OrdinalIgnoreCase);

    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>What Content-Length says of a HEAD, which has no body.</summary>
    public long? Length { get; init; }

    public string? ContentType { get; init; }

    public static S3Answer Xml(byte[] body, int status = 200) => new(status) { Body = body, ContentType = "application/xml" };

    public S3Answer With(string header, string? value)
    {
        if (value is not null)
        {
            Headers[header] = value;
        }

        return this;
    }
}

namespace FastConsumer.Testing.Http;

/// <summary>Request ids that look like the service's and repeat with the seed.</summary>
internal sealed class RequestIds(int seed)
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);

    public (string RequestId, string ExtendedId) Next()
    {
        Span<byte> bytes = stackalloc byte[64];
        lock (_gate)
        {
            _random.NextBytes(bytes);
        }

        return (new Guid(bytes[..16]).ToString(), Convert.ToBase64String(bytes[16..]));
    }
}

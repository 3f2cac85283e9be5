using FastConsumer.Kinesis.Signing;

namespace FastConsumer.Kinesis;

/// <summary>An address to send requests to, and the region they are signed for.</summary>
internal sealed class ServiceEndpoint
{
    public ServiceEndpoint(Uri uri, string region)
    {
        Uri = uri;
        Host = uri.Authority;
        HasForeignHost = uri.Host != uri.IdnHost && uri.HostNameType == UriHostNameType.Dns;
        Signer = new RequestSigner(region);
        CanonicalPath = EncodePath(uri.AbsolutePath);
    }

    public Uri Uri { get; }

    /// <summary>The value of the Host header.</summary>
    public string Host { get; }

    /// <summary>True where the host has another form on the wire than in the address, so that the header must be set.</summary>
    public bool HasForeignHost { get; }

    public RequestSigner Signer { get; }

    public string Region => Signer.Region;

    /// <summary>The path as it is signed: encoded once more than it travels, as SigV4 wants it of every service but S3.</summary>
    public string CanonicalPath { get; }

    /// <summary>For messages.</summary>
    public override string ToString() => $"{Uri.GetLeftPart(UriPartial.Authority)} (region {Region})";

    private static string EncodePath(string path) =>
        path == "/" ? path : string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
}

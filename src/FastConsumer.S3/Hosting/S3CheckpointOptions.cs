using System.Text;
using Amazon.Runtime;

namespace FastConsumer.S3;

/// <summary>
/// Snapshots of processors' state on S3. Bound from the section <c>FastConsumer:S3</c> (<c>FastConsumer:Consumers:&lt;name&gt;:S3</c> for a
/// further consumer), then set by code, and validated at start.
/// </summary>
/// <remarks>
/// What is not set here is found as every AWS SDK finds it: <c>AWS_REGION</c>, <c>AWS_PROFILE</c>, <c>AWS_ENDPOINT_URL_S3</c>, the shared
/// configuration files, the container's or instance's role. The <c>AWSOptions</c> in the host's services and section <c>AWS</c> come before
/// these, and an <c>IAmazonS3</c> in the host's services before all of it.
/// </remarks>
public sealed class S3CheckpointOptions
{
    /// <summary>The default of <see cref="RequestTimeout"/>.</summary>
    public static readonly TimeSpan DefaultRequestTimeout = TimeSpan.FromMinutes(1);

    private const int MaxPrefixBytes = 300;

    /// <summary>The bucket's name. It must exist; it may serve other purposes, and several consumers.</summary>
    public string? Bucket { get; set; }

    /// <summary>
    /// What the keys of objects begin with, such as <c>state/orders</c>, without a '/' at its ends; null or empty for nothing. The
    /// application's name follows it in any case.
    /// </summary>
    public string? Prefix { get; set; }

    /// <summary>
    /// The region of the bucket by its system name, such as <c>eu-central-1</c>; null for the consumer's region
    /// (<c>FastConsumer:Region</c>), else the one of the <c>AWSOptions</c> in the host's services or of section <c>AWS</c>, else the one
    /// that every AWS SDK finds.
    /// </summary>
    public string? Region { get; set; }

    /// <summary>A profile of the shared configuration files; null for the default.</summary>
    public string? Profile { get; set; }

    /// <summary>
    /// Another endpoint, such as <c>http://127.0.0.1:9000</c>; null for the region's. Buckets of another one are addressed by path.
    /// </summary>
    public string? ServiceUrl { get; set; }

    /// <summary>The credentials to use, by code only; null to find them as every AWS SDK does.</summary>
    public AWSCredentials? Credentials { get; set; }

    /// <summary>The account that must own the bucket, 12 digits; null where that is not checked.</summary>
    public string? ExpectedBucketOwner { get; set; }

    /// <summary>
    /// How long one request may take; 1 min unless set. A request writes 16 MiB at most; of a read, each piece that arrives may take so
    /// long.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } = DefaultRequestTimeout;

    /// <summary>What is wrong with a value, by the property's name; nothing where all are right.</summary>
    internal IEnumerable<(string Property, string Problem)> Problems()
    {
        if (string.IsNullOrWhiteSpace(Bucket))
        {
            yield return (nameof(Bucket), "there is none; name the bucket for the state of processors.");
        }
        else if (Bucket.Contains('/', StringComparison.Ordinal) || Bucket.Any(char.IsWhiteSpace))
        {
            yield return (nameof(Bucket), $"'{Bucket}' is not the name of a bucket; what follows a '/' goes into Prefix.");
        }

        if (!string.IsNullOrEmpty(Prefix))
        {
            if (Prefix.Split('/').Any(static part => part is "" or "." or "..") || Prefix.Any(char.IsControl))
            {
                yield return (
                    nameof(Prefix), $"'{Prefix}' has an empty part, '.', '..' or a control character; write it like state/orders.");
            }
            else if (Encoding.UTF8.GetByteCount(Prefix) > MaxPrefixBytes)
            {
                yield return (nameof(Prefix), $"it has more than {MaxPrefixBytes} bytes in UTF-8; a key has 1,024.");
            }
        }

        if (Region is { } region
            && !(region.Length is > 0 and <= 63
                && region.All(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')))
        {
            yield return (nameof(Region), $"'{region}' is not the system name of a region, such as eu-central-1.");
        }

        if (Profile is not null && string.IsNullOrWhiteSpace(Profile))
        {
            yield return (nameof(Profile), "it is blank; leave it out to use the default profile.");
        }

        if (ServiceUrl is { } url
            && !(Uri.TryCreate(url, UriKind.Absolute, out Uri? uri)
                && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)))
        {
            yield return (nameof(ServiceUrl), $"'{url}' is not an absolute http or https address, such as http://127.0.0.1:9000.");
        }

        if (ExpectedBucketOwner is { } owner && !(owner.Length == 12 && owner.All(char.IsAsciiDigit)))
        {
            yield return (nameof(ExpectedBucketOwner), $"'{owner}' is not an account: 12 digits are expected.");
        }

        if (RequestTimeout <= TimeSpan.Zero || RequestTimeout > TimeSpan.FromMinutes(30))
        {
            yield return (nameof(RequestTimeout), $"{RequestTimeout} is not above 0 and at most 30 min.");
        }
    }
}

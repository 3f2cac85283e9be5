using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using FastConsumer.Checkpoints;
using FastConsumer.Hosting;

namespace FastConsumer.S3;

/// <summary>The SDK's client of one consumer: the application's, or one of its own.</summary>
internal sealed class S3Connection : IDisposable
{
    private const int Retries = 3;

    private readonly bool _isGiven;

    /// <param name="options">The options of S3.</param>
    /// <param name="consumer">The options of the consumer: its region is the bucket's too.</param>
    /// <param name="aws">What the application says for all of its AWS clients.</param>
    /// <param name="given">The application's client; used where the options name no region, profile, endpoint or credentials.</param>
    /// <param name="section">The configuration section of the options, for messages.</param>
    /// <exception cref="CheckpointStoreException">There is no region or endpoint.</exception>
    public S3Connection(
        S3CheckpointOptions options,
        FastConsumerOptions? consumer = null,
        AwsDefaults? aws = null,
        IAmazonS3? given = null,
        string section = "FastConsumer:S3")
    {
        try
        {
            _isGiven = given is not null && options is { Region: null, Profile: null, ServiceUrl: null, Credentials: null };
            Client = _isGiven ? given! : CreateClient(options, consumer?.Region, aws ?? AwsDefaults.None);
            Endpoint = Client.DetermineServiceOperationEndpoint(new HeadBucketRequest { BucketName = options.Bucket })?.URL.TrimEnd('/')
                ?? "the application's IAmazonS3";
        }
        catch (AmazonClientException exception)
        {
            // without a region or an endpoint the SDK builds no client
            Dispose();
            string consumerSection = section.EndsWith(":S3", StringComparison.Ordinal) ? section[..^":S3".Length] : section;
            throw new CheckpointStoreException(
                $"S3 cannot be addressed: {exception.Message.TrimEnd('.')}. Set the region ({consumerSection}:Region for Kinesis and S3, "
                + $"{section}:Region for S3 alone, AWS:Region, AWS_REGION or the profile's region) or an endpoint ({section}:ServiceUrl or "
                + "AWS_ENDPOINT_URL_S3).",
                isTransient: false,
                exception);
        }
    }

    public IAmazonS3 Client { get; }

    /// <summary>Where the requests go.</summary>
    public string Endpoint { get; }

    /// <summary>Whether TLS protects what is sent, so that the signature need not.</summary>
    public bool IsEncrypted => Endpoint.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

    public void Dispose()
    {
        if (!_isGiven)
        {
            Client?.Dispose();
        }
    }

    private static AmazonS3Client CreateClient(S3CheckpointOptions options, string? consumerRegion, AwsDefaults aws)
    {
        var config = new AmazonS3Config { MaxErrorRetry = Retries, Timeout = options.RequestTimeout };
        if (options.Profile is not null)
        {
            config.Profile = new Profile(options.Profile);
        }

        string? serviceUrl = options.ServiceUrl ?? aws.ServiceUrl;
        if (Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_S3") is ""
            || Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL") is "")
        {
            // set and empty counts as not set, while the SDK takes it for an address
            config.IgnoreConfiguredEndpointUrls = true;
            serviceUrl ??= NotEmpty(Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_S3"))
                ?? NotEmpty(Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL"));
        }

        string? region = options.Region ?? consumerRegion ?? aws.Region;
        if (serviceUrl is not null)
        {
            config.ServiceURL = serviceUrl;
            config.AuthenticationRegion = region;
            config.ForcePathStyle = true;
        }
        else if (region is not null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        AWSCredentials? credentials = options.Credentials ?? (options.Profile is null ? aws.Credentials : null);
        return credentials is null ? new AmazonS3Client(config) : new AmazonS3Client(credentials, config);

        static string? NotEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;
    }
}

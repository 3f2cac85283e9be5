using Amazon;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>
/// The SDK's clients of one consumer, shared by its stores. Two, because the SDK sets retries per client: reading may be
/// tried again, while a conditional write whose answer was lost would fail its own condition. A client that the application gives serves
/// for both.
/// </summary>
internal sealed class DynamoDbConnection : IDisposable
{
    private const int ReadRetries = 3;

    private readonly bool _isGiven;

    /// <param name="options">The options of DynamoDB.</param>
    /// <param name="consumer">The options of the consumer: its region is DynamoDB's too.</param>
    /// <param name="aws">What the application says for all of its AWS clients.</param>
    /// <param name="given">The application's client; used where the options name no region, profile, endpoint or credentials.</param>
    /// <param name="section">The configuration section of the options, for messages.</param>
    /// <exception cref="LeaseStoreException">There is no region or endpoint.</exception>
    public DynamoDbConnection(
        DynamoDbLeaseOptions options,
        FastConsumerOptions? consumer = null,
        AwsDefaults? aws = null,
        IAmazonDynamoDB? given = null,
        string section = "FastConsumer:DynamoDb")
    {
        RequestTimeout = options.RequestTimeout;
        try
        {
            if (given is not null && options is { Region: null, Profile: null, ServiceUrl: null, Credentials: null })
            {
                _isGiven = true;
                RequestTimeout = given.Config?.Timeout ?? RequestTimeout;
                Reads = Writes = given;
            }
            else
            {
                Reads = CreateClient(options, consumer?.Region, aws ?? AwsDefaults.None, ReadRetries);
                Writes = CreateClient(options, consumer?.Region, aws ?? AwsDefaults.None, 0);
            }

            Endpoint = Reads.DetermineServiceOperationEndpoint(new DescribeTableRequest { TableName = "leases" })?.URL.TrimEnd('/')
                ?? "the application's IAmazonDynamoDB";
        }
        catch (AmazonClientException exception)
        {
            // without a region or an endpoint the SDK builds no client
            Dispose();
            string consumerSection = section.EndsWith(":DynamoDb", StringComparison.Ordinal) ? section[..^":DynamoDb".Length] : section;
            throw new LeaseStoreException(
                $"DynamoDB cannot be addressed: {exception.Message.TrimEnd('.')}. Set the region ({consumerSection}:Region for Kinesis "
                + $"and DynamoDB, {section}:Region for DynamoDB alone, AWS:Region, AWS_REGION or the profile's region) or an endpoint "
                + $"({section}:ServiceUrl or "
                + "AWS_ENDPOINT_URL_DYNAMODB).",
                isTransient: false,
                exception);
        }
    }

    /// <summary>For what may be sent twice.</summary>
    public IAmazonDynamoDB Reads { get; }

    /// <summary>For conditional writes: never sends one twice by itself, unless the application's client does.</summary>
    public IAmazonDynamoDB Writes { get; }

    /// <summary>Where the requests go.</summary>
    public string Endpoint { get; }

    public TimeSpan RequestTimeout { get; }

    public void Dispose()
    {
        if (!_isGiven)
        {
            Reads?.Dispose();
            Writes?.Dispose();
        }
    }

    private static AmazonDynamoDBClient CreateClient(DynamoDbLeaseOptions options, string? consumerRegion, AwsDefaults aws, int retries)
    {
        var config = new AmazonDynamoDBConfig { MaxErrorRetry = retries, Timeout = options.RequestTimeout };
        if (retries == 0)
        {
            // these are retries too, counted apart
            config.MaxStaleConnectionRetries = 0;
        }

        if (options.Profile is not null)
        {
            config.Profile = new Profile(options.Profile);
        }

        string? serviceUrl = options.ServiceUrl ?? aws.ServiceUrl;
        if (Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_DYNAMODB") is ""
            || Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL") is "")
        {
            // set and empty counts as not set, while the SDK takes it for an address
            config.IgnoreConfiguredEndpointUrls = true;
            serviceUrl ??= NotEmpty(Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_DYNAMODB"))
                ?? NotEmpty(Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL"));
        }

        string? region = options.Region ?? consumerRegion ?? aws.Region;
        if (serviceUrl is not null)
        {
            config.ServiceURL = serviceUrl;
            config.AuthenticationRegion = region;
        }
        else if (region is not null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        }

        AWSCredentials? credentials = options.Credentials ?? (options.Profile is null ? aws.Credentials : null);
        return credentials is null ? new AmazonDynamoDBClient(config) : new AmazonDynamoDBClient(credentials, config);

        static string? NotEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;
    }
}

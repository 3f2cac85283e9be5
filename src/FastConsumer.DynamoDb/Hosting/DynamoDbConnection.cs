using Amazon;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer.Leases;

namespace FastConsumer.DynamoDb;

/// <summary>
/// The SDK's clients of one consumer, shared by its stores. Two, because the SDK sets retries per client: reading may be
/// tried again, while a conditional write whose answer was lost would fail its own condition.
/// </summary>
internal sealed class DynamoDbConnection : IDisposable
{
    private const int ReadRetries = 3;

    public DynamoDbConnection(DynamoDbLeaseOptions options)
    {
        RequestTimeout = options.RequestTimeout;
        try
        {
            Reads = CreateClient(options, ReadRetries);
            Writes = CreateClient(options, 0);
            Endpoint = Reads.DetermineServiceOperationEndpoint(new DescribeTableRequest { TableName = "leases" }).URL.TrimEnd('/');
        }
        catch (AmazonClientException exception)
        {
            // without a region or an endpoint the SDK builds no client
            Dispose();
            throw new LeaseStoreException(
                $"DynamoDB cannot be addressed: {exception.Message.TrimEnd('.')}. Set the region (DynamoDbLeaseOptions.Region, AWS_REGION or the "
                + "profile's region) or an endpoint (DynamoDbLeaseOptions.ServiceUrl or AWS_ENDPOINT_URL_DYNAMODB).",
                isTransient: false,
                exception);
        }
    }

    /// <summary>For what may be sent twice.</summary>
    public AmazonDynamoDBClient Reads { get; }

    /// <summary>For conditional writes: never sends one twice by itself.</summary>
    public AmazonDynamoDBClient Writes { get; }

    /// <summary>Where the requests go.</summary>
    public string Endpoint { get; }

    public TimeSpan RequestTimeout { get; }

    public void Dispose()
    {
        Reads?.Dispose();
        Writes?.Dispose();
    }

    private static AmazonDynamoDBClient CreateClient(DynamoDbLeaseOptions options, int retries)
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

        if (options.ServiceUrl is not null)
        {
            config.ServiceURL = options.ServiceUrl;
            config.AuthenticationRegion = options.Region;
        }
        else if (options.Region is not null)
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }

        return options.Credentials is null ? new AmazonDynamoDBClient(config) : new AmazonDynamoDBClient(options.Credentials, config);
    }
}

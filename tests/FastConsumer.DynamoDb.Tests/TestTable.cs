using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.DynamoDb.Tests;

/// <summary>A table of its own on a test server, seen by a store and by a bare client. Deleted on disposal.</summary>
internal sealed class TestTable : IAsyncDisposable
{
    private readonly List<DynamoDbConnection> _connections = [];

    public TestTable(string serviceUrl)
    {
        ServiceUrl = serviceUrl;
        Client = new AmazonDynamoDBClient(
            new BasicAWSCredentials("test", "test"),
            new AmazonDynamoDBConfig { ServiceURL = serviceUrl, AuthenticationRegion = "us-east-1" });
    }

    public string ServiceUrl { get; }

    public string Name { get; } = $"leases-{Guid.NewGuid():N}";

    public AmazonDynamoDBClient Client { get; }

    public DynamoDbLeaseOptions Options(Action<DynamoDbLeaseOptions>? configure = null)
    {
        var options = new DynamoDbLeaseOptions
        {
            ServiceUrl = ServiceUrl,
            Region = "us-east-1",
            Credentials = new BasicAWSCredentials("test", "test"),
            RequestTimeout = TimeSpan.FromSeconds(30),
        };
        configure?.Invoke(options);
        return options;
    }

    public DynamoDbLeaseStore Open(
        Action<DynamoDbLeaseOptions>? configure = null, TimeProvider? timeProvider = null, ILogger? logger = null)
    {
        DynamoDbLeaseOptions options = Options(configure);
        var connection = new DynamoDbConnection(options);
        _connections.Add(connection);
        return new DynamoDbLeaseStore(
            new LeaseTable(connection, options.TableName ?? Name),
            Name,
            options,
            timeProvider ?? TimeProvider.System,
            logger ?? NullLogger.Instance);
    }

    public async Task<Dictionary<string, AttributeValue>> RowAsync(string leaseKey)
    {
        GetItemResponse response = await Client.GetItemAsync(
            new GetItemRequest { TableName = Name, Key = AttributeValues.Key(leaseKey), ConsistentRead = true },
            TestContext.Current.CancellationToken);
        return response.Item ?? [];
    }

    public Task PutAsync(Dictionary<string, AttributeValue> row) =>
        Client.PutItemAsync(new PutItemRequest { TableName = Name, Item = row }, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await Client.DeleteTableAsync(new DeleteTableRequest { TableName = Name }, CancellationToken.None);
        }
        catch (ResourceNotFoundException)
        {
            // a test that never created it
        }

        Client.Dispose();
        _connections.ForEach(static connection => connection.Dispose());
    }
}

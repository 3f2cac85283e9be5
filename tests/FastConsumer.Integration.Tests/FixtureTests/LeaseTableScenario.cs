using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.FixtureTests;

/// <summary>What every DynamoDB here must be able to do: a conditional update that one of two writers wins.</summary>
internal static class LeaseTableScenario
{
    public static AmazonDynamoDBClient Client(LocalServer server) => new(
        new BasicAWSCredentials("test", "test"),
        new AmazonDynamoDBConfig { ServiceURL = server.ServiceUrl, AuthenticationRegion = "us-east-1" });

    public static async Task RunAsync(LocalServer server, string table, CancellationToken cancellationToken)
    {
        LoopbackListeners.AssertOnly(server.ServiceUrl);
        using var client = Client(server);
        await CreateTableAsync(client, table, cancellationToken);
        await client.PutItemAsync(
            new PutItemRequest
            {
                TableName = table,
                Item = new() { ["leaseKey"] = new("shard-1"), ["leaseCounter"] = new() { N = "1" } },
            },
            cancellationToken);

        await client.UpdateItemAsync(Renewal(table, "worker-a"), cancellationToken);
        await Assert.ThrowsAsync<ConditionalCheckFailedException>(
            () => client.UpdateItemAsync(Renewal(table, "worker-b"), cancellationToken));

        var key = new Dictionary<string, AttributeValue> { ["leaseKey"] = new("shard-1") };
        var row = await client.GetItemAsync(new GetItemRequest { TableName = table, Key = key, ConsistentRead = true }, cancellationToken);
        Assert.Equal("worker-a", row.Item["leaseOwner"].S);
        Assert.Equal("2", row.Item["leaseCounter"].N);
    }

    public static UpdateItemRequest Renewal(string table, string owner) => new()
    {
        TableName = table,
        Key = new() { ["leaseKey"] = new("shard-1") },
        UpdateExpression = "SET leaseCounter = :next, leaseOwner = :owner",
        ConditionExpression = "leaseCounter = :current",
        ExpressionAttributeValues = new()
        {
            [":current"] = new() { N = "1" },
            [":next"] = new() { N = "2" },
            [":owner"] = new(owner),
        },
    };

    private static async Task CreateTableAsync(AmazonDynamoDBClient client, string table, CancellationToken cancellationToken)
    {
        await client.CreateTableAsync(
            new CreateTableRequest
            {
                TableName = table,
                BillingMode = BillingMode.PAY_PER_REQUEST,
                AttributeDefinitions = [new("leaseKey", ScalarAttributeType.S)],
                KeySchema = [new("leaseKey", KeyType.HASH)],
            },
            cancellationToken);
        while ((await client.DescribeTableAsync(table, cancellationToken)).Table.TableStatus != TableStatus.ACTIVE)
            await Task.Delay(20, cancellationToken);
    }
}

using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer.Testing.Positions;

namespace FastConsumer.DynamoDb.Tests.Positions;

/// <summary>Two tables of one test's own: of the positions, and of effects.</summary>
internal sealed class PositionPlace : PositionStoreUnderTest<DynamoDbTransaction>, IAsyncDisposable
{
    public static readonly PositionKey Key = new(
        "orders",
        "arn:aws:kinesis:eu-central-1:111122223333:stream/orders",
        DateTimeOffset.FromUnixTimeSeconds(1_600_000_000),
        "shardId-000000000001");

    private static int s_made;

    private PositionPlace(string serviceUrl)
    {
        int number = Interlocked.Increment(ref s_made);
        (Table, Effects) = ($"positions-{number}", $"effects-{number}");
        Client = new AmazonDynamoDBClient(
            new BasicAWSCredentials("test", "test"),
            new AmazonDynamoDBConfig { ServiceURL = serviceUrl, AuthenticationRegion = "us-east-1" });
    }

    public string Table { get; }

    public string Effects { get; }

    public AmazonDynamoDBClient Client { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<PositionPlace> CreateAsync(string serviceUrl)
    {
        var place = new PositionPlace(serviceUrl);
        await place.Client.CreateTableAsync(
            new CreateTableRequest
            {
                TableName = place.Effects,
                KeySchema = [new("effect", KeyType.HASH)],
                AttributeDefinitions = [new("effect", ScalarAttributeType.S)],
                BillingMode = BillingMode.PAY_PER_REQUEST,
            },
            Cancellation);
        return place;
    }

    public override IPositionStore<DynamoDbTransaction> Open() => Make();

    public DynamoDbPositionStore Make(bool createTable = true, IAmazonDynamoDB? client = null, TimeProvider? time = null) =>
        new(client ?? Client, new DynamoDbPositionOptions { TableName = Table, CreateTable = createTable }, time);

    public async Task<DynamoDbPositionStore> PrepareAsync()
    {
        DynamoDbPositionStore store = Make();
        await store.PrepareAsync(Cancellation);
        return store;
    }

    /// <summary>A store whose row is that of epoch 3.</summary>
    public async Task<(DynamoDbPositionStore Store, StoredPosition Row)> TakeAsync()
    {
        DynamoDbPositionStore store = await PrepareAsync();
        return (store, await store.SetEpochAsync(Key, 3, Cancellation));
    }

    /// <summary>An item that is written once.</summary>
    public TransactWriteItem Effect(string effect) => new()
    {
        Put = new Put
        {
            TableName = Effects,
            Item = new() { ["effect"] = new AttributeValue(effect) },
            ConditionExpression = "attribute_not_exists(effect)",
        },
    };

    public override Task WriteEffectAsync(DynamoDbTransaction transaction, string effect, CancellationToken cancellationToken)
    {
        transaction.Add(Effect(effect));
        return Task.CompletedTask;
    }

    public override async Task<IReadOnlyCollection<string>> ReadEffectsAsync(CancellationToken cancellationToken) => await EffectsAsync();

    public async Task<string[]> EffectsAsync()
    {
        ScanResponse response = await Client.ScanAsync(
            new ScanRequest { TableName = Effects, ConsistentRead = true }, Cancellation);
        return [.. (response.Items ?? []).Select(static item => item["effect"].S).Order(StringComparer.Ordinal)];
    }

    /// <summary>Writes an attribute of a row as nobody should.</summary>
    public Task SpoilAsync(string attribute, AttributeValue value) => Client.UpdateItemAsync(
        new UpdateItemRequest
        {
            TableName = Table,
            Key = PositionRows.KeyOf(Key),
            UpdateExpression = "SET #a = :v",
            ExpressionAttributeNames = new() { ["#a"] = attribute },
            ExpressionAttributeValues = new() { [":v"] = value },
        },
        Cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (string table in new[] { Table, Effects })
        {
            try
            {
                await Client.DeleteTableAsync(new DeleteTableRequest { TableName = table }, CancellationToken.None);
            }
            catch (ResourceNotFoundException)
            {
                // a test that never created it
            }
        }

        Client.Dispose();
    }
}

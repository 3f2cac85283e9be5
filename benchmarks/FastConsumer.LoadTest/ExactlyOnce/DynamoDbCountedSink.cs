using System.Globalization;
using System.Runtime.CompilerServices;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer.DynamoDb;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.LoadTest.ExactlyOnce;

/// <summary>An item for each record, which counts how often it was written.</summary>
internal sealed class DynamoDbCountedSink(string serviceUrl) : CountedSink
{
    private const string Table = "counted";

    private readonly AmazonDynamoDBClient _client = new(
        LoadTestOptions.Credentials,
        new AmazonDynamoDBConfig { ServiceURL = serviceUrl, AuthenticationRegion = LoadTestOptions.Region });

    public override Task CreateAsync(CancellationToken cancellationToken) => _client.CreateTableAsync(
        new CreateTableRequest
        {
            TableName = Table,
            BillingMode = BillingMode.PAY_PER_REQUEST,
            AttributeDefinitions = [new AttributeDefinition("id", ScalarAttributeType.S)],
            KeySchema = [new KeySchemaElement("id", KeyType.HASH)],
        },
        cancellationToken);

    /// <summary>A scan of all values takes too long while they come: the transactions are counted by the rows of the positions.</summary>
    public override async Task<long> ProgressAsync(CancellationToken cancellationToken)
    {
        try
        {
            ScanResponse rows = await _client.ScanAsync(
                new ScanRequest { TableName = DynamoDbPositionOptions.DefaultTableName, ConsistentRead = true }, cancellationToken);
            return rows.Items?.Sum(static row => Number(row, "number")) ?? 0;
        }
        catch (ResourceNotFoundException)
        {
            // no worker has begun
            return 0;
        }
    }

    public override async Task<long> RecordsAsync(CancellationToken cancellationToken)
    {
        long records = 0;
        await foreach (ScanResponse page in Pages(Select.COUNT).WithCancellation(cancellationToken))
        {
            records += page.Count ?? 0;
        }

        return records;
    }

    public override async IAsyncEnumerable<(CountedRecord Value, long Times)> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ScanResponse page in Pages(Select.ALL_ATTRIBUTES).WithCancellation(cancellationToken))
        {
            foreach (Dictionary<string, AttributeValue> item in page.Items ?? [])
            {
                yield return (new CountedRecord(item["id"].S, Number(item, "value")), Number(item, "times"));
            }
        }
    }

    public override void Bind(OutputBuilder<CountedRecord> output) => output.ToDynamoDb(
        _client,
        static row => new TransactWriteItem
        {
            Update = new Update
            {
                TableName = Table,
                Key = new Dictionary<string, AttributeValue> { ["id"] = new(row.Value.Id) },
                UpdateExpression = "SET #value = :value ADD times :one",
                ExpressionAttributeNames = new Dictionary<string, string> { ["#value"] = "value" },
                ExpressionAttributeValues = new Dictionary<string, AttributeValue>
                {
                    [":value"] = new() { N = row.Value.Count.ToString(CultureInfo.InvariantCulture) },
                    [":one"] = new() { N = "1" },
                },
            },
        });

    public override ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private static long Number(Dictionary<string, AttributeValue> item, string name) =>
        item.TryGetValue(name, out AttributeValue? value) ? long.Parse(value.N, CultureInfo.InvariantCulture) : 0;

    private IPaginatedEnumerable<ScanResponse> Pages(Select select) =>
        _client.Paginators.Scan(new ScanRequest { TableName = Table, ConsistentRead = true, Select = select }).Responses;
}

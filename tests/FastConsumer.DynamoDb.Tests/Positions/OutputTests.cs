using System.Globalization;
using System.Text;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer.DynamoDb.Tests.Faults;
using FastConsumer.Hosting;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.Testing;
using FastConsumer.Testing.Checkpoints;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.DynamoDb.Tests.Positions;

/// <summary>Outputs of whole workers in real tables.</summary>
public sealed class OutputTests(DynoxideServer server) : IClassFixture<DynoxideServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_value_is_written_once_although_answers_are_lost_and_workers_die()
    {
        await using FaultyDynamoDb proxy = await FaultyDynamoDb.StartAsync(server.ServiceUrl);
        await using PositionPlace place = await PositionPlace.CreateAsync(proxy.ServiceUrl);
        await using var kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Token);
        kinesis.CreateStream("orders", 3);
        var leases = new InMemoryLeaseDatabase();
        var objects = new InMemoryCheckpointDatabase();
        Dictionary<string, long> sums = [];
        HashSet<string> expected = [];
        for (int turn = 0; turn < 3; turn++)
        {
            // a shard has more values at a time than a transaction takes
            for (int i = 0; i < 300; i++)
            {
                string id = $"order-{turn}-{i}";
                string key = $"customer-{i % 7}";
                kinesis.Put("orders", key, id);
                sums[key] = sums.GetValueOrDefault(key) + id.Length;
                expected.Add($"{id}={sums[key]}");
            }

            // a token makes the repetition harmless; the row does where the client gives up
            proxy.Break("TransactWriteItems", Fault.CutAnswer, Fault.CutRequest, Fault.ErrorAfter);
            using IHost host = Build(kinesis, place, leases, objects);
            await host.StartAsync(Token);
            int enough = turn == 2 ? expected.Count : (expected.Count * 3) / 4;
            await Eventually.ThatAsync(
                $"{enough} values are there", async () => (await place.EffectsAsync()).Count(static one => one.Contains('=')) >= enough);
            if (turn == 2)
            {
                await host.StopAsync(Token);
            }
        }

        string[] all = await place.EffectsAsync();
        Assert.Equal(expected.Order(StringComparer.Ordinal), all.Where(static one => one.Contains('=')));
        // each of the other output has its twin, and was counted once
        Assert.Equal(
            expected.Select(static one => one.Split('=')[0]).Order(StringComparer.Ordinal),
            all.Where(static one => !one.Contains('=')));
        ScanResponse counts = await place.Client.ScanAsync(
            new ScanRequest
            {
                TableName = place.Effects,
                FilterExpression = "times <> :one",
                ExpressionAttributeValues = new() { [":one"] = new AttributeValue { N = "1" } },
            },
            Token);
        Assert.Equal(0, counts.Count);
    }

    [Fact]
    public void Outputs_with_one_client_and_table_have_one_store()
    {
        using var client = new AmazonDynamoDBClient(
            new BasicAWSCredentials("test", "test"), new AmazonDynamoDBConfig { ServiceURL = server.ServiceUrl });
        FastConsumerBuilder consumer = new ServiceCollection().AddFastConsumer(static options => options.ApplicationName = "outputs");
        int before = consumer.Services.Count;
        consumer.AddOutput<string>("a").ToDynamoDb(client, static _ => new TransactWriteItem());
        int first = consumer.Services.Count - before;
        consumer.AddOutput<string>("b").ToDynamoDb(client, static _ => new TransactWriteItem());
        int second = consumer.Services.Count - before - first;
        consumer.AddOutput<string>("c").ToDynamoDb(
            client, static _ => new TransactWriteItem(), new DynamoDbPositionOptions { TableName = "another" });

        Assert.Equal(first - 1, second);
        Assert.Equal(first, consumer.Services.Count - before - first - second);
        Assert.Throws<ArgumentException>(() => consumer.AddOutput<string>("d").ToDynamoDb(
            client, static _ => new TransactWriteItem(), new DynamoDbPositionOptions { TableName = "a b" }));
    }

    private static IHost Build(
        EmbeddedKinesis kinesis, PositionPlace place, InMemoryLeaseDatabase leases, InMemoryCheckpointDatabase objects)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        FastConsumerBuilder consumer = builder.Services.AddFastConsumer(options =>
        {
            options.ApplicationName = "outputs";
            options.ServiceUrl = kinesis.ServiceUrl;
            options.Region = kinesis.Region;
            options.Credentials = new BasicAWSCredentials("test", "test");
            options.IdlePollInterval = TimeSpan.FromMilliseconds(200);
            options.LeaseDuration = TimeSpan.FromSeconds(3);
            options.CheckpointInterval = TimeSpan.FromMilliseconds(500);
            options.RetryInitialBackoff = TimeSpan.FromMilliseconds(20);
            options.RetryMaxBackoff = TimeSpan.FromMilliseconds(100);
        });
        consumer.AddProcessor<SumsProcessor>()
            .UseInMemoryCheckpoints(new InMemoryCheckpointStore(objects));
        consumer.Services.AddKeyedSingleton<ILeaseStoreFactory>(consumer.Name, new LastingLeases(leases));
        var options = new DynamoDbPositionOptions { TableName = place.Table };
        consumer.AddOutput<SumsProcessor.Row>("sums").ToDynamoDb(
            place.Client,
            row => Counted(place, string.Create(CultureInfo.InvariantCulture, $"{row.Value.Id}={row.Value.Sum}")),
            options);
        consumer.AddOutput<string>("ids").ToDynamoDb(place.Client, id => Counted(place, id.Value), options);
        return builder.Build();
    }

    /// <summary>An item that counts how often it is written.</summary>
    private static TransactWriteItem Counted(PositionPlace place, string effect) => new()
    {
        Update = new Update
        {
            TableName = place.Effects,
            Key = new() { ["effect"] = new AttributeValue(effect) },
            UpdateExpression = "ADD times :one",
            ExpressionAttributeValues = new() { [":one"] = new AttributeValue { N = "1" } },
        },
    };

    /// <summary>The leases live on, as those of a table do.</summary>
    private sealed class LastingLeases(InMemoryLeaseDatabase leases) : ILeaseStoreFactory
    {
        public string Kind => "lasting";

        public string GetTableIdentity(LeaseStoreContext context) => context.ApplicationName;

        public ILeaseStore Create(LeaseStoreContext context) => new InMemoryLeaseStore(leases, context.ApplicationName);
    }
}

[KinesisProcessor("orders")]
[Concurrency(3)]
internal sealed partial class SumsProcessor
{
    [State("sums")]
    [StateSerializer(typeof(NumberSerializer))]
    private partial KeyedState<long> Sums { get; }

    [Output("sums")]
    private partial Output<Row> Totals { get; }

    [Output("ids")]
    private partial Output<string> Ids { get; }

    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context)
    {
        string id = Encoding.UTF8.GetString(record.DataSpan);
        Totals.Add(context, new Row(id, Sums.Of(context).Edit() += id.Length));
        Ids.Add(context, id);
    }

    internal readonly record struct Row(string Id, long Sum);

    internal sealed class NumberSerializer : IStateSerializer<long>
    {
        public void Write(long value, System.Buffers.IBufferWriter<byte> output)
        {
            BitConverter.TryWriteBytes(output.GetSpan(sizeof(long)), value);
            output.Advance(sizeof(long));
        }

        public long Read(ReadOnlySpan<byte> bytes) => BitConverter.ToInt64(bytes);
    }
}

using System.Globalization;
using Amazon.DynamoDBv2;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Kinesis;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>Three shards read to their ends, over each encoding, against each pair of servers.</summary>
public sealed class ConsumingTests(LocalAws aws)
{
    private const int Records = 1_500;
    private const int SwitchedToJson = 1000;

    [Theory]
    [InlineData(KinesisProtocol.Auto)]
    [InlineData(KinesisProtocol.Cbor)]
    [InlineData(KinesisProtocol.Json)]
    public async Task Handles_every_record_once_on_kinesis_local_and_dynoxide(KinesisProtocol protocol) =>
        Assert.Empty((await ConsumeAsync(aws.KinesisUrl, aws.DynamoUrl, aws.Producer, aws.Tables, $"consume-{protocol}", protocol)).Of(
            SwitchedToJson));

    [Fact]
    public async Task Handles_every_record_once_on_kinesis_local_and_dynalite()
    {
        await using var dynamo = await DynaliteServer.StartAsync(TestContext.Current.CancellationToken);
        using var tables = LeaseRows.Client(dynamo.ServiceUrl);
        await ConsumeAsync(aws.KinesisUrl, dynamo.ServiceUrl, aws.Producer, tables, "consume-dynalite", KinesisProtocol.Auto);
    }

    [Fact]
    public async Task Handles_every_record_once_on_kinesalite_and_dynalite()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var kinesis = await KinesaliteServer.StartAsync(cancellationToken);
        await using var dynamo = await DynaliteServer.StartAsync(cancellationToken);
        await using var producer = await SdkProducer.StartAsync(kinesis.ServiceUrl, cancellationToken);
        using var tables = LeaseRows.Client(dynamo.ServiceUrl);
        // its CBOR answers end after 16 KiB
        await ConsumeAsync(kinesis.ServiceUrl, dynamo.ServiceUrl, producer, tables, "consume-kinesalite", KinesisProtocol.Json);
    }

    [Fact]
    public async Task Speaks_json_to_kinesalite_once_its_cbor_turned_out_cut_off()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var kinesis = await KinesaliteServer.StartAsync(cancellationToken);
        await using var producer = await SdkProducer.StartAsync(kinesis.ServiceUrl, cancellationToken);
        var log = await ConsumeAsync(
            kinesis.ServiceUrl, aws.DynamoUrl, producer, aws.Tables, "consume-kinesalite-auto", KinesisProtocol.Auto);
        Assert.Single(log.Of(SwitchedToJson));
    }

    private static async Task<CapturedLog> ConsumeAsync(
        string kinesisUrl, string dynamoUrl, SdkProducer producer, AmazonDynamoDBClient tables, string stream, KinesisProtocol protocol)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await producer.CreateStreamAsync(stream, 3, cancellationToken);
        var put = TestRecords.Mixed(Records, seed: 7);
        var earliest = DateTimeOffset.UtcNow.AddSeconds(-5);
        var produced = await producer.PutRecordsAsync(stream, put, cancellationToken);
        var latest = DateTimeOffset.UtcNow.AddSeconds(5);
        var journal = new Journal();

        await using var worker = await TestWorker.StartAsync(journal, kinesisUrl, dynamoUrl, stream, options =>
        {
            options.Protocol = protocol;
            options.WorkerId = "worker-1";
        });
        await journal.HasAsync(Records, worker);
        var running = await LeaseRows.ReadAsync(tables, stream, cancellationToken);
        await worker.StopAsync();
        var stopped = await LeaseRows.ReadAsync(tables, stream, cancellationToken);

        journal.AssertExactly(put, produced);
        Assert.All(journal.Records, record => Assert.InRange(record.ArrivedAt, earliest, latest));
        Assert.All(journal.Records, record => Assert.Equal(1, record.Attempt));
        Assert.All(running.Values, row => Assert.Equal("S worker-1", row["leaseOwner"].Typed()));

        // KCL's row of a lease that nobody owns: these attributes, and beside them only such as bear our prefix
        var shards = await producer.ListShardsAsync(stream, cancellationToken);
        Assert.Equal(shards.Select(shard => shard.ShardId).Order(), stopped.Keys.Order());
        foreach (var shard in shards)
        {
            var row = stopped[shard.ShardId];
            var last = produced.Where(
                record => record.ShardId == shard.ShardId).MaxBy(record => SequenceNumber.Parse(record.SequenceNumber))!;
            Assert.True(row.Counter() > running[shard.ShardId].Counter() || running[shard.ShardId].Owner() is null);
            var expected = new Dictionary<string, string>
            {
                ["leaseKey"] = $"S {shard.ShardId}",
                ["leaseCounter"] = row["leaseCounter"].Typed(),
                ["ownerSwitchesSinceCheckpoint"] = "N 0",
                ["checkpoint"] = $"S {last.SequenceNumber}",
                ["checkpointSubSequenceNumber"] = "N 0",
                ["startingHashKey"] = $"S {shard.StartingHashKey.ToString(CultureInfo.InvariantCulture)}",
                ["endingHashKey"] = $"S {shard.EndingHashKey.ToString(CultureInfo.InvariantCulture)}",
                ["entityType"] = "S LEASE",
            };
            var kcls = row.Where(pair => !pair.Key.StartsWith("fastConsumer", StringComparison.Ordinal));
            Assert.Equal(
                expected.OrderBy(pair => pair.Key),
                kcls.ToDictionary(pair => pair.Key, pair => pair.Value.Typed()).OrderBy(pair => pair.Key));
        }

        Assert.Equal(3, journal.Events.Count(what => what.StartsWith("stopping ", StringComparison.Ordinal)));
        Assert.DoesNotContain(worker.Log.Lines, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
        return worker.Log;
    }
}

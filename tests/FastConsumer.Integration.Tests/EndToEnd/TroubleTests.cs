using System.Globalization;
using System.Numerics;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Kinesis;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>What a new user meets: each time the log names the thing and the remedy, and the worker goes on once it is repaired.</summary>
public sealed class TroubleTests(LocalAws aws)
{
    private const int ReadFailed = 2004;
    private const int LeaseTaken = 2300;
    private const int LeaseLost = 2301;
    private const int StartFailed = 2401;

    [Fact]
    public async Task A_missing_stream_is_named_and_read_once_it_is_there()
    {
        const string stream = "missing-stream";
        var journal = new Journal();
        await using var worker = await TestWorker.StartAsync(journal, aws.KinesisUrl, aws.DynamoUrl, stream);

        await AssertToldAsync(worker, StartFailed, stream, "ResourceNotFoundException", "Check the name, region and account");

        await aws.Producer.CreateStreamAsync(stream, 1, TestContext.Current.CancellationToken);
        await AssertConsumesAsync(stream, journal, worker);
    }

    [Fact]
    public async Task A_table_of_another_shape_is_named_and_left_alone()
    {
        const string stream = "foreign-table";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 1, cancellationToken);
        await aws.Tables.CreateTableAsync(
            new CreateTableRequest
            {
                TableName = stream,
                BillingMode = BillingMode.PAY_PER_REQUEST,
                AttributeDefinitions = [new("orderId", ScalarAttributeType.N)],
                KeySchema = [new("orderId", KeyType.HASH)],
            },
            cancellationToken);
        var journal = new Journal();
        await using var worker = await TestWorker.StartAsync(journal, aws.KinesisUrl, aws.DynamoUrl, stream);

        await AssertToldAsync(
            worker,
            StartFailed,
            $"table '{stream}'",
            "orderId (HASH, N)",
            "Choose another application name, or set DynamoDbLeaseOptions.TableName");
        Assert.Equal(0, (await aws.Tables.ScanAsync(new ScanRequest { TableName = stream }, cancellationToken)).Count);

        await aws.Tables.DeleteTableAsync(stream, cancellationToken);
        await AssertConsumesAsync(stream, journal, worker);
    }

    [Fact]
    public async Task An_unreachable_kinesis_is_named_and_waited_for()
    {
        const string stream = "unreachable-kinesis";
        await aws.Producer.CreateStreamAsync(stream, 1, TestContext.Current.CancellationToken);
        await using var relay = new Relay(aws.KinesisUrl);
        var journal = new Journal();
        await using var worker = await TestWorker.StartAsync(journal, relay.ServiceUrl, aws.DynamoUrl, stream);

        await AssertToldAsync(worker, StartFailed, stream, relay.Address, "Check that the address is right");

        relay.Open();
        await AssertConsumesAsync(stream, journal, worker);
    }

    [Fact]
    public async Task An_unreachable_dynamo_is_named_and_waited_for()
    {
        const string stream = "unreachable-dynamo";
        await aws.Producer.CreateStreamAsync(stream, 1, TestContext.Current.CancellationToken);
        await using var relay = new Relay(aws.DynamoUrl);
        var journal = new Journal();
        await using var worker = await TestWorker.StartAsync(journal, aws.KinesisUrl, relay.ServiceUrl, stream);

        await AssertToldAsync(worker, StartFailed, $"table '{stream}'", relay.ServiceUrl, "AWS_ENDPOINT_URL_DYNAMODB");

        relay.Open();
        await AssertConsumesAsync(stream, journal, worker);
    }

    [Fact]
    public async Task A_kinesis_that_goes_away_costs_neither_records_nor_leases()
    {
        const string stream = "kinesis-away";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 2, cancellationToken);
        await using var relay = new Relay(aws.KinesisUrl);
        relay.Open();
        var put = TestRecords.Mixed(400, seed: 17);
        var produced = new List<ProducedRecord>(await aws.Producer.PutRecordsAsync(stream, put[..200], cancellationToken));
        var journal = new Journal();
        await using var worker = await TestWorker.StartAsync(journal, relay.ServiceUrl, aws.DynamoUrl, stream);
        await journal.HasAsync(200, worker);

        relay.Cut();
        produced.AddRange(await aws.Producer.PutRecordsAsync(stream, put[200..], cancellationToken));
        await AssertToldAsync(worker, ReadFailed, "shardId-", relay.Address);
        relay.Repair();

        await journal.HasAsync(put.Length, worker);
        await worker.StopAsync();
        journal.AssertExactly(put, produced);
        Assert.Empty(worker.Log.Of(LeaseLost));
        Assert.True(worker.Log.Of(LeaseTaken).Count() == 2, $"A lease was given up: {worker.Log}");
    }

    [Fact]
    public async Task A_dynamo_that_goes_away_for_longer_than_the_lease_costs_no_record()
    {
        const string stream = "dynamo-away";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 2, cancellationToken);
        await using var relay = new Relay(aws.DynamoUrl);
        relay.Open();
        var put = TestRecords.Mixed(400, seed: 19);
        var produced = new List<ProducedRecord>(await aws.Producer.PutRecordsAsync(stream, put[..200], cancellationToken));
        var journal = new Journal();
        await using var worker = await TestWorker.StartAsync(
            journal, aws.KinesisUrl, relay.ServiceUrl, stream, options => options.LeaseDuration = TimeSpan.FromSeconds(2));
        await journal.HasAsync(200, worker);
        await Eventually.ThatAsync(
            "the first records are checkpointed",
            async () => (await LeaseRows.ReadAsync(aws.Tables, stream, cancellationToken)).Values
                .All(row => row.Checkpoint() != "TRIM_HORIZON"));

        relay.Cut();
        produced.AddRange(await aws.Producer.PutRecordsAsync(stream, put[200..300], cancellationToken));
        await Eventually.ThatAsync("both leases are given up", () => worker.Log.Of(LeaseLost).Count() == 2, worker.Log.ToString);
        Assert.Contains(
            worker.Log.Lines, line => line.Level == LogLevel.Warning && line.Text.Contains(relay.ServiceUrl, StringComparison.Ordinal));
        var cut = await LeaseRows.ReadAsync(aws.Tables, stream, cancellationToken);
        relay.Repair();
        await Eventually.ThatAsync("both are taken again", () => worker.Log.Of(LeaseTaken).Count() == 4, worker.Log.ToString);
        produced.AddRange(await aws.Producer.PutRecordsAsync(stream, put[300..], cancellationToken));

        await Eventually.ThatAsync(
            "every record is handled",
            () => journal.Records.Select(record => (record.ShardId, record.SequenceNumber)).Distinct().Count() == put.Length,
            worker.Log.ToString);
        await worker.StopAsync();

        Assert.Equal(2, journal.Events.Count(what => what.StartsWith("lost ", StringComparison.Ordinal)));
        foreach (var shard in journal.Records.GroupBy(record => record.ShardId))
        {
            // what ran twice came after the checkpoint, and under another token
            var twice = shard.GroupBy(record => record.SequenceNumber).Where(same => same.Count() > 1).ToList();
            Assert.All(twice, same => Assert.True(BigInteger.Parse(same.Key, CultureInfo.InvariantCulture) > cut[shard.Key].Position()));
            Assert.All(twice, same => Assert.Equal(same.Count(), same.Select(record => record.FencingToken).Distinct().Count()));
            Journal.AssertOrdered(shard.Where(record => record.FencingToken == shard.Max(other => other.FencingToken)));
            var last = produced.Where(record => record.ShardId == shard.Key).MaxBy(record => SequenceNumber.Parse(record.SequenceNumber))!;
            Assert.Equal(last.SequenceNumber, (await LeaseRows.ReadAsync(aws.Tables, stream, cancellationToken))[shard.Key].Checkpoint());
        }
    }

    [Fact]
    public async Task An_iterator_that_the_server_answers_with_500_is_replaced()
    {
        const string stream = "garbage-iterator";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 2, cancellationToken);
        var put = TestRecords.Mixed(300, seed: 23);
        var produced = await aws.Producer.PutRecordsAsync(stream, put, cancellationToken);
        await using var proxy = await GarblingProxy.StartAsync(aws.KinesisUrl, cancellationToken);
        var journal = new Journal();

        await using var worker = await TestWorker.StartAsync(journal, proxy.ServiceUrl, aws.DynamoUrl, stream, options =>
        {
            options.Protocol = KinesisProtocol.Json;
#pragma warning disable FC4004 // several answers, so that some of them are garbled
            options.Limit = 40;
#pragma warning restore FC4004
        });
        await journal.HasAsync(put.Length, worker);
        await worker.StopAsync();

        journal.AssertExactly(put, produced);
        Assert.InRange(proxy.Garbled, 2, int.MaxValue);
        await AssertToldAsync(worker, ReadFailed, "shardId-", "HTTP 500");
    }

    /// <summary>Waits for a message and asserts that it says all that its reader needs.</summary>
    private static async Task AssertToldAsync(TestWorker worker, int id, params string[] parts)
    {
        await Eventually.ThatAsync($"message {id} is logged", () => worker.Log.Of(id).Any(), worker.Log.ToString);
        var line = worker.Log.Of(id).First();
        Assert.True(line.Level >= LogLevel.Warning);
        Assert.All(parts, part => Assert.Contains(part, line.Text, StringComparison.Ordinal));
    }

    private async Task AssertConsumesAsync(string stream, Journal journal, TestWorker worker)
    {
        var put = TestRecords.Mixed(50, seed: 29);
        var produced = await aws.Producer.PutRecordsAsync(stream, put, TestContext.Current.CancellationToken);
        await journal.HasAsync(put.Length, worker);
        await worker.StopAsync();
        journal.AssertExactly(put, produced);
    }
}

using System.Collections.Concurrent;
using System.Text;
using Amazon.Runtime;
using FastConsumer.DynamoDb.Tests.Kcl;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Kinesis;
using FastConsumer.Testing;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>A whole FastConsumer worker and whole workers of KCL 2.x on one table, as while one replaces the other, and back.</summary>
public sealed class BesideKcl2Tests(LocalAws aws)
{
    private const string Stream = "beside-kcl-2";
    private const int Shards = 6;
    private const int CoordinationFailed = 2305;

    private static readonly TimeSpan s_leaseDuration = TimeSpan.FromSeconds(4);

    private readonly ConcurrentDictionary<string, int> _seen = new();
    private readonly List<string> _put = [];

    [Fact]
    public async Task They_share_the_shards_and_take_over_from_each_other_without_a_loss()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: cancellationToken);
        kinesis.CreateStream(Stream, Shards);
        using var client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = kinesis.ServiceUrl,
            Region = kinesis.Region,
            Credentials = new BasicAWSCredentials("test", "test")
        });
        await CreateTableAsync(kinesis);

        // KCL has them all
        await using var kcl = new Kcl2Consumer(aws.Tables, client, Stream, "kcl-1", s_leaseDuration, See);
        await OwnAsync(("kcl-1", Shards));
        await PutAsync(kinesis);

        // FastConsumer takes its half
        var journal = new Journal { Handling = record => See(Encoding.UTF8.GetString(record.Data)) };
        await using var worker = await TestWorker.StartAsync(journal, kinesis.ServiceUrl, aws.DynamoUrl, Stream, options =>
        {
            options.WorkerId = "fast";
            options.LeaseDuration = s_leaseDuration;
        });
        await OwnAsync(("kcl-1", Shards / 2), ("fast", Shards / 2));
        var before = kcl.Count;
        await PutAsync(kinesis);
        Assert.True(journal.Count > 0 && kcl.Count > before, $"FastConsumer has read {journal.Count} records, KCL {kcl.Count - before}.");

        // KCL dies, and all is FastConsumer's
        await kcl.DieAsync();
        await OwnAsync(("fast", Shards));
        await PutAsync(kinesis);

        // another one steals its half back
        await using var next = new Kcl2Consumer(aws.Tables, client, Stream, "kcl-2", s_leaseDuration, See);
        await OwnAsync(("kcl-2", Shards / 2), ("fast", Shards / 2));
        var had = journal.Count;
        await PutAsync(kinesis);
        Assert.True(journal.Count > had && next.Count > 0, $"FastConsumer has read {journal.Count - had} records, KCL {next.Count}.");

        // FastConsumer stops, and KCL has them all again, as it knows them
        await worker.StopAsync();
        Assert.All((await RowsAsync()).Values.Where(static row => row.Owner() != "kcl-2"), static row => Assert.Null(row.Owner()));
        await OwnAsync(("kcl-2", Shards));
        await PutAsync(kinesis);
        Assert.Empty(worker.Log.Of(CoordinationFailed));
    }

    private void See(string text) => _seen.AddOrUpdate(text, 1, static (_, times) => times + 1);

    /// <summary>Waits until the owners have as many leases as this.</summary>
    private async Task OwnAsync(params (string Owner, int Leases)[] expected)
    {
        string state = "";
        await Eventually.ThatAsync(
            $"the leases belong to {string.Join(", ", expected)}",
            async () =>
            {
                var owners = (await RowsAsync()).Values.GroupBy(static row => row.Owner() ?? "nobody")
                    .ToDictionary(static owned => owned.Key, static owned => owned.Count());
                state = string.Join(", ", owners);
                return owners.Count == expected.Length && expected.All(pair => owners.GetValueOrDefault(pair.Owner) == pair.Leases);
            },
            () => state);
    }

    /// <summary>Puts records into all shards, and waits until somebody has handled each.</summary>
    private Task PutAsync(EmbeddedKinesis kinesis)
    {
        for (var i = 0; i < 120; i++)
        {
            var text = $"record {_put.Count}";
            kinesis.Put(Stream, text, text);
            _put.Add(text);
        }

        return Eventually.ThatAsync("nothing is lost", () => _put.TrueForAll(_seen.ContainsKey), () =>
            $"{_put.Count(text => !_seen.ContainsKey(text))} of {_put.Count} are.");
    }

    private async Task<IReadOnlyDictionary<string, Dictionary<string, Amazon.DynamoDBv2.Model.AttributeValue>>> RowsAsync() =>
        await LeaseRows.ReadAsync(aws.Tables, Stream, TestContext.Current.CancellationToken);

    /// <summary>As KCL creates it.</summary>
    private async Task CreateTableAsync(EmbeddedKinesis kinesis)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Tables.CreateTableAsync(
            new Amazon.DynamoDBv2.Model.CreateTableRequest
            {
                TableName = Stream,
                KeySchema = [new("leaseKey", Amazon.DynamoDBv2.KeyType.HASH)],
                AttributeDefinitions = [new("leaseKey", Amazon.DynamoDBv2.ScalarAttributeType.S)],
                BillingMode = Amazon.DynamoDBv2.BillingMode.PAY_PER_REQUEST,
            },
            cancellationToken);
        foreach (var shard in kinesis.ListShards(Stream))
            await aws.Tables.PutItemAsync(Stream, KclRows.Lease(shard.ShardId, 0, "TRIM_HORIZON", 0), cancellationToken);
    }
}

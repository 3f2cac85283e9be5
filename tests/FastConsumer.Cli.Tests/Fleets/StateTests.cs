using System.Globalization;
using System.Text.Json;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Amazon.Runtime;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.Cli.Tests.Fleets;

/// <summary>State that workers have checkpointed into a folder and a bucket, as the tool shows it.</summary>
public sealed class StateTests(DynoxideServer dynamo) : FleetTest(dynamo)
{
    private const string Key = "customer-1";
    private const int Count = 120;

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"fastconsumer-state-{Guid.NewGuid():N}");

    [Fact]
    public async Task What_a_key_holds_is_shown_also_over_a_split_and_in_other_shards_than_its_own()
    {
        try
        {
            Kinesis.CreateStream(Stream, 2);
            string[] shards = ["shardId-000000000000", "shardId-000000000001"];
            HashKeyRange first = Kinesis.ListShards(Stream)[0].HashKeyRange;
            bool isFirst = first.Contains(HashKeys.Of("customer-1"u8));
            (string own, string other) = isFirst ? (shards[0], shards[1]) : (shards[1], shards[0]);
            IHost worker = await StartAsync();
            string[] orders = [.. Enumerable.Range(0, Count).Select(static i => $"order-{i:000}")];
            foreach (string order in orders)
            {
                Kinesis.Put(Stream, Key, order);
            }

            Kinesis.Put(Stream, Key, "elsewhere", isFirst ? first.EndingHashKey + 1 : 0);
            await HandledAsync([.. orders, "elsewhere"]);
            await worker.StopAsync(Cancellation);
            ToolRun[] runs = await Task.WhenAll(
                RunAsync([.. Show, "--json"]),
                RunAsync([.. Show, "--everywhere", "--all", "--json"]),
                RunAsync([.. Show, "--state", "seen"]),
                RunAsync([.. Show, "--state", "lengths", "-o", "wide"]),
                RunAsync("checkpoint", "show", "--json"),
                RunAsync("checkpoint", "show", "-o", "wide"));
            AssertShape(runs[0], own);
            ToolRun everywhere = runs[1];
            Assert.Equal(shards, everywhere.Document.GetProperty("shards").EnumerateArray().Select(ShardOf));
            Assert.Equal(
                [(own, Count), (other, 1)],
                OfState(everywhere, "tally").Select(static item => (ShardOf(item), OrdersOf(item))).OrderByDescending(
                    static found => found.Item2));
            // a value, the map's entries and the list's values of each
            Assert.Equal((1 + (2 * Count)) + (1 + 2), everywhere.Items.Count());
            ToolRun seen = runs[2];
            Assert.Contains($"{own} at ", seen.Output, StringComparison.Ordinal);
            Assert.Matches(@"STATE +SUB-KEY +VALUE +EXPIRES +COPY +VERSION", seen.Output);
            Assert.Matches(@"seen +order-000 +true +\d{4}-\d{2}-\d{2}T\S+ +no +1", seen.Output);
            Assert.Contains("20 more entries are not shown: --all", seen.Output, StringComparison.Ordinal);
            Assert.Matches(@"lengths +\[0\] +CQAAAA== \(FourBytes, base64\) +- +no +1 +FourBytes +" + own, runs[3].Output);
            AssertCheckpoints(runs[4], runs[5], own);
            await AssertInheritedAsync(own);
        }
        finally
        {
            DeleteFolder();
        }
    }

    [Fact]
    public async Task Snapshots_in_a_bucket_are_read()
    {
        await using EmbeddedS3 s3 = await EmbeddedS3.StartAsync(cancellationToken: Cancellation);
        s3.CreateBucket("states");
        Kinesis.CreateStream(Stream);
        IHost worker = await StartWorkerAsync("worker-1", consumer => consumer.AddProcessor<TallyProcessor>().UseS3Checkpoints(
            "states", "prod", options =>
        {
            options.ServiceUrl = s3.ServiceUrl;
            options.Region = s3.Region;
            options.Credentials = new BasicAWSCredentials("embedded", "embedded");
        }));
        Kinesis.Put(Stream, Key, "order-1");
        await HandledAsync(["order-1"]);
        await worker.StopAsync(Cancellation);
        string[] bucket = ["--s3", "states", "--s3-endpoint-url", s3.ServiceUrl];
        ToolRun[] runs = await Task.WhenAll(
            RunAsync(["state", "show", Key, "--prefix", "prod", "--json", .. bucket]),
            RunAsync(["state", "show", Key, "--prefix", "test", .. bucket]),
            RunAsync(["state", "show", Key, "--prefix", "a//b", .. bucket]),
            RunAsync("state", "show", Key, "--s3", "none", "--s3-endpoint-url", s3.ServiceUrl));
        ToolRun run = runs[0];
        Assert.True(run.ExitCode == 0, run.Errors);
        Assert.Equal("s3://states/prod", run.Document.GetProperty("store").GetString());
        Assert.Equal("order-1", OfState(run, "tally").Single().GetProperty("value").GetProperty("last").GetString());

        runs[1].AssertFails(1, "s3://states/test", "--prefix");
        runs[2].AssertFails(2, "--prefix", "a//b");
        runs[3].AssertFails(1, "none");
    }

    [Fact]
    public async Task Bad_input_is_one_line_that_names_the_thing()
    {
        try
        {
            Kinesis.CreateStream(Stream);
            Directory.CreateDirectory(_folder);
            string missing = Path.Combine(_folder, "missing");
            ToolRun[] runs = await Task.WhenAll(
                RunAsync("state", "show", Key, "--local", missing),
                RunAsync(Show),
                RunAsync("state", "show", Key),
                RunAsync([.. Show, "--s3", "states"]),
                RunAsync("state", "show", "--local", _folder));
            runs[0].AssertFails(1, "There is no folder", missing);
            runs[1].AssertFails(1, Application, "does not exist");
            runs[2].AssertFails(2, "--local", "--s3");
            runs[3].AssertFails(2, "exclude each other");
            Assert.Equal(2, runs[4].ExitCode);
            await StartWorkerAsync("stateless");
            await HandledAsync(Put(1));
            (await RunAsync(Show)).AssertFails(1, Application, "names a state", "[State]");
        }
        finally
        {
            DeleteFolder();
        }
    }

    private void DeleteFolder()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private string[] Show => ["state", "show", Key, "--local", _folder];

    private Task<IHost> StartAsync() =>
        StartWorkerAsync("worker-1", consumer => consumer.AddProcessor<TallyProcessor>().UseLocalCheckpoints(_folder));

    private static IEnumerable<JsonElement> OfState(ToolRun run, string state) =>
        run.Items.Where(item => item.GetProperty("state").GetString() == state);

    private static int OrdersOf(JsonElement tally) => tally.GetProperty("value").GetProperty("orders").GetInt32();

    private static string? ShardOf(JsonElement element) => element.GetProperty("shardId").GetString();

    private static void AssertShape(ToolRun shown, string own)
    {
        Assert.Equal(0, shown.ExitCode);
        Assert.Single(shown.Output.Trim().Split('\n'));
        JsonElement document = shown.Document;
        Assert.Equal(("state", 1, Key, 2 * (Count - 100)), (
            document.GetProperty("kind").GetString(),
            document.GetProperty("version").GetInt32(),
            document.GetProperty("key").GetString(),
            document.GetProperty("leftOut").GetInt32()));
        Assert.Equal(
            HashKeys.Of("customer-1"u8), UInt128.Parse(document.GetProperty("hashKey").GetString()!, CultureInfo.InvariantCulture));
        JsonElement shard = document.GetProperty("shards").EnumerateArray().Single();
        Assert.Equal((own, "TallyProcessor", 1), (
            ShardOf(shard), shard.GetProperty("processor").GetString(), shard.GetProperty("stateVersion").GetInt32()));
        Assert.Single(shard.GetProperty("snapshots").EnumerateArray());
        Assert.Equal(TimeSpan.Zero, shard.GetProperty("streamTime").GetDateTimeOffset().Offset);

        JsonElement tally = OfState(shown, "tally").Single();
        Assert.Equal(
            ["shardId", "state", "of", "value", "codec", "stateVersion", "position"],
            tally.EnumerateObject().Select(static property => property.Name));
        Assert.Equal(("value", "json", Count, shard.GetProperty("position").GetString()), (
            tally.GetProperty("of").GetString(),
            tally.GetProperty("codec").GetString(),
            OrdersOf(tally),
            tally.GetProperty("position").GetString()));
        Assert.Equal(100, OfState(shown, "seen").Count());
        JsonElement seen = OfState(shown, "seen").First();
        Assert.Equal(("map", "order-000", "b3JkZXItMDAw", JsonValueKind.True), (
            seen.GetProperty("of").GetString(),
            seen.GetProperty("subKey").GetString(),
            seen.GetProperty("subKeyBytes").GetString(),
            seen.GetProperty("value").ValueKind));
        Assert.True(seen.GetProperty("expiresAt").GetDateTimeOffset() > shard.GetProperty("streamTime").GetDateTimeOffset());
        JsonElement length = OfState(shown, "lengths").Last();
        Assert.Equal(("list", 99, "CQAAAA==", "FourBytes"), (
            length.GetProperty("of").GetString(),
            length.GetProperty("index").GetInt32(),
            length.GetProperty("valueBytes").GetString(),
            length.GetProperty("codec").GetString()));
    }

    /// <summary>Of a row with state the checkpoint has more to tell.</summary>
    private void AssertCheckpoints(ToolRun shown, ToolRun wide, string own)
    {
        JsonElement row = shown.Items.Single(item => ShardOf(item) == own);
        JsonElement state = row.GetProperty("state");
        Assert.Equal(
            ["version", "lineage", "snapshot", "streamTime", "seen"],
            state.EnumerateObject().Select(static property => property.Name));
        string snapshot = state.GetProperty("snapshot").GetString()!;
        Assert.Single(
            Directory.GetFiles(_folder, "*", SearchOption.AllDirectories),
            path => path.Replace('\\', '/').EndsWith($"/seg/{snapshot}", StringComparison.Ordinal));
        Assert.Matches(
            "^SHARD +CHECKPOINT +OWNER +RESET BY +RESET AT +STATE +STREAM TIME +SEEN +VERSION +LINEAGE", wide.Output);
        Assert.Contains(snapshot, wide.Output, StringComparison.Ordinal);
    }

    /// <summary>A child that has no snapshot of its own yet has its part of its parent's.</summary>
    private async Task AssertInheritedAsync(string own)
    {
        using AmazonDynamoDBClient tables = Tables();
        GetItemResponse read = await tables.GetItemAsync(
            Application, new Dictionary<string, AttributeValue> { ["leaseKey"] = new(own) }, Cancellation);
        Dictionary<string, AttributeValue> row = read.Item;
        // the row that a split makes, with what its parent's names
        SnapshotHandle handle = SnapshotHandle.Parse(row[Lease.Names.Snapshot].S)!;
        row.Remove(Lease.Names.Snapshot);
        row[Lease.Names.Inherits] = new AttributeValue
        {
            SS = [$"7>{handle.Object}:{handle.Offset}:{handle.Length}>{handle.Stamp}>{handle.Stamp}"],
        };
        await tables.PutItemAsync(Application, row, Cancellation);
        ToolRun[] runs = await Task.WhenAll(
            RunAsync([.. Show, "--json"]), RunAsync("checkpoint", "show"), RunAsync([.. Show, "--state", "taly"]));
        ToolRun shown = runs[0];
        Assert.Equal(Count, OrdersOf(OfState(shown, "tally").Single()));
        JsonElement shard = shown.Document.GetProperty("shards").EnumerateArray().Single();
        Assert.Equal(own, shard.GetProperty("inheritedFrom").EnumerateArray().Single().GetString());
        Assert.Matches("^SHARD +CHECKPOINT +OWNER +RESET BY +RESET AT +STATE +STREAM TIME", runs[1].Output);
        Assert.Contains($"its parents': {handle.Object}", runs[1].Output, StringComparison.Ordinal);
        runs[2].AssertFails(1, "'taly'", "'seen'", "--state");
        row[Lease.Names.Inherits] = new AttributeValue { SS = ["7>-:0:0>x>x"] };
        await tables.PutItemAsync(Application, row, Cancellation);
        Assert.Contains("holds nothing", (await RunAsync(Show)).Output, StringComparison.Ordinal);
        row.Remove(Lease.Names.Inherits);
        await tables.PutItemAsync(Application, row, Cancellation);
        (await RunAsync(Show)).AssertFails(1, Key, "no snapshot yet", "--everywhere");
        row[Lease.Names.Snapshot] = new AttributeValue("what is this");
        await tables.PutItemAsync(Application, row, Cancellation);
        (await RunAsync(Show)).AssertFails(1, "'what is this'", own);
    }
}

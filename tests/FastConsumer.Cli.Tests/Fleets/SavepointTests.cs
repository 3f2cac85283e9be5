using System.Globalization;
using System.Text.Json;
using Amazon.Runtime;
using FastConsumer.Checkpoints;
using FastConsumer.Hosting;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Processors;
using FastConsumer.Savepoints;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.Cli.Tests.Fleets;

/// <summary>Savepoints of workers that run, and applications that begin with them.</summary>
public sealed class SavepointTests(DynoxideServer dynamo) : FleetTest(dynamo), IDisposable
{
    private const int Keys = 20;

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"fastconsumer-savepoint-{Guid.NewGuid():N}");

    private string[] Place => ["--local", _folder];

    [Fact]
    public async Task An_application_goes_back_to_a_savepoint_and_comes_to_the_same_totals()
    {
        Kinesis.CreateStream(Stream, 4);
        IHost worker = await StartAsync();
        await HandledAsync(Put(200));
        await CheckpointedAsync(200);
        ToolRun created = await RunAsync(["savepoint", "create", "before 2.0", "--json", .. Place]);
        Assert.True(created.ExitCode == 0, created.Errors);
        JsonElement item = created.Items.Single();
        Assert.Equal(("before 2.0", 4, "TallyProcessor", 1), (
            item.GetProperty("name").GetString(),
            item.GetProperty("shards").GetInt32(),
            item.GetProperty("processor").GetString(),
            item.GetProperty("stateVersion").GetInt32()));
        Assert.Contains("4 of 4 snapshots copied", created.Errors, StringComparison.Ordinal);

        // it is as it was, whatever the workers do after it
        await HandledAsync(Put(100));
        await CheckpointedAsync(300);
        Assert.Equal(200, Totals(await ExportAsync("before 2.0")).Values.Sum());
        await AssertListedAsync("before 2.0");
        (await RunAsync(["savepoint", "create", "before 2.0", .. Place])).AssertFails(1, "'before 2.0'", "already");

        // nobody goes back under a worker that lives
        ToolRun alive = await RunAsync(["savepoint", "restore", "before 2.0", "--replace", "--yes", .. Place]);
        Assert.Equal(1, alive.ExitCode);
        Assert.Matches("is held by worker-, which lives. Stop all workers", alive.Errors);
        Assert.Equal(300, Totals(await ShowAllAsync()).Values.Sum());
        await worker.StopAsync(Cancellation);

        ToolRun planned = await RunAsync(["savepoint", "restore", "before 2.0", "--replace", "--dry-run", .. Place]);
        Assert.Equal((0, 4), (planned.ExitCode, planned.Output.Split("restore").Length - 1));
        Assert.Equal(300, Totals(await ShowAllAsync()).Values.Sum());
        ToolRun restored = await RunAsync(
            ["savepoint", "restore", "before 2.0", "--replace", "--yes", "--reason", "2.0 counts twice", "--json", .. Place]);
        Assert.True(restored.ExitCode == 0, restored.Errors);
        Assert.Equal(4, restored.Items.Count(static change => change.GetProperty("isDone").GetBoolean()));
        Assert.Equal(200, Totals(await ShowAllAsync()).Values.Sum());
        Assert.All(await LeasesAsync(), static row => Assert.Equal(
            "2.0 counts twice", row.GetProperty("reset").GetProperty("reason").GetString()));

        // the application does not need it any more
        Assert.Equal(0, (await RunAsync(["savepoint", "delete", "before 2.0", "--yes", .. Place])).ExitCode);
        Assert.Empty((await RunAsync(["savepoint", "list", "--json", .. Place])).Items);
        Assert.DoesNotContain(Files(), static file => file.Contains("/savepoints/", StringComparison.Ordinal));
        await StartAsync();
        await HandledAsync(Put(50));
        await CheckpointedAsync(350);
        AssertEachOnce(350, await ShowAllAsync());
    }

    [Fact]
    public async Task Another_application_begins_with_a_savepoint_and_neither_disturbs_the_other()
    {
        Kinesis.CreateStream(Stream, 2);
        IHost worker = await StartAsync();
        await HandledAsync(Put(100));
        await CheckpointedAsync(100);
        Assert.Equal(0, (await RunAsync(["savepoint", "create", "fork", .. Place])).ExitCode);
        string other = $"{Application}-2";
        (await RunAsync(["savepoint", "restore", "fork", "--as", Application, "--yes", .. Place])).AssertFails(1, "2 leases", Application);
        ToolRun run = await RunAsync(["savepoint", "restore", "fork", "--as", other, "--yes", .. Place]);
        Assert.True(run.ExitCode == 0, run.Errors);
        await StartAsync(other);
        await HandledAsync(Put(100));
        await CheckpointedAsync(200);
        await CheckpointedAsync(200, other);
        AssertEachOnce(200, await ShowAllAsync());
        AssertEachOnce(200, await ShowAllAsync(other));
        await worker.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Savepoints_in_a_bucket_are_as_good_as_those_in_a_folder()
    {
        await using EmbeddedS3 s3 = await EmbeddedS3.StartAsync(cancellationToken: Cancellation);
        s3.CreateBucket("states");
        string[] bucket = ["--s3", "states", "--prefix", "prod", "--s3-endpoint-url", s3.ServiceUrl];
        Kinesis.CreateStream(Stream, 2);
        IHost worker = await StartAsync(Application);
        await HandledAsync(Put(60));
        await worker.StopAsync(Cancellation);
        ToolRun created = await RunAsync(["savepoint", "create", "day 1", .. bucket]);
        Assert.True(created.ExitCode == 0, created.Errors);
        Assert.Equal(60, Totals(await ExportAsync("day 1", bucket)).Values.Sum());
        string other = $"{Application}-2";
        ToolRun restored = await RunAsync(["savepoint", "restore", "day 1", "--as", other, "--yes", .. bucket]);
        Assert.True(restored.ExitCode == 0, restored.Errors);
        await StartAsync(other);
        await HandledAsync(Put(40));
        string[] place = [.. bucket, "--application", other];
        await Eventually.ThatAsync("100 orders are checkpointed", async () =>
            Totals(await LookAsync(place)).Values.Sum() == 100);
        AssertEachOnce(100, await LookAsync(place));
        Assert.Equal(0, (await RunAsync(["savepoint", "delete", "day 1", "--yes", .. bucket])).ExitCode);
        (await RunAsync(["savepoint", "describe", "day 1", .. bucket])).AssertFails(1, "'day 1'", "s3://states/prod");

        Task<IHost> StartAsync(string application) => StartWorkerAsync(
            $"worker-{application}",
            consumer => consumer.AddProcessor<TallyProcessor>().UseS3Checkpoints("states", "prod", options =>
            {
                options.ServiceUrl = s3.ServiceUrl;
                options.Region = s3.Region;
                options.Credentials = new BasicAWSCredentials("embedded", "embedded");
            }),
            options => options.ApplicationName = application);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public async Task The_state_alone_goes_to_other_shards(int shards)
    {
        Kinesis.CreateStream(Stream, 3);
        IHost worker = await StartAsync();
        await HandledAsync(Put(150));
        await CheckpointedAsync(150);
        await worker.StopAsync(Cancellation);
        Assert.Equal(0, (await RunAsync(["savepoint", "create", "moved", .. Place])).ExitCode);
        Kinesis.CreateStream("orders-2", shards);
        string other = $"{Application}-2";
        string[] command = ["savepoint", "restore", "moved", "--as", other, "--stream", "orders-2", "--yes", .. Place];
        (await RunAsync([.. command, "--state-only"])).AssertFails(2, "--from");
        ToolRun run = await RunAsync([.. command, "--state-only", "--from", "TRIM_HORIZON", "--json"]);
        Assert.True(run.ExitCode == 0, run.Errors);
        Assert.Equal(shards, run.Items.Count());

        // the options of the application say another start: the state's counts
        await StartAsync(other, static options => options.StartPosition = StartPosition.Latest, "orders-2");
        for (int i = 0; i < Keys; i++)
        {
            Kinesis.Put("orders-2", $"customer-{i}", $"moved-{i}");
        }

        await HandledAsync([.. Enumerable.Range(0, Keys).Select(static i => $"moved-{i}")]);
        await CheckpointedAsync(150 + Keys, other);
        List<JsonElement> entries = await ShowAllAsync(other);
        Assert.Equal(Keys, Totals(entries).Count);
        Assert.Equal(150 + Keys, Totals(entries).Values.Sum());
        Assert.All(entries, static entry => Assert.False(entry.TryGetProperty("isCopy", out _)));
    }

    [Fact]
    public async Task What_a_split_has_not_taken_over_yet_goes_along()
    {
        Kinesis.CreateStream(Stream);
        // a worker of one lease leaves one of the children to nobody
        IHost worker = await StartAsync(configure: static options => options.MaxLeases = 1);
        await HandledAsync(Put(100));
        await CheckpointedAsync(100);
        Kinesis.SplitShard(Stream, "shardId-000000000000");
        await Eventually.ThatAsync("one child waits with what it inherits, and the other has its own", async () =>
        {
            ToolRun shown = await RunAsync("checkpoint", "show", "--json");
            return shown.Items.Count(static row => row.GetProperty("state").TryGetProperty("inherits", out _)) == 1
                && shown.Items.Count() == 3;
        });
        ToolRun created = await RunAsync(["savepoint", "create", "split", "--json", .. Place]);
        Assert.True(created.ExitCode == 0, created.Errors);
        await worker.StopAsync(Cancellation);
        JsonElement described = (await RunAsync(["savepoint", "describe", "split", "--json", .. Place])).Document;
        Assert.Equal(1, described.GetProperty("items").EnumerateArray().Count(static row => row.TryGetProperty("isInherited", out _)));
        (await RunAsync(["savepoint", "restore", "split", "--replace", "--yes", "--state-only", "--from", "LATEST", .. Place]))
            .AssertFails(1, "split or merged", "shardId-00000000000");
        ToolRun restored = await RunAsync(["savepoint", "restore", "split", "--replace", "--yes", .. Place]);
        Assert.True(restored.ExitCode == 0, restored.Errors);
        await StartAsync();
        await HandledAsync(Put(40));
        await CheckpointedAsync(140);
        AssertEachOnce(140, await ShowAllAsync());
    }

    [Fact]
    public async Task Shards_go_back_to_a_checkpoint_that_is_kept_also_where_the_last_one_is_damaged()
    {
        Kinesis.CreateStream(Stream);
        IHost worker = await StartAsync(configure: static options => options.Checkpointing.RetainedCheckpoints = 4);
        for (int i = 1; i <= 3; i++)
        {
            await HandledAsync(Put(50));
            await CheckpointedAsync(50 * i);
        }

        ToolRun history = await RunAsync(["checkpoint", "history", "--json", .. Place]);
        JsonElement[] kept = [.. history.Items];
        Assert.InRange(kept.Length, 3, 4);
        Assert.True(kept[0].GetProperty("isOfLease").GetBoolean());
        Assert.All(kept, static one => Assert.Matches("^[0-9]+/[0-9]+$", one.GetProperty("checkpoint").GetString()));
        (await RunAsync(["checkpoint", "rollback", "--all", "--yes", .. Place])).AssertRefused("holds shard shardId-000000000000");
        await worker.StopAsync(Cancellation);
        Assert.Matches("SHARD +CHECKPOINT +POSITION", (await RunAsync(["checkpoint", "history", .. Place])).Output);

        // the object of the last checkpoint is cut off: the next worker stops at it
        ToolRun stopped = await RunAsync(["checkpoint", "show", "--json"]);
        string named = stopped.Items.Single().GetProperty("state").GetProperty("snapshot").GetString()!;
        string file = Files().Single(one => one.EndsWith($"/seg/{named}", StringComparison.Ordinal));
        await File.WriteAllBytesAsync(file, (await File.ReadAllBytesAsync(file, Cancellation))[..40], Cancellation);
        string[] rollback = ["checkpoint", "rollback", "--shard", "shardId-000000000000", "--yes", .. Place];
        (await RunAsync([.. rollback, "--to", "1/99"])).AssertRefused("no checkpoint 1/99");
        (await RunAsync(["checkpoint", "rollback", "--all", "--to", "1/1", .. Place])).AssertFails(2, "--shard");
        ToolRun back = await RunAsync([.. rollback, "--json", "--reason", "the disk"]);
        Assert.True(back.ExitCode == 0, back.Output + back.Errors);
        int total = Totals(await ShowAllAsync()).Values.Sum();
        Assert.True(total is > 0 and < 150, $"{total} orders are in the state that was gone back to.");
        await StartAsync();
        await HandledAsync(Put(10));
        await CheckpointedAsync(160);
        AssertEachOnce(160, await ShowAllAsync());
    }

    [Fact]
    public async Task State_that_comes_from_elsewhere_is_begun_with()
    {
        Kinesis.CreateStream(Stream, 3);
        var tallies = new JsonStateSerializer<Tally>(TallyJson.Default.Tally);
        var seen = new JsonStateSerializer<bool>(TallyJson.Default.Boolean);
        var writer = new SnapshotWriter(nameof(TallyProcessor));
        for (int i = 1; i <= 200; i++)
        {
            string key = $"customer-{i % Keys}";
            writer.Set("tally", key, new Tally((i + Keys - 1) / Keys, $"order-{i}"), tallies);
            writer.SetEntry("seen", key, $"order-{i}", true, seen, DateTimeOffset.MaxValue);
            writer.Append("lengths", key, $"order-{i}".Length, new FourBytes());
        }

        Assert.Equal(Keys + 200 + Keys, writer.Count);
        Assert.Throws<ArgumentException>(() => writer.Append("tally", "customer-1", new Tally(1, ""), tallies));
        Assert.Throws<ArgumentException>(() => writer.Set("tally", "customer-1", 1, new FourBytes()));
        var savepoints = new SavepointStore(new LocalCheckpointStore(_folder, new Random(1)), Application, new Random(2));
        await savepoints.WriteAsync("imported", writer, Cancellation);
        Assert.Contains("'imported'", (await Assert.ThrowsAsync<SavepointException>(
            () => savepoints.WriteAsync("imported", writer, Cancellation))).Message, StringComparison.Ordinal);
        AssertEachOnce(200, await ExportAsync("imported"));
        string[] command = ["savepoint", "restore", "imported", "--as", Application, "--yes", .. Place];
        (await RunAsync(command)).AssertFails(1, "no positions", "--state-only");
        (await RunAsync([.. command, "--state-only", "--from", "LATEST"])).AssertFails(2, "--stream");
        ToolRun run = await RunAsync([.. command, "--state-only", "--from", "TRIM_HORIZON", "--stream", Stream]);
        Assert.True(run.ExitCode == 0, run.Errors);

        await StartAsync();
        List<string> put = [];
        for (int i = 201; i <= 240; i++)
        {
            Kinesis.Put(Stream, $"customer-{i % Keys}", $"order-{i}");
            put.Add($"order-{i}");
        }

        await HandledAsync(put);
        await CheckpointedAsync(240);
        AssertEachOnce(240, await ShowAllAsync());
    }

    [Fact]
    public async Task Bad_input_is_one_line_that_names_the_thing()
    {
        Kinesis.CreateStream(Stream);
        Directory.CreateDirectory(_folder);
        ToolRun[] runs = await Task.WhenAll(
            RunAsync(["savepoint", "create", "one", .. Place]),
            RunAsync(["savepoint", "create", new string('x', 101), .. Place]),
            RunAsync(["savepoint", "create", " ", .. Place]),
            RunAsync(["savepoint", "describe", "one", .. Place]),
            RunAsync(["savepoint", "delete", "one", "--yes", .. Place]),
            RunAsync(["savepoint", "restore", "one", "--yes", .. Place]),
            RunAsync(["savepoint", "restore", "one", "--replace", "--as", "two", .. Place]),
            RunAsync("savepoint", "list"));
        runs[0].AssertFails(1, Application, "does not exist");
        runs[1].AssertFails(2, "101 characters", "100");
        runs[2].AssertFails(2, "1 character");
        runs[3].AssertFails(1, "'one'", "savepoint list");
        runs[4].AssertFails(1, "'one'", "savepoint list");
        runs[5].AssertFails(2, "--replace", "--as");
        runs[6].AssertFails(2, "--replace", "--as");
        runs[7].AssertFails(2, "--local", "--s3");
        await StartWorkerAsync("stateless");
        await HandledAsync(Put(1));
        (await RunAsync(["savepoint", "create", "one", .. Place])).AssertFails(1, "names a state", "[State]");

        string damaged = Path.Combine(_folder, Application, "savepoints", "bad");
        Directory.CreateDirectory(damaged);
        await File.WriteAllTextAsync(Path.Combine(damaged, "savepoint"), "{}", Cancellation);
        (await RunAsync(["savepoint", "describe", "bad", .. Place])).AssertFails(1, "savepoints/bad/savepoint");
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task AssertListedAsync(string name)
    {
        ToolRun[] runs = await Task.WhenAll(
            RunAsync(["savepoint", "list", .. Place]),
            RunAsync(["savepoint", "describe", name, .. Place]));
        Assert.Matches("NAME +CREATED +SHARDS +SIZE +PROCESSOR", runs[0].Output);
        Assert.Contains(name, runs[0].Output, StringComparison.Ordinal);
        Assert.Matches("shardId-000000000003 +[0-9]+ +its own +1", runs[1].Output);
    }

    private Task<IHost> StartAsync(
        string? application = null, Action<FastConsumerOptions>? configure = null, string stream = Stream) => StartWorkerAsync(
        $"worker-{application}",
        consumer => consumer.AddProcessor<TallyProcessor>(processor => processor.Stream = stream).UseLocalCheckpoints(_folder),
        options =>
        {
            options.ApplicationName = application ?? Application;
            configure?.Invoke(options);
        });

    private Task CheckpointedAsync(int orders, string? application = null) => Eventually.ThatAsync(
        $"{orders} orders are checkpointed",
        async () => Totals(await ShowAllAsync(application)).Values.Sum() == orders);

    /// <summary>What the tool shows of all keys' tallies, of the last checkpoints.</summary>
    private Task<List<JsonElement>> ShowAllAsync(string? application = null) =>
        LookAsync(application is null ? Place : [.. Place, "--application", application]);

    private async Task<List<JsonElement>> LookAsync(string[] place)
    {
        string name = $"look-{Guid.NewGuid():N}";
        ToolRun created = await RunAsync(["savepoint", "create", name, .. place]);
        if (created.ExitCode != 0)
        {
            return [];
        }

        List<JsonElement> entries = await ExportAsync(name, place);
        Assert.Equal(0, (await RunAsync(["savepoint", "delete", name, "--yes", .. place])).ExitCode);
        return entries;
    }

    private async Task<List<JsonElement>> ExportAsync(string name, string[]? place = null)
    {
        ToolRun run = await RunAsync(["savepoint", "export", name, .. place ?? Place]);
        Assert.True(run.ExitCode == 0, run.Errors);
        return [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonDocument.Parse(line).RootElement)];
    }

    private static Dictionary<string, int> Totals(IEnumerable<JsonElement> entries) => entries
        .Where(static entry => entry.GetProperty("state").GetString() == "tally" && !entry.TryGetProperty("isCopy", out _))
        .GroupBy(static entry => entry.GetProperty("key").GetString()!)
        .ToDictionary(static key => key.Key, static key => key.Sum(
            static entry => entry.GetProperty("value").GetProperty("orders").GetInt32()));

    /// <summary>The tallies count each order, and the map of each key has each of its orders.</summary>
    private static void AssertEachOnce(int orders, List<JsonElement> entries)
    {
        Assert.Equal(orders, Totals(entries).Values.Sum());
        string[] seen = [.. entries.Where(static entry => entry.GetProperty("state").GetString() == "seen")
            .Select(static entry => entry.GetProperty("subKey").GetString()!)];
        Assert.Equal(orders, seen.Length);
        Assert.Equal(
            Enumerable.Range(1, orders).Select(static i => string.Create(CultureInfo.InvariantCulture, $"order-{i}"))
                .Order(StringComparer.Ordinal),
            seen.Order(StringComparer.Ordinal));
        Assert.Equal(orders, entries.Where(static entry => entry.GetProperty("state").GetString() == "lengths")
            .Sum(static entry => entry.GetProperty("valuesBytes").GetArrayLength()));
    }

    private IEnumerable<string> Files() => Directory.GetFiles(_folder, "*", SearchOption.AllDirectories)
        .Select(static file => file.Replace('\\', '/'));
}

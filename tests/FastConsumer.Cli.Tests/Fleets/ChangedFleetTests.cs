using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Cli.Tests.Fleets;

/// <summary>What the tool changes of a fleet that lives, and what it refuses.</summary>
public sealed class ChangedFleetTests(DynoxideServer dynamo) : FleetTest(dynamo)
{
    [Fact]
    public async Task A_poison_record_is_found_decided_and_got_past()
    {
        Kinesis.CreateStream(Stream);
        await StartWorkerAsync("worker-1");
        Orders.Poison = "order-3";
        List<string> put = Put(6);
        ToolRun stopped = await RunUntilAsync(static run => run.ExitCode == 0 && run.Items.Any(), "stopped", "--json");
        JsonElement record = stopped.Items.Single();
        string shard = record.GetProperty("shardId").GetString()!;
        string position = record.GetProperty("position").GetString()!;
        Assert.DoesNotContain("script", stopped.Output, StringComparison.Ordinal);

        // nobody can be asked
        (await RunAsync("decide", "skip", "--shard", shard)).AssertRefused("--yes");
        ToolRun dry = await RunAsync("decide", "skip", "--shard", shard, "--dry-run", "--json");
        Assert.Equal((0, "plan"), (dry.ExitCode, dry.Document.GetProperty("kind").GetString()));
        (await RunAsync("decide", "skip", "--shard", shard, "--position", "1", "--yes")).AssertFails(4, position);
        (await RunAsync("decide", "dead-letter", "--shard", shard, "--yes")).AssertRefused("no place for dead letters");
        Assert.Equal(2, Orders.Handled.Count);

        ToolRun done = await RunAsync(
            "decide", "skip", "--shard", shard, "--position", position, "--by", "ann", "--reason", "no order", "--yes", "--json");
        Assert.Equal((0, true), (done.ExitCode, done.Items.Single().GetProperty("isDone").GetBoolean()));
        await HandledAsync([.. put.Where(static order => order != "order-3")]);
        (await RunAsync("decide", "skip", "--shard", shard, "--yes")).AssertFails(4, "waits for no record");
    }

    [Fact]
    public async Task A_paused_shard_is_shown_as_such_and_resumed()
    {
        Kinesis.CreateStream(Stream);
        await StartWorkerAsync("worker-1");
        await HandledAsync(Put(1));
        ToolRun paused = await RunAsync("pause", "--all", "--until", "2h", "--by", "ann", "--reason", "a look", "--yes", "--json");
        Assert.Equal(0, paused.ExitCode);
        ToolRun shown = await RunAsync("findings", "--json");
        Assert.Equal((3, "FCF6001"), (shown.ExitCode, shown.Items.Single().GetProperty("id").GetString()));
        JsonElement pause = (await LeasesAsync()).Single().GetProperty("pause");
        Assert.Equal("ann", pause.GetProperty("by").GetString());
        await Eventually.ThatAsync(
            "the shard is paused",
            async () => (await LeasesAsync()).Single().GetProperty("status").GetString() == "paused");
        Assert.Equal(0, (await RunAsync("resume", "--all", "--yes")).ExitCode);
        await HandledAsync(Put(5));
        (await RunAsync("resume", "--all", "--yes")).AssertFails(4, "no shard is paused");
        (await RunAsync("pause", "--yes")).AssertFails(2, "--shard", "--all");
        (await RunAsync("pause", "--all", "--until", "yesterday", "--yes")).AssertFails(2, "yesterday");
        (await RunAsync("pause", "--shard", "shardId-000000000099", "--yes")).AssertFails(1, "shardId-000000000099");
    }

    [Fact]
    public async Task A_reset_of_a_live_fleet_reads_everything_again_and_nothing_overwrites_it()
    {
        Kinesis.CreateStream(Stream, 2);
        await StartWorkerAsync("worker-1");
        await StartWorkerAsync("worker-2");
        List<string> put = Put(20);
        await HandledAsync(put);
        // a lease that is being handed over is not reset
        await RunUntilAsync(
            static run => run.ExitCode == 0 && run.Items.Count() == 2
                && run.Items.All(static worker => worker.GetProperty("leases").GetInt32() == 1),
            "workers", "--json");
        string file = Path.Combine(Directory.CreateTempSubdirectory().FullName, "before.json");
        ToolRun plan = await RunAsync("checkpoint", "reset", "--all", "--to", "TRIM_HORIZON", "--dry-run", "--json");
        Assert.Equal((0, 2), (plan.ExitCode, plan.Items.Count()));
        Assert.Equal(20, Orders.Handled.Count);

        ToolRun done = await RunAsync(
            "checkpoint", "reset", "--all", "--to", "TRIM_HORIZON", "--export", file, "--reason", "again", "--yes", "--json");

        Assert.True(done.ExitCode == 0, $"{done.Output}\n{done.Errors}");
        Assert.All(done.Items, static item => Assert.True(item.GetProperty("isDone").GetBoolean()));
        await Eventually.ThatAsync("all come again", () => Orders.Handled.Count >= 40, () => $"{Orders}");
        Assert.Equal(40, Orders.Handled.Count);
        Assert.All(Orders.Handled.GroupBy(static order => order), static order => Assert.Equal(2, order.Count()));
        using JsonDocument before = JsonDocument.Parse(await File.ReadAllTextAsync(file, Cancellation));
        Assert.Equal(2, before.RootElement.GetProperty("items").GetArrayLength());
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [Fact]
    public async Task A_reset_to_a_time_ago_reads_from_there_and_a_later_time_is_refused()
    {
        Kinesis.CreateStream(Stream);
        await StartWorkerAsync("worker-1");
        List<string> put = Put(5);
        await HandledAsync(put);
        Assert.Equal(0, (await RunAsync("checkpoint", "reset", "--all", "--to", "-1h", "--yes")).ExitCode);
        await Eventually.ThatAsync("they come again", () => Orders.Handled.Count == 10, () => $"{Orders}");
        Assert.Equal(0, (await RunAsync("checkpoint", "reset", "--all", "--to", "LATEST", "--yes")).ExitCode);
        List<string> late = Put(3);
        await HandledAsync(late);
        Assert.Equal(13, Orders.Handled.Count);
        (await RunAsync("checkpoint", "reset", "--all", "--to", "2199-01-01T00:00:00Z", "--yes")).AssertFails(2, "2199");
        (await RunAsync("checkpoint", "reset", "--all", "--to", "2026-01-01T00:00:00", "--yes")).AssertFails(2, "offset");
        (await RunAsync("checkpoint", "reset", "--all", "--to", "12345", "--yes")).AssertFails(2, "--shard");
        (await RunAsync("checkpoint", "reset", "--to", "LATEST", "--yes")).AssertFails(2, "--shard", "--all");
    }

    [Fact]
    public async Task A_reset_past_a_reshard_is_refused_with_its_reason()
    {
        Kinesis.CreateStream(Stream);
        await StartWorkerAsync("worker-1");
        await HandledAsync(Put(5));
        string parent = Kinesis.ListShards(Stream).Single().ShardId;
        Kinesis.SplitShard(Stream, parent);
        await RunUntilAsync(
            run => run.ExitCode == 0 && run.Items.Count(static shard => shard.GetProperty("status").GetString() == "held") == 2,
            "leases", "--json");
        await HandledAsync(Put(5));

        ToolRun refused = await RunAsync("checkpoint", "reset", "--all", "--to", "TRIM_HORIZON", "--yes", "--json");

        Assert.Equal(4, refused.ExitCode);
        Assert.All(
            refused.Items,
            item => Assert.Contains(parent, item.GetProperty("refusal").GetString(), StringComparison.Ordinal));
        Assert.Contains("Nothing was changed", refused.Errors, StringComparison.Ordinal);
        Assert.Equal(10, Orders.Handled.Count);
        (await RunAsync("checkpoint", "reset", "--shard", parent, "--to", "TRIM_HORIZON", "--yes")).AssertRefused("SHARD_END");

        // a time after the reshard does
        Assert.Equal(0, (await RunAsync("checkpoint", "reset", "--all", "--to", "LATEST", "--yes")).ExitCode);
    }

    [Fact]
    public async Task A_lease_is_released_by_its_owner_and_one_that_hangs_is_evicted()
    {
        Kinesis.CreateStream(Stream);
        await StartWorkerAsync("worker-1");
        await HandledAsync(Put(5));
        JsonElement lease = (await LeasesAsync()).Single();
        string shard = lease.GetProperty("shardId").GetString()!;
        Assert.Equal(0, (await RunAsync("lease", "release", "--shard", shard, "--yes")).ExitCode);
        await HandledAsync(Put(5));
        Assert.Equal(10, Orders.Handled.Count);

        Orders.Hanging = "order-11";
        List<string> put = Put(3);
        await Eventually.ThatAsync(
            "the handler hangs", async () => (await LeasesAsync()).Single().GetProperty("status").GetString() == "held");
        Orders.Hanging = null;
        await StartWorkerAsync("worker-2");
        ToolRun evicted = await RunAsync("lease", "evict", "--shard", shard, "--yes", "--json");
        Assert.True(evicted.ExitCode == 0, $"{evicted.Output}\n{evicted.Errors}");
        await HandledAsync(put);
        (await RunAsync("lease", "evict", "--yes")).AssertFails(2, "--shard");
        (await RunAsync("lease", "evict", "--shard", "none", "--yes")).AssertFails(1, "none");
    }
}

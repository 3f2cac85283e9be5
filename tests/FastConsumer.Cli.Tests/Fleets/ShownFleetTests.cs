using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Cli.Tests.Fleets;

/// <summary>What the tool shows of a fleet, and that it changes nothing by that.</summary>
public sealed class ShownFleetTests(DynoxideServer dynamo) : FleetTest(dynamo)
{
    [Fact]
    public async Task Who_has_what_and_how_late_is_told_of_all_workers()
    {
        Kinesis.CreateStream(Stream, 4);
        await StartWorkerAsync("worker-1");
        await StartWorkerAsync("worker-2");
        await HandledAsync(Put(40));
        ToolRun workers = await RunUntilAsync(
            static run => run.ExitCode == 0 && run.Items.Count() == 2
                && run.Items.All(static worker => worker.GetProperty("leases").GetInt32() == 2),
            "workers", "--json");
        Assert.Equal(["worker-1", "worker-2"], workers.Items.Select(static worker => worker.GetProperty("workerId").GetString()));
        Assert.Equal(1, workers.Document.GetProperty("version").GetInt32());
        Assert.Equal(Application, workers.Document.GetProperty("application").GetString());

        ToolRun shards = await RunAsync("shards", "-o", "json");
        Assert.Equal(4, shards.Items.Count());
        Assert.All(shards.Items, static shard =>
        {
            Assert.Equal("held", shard.GetProperty("status").GetString());
            Assert.False(shard.GetProperty("isClosed").GetBoolean());
            Assert.StartsWith("worker-", shard.GetProperty("owner").GetString(), StringComparison.Ordinal);
        });

        // the owners' reports come with their writes, about every ten seconds
        ToolRun lag = await RunUntilAsync(
            static run => run.ExitCode == 0 && run.Items.All(static item => item.TryGetProperty("lagSeconds", out _)), "lag", "--json");
        Assert.Equal(24 * 3600, lag.Document.GetProperty("retentionSeconds").GetDouble());
        Assert.All(lag.Items, static item => Assert.Equal("report", item.GetProperty("source").GetString()));
        ToolRun probed = await RunAsync("lag", "--probe", "--json");
        Assert.All(probed.Items, static item => Assert.Equal("probe", item.GetProperty("source").GetString()));

        ToolRun table = await RunAsync("leases");
        Assert.Equal(0, table.ExitCode);
        Assert.Matches("^SHARD +LEASE +OWNER +CHECKPOINT +LAG +REPORTED", table.Output);
        Assert.Equal(5, table.Output.Trim().Split('\n').Length);
        ToolRun none = await RunAsync("findings");
        Assert.Equal((0, "Nothing is found in the lease table or in the workers' reports."), (none.ExitCode, none.Output.Trim()));
    }

    [Fact]
    public async Task The_shape_of_the_documents_is_as_it_is_documented()
    {
        Kinesis.CreateStream(Stream);
        await StartWorkerAsync("worker-1");
        Orders.Poison = "order-3";
        Put(5);
        await RunUntilAsync(static run => run.ExitCode == 0 && run.Items.Any(), "stopped", "--json");

        AssertShape(
            await RunAsync("leases", "--json"),
            "leases",
            ["shardId", "status", "owner", "parents", "startingHashKey", "endingHashKey", "checkpoint", "counter", "fencingToken",
                "leaseSeconds", "failing"]);
        AssertShape(
            await RunAsync("stopped", "--json"),
            "stopped",
            ["shardId", "position", "error", "attempts", "isStopped", "fencingToken", "owner"]);
        AssertShape(await RunAsync("workers", "--json"), "workers", ["workerId", "leases", "shards"]);
        ToolRun findings = await RunAsync("findings", "--json");
        Assert.Equal(3, findings.ExitCode);
        AssertShape(findings, "findings", ["id", "severity", "title", "remedy", "page", "shards"]);
        Assert.Equal("FCF3001", findings.Items.First().GetProperty("id").GetString());
        ToolRun watched = await RunAsync("checkpoint", "show", "--json");
        AssertShape(watched, "checkpoints", ["shardId", "checkpoint"]);

        static void AssertShape(ToolRun run, string kind, string[] properties)
        {
            Assert.Equal(kind, run.Document.GetProperty("kind").GetString());
            Assert.Equal(1, run.Document.GetProperty("version").GetInt32());
            Assert.Equal(TimeSpan.Zero, run.Document.GetProperty("at").GetDateTimeOffset().Offset);
            JsonElement item = run.Items.First();
            Assert.Empty(properties.Except(item.EnumerateObject().Select(static property => property.Name)));
            Assert.Single(run.Output.Trim().Split('\n'));
        }
    }

    [Fact]
    public async Task A_watch_shows_it_again_and_ends_with_Ctrl_C()
    {
        Kinesis.CreateStream(Stream);
        await StartWorkerAsync("worker-1");
        await HandledAsync(Put(1));
        await using Tool tool = Tool.Start(Environment, ["top", "--json"]);
        await Eventually.ThatAsync(
            "it is shown twice", () => tool.Output.Split('\n').Length >= 2, () => $"{tool.Output}\n{tool.Errors}");
        tool.Send(Signal.Interrupt);
        Assert.Equal(0, await tool.ExitCodeAsync());
        Assert.Empty(tool.Errors);
    }

    [Theory]
    [InlineData("leases")]
    [InlineData("shards")]
    [InlineData("workers")]
    [InlineData("lag")]
    [InlineData("findings")]
    [InlineData("stopped")]
    public async Task A_table_that_is_not_there_is_named_and_not_made(string verb)
    {
        ToolRun run = await RunAsync(verb, "--stream", Stream, "--table", "no-such-table");
        run.AssertFails(1, "no-such-table", "does not exist");
        Assert.Contains("does not exist", (await RunAsync("leases", "--table", "no-such-table")).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_told_from_the_arguments_is_asked_for()
    {
        await using Tool tool = Tool.Start("leases");
        Assert.Equal(2, await tool.ExitCodeAsync());
        Assert.Contains("--application", tool.Errors, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("leases", "--nonsense")).ExitCode);
        Assert.Equal(2, (await RunAsync("leases", "-o", "yaml")).ExitCode);
        (await RunAsync("lag", "--stream", "no stream")).AssertFails(1, "does not exist");
    }
}

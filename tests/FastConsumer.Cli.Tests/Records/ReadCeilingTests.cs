using System.Text.Json;
using FastConsumer.Cli.Tests.Fleets;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Cli.Tests.Records;

/// <summary><c>read-ceiling</c>.</summary>
public sealed class ReadCeilingTests(DynoxideServer dynamo) : FleetTest(dynamo)
{
    [Fact]
    public async Task It_reads_all_that_is_there_beside_what_the_fleet_reports()
    {
        Kinesis.CreateStream(Stream, 2);
        await StartWorkerAsync("one");
        await HandledAsync(Put(300));
        // reports come with a worker's checkpoints, ten seconds apart
        await RunUntilAsync(
            static run => run.Items.Count(static item => item.TryGetProperty("report", out _)) == 2, "leases", "-o", "json");

        ToolRun run = await RunAsync("read-ceiling", "--stream", Stream, "--for", "30s", "--yes", "-o", "json");

        Assert.True(run.ExitCode == 0, run.Errors);
        JsonElement document = run.Document;
        Assert.Equal(300, document.GetProperty("records").GetInt64());
        Assert.True(document.GetProperty("hasReachedTip").GetBoolean());
        Assert.True(document.GetProperty("recordsPerSecond").GetDouble() > 0);
        Assert.Equal((Application, 2), (document.GetProperty("application").GetString(), document.GetProperty("fleetShards").GetInt32()));
        Assert.True(document.TryGetProperty("fleetBytesPerSecond", out _));
        Assert.Equal(2, run.Items.Count());
        // nothing was written for it
        Assert.Equal(2, (await LeasesAsync()).Count);

        ToolRun table = await RunAsync("read-ceiling", "--stream", Stream, "--for", "2s", "--yes");
        Assert.Contains($"{Application} reads", table.Output, StringComparison.Ordinal);
        Assert.Contains("share the quota", table.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_asked_for_first()
    {
        Kinesis.CreateStream(Stream);
        Dictionary<string, string?> environment = new(Environment) { ["FASTCONSUMER_APPLICATION"] = null };

        (await RunAsync(environment, "read-ceiling", "--stream", Stream)).AssertRefused("--yes");
        (await RunAsync(environment, "read-ceiling", "--stream", Stream, "--for", "2h")).AssertFails(2, "--for '2h'");
        (await RunAsync(environment, "read-ceiling", "--stream", Stream, "--from", "latest")).AssertFails(2, "--from trim");
        (await RunAsync(environment, "read-ceiling", "--stream", "nothere", "--yes")).AssertFails(1, "nothere");
        Assert.Equal(0, Kinesis.RequestCount("GetRecords"));
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>The load test still runs: what it measures is not judged here, where others use the machine.</summary>
public sealed class LoadTestTests
{
    private readonly ConcurrentQueue<string> _output = new();

    [Fact]
    public async Task Compares_all_clients()
    {
        using JsonDocument comparison = await RunAsync("read", "--compare", "--runs", "1", "--records", "2000", "--per-answer", "100");
        JsonElement[] medians = [.. comparison.RootElement.GetProperty("medians").EnumerateArray()];
        Assert.Equal(["fast", "sdk", "drain"], medians.Select(client => client.GetProperty("client").GetString()));
        Assert.All(
            medians, client => Assert.InRange(client.GetProperty("cpuMicrosecondsPerRecord").GetDouble(), double.Epsilon, double.MaxValue));
        // the SDK's client reads a tenth
        Assert.All(medians, client => Assert.InRange(client.GetProperty("records").GetInt64(), 200, long.MaxValue));
        Assert.True(comparison.RootElement.GetProperty("cpuFastToDrain").GetDouble() > 0);
    }

    [Fact]
    public async Task Tells_what_telemetry_costs()
    {
        using JsonDocument cost = await RunAsync(
            "telemetry-cost", "--pairs", "1", "--records", "2000", "--records-per-answer", "100", "--json");
        Assert.All(
            ["cpuPlain", "cpuNoListener", "cpuListener", "bytesPerRecord"],
            name => Assert.InRange(cost.RootElement.GetProperty(name).GetDouble(), double.Epsilon, double.MaxValue));
        Assert.All(
            ["noListenerToPlain", "listenerToNoListener"],
            name => Assert.True(cost.RootElement.GetProperty(name).GetProperty("median").GetDouble() > 0));
    }

    [Fact]
    public async Task Tells_what_state_costs()
    {
        // of whole workers, each of three runs warms up for up to a minute
        using JsonDocument cost = await RunAsync("state-cost", "--pipeline-only", "--json");
        Assert.All(
            ["untouched", "keyed"],
            name => Assert.NotEqual(0, cost.RootElement.GetProperty(name).GetProperty("median").GetDouble()));
        // a change of a key that is there allocates nothing, on a busy machine too
        Assert.Equal(0, cost.RootElement.GetProperty("keyedBytes").GetDouble());
    }

    [Theory]
    [InlineData("postgres")]
    [InlineData("dynamodb")]
    public async Task Each_output_is_in_its_sink_once_although_workers_are_killed(string sink)
    {
        using JsonDocument run = await RunAsync("exactly-once", "--sink", sink, "--kills", "5", "--json");
        JsonElement figures = run.RootElement;
        Assert.True(figures.GetProperty("produced").GetInt64() > 0);
        Assert.Equal(figures.GetProperty("produced").GetInt64(), figures.GetProperty("visible").GetInt64());
        Assert.All(["duplicates", "missing", "wrong"], name => Assert.Equal(0, figures.GetProperty(name).GetInt64()));
        Assert.Equal(5, figures.GetProperty("kills").GetInt64() + figures.GetProperty("pauses").GetInt64());
        Assert.Equal(1, figures.GetProperty("splits").GetInt64());
    }

    [Theory]
    [InlineData("1", "4")]
    [InlineData("5", "1")]
    public async Task Tells_what_checkpoints_of_a_large_state_cost(string shards, string lanes)
    {
        const int most = 10;
        using JsonDocument cost = await RunAsync(
            "state-size", "--keys", "20000", "--checkpoints", "10", "--shards", shards, "--lanes", lanes, "--json");
        JsonElement figures = cost.RootElement;
        // these are no times: they are the same on a busy machine
        Assert.Equal(0, figures.GetProperty("wrongKeys").GetInt64());
        Assert.InRange(figures.GetProperty("writeAmplification").GetDouble(), 1, most);
        Assert.InRange(figures.GetProperty("putsPerRound").GetDouble(), 1, int.Parse(shards, CultureInfo.InvariantCulture));
        Assert.InRange(figures.GetProperty("bytesKept").GetDouble(), 1, most);
    }

    [Theory]
    [InlineData("--json")]
    [InlineData("--whole-call", "--json")]
    public async Task Compares_decoders(params string[] options)
    {
        using JsonDocument figures = await RunAsync(["decode", "--records", "50", "--size", "100", "--rounds", "1", .. options]);
        Assert.True(figures.RootElement.GetProperty("sdkToCbor").GetDouble() > 0);
        Assert.True(figures.RootElement.GetProperty("sdkToJson").GetDouble() > 0);
    }

    private async Task<JsonDocument> RunAsync(params string[] arguments)
    {
        await using var program = ChildProcess.Start(
            "dotnet",
            [ProgramFiles.LoadTest, .. arguments],
            AppContext.BaseDirectory,
            onOutputLine: _output.Enqueue);
        Assert.True(
            await program.Exited.WaitAsync(TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken) == 0, program.LastOutput);
        return JsonDocument.Parse(_output.Last());
    }
}

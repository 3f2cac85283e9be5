using System.Text.Json;
using FastConsumer.Dashboard.Feed;
using FastConsumer.Dashboard.Tests.Hosting;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Operators;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Dashboard.Tests;

/// <summary>What is kept of the last hour.</summary>
public sealed class HistoryTests : DashboardTest
{
    [Fact]
    public async Task Samples_are_of_own_shards_and_of_what_others_report_and_cost_no_state()
    {
        Leases.Put(DashboardHost.Application, LeaseOf("worker-2", SecondShard, Report(TimeSpan.Zero)));
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, options: static options => options.MaxLeases = 1);
        await host.WorkerAsync(static worker => DashboardHost.Shard(worker, FirstShard) is { ValueKind: JsonValueKind.Object } shard
            && shard.TryGetProperty("lag", out _) && DashboardHost.Shard(worker, SecondShard).TryGetProperty("lag", out _));
        using DashboardHub hub = HubOf(host);
        hub.Sample();

        JsonElement all = History(hub);
        double?[] lag = Numbers(all, "lag");
        Assert.Equal(SampleRing.Length, lag.Length);
        Assert.Equal(90, lag[^1]);
        Assert.All(lag[..^1], static sample => Assert.Null(sample));
        JsonElement[] rows = [.. all.GetProperty("heat").GetProperty("rows").EnumerateArray()];
        Assert.Equal([FirstShard, SecondShard], rows.Select(static row => row.GetProperty("shard").GetString()));
        Assert.Equal(12.5, all.GetProperty("heat").GetProperty("max").GetDouble());
        Assert.Equal(new string('.', 59) + '9', rows[1].GetProperty("cells").GetString());

        Assert.Equal(0, Numbers(History(hub, FirstShard), "lag")[^1]);
        Assert.Equal(12.5, Numbers(History(hub, SecondShard), "records")[^1]);
        Assert.All(Numbers(History(hub, "shardId-000000000009"), "lag"), static sample => Assert.Null(sample));
        Assert.Equal(0, hub.StatesMade);
    }

    /// <summary>A worker that has gone silent is not drawn on with what it said last.</summary>
    [Fact]
    public async Task What_was_reported_long_ago_is_a_gap()
    {
        Leases.Put(DashboardHost.Application, LeaseOf("worker-2", SecondShard, Report(TimeSpan.FromMinutes(5))));
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, options: static options => options.MaxLeases = 1);
        JsonElement worker = await host.WorkerAsync(static worker => worker.GetProperty("owners").GetArrayLength() == 2);
        JsonElement shard = DashboardHost.Shard(worker, SecondShard);
        Assert.True(shard.GetProperty("reportAge").GetDouble() >= 300);
        Assert.False(shard.TryGetProperty("lag", out _));
        using DashboardHub hub = HubOf(host);
        hub.Sample();
        Assert.All(Numbers(History(hub, SecondShard), "lag"), static sample => Assert.Null(sample));
    }

    [Fact]
    public async Task A_change_of_owner_is_a_hand_over()
    {
        Leases.Put(DashboardHost.Application, LeaseOf("worker-2", SecondShard));
        await using DashboardHost host = await DashboardHost.StartAsync(Kinesis, Leases, options: static options => options.MaxLeases = 1);
        await host.WorkerAsync(static worker => OwnerOf(worker) == "worker-2");
        using DashboardHub hub = HubOf(host);
        hub.Sample();
        Assert.Equal(0, HandOvers(hub).GetArrayLength());
        Leases.Put(DashboardHost.Application, LeaseOf("worker-3", SecondShard) with { LeaseCounter = 9, Session = "a-third-process/9" });
        await host.WorkerAsync(static worker => OwnerOf(worker) == "worker-3");
        hub.Sample();
        JsonElement handOver = Assert.Single(HandOvers(hub).EnumerateArray());
        Assert.Equal((SecondShard, "worker-2", "worker-3"), (handOver.GetProperty("shard").GetString(),
            handOver.GetProperty("from").GetString(), handOver.GetProperty("to").GetString()));

        static string? OwnerOf(JsonElement worker)
        {
            JsonElement shard = DashboardHost.Shard(worker, SecondShard);
            return shard.ValueKind == JsonValueKind.Object && shard.TryGetProperty("owner", out JsonElement place)
                ? worker.GetProperty("owners")[place.GetInt32()].GetProperty("id").GetString()
                : null;
        }

        static JsonElement HandOvers(DashboardHub hub) => JsonDocument.Parse(hub.State()).RootElement
            .GetProperty("consumers")[0].GetProperty("workers")[0].GetProperty("handOvers");
    }

    private static string Report(TimeSpan age) => new ShardReport
    {
        At = TimeProvider.System.GetUtcNow() - age,
        Lag = TimeSpan.FromSeconds(90),
        RecordsPerSecond = 12.5,
        State = ShardState.Handling,
    }.Write();

    private static DashboardHub HubOf(DashboardHost host) => new(
        [.. host.Services.GetServices<FastConsumerBuilder>()], new FastConsumerDashboardOptions(), host.Services);

    private static JsonElement History(DashboardHub hub, string? shardId = null) =>
        JsonDocument.Parse(hub.History("", nameof(TextProcessor), shardId)!).RootElement;

    private static double?[] Numbers(JsonElement history, string name) =>
    [
        .. history.GetProperty(name).EnumerateArray()
            .Select(static sample => sample.ValueKind == JsonValueKind.Null ? (double?)null : sample.GetDouble()),
    ];
}

using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

public sealed class ProbeTests : WorkerTest
{
    [Fact]
    public async Task A_worker_is_ready_once_it_has_listed_its_table_and_no_longer_when_it_stops()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Faults.Fail("DescribeStreamSummary", "InternalFailure", times: int.MaxValue);
        await using WorkerHost host = await StartAsync();
        // a stream that cannot be described restarts no pod, and gets no traffic
        Assert.Equal(HealthStatus.Healthy, await CheckAsync(host, "live"));
        Assert.Equal(HealthStatus.Unhealthy, await CheckAsync(host, "ready"));
        Kinesis.Faults.Clear();
        await Eventually.TrueAsync(
            async () => await CheckAsync(host, "ready") == HealthStatus.Healthy, () => $"It is not ready:\n{host.Log}");
        Assert.Equal(HealthStatus.Healthy, await CheckAsync(host, "live"));
        await host.StopAsync();
        Assert.Equal(HealthStatus.Unhealthy, await CheckAsync(host, "ready"));
        Assert.Equal(HealthStatus.Healthy, await CheckAsync(host, "live"));
    }

    [Fact]
    public async Task A_snapshot_shows_the_workers_shards_and_findings()
    {
        Kinesis.CreateStream(Stream, 2);
        await using WorkerHost host = await StartAsync();
        IFastConsumerControl control = host.Host.Services.GetRequiredService<IFastConsumerControl>();
        await Eventually.TrueAsync(
            () => control.GetSnapshot().Workers is [{ Shards.Count: 2 } worker] && worker.Shards.All(static shard => shard.Lag is not null),
            () => host.Log.ToString());
        List<string> texts = Put(20, keys: 4);
        await Journal.WaitForAsync(texts, host.Log);
        WorkerSnapshot worker = Assert.Single(control.GetSnapshot().Workers);
        Assert.Equal(nameof(EventProcessor), worker.ProcessorName);
        Assert.Equal(Stream, worker.StreamName);
        Assert.Equal(TimeSpan.FromHours(24), worker.Retention);
        Assert.Equal(["shardId-000000000000", "shardId-000000000001"], worker.Shards.Select(static shard => shard.ShardId).Order());
        Assert.All(worker.Shards, static shard => Assert.InRange(shard.Lag!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(30)));
        Assert.InRange(worker.LongestSinceRenewal, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.Empty(control.GetSnapshot().Findings);
        Assert.Same(control, host.Host.Services.GetRequiredKeyedService<IFastConsumerControl>(string.Empty));
    }

    [Fact]
    public async Task Lost_records_are_shown_until_somebody_has_seen_them()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync();
        IFastConsumerControl control = host.Host.Services.GetRequiredService<IFastConsumerControl>();
        Findings findings = host.Host.Services.GetRequiredKeyedService<Findings>(string.Empty);
        findings.Raise(FindingRules.RecordsLost, "app/stream/shard", "Records were lost.");
        Assert.Equal("FCF1018", Assert.Single(control.GetSnapshot().Findings).Id);
        Assert.False(control.Acknowledge("FCF1018", "app/stream/another"));
        Assert.True(control.Acknowledge("fcf1018", "app/stream/shard"));
        Assert.Empty(control.GetSnapshot().Findings);
        ArgumentException refused = Assert.Throws<ArgumentException>(() => control.Acknowledge("FCF2001", "app/stream/shard"));
        Assert.Contains("FCF1018", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<HealthStatus> CheckAsync(WorkerHost host, string tag)
    {
        HealthReport report = await host.Host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(
            check => check.Tags.Contains(tag), TestContext.Current.CancellationToken);
        Assert.Single(report.Entries);
        return report.Status;
    }
}

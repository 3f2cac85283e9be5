using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>Pause, resume and drain.</summary>
public sealed class PauseTests : WorkerTest
{
    private static readonly TimeSpan s_while = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_paused_shard_is_not_read_keeps_its_lease_and_goes_on_where_it_was()
    {
        Kinesis.CreateStream(Stream, 2);
        await using WorkerHost host = await StartAsync();
        List<string> texts = Put(20);
        await Journal.WaitForAsync(texts, host.Log);
        IFastConsumerControl control = Control(host);
        string shard = OpenShards()[0];
        Assert.Equal([shard], await control.PauseAsync(shard, "ann", "a look", cancellationToken: TestContext.Current.CancellationToken));
        await PausedAsync(control, host, shard);
        Finding finding = control.GetSnapshot().Findings.Single(static finding => finding.Id == "FCF6001");
        Assert.Contains("ann", finding.Message, StringComparison.Ordinal);
        await host.WaitForHealthAsync(HealthStatus.Healthy);

        List<(string Text, string ShardId, SequenceNumber Number)> put = [.. Enumerable.Range(0, 30).Select(i => PutOne($"key-{i % 10}"))];
        await Journal.WaitForAsync([.. texts, .. put.Where(one => one.ShardId != shard).Select(static one => one.Text)], host.Log);
        await Task.Delay(s_while, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(Journal.Begun, delivery => put.Any(one => one.ShardId == shard && one.Text == delivery.Text));
        Assert.NotNull(Row(shard).LeaseOwner);
        Assert.Null(control.GetSnapshot().Workers.Single().Shards.Single(one => one.ShardId == shard).Lag);
        Assert.Empty(host.Log.Of(2301));

        Assert.Equal([shard], await control.ResumeAsync(null, "ann", TestContext.Current.CancellationToken));
        texts.AddRange(put.Select(static one => one.Text));
        await Journal.WaitForAsync(texts, host.Log);
        Journal.AssertEachOnce(texts);
        await Eventually.TrueAsync(
            () => control.GetSnapshot().Findings.All(static finding => finding.Id != "FCF6001"), () => $"{host.Log}");
        // the run that was paused had no processor to dispose of
        Assert.Empty(host.Log.Of(2104));
        Assert.Empty(await control.ResumeAsync(shard, "ann", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_pause_of_all_holds_for_whoever_takes_the_shards_later_and_ends_by_itself_when_it_is_over()
    {
        Kinesis.CreateStream(Stream, 2);
        WorkerHost first = await StartAsync();
        List<string> texts = Put(10);
        await Journal.WaitForAsync(texts, first.Log);
        DateTimeOffset until = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(20);
        IReadOnlyList<string> paused = await Control(first).PauseAsync(
            null, "ann", until: until, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(2, paused.Count);
        foreach (string shard in paused)
        {
            await PausedAsync(Control(first), first, shard);
        }

        await first.DisposeAsync();
        texts.AddRange(Put(10));
        await using WorkerHost second = await StartAsync();
        foreach (string shard in paused)
        {
            await PausedAsync(Control(second), second, shard);
        }

        Assert.Equal(10, Journal.Begun.Count);
        await Journal.WaitForAsync(texts, second.Log);
        Assert.True(TimeProvider.System.GetUtcNow() >= until);
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused()
    {
        Kinesis.CreateStream(Stream);
        WorkerHost host = WorkerHost.Build(Kinesis, Journal, consumer => consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases));
        IFastConsumerControl control = Control(host);
        await Assert.ThrowsAsync<InvalidOperationException>(() => PauseAsync(null, "ann"));
        await host.StartAsync();
        await Eventually.TrueAsync(() => Rows.Any(static row => row.LeaseOwner is not null), () => $"{host.Log}");
        string text = (await Assert.ThrowsAsync<ArgumentException>(() => PauseAsync("shardId-000000000007", "ann"))).Message;
        Assert.Contains("shardId-000000000007", text, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => PauseAsync(null, " "));
        await Assert.ThrowsAsync<ArgumentException>(() => PauseAsync(null, "ann", new string('x', 129)));
        await Assert.ThrowsAsync<ArgumentException>(
            () => PauseAsync(null, "ann", until: TimeProvider.System.GetUtcNow() - TimeSpan.FromSeconds(1)));
        Assert.All(Rows, static row => Assert.Null(row.Paused));
        await host.DisposeAsync();

        Task PauseAsync(string? shard, string by, string? reason = null, DateTimeOffset? until = null) =>
            control.PauseAsync(shard, by, reason, until, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_drained_process_hands_everything_over_stays_up_and_comes_back()
    {
        Kinesis.CreateStream(Stream, 4);
        await using WorkerHost first = await StartAsync();
        List<string> texts = Put(20);
        await Journal.WaitForAsync(texts, first.Log);
        await using WorkerHost second = await StartAsync();
        await HaveAsync(2, 2);
        await Control(first).DrainAsync(TestContext.Current.CancellationToken);
        await HaveAsync(0, 4);
        Assert.Equal(HealthStatus.Unhealthy, await ReadyAsync(first));
        Assert.Equal(HealthStatus.Healthy, await ReadyAsync(second));
        texts.AddRange(Put(20));
        await Journal.WaitForAsync(texts, second.Log);
        // a second one changes nothing, and an end of it brings its share back
        await Control(first).DrainAsync(TestContext.Current.CancellationToken);
        Control(first).EndDrain();
        await HaveAsync(2, 2);
        await Eventually.TrueAsync(async () => await ReadyAsync(first) == HealthStatus.Healthy, () => $"{first.Log}");
        texts.AddRange(Put(20));
        await Journal.WaitForAsync(texts, first.Log);
        Journal.AssertEachOnce(texts);

        // and a stop while it is drained is one
        await Control(first).DrainAsync(TestContext.Current.CancellationToken);
        await first.StopAsync();

        Task HaveAsync(int one, int other) => Eventually.TrueAsync(
            () => Control(first).GetSnapshot().Workers.Single().Shards.Count == one
                && Control(second).GetSnapshot().Workers.Single().Shards.Count == other,
            () => $"{first.Log}\n\n{second.Log}");
    }

    private static async Task<HealthStatus> ReadyAsync(WorkerHost host) => (await host.Host.Services
        .GetRequiredService<HealthCheckService>()
        .CheckHealthAsync(static check => check.Tags.Contains("ready"), TestContext.Current.CancellationToken)).Status;

    private static IFastConsumerControl Control(WorkerHost host) => host.Host.Services.GetRequiredService<IFastConsumerControl>();

    private static Task PausedAsync(IFastConsumerControl control, WorkerHost host, string shard) => Eventually.TrueAsync(
        () => control.GetSnapshot().Workers.SelectMany(static worker => worker.Shards)
            .Any(one => one.ShardId == shard && one.State == ShardState.Paused),
        () => $"{host.Log}");
}

using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FastConsumer.Tests.Hosting;

/// <summary>Options that change while a consumer runs.</summary>
public sealed class ReloadTests : WorkerTest
{
    private const string Own = "FastConsumer:Processors:EventProcessor";

    [Fact]
    public void Each_option_can_change_or_needs_a_restart_or_is_set_by_code_only()
    {
        string[] code = [nameof(ConsumerSettings.Credentials), nameof(ConsumerSettings.ConfigureHttpHandler)];
        string[] nested =
            [nameof(FastConsumerOptions.Telemetry), nameof(FastConsumerOptions.Lag), nameof(ConsumerSettings.Checkpointing)];
        IEnumerable<string> options = typeof(FastConsumerOptions).GetProperties().Concat(typeof(ProcessorOptions).GetProperties())
            .Where(static property => !property.GetMethod!.IsStatic)
            .Select(static property => property.Name)
            .Distinct()
            .Except([.. code, .. nested])
            .Concat(typeof(TelemetryOptions).GetProperties().Select(static property => $"Telemetry:{property.Name}"))
            .Concat(typeof(LagOptions).GetProperties().Select(static property => $"Lag:{property.Name}"))
            .Concat(typeof(CheckpointingOptions).GetProperties().Select(static property => $"Checkpointing:{property.Name}"));
        Assert.Equal(options.Order(StringComparer.Ordinal), ChangedSettings.Known.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_key_stands_in_the_section_of_the_processor_where_it_is_set_there_or_was()
    {
        var none = new ProcessorOptions();
        var own = new ProcessorOptions { Limit = 5 };
        WorkerSettings before = Resolve(new FastConsumerOptions { ApplicationName = "a", Limit = 7 }, none);
        Assert.Empty(Find(before, before, none, none));
        Assert.Equal(
            [new ChangedSetting("FastConsumer:Limit", "7", "9")],
            Find(before, before with { Limit = 9 }, none, none));
        Assert.Equal([new ChangedSetting($"{Own}:Limit", "7", "5")], Find(before, before with { Limit = 5 }, none, own));
        Assert.Equal([new ChangedSetting($"{Own}:Limit", "5", "7")], Find(before with { Limit = 5 }, before, own, none));
        Assert.Equal(
            [new ChangedSetting("FastConsumer:LeaseTableWriteUnits", "not set", "2.5")],
            Find(before, before with { LeaseTableWriteUnits = 2.5 }, none, none));
    }

    [Fact]
    public void What_needs_a_restart_keeps_its_value_and_is_named_by_its_key()
    {
        WorkerSettings before = Resolve(new FastConsumerOptions { ApplicationName = "a" }, new ProcessorOptions());
        var changed = new FastConsumerOptions
        {
            ApplicationName = "b",
            LeaseDuration = TimeSpan.FromSeconds(77),
            MaxLeases = 3,
            Limit = 8,
            IdlePollInterval = TimeSpan.FromSeconds(1),
            CheckpointInterval = TimeSpan.FromSeconds(2),
            CheckpointRecords = 3,
            RetryInitialBackoff = TimeSpan.FromSeconds(4),
            RetryMaxBackoff = TimeSpan.FromSeconds(5),
            LeaseTableWriteUnits = 6,
            ShardSyncInterval = TimeSpan.FromSeconds(7),
        };
        WorkerSettings merged = ChangedSettings.Merge(before, Resolve(changed, new ProcessorOptions()));
        Assert.Equal(
            before with
            {
                Limit = 8,
                IdlePollInterval = TimeSpan.FromSeconds(1),
                CheckpointInterval = TimeSpan.FromSeconds(2),
                CheckpointRecords = 3,
                RetryInitialBackoff = TimeSpan.FromSeconds(4),
                RetryMaxBackoff = TimeSpan.FromSeconds(5),
                LeaseTableWriteUnits = 6,
                ShardSyncInterval = TimeSpan.FromSeconds(7),
            },
            merged);
        Assert.Equal(8, Find(before, merged, new ProcessorOptions(), new ProcessorOptions()).Count());

        changed.Telemetry.RecordSpans = true;
        changed.Lag.DegradedAt = 0.1;
        changed.Findings["FCF2003"] = new FindingOptions { Off = true };
        Assert.Equal(
            [
                "FastConsumer:LeaseDuration", "FastConsumer:MaxLeases", "FastConsumer:Telemetry:RecordSpans", "FastConsumer:Lag:DegradedAt",
                "FastConsumer:Findings:FCF2003",
            ],
            ChangedSettings.FindRestart(new FastConsumerOptions { ApplicationName = "b" }, changed, "FastConsumer"));
        Assert.Equal(
            [$"{Own}:ReadMode", $"{Own}:Stream"],
            ChangedSettings.FindRestart(new ProcessorOptions(), new ProcessorOptions { ReadMode = ReadMode.FanOut, Stream = "x" }, Own));
    }

    [Fact]
    public async Task Options_change_while_records_flow_and_none_is_lost_doubled_or_out_of_order()
    {
        Kinesis.CreateStream(Stream, 3);
        Dictionary<string, int> running = [];
        Journal.Handler = async (delivery, _, stop) =>
        {
            lock (running)
            {
                running[delivery.ShardId] = running.GetValueOrDefault(delivery.ShardId) + 1;
                Assert.True(running[delivery.ShardId] == 1, $"Two runs of {delivery.ShardId} at a time.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, CancellationToken.None);
            lock (running)
            {
                running[delivery.ShardId]--;
            }
        };
        await using WorkerHost host = await StartReloadableAsync();
        List<string> texts = Put(60);
        await Journal.WaitForAsync(texts, host.Log);
        Dictionary<string, long> epochs = Epochs();

        // watchers of files tell one change twice
        Set(host, ("FastConsumer:Limit", "7"), ($"{Own}:CheckpointInterval", "00:00:00.3"), ($"{Own}:LeaseDuration", "00:00:07"));
        Set(host);
        while (!host.Log.Of(2624).Any())
        {
            texts.AddRange(Put(20));
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }

        texts.AddRange(Put(60));
        await Journal.WaitForAsync(texts, host.Log);
        Journal.AssertEachOnce(texts);
        Assert.Equal(
            [
                "FastConsumer:Limit has changed: it was 10000 and is 7 from now on.",
                $"{Own}:CheckpointInterval has changed: it was 00:00:00.2000000 and is 00:00:00.3000000 from now on.",
            ],
            host.Log.Of(2620).Select(static entry => entry.Message));
        Assert.StartsWith(
            $"{Own}:LeaseDuration has changed and needs a restart", Assert.Single(host.Log.Of(2621)).Message, StringComparison.Ordinal);
        Assert.Single(host.Log.Of(2623));
        WorkerSettings settings = Worker(host).Settings;
        Assert.Equal((7, TimeSpan.FromSeconds(6)), (settings.Limit, settings.LeaseDuration));
        // each shard was begun anew once, by the same worker
        Assert.Equal(3, epochs.Count);
        Assert.All(Epochs(), shard => Assert.True(shard.Value > epochs[shard.Key], $"{shard.Key} was not begun anew.\n{host.Log}"));
        Assert.Equal(6, host.Log.Of(2300).Count());
        Assert.Empty(host.Log.Of(2301));

        // what cannot work changes nothing, and is told once
        Set(host, ("FastConsumer:Limit", "0"), ("FastConsumer:CheckpointRecords", "5"));
        LogEntry refused = await host.WaitForLogAsync(2622);
        Assert.Contains("FastConsumer:Limit is 0; allowed is 1 to 10,000", refused.Message, StringComparison.Ordinal);
        Set(host, ("FastConsumer:Limit", "8"), ("FastConsumer:PrefetchBytes", "1000000"));
        await Eventually.TrueAsync(() => Worker(host).Settings is { Limit: 8, CheckpointRecords: 5 }, () => $"{host.Log}");
        await Eventually.TrueAsync(() => host.Log.Of(2624).Count() == 2, () => $"{host.Log}");
        Assert.Equal(1_000_000, host.Host.Services.GetRequiredKeyedService<ConsumerService>("").Budget!.Capacity);
        Assert.Single(host.Log.Of(2622));
        Assert.Single(host.Log.Of(2621));
        texts.AddRange(Put(60));
        await Journal.WaitForAsync(texts, host.Log);
        Journal.AssertEachOnce(texts);
        await host.StopAsync();
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_change_of_what_runs_do_not_use_begins_none_anew()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartReloadableAsync();
        List<string> texts = Put(10);
        await Journal.WaitForAsync(texts, host.Log);
        Set(host, ($"{Own}:CheckpointInterval", "00:00:00.4"), ($"{Own}:ShardSyncInterval", "00:00:02"), ("FastConsumer:Other", "x"));
        await Eventually.TrueAsync(() => host.Log.Of(2620).Count() == 2, () => $"{host.Log}");
        // the lease loop goes by them, and a reload that comes later finds nothing left to do
        Set(host, ("FastConsumer:LeaseTableWriteUnits", "50"));
        await Eventually.TrueAsync(() => host.Log.Of(2620).Count() == 3, () => $"{host.Log}");
        Set(host, ("FastConsumer:LeaseTableWriteUnits", null));
        await Eventually.TrueAsync(() => host.Log.Of(2620).Count() == 4, () => $"{host.Log}");
        texts.AddRange(Put(10));
        await Journal.WaitForAsync(texts, host.Log);
        Journal.AssertEachOnce(texts);
        Assert.Empty(host.Log.Of(2623));
        Assert.Single(host.Log.Of(2300));
    }

    [Fact]
    public async Task A_stop_during_a_reload_is_a_stop()
    {
        Kinesis.CreateStream(Stream, 2);
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var leave = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WorkerHost host = await StartReloadableAsync();
        List<string> texts = Put(10);
        await Journal.WaitForAsync(texts, host.Log);
        Journal.LifeCycle = async (method, _, _) =>
        {
            if (method == "stopping")
            {
                entered.TrySetResult();
                await leave.Task;
            }
        };
        Set(host, ("FastConsumer:Limit", "7"));
        await Eventually.WithinAsync(entered.Task);
        Task stop = host.StopAsync();
        leave.SetResult();
        await stop;
        AssertReleasedAtWhatIsDone();
        Assert.Empty(host.Log.Of(2624));
        Assert.Empty(host.Log.Of(2625));
        Assert.Equal(2, host.Log.Of(2300).Count());
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task Nothing_changes_where_it_is_not_asked_for()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartReloadableAsync(isOn: false);
        List<string> texts = Put(10);
        await Journal.WaitForAsync(texts, host.Log);
        Set(host, ("FastConsumer:Limit", "7"), ("FastConsumer:ReloadOnChange", "true"));
        texts.AddRange(Put(10));
        await Journal.WaitForAsync(texts, host.Log);
        await host.StopAsync();
        Assert.DoesNotContain(host.Log.Entries, static entry => entry.Id is >= 2620 and < 2630);
        Assert.Equal(ConsumerSettings.DefaultLimit, Worker(host).Settings.Limit);
    }

    private static StreamWorker Worker(WorkerHost host) =>
        Assert.Single(host.Host.Services.GetRequiredKeyedService<ConsumerService>("").Workers);

    private static WorkerSettings Resolve(FastConsumerOptions consumer, ProcessorOptions own) =>
        WorkerSettings.Resolve(new ProcessorRegistration<EventProcessor>(), consumer, own, "worker");

    private static IEnumerable<ChangedSetting> Find(
        WorkerSettings before, WorkerSettings now, ProcessorOptions ownBefore, ProcessorOptions own) =>
        ChangedSettings.Find(before, now, ownBefore, own, new FastConsumerOptions(), "FastConsumer", Own);

    /// <summary>Changes the configuration, and tells so once.</summary>
    private static void Set(WorkerHost host, params (string Key, string? Value)[] values)
    {
        var configuration = (IConfigurationRoot)host.Host.Services.GetRequiredService<IConfiguration>();
        foreach ((string key, string? value) in values)
        {
            configuration[key] = value;
        }

        try
        {
            configuration.Reload();
        }
        catch (AggregateException e) when (e.InnerExceptions.All(static inner => inner is OptionsValidationException))
        {
            // the framework's own monitors refuse it too
        }
    }

    private Dictionary<string, long> Epochs() => Journal.Begun.GroupBy(static delivery => delivery.ShardId)
        .ToDictionary(static shard => shard.Key, static shard => shard.Max(static delivery => delivery.FencingToken));

    private async Task<WorkerHost> StartReloadableAsync(bool isOn = true)
    {
        WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases),
            configuration: isOn ? [KeyValuePair.Create<string, string?>("FastConsumer:ReloadOnChange", "true")] : []);
        await host.StartAsync();
        return host;
    }
}

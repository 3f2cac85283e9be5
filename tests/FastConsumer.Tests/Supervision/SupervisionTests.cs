using System.Collections.Concurrent;
using FastConsumer.Leases;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Supervision;

/// <summary>
/// What a worker does about handlers that block, hang or cannot be made, on real threads at the runtime's default settings.
/// </summary>
public sealed class SupervisionTests : WorkerTest
{
    private const string First = "shardId-000000000000";

    [Fact]
    public async Task Handlers_of_40_shards_that_block_cost_no_lease_and_are_told()
    {
        const int shards = 40;
        Kinesis.CreateStream(Stream, shards);
        using var never = new ManualResetEventSlim();
        var begun = new ConcurrentDictionary<string, bool>();
        Journal.Handler = (delivery, _, _) =>
        {
            begun[delivery.ShardId] = true;
            never.Wait(TimeSpan.FromSeconds(2), CancellationToken.None);
            return default;
        };
        await using WorkerHost host = await StartAsync<SyncProcessor>();
        foreach (FastConsumer.Kinesis.Shard shard in Kinesis.ListShards(Stream))
        {
            for (int i = 0; i < 5; i++)
            {
                Kinesis.Put(Stream, "key", $"{i}", shard.HashKeyRange.StartingHashKey);
            }
        }

        // more than a lease duration of 6 s: each lease was renewed meanwhile
        await Eventually.TrueAsync(() => Journal.Done.Count == 5 * shards, () => $"{Journal.Done.Count} done\n{host.Log}");
        Assert.Equal(shards, begun.Count);
        Assert.Empty(host.Log.Of(2301));
        Assert.Equal(5 * shards, Journal.Begun.Count);
        LogEntry told = await host.WaitForLogAsync(2501);
        Assert.Contains(nameof(SyncProcessor), told.Message, StringComparison.Ordinal);
        Assert.Single(host.Log.Of(2501));
    }

    [Fact]
    public async Task A_handler_that_hangs_is_told_with_its_record_and_cleared_when_it_returns()
    {
        const string stream = "hanging";
        Kinesis.CreateStream(stream);
        using var measured = new Measurements(stream);
        var hangs = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Journal.Handler = (delivery, _, _) => delivery.Text == "key-0:2" ? new ValueTask(hangs.Task) : default;
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>(options => options.Stream = stream).UseInMemoryLeases(Leases),
            static options => options.HungCallAfter = TimeSpan.FromSeconds(1));
        await host.StartAsync();
        Put(5, keys: 1, stream: stream);
        LogEntry told = await host.WaitForLogAsync(2131);
        string number = Journal.Begun.Single(static delivery => delivery.Text == "key-0:2").Number.ToString();
        Assert.Equal(LogLevel.Warning, told.Level);
        Assert.Contains(First, told.Message, StringComparison.Ordinal);
        Assert.Contains(number, told.Message, StringComparison.Ordinal);
        string health = await host.WaitForHealthAsync(HealthStatus.Degraded);
        Assert.Contains(number, health, StringComparison.Ordinal);

        // nothing is read meanwhile (the buffers fill up in the end), and yet the lag grows
        await Eventually.TrueAsync(
            () => measured.Now("fastconsumer.millis_behind_latest").Any(static value => value > 0) || PutMore(),
            () => host.Log.ToString());
        Assert.Single(host.Log.Of(2131));
        hangs.SetResult();
        await host.WaitForLogAsync(2132);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        Assert.Empty(host.Log.Of(2301));

        bool PutMore()
        {
            Put(1, keys: 1, stream: stream);
            return false;
        }
    }

    [Fact]
    public async Task A_worker_that_cannot_make_its_processor_leaves_the_shards_to_the_others()
    {
        const int shards = 3;
        Kinesis.CreateStream(Stream, shards);
        int tries = 0;
        await using WorkerHost broken = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases),
            static options => options.WorkerId = "broken",
            services: services => services.AddTransient(provider => Interlocked.Increment(ref tries) == 1
                // the instance that is made at start, to see whether it can be
                ? new EventProcessor(provider.GetRequiredService<Journal>())
                : throw new InvalidOperationException("no connection string")));
        await broken.StartAsync();
        await broken.WaitForLogAsync(2410);
        await broken.WaitForHealthAsync(HealthStatus.Unhealthy);
        await using WorkerHost healthy = await StartAsync(static options => options.WorkerId = "healthy");
        Put(60, keys: 30);
        await Eventually.TrueAsync(() => Journal.Done.Select(static delivery => delivery.Text).Distinct().Count() == 60, () =>
            $"{broken.Log}\n{healthy.Log}");
        // it tries again, less and less often
        Assert.InRange(tries, 1, 10 * shards);
        Assert.Empty(broken.Log.Of(2405));
        Assert.DoesNotContain(broken.Log.Entries, static entry => entry.Level == LogLevel.Critical);
    }

    [Fact]
    public async Task StopHost_stops_the_host_and_does_not_pass_the_record()
    {
        Kinesis.CreateStream(Stream);
        Journal.Handler = static (delivery, _, _) => delivery.Text == "key-0:2" ? throw new InvalidDataException("the database is gone")
            : default;
        await using WorkerHost host = await StartAsync<StoppingProcessor>();
        Put(5, keys: 1);
        IHostApplicationLifetime lifetime = host.Host.Services.GetRequiredService<IHostApplicationLifetime>();
        await Eventually.TrueAsync(() => lifetime.ApplicationStopping.IsCancellationRequested, () => host.Log.ToString());
        await host.WaitForLogAsync(2411);
        await host.StopAsync();
        Lease row = Rows.Single();
        Assert.Null(row.LeaseOwner);
        Assert.Equal(CheckpointPosition.At(Journal.Done.Single(static delivery => delivery.Text == "key-0:1").Number), row.Checkpoint);
    }

    [Fact]
    public async Task A_handler_that_returns_null_instead_of_a_task_is_told_by_name()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync<NullTaskProcessor>();
        Put(1);
        LogEntry said = await host.WaitForLogAsync(2100);
        Assert.Contains("HandleAsync returned null instead of a task", said.Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_entry_about_a_shard_says_in_state_and_scope_where_it_belongs()
    {
        Kinesis.CreateStream(Stream, 2);
        Journal.Handler = static (delivery, _, _) => delivery is { Text: "key-0:0", Attempt: 1 } ? throw new InvalidDataException()
            : default;
        var log = new PlaceRecorder();
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>().UseInMemoryLeases(Leases),
            services: services => services.AddSingleton<ILoggerProvider>(log));
        await host.StartAsync();
        Put(40, keys: 10);
        await Eventually.TrueAsync(() => Journal.Done.Count >= 40 && log.Entries.Any(static entry => entry.Id == 2201), () =>
            host.Log.ToString());
        await host.StopAsync();
        int[] ids = [.. log.Entries.Select(static entry => entry.Id).Distinct()];
        Assert.Superset(new HashSet<int> { 2100, 2201, 2300, 2302, 2306 }, new HashSet<int>(ids));
        // those of the service's client and of the worker as a whole are of no shard
        foreach (PlacedEntry entry in log.Entries.Where(static entry => entry.Id is >= 2000 and < 2400))
        {
            Assert.All(new[] { "Application", "Stream", "Processor", "ShardId" }, key =>
            {
                Assert.True(entry.State.ContainsKey(key), $"{entry.Id} does not say its {key}.");
                Assert.Equal(entry.State[key], entry.Scope.GetValueOrDefault(key));
            });
            Assert.Equal(("tests", "EventProcessor"), (entry.State["Application"], entry.State["Processor"]));
            Assert.Equal("{OriginalFormat}", entry.LastKey);
        }
    }

    private sealed record PlacedEntry(int Id, IReadOnlyDictionary<string, string> State, string LastKey,
        IReadOnlyDictionary<string, string> Scope);

    private sealed class PlaceRecorder : ILoggerProvider, ISupportExternalScope
    {
        private readonly ConcurrentQueue<PlacedEntry> _entries = new();
        private IExternalScopeProvider _scopes = new LoggerExternalScopeProvider();

        public IReadOnlyList<PlacedEntry> Entries => [.. _entries];

        public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

        public ILogger CreateLogger(string categoryName) => new Recorder(this);

        public void Dispose()
        {
        }

        private sealed class Recorder(PlaceRecorder owner) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => owner._scopes.Push(state);

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
                Func<TState, Exception?, string> formatter)
            {
                if (state is not IReadOnlyList<KeyValuePair<string, object?>> pairs || pairs.Count == 0)
                {
                    return;
                }

                Dictionary<string, string> scope = [];
                owner._scopes.ForEachScope(
                    static (one, all) =>
                    {
                        foreach (KeyValuePair<string, object?> pair in one as IEnumerable<KeyValuePair<string, object?>> ?? [])
                        {
                            all[pair.Key] = $"{pair.Value}";
                        }
                    },
                    scope);
                owner._entries.Enqueue(new PlacedEntry(eventId.Id, pairs.ToDictionary(static pair => pair.Key, static pair =>
                    $"{pair.Value}"), pairs[^1].Key, scope));
            }
        }
    }
}

[KinesisProcessor("events")]
[OnError(typeof(InvalidDataException), ErrorAction.StopHost)]
internal sealed partial class StoppingProcessor(Journal journal)
{
    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        journal.RunAsync(Deliveries.Of(record, context), context, cancellationToken);
}

[KinesisProcessor("events")]
internal sealed partial class NullTaskProcessor
{
    [OnRecord]
    private Task HandleAsync(KinesisRecord record) => record.PartitionKey.Length > 0 ? null! : Task.CompletedTask;
}

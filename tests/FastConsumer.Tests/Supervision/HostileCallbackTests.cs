using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Supervision;

/// <summary>
/// Meter listeners, loggers and callbacks of tokens that throw or block end nothing, hold up no other shard, and are shown in health.
/// </summary>
public sealed class HostileCallbackTests : WorkerTest
{
    [Fact]
    public async Task A_meter_listener_that_throws_at_everything_ends_nothing()
    {
        const string stream = "throwing-meters";
        Kinesis.CreateStream(stream);
        using var listener = new StreamListener(stream, static _ => throw new InvalidOperationException("the exporter is closed"));
        await using WorkerHost host = Build(stream);
        await host.StartAsync();
        List<string> texts = Put(50, keys: 1, stream: stream);
        await Eventually.TrueAsync(() => Journal.Done.Count >= 50, () => host.Log.ToString());
        // checkpoints too: seen once, one exception of a listener ended them for good
        await Eventually.TrueAsync(() => Row("shardId-000000000000").Checkpoint == CheckpointPosition.At(Journal.Done[^1].Number), () =>
            host.Log.ToString());
        string health = await host.WaitForHealthAsync(HealthStatus.Degraded);
        Assert.Contains("A meter listener of this application threw InvalidOperationException. FastConsumer goes on without it", health,
            StringComparison.Ordinal);
        Assert.Contains("meter listener", (await host.WaitForLogAsync(2500)).Message, StringComparison.Ordinal);
        Assert.Equal(texts, Journal.Done.Select(static delivery => delivery.Text));
        Assert.Empty(host.Log.Of(2405));
    }

    [Fact]
    public async Task A_meter_listener_that_never_returns_holds_up_its_own_shard_only_and_is_shown()
    {
        const string stream = "blocking-meters";
        const string blocked = "shardId-000000000000";
        Kinesis.CreateStream(stream, 4);
        using var release = new ManualResetEventSlim();
        using var listener = new StreamListener(stream, shard =>
        {
            if (shard == blocked)
            {
                release.Wait(TimeSpan.FromMinutes(5));
            }
        });
        await using WorkerHost host = Build(stream, static options => options.HungCallAfter = TimeSpan.FromMilliseconds(500));
        await host.StartAsync();
        Put(200, keys: 40, stream: stream);
        int others = Kinesis.Put(stream, "probe", "probe").ShardId == blocked ? 0 : 1;
        Assert.InRange(others, 0, 1);
        await Eventually.TrueAsync(() => Journal.Done.Select(static delivery => delivery.ShardId).Distinct().Count() >= 3, () =>
            host.Log.ToString());
        await Eventually.TrueAsync(
            async () => (await host.HealthAsync()).Entries.Values.Any(static entry =>
                entry.Description?.Contains("A meter listener of this application has not returned", StringComparison.Ordinal) == true),
            () => host.Log.ToString());
        Assert.Equal(4, Rows.Count(static row => row.LeaseOwner is not null));
        Assert.Empty(host.Log.Of(2301));
        release.Set();
        await Eventually.TrueAsync(() => Journal.Done.Any(static delivery => delivery.ShardId == blocked), () => host.Log.ToString());
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_logger_that_throws_ends_nothing()
    {
        Kinesis.CreateStream(Stream);
        var logger = new HostileLogger(static (_, _) => throw new IOException("disk full"));
        await using WorkerHost host = Build(Stream, logger: logger);
        await host.StartAsync();
        Put(50, keys: 1);
        await Eventually.TrueAsync(() => Journal.Done.Count >= 50, () => host.Log.ToString());
        await Eventually.TrueAsync(() => Row("shardId-000000000000").Checkpoint == CheckpointPosition.At(Journal.Done[^1].Number), () =>
            host.Log.ToString());
        string health = await host.WaitForHealthAsync(HealthStatus.Degraded);
        Assert.Contains("A logger of this application threw", health, StringComparison.Ordinal);
        Assert.True(logger.Calls > 0);
    }

    [Fact]
    public async Task Callbacks_on_the_handlers_token_that_throw_end_neither_the_process_nor_the_stop()
    {
        Kinesis.CreateStream(Stream, 3);
        var reached = new CountdownEvent(3);
        Journal.Handler = async (_, _, token) =>
        {
            token.Register(static () => throw new InvalidOperationException("thrown by a callback"));
            reached.Signal();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
        };
        await using WorkerHost host = Build(Stream, static options => options.StopTimeout = TimeSpan.FromSeconds(4));
        await host.StartAsync();
        Put(60, keys: 30);
        await Eventually.TrueAsync(() => reached.IsSet, () => host.Log.ToString());
        await host.StopAsync();
        Assert.All(Rows, static row => Assert.Null(row.LeaseOwner));
        // apart from the stop, so maybe after it
        await host.WaitForLogAsync(2500);
    }

    [Fact]
    public async Task A_callback_that_throws_at_a_calls_time_out_ends_the_call_only()
    {
        Kinesis.CreateStream(Stream);
        int calls = 0;
        Journal.Handler = async (_, _, token) =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                token.Register(static () => throw new InvalidOperationException("thrown by a callback"));
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            }
        };
        await using WorkerHost host = WorkerHost.Build(Kinesis, Journal, consumer =>
            consumer.AddProcessor<HurriedProcessor>().UseInMemoryLeases(Leases));
        await host.StartAsync();
        Kinesis.Put(Stream, "key", """{"Id":"1"}""");
        await Eventually.TrueAsync(() => Journal.Done.Count == 1, () => host.Log.ToString());
        Assert.Contains("time", (await host.WaitForLogAsync(2100)).Error!.Message, StringComparison.OrdinalIgnoreCase);
        await host.WaitForLogAsync(2500);
    }

    [Fact]
    public async Task Callbacks_that_block_hold_up_no_other_shards_cancellation()
    {
        const int shards = 12;
        Kinesis.CreateStream(Stream, shards);
        using var all = new CountdownEvent(shards);
        var reached = new ConcurrentDictionary<string, bool>();
        int together = 0;
        Journal.Handler = async (delivery, _, token) =>
        {
            // each callback returns when those of all shards run
            token.Register(() =>
            {
                all.Signal();
                if (all.Wait(TimeSpan.FromSeconds(30)))
                {
                    Interlocked.Increment(ref together);
                }
            });
            reached[delivery.ShardId] = true;
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
        };
        await using WorkerHost host = Build(Stream, static options => options.StopTimeout = TimeSpan.FromSeconds(30));
        await host.StartAsync();
        foreach (FastConsumer.Kinesis.Shard shard in Kinesis.ListShards(Stream))
        {
            Kinesis.Put(Stream, "key", "1", shard.HashKeyRange.StartingHashKey);
        }

        await Eventually.TrueAsync(() => reached.Count == shards, () => host.Log.ToString());
        // the token is cancelled when the drain's time is over, 0.8 of what the stop has
        await host.StopAsync();
        await Eventually.TrueAsync(() => Volatile.Read(ref together) == shards, () => $"{together} callbacks ran together\n{host.Log}");
        Assert.All(Rows, static row => Assert.Null(row.LeaseOwner));
    }

    private WorkerHost Build(string stream, Action<FastConsumerOptions>? options = null, HostileLogger? logger = null) => WorkerHost.Build(
        Kinesis,
        Journal,
        consumer => consumer.AddProcessor<EventProcessor>(processor => processor.Stream = stream).UseInMemoryLeases(Leases),
        options,
        services: services =>
        {
            if (logger is not null)
            {
                services.AddSingleton<ILoggerProvider>(logger);
            }
        });

    /// <summary>Hears of one stream only: all tests of the process measure.</summary>
    private sealed class StreamListener : IDisposable
    {
        private readonly MeterListener _listener = new();

        public StreamListener(string stream, Action<string> act)
        {
            _listener.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == ConsumerMetrics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<int>((_, _, tags, _) => Act(tags));
            _listener.SetMeasurementEventCallback<long>((_, _, tags, _) => Act(tags));
            _listener.SetMeasurementEventCallback<double>((_, _, tags, _) => Act(tags));
            _listener.Start();

            void Act(ReadOnlySpan<KeyValuePair<string, object?>> tags)
            {
                string? of = null;
                string shard = "";
                foreach (KeyValuePair<string, object?> tag in tags)
                {
                    of = tag.Key == "aws.kinesis.stream_name" ? (string?)tag.Value : of;
                    shard = tag.Key == "aws.kinesis.shard.id" ? (string)tag.Value! : shard;
                }

                if (of == stream)
                {
                    act(shard);
                }
            }
        }

        public void Dispose() => _listener.Dispose();
    }

    private sealed class HostileLogger(Action<LogLevel, EventId> act) : ILoggerProvider, ILogger
    {
        private int _calls;

        public int Calls => _calls;

        public ILogger CreateLogger(string categoryName) => categoryName.StartsWith("FastConsumer", StringComparison.Ordinal) ? this
            : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            Interlocked.Increment(ref _calls);
            act(logLevel, eventId);
        }

        public void Dispose()
        {
        }
    }
}

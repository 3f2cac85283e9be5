using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using FastConsumer.Tests.Buffers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Hosting;

/// <summary>
/// A worker in a real host, over a real socket to an <see cref="EmbeddedKinesis"/>. When it is disposed it must have given
/// back every answer and every byte of its budget.
/// </summary>
internal sealed class WorkerHost : IAsyncDisposable
{
    public const string Application = "tests";

    private const int SmallestAnswer = 2048;

    private readonly CountingPool<byte> _pool = new(SmallestAnswer);
    private readonly Journal _journal;
    private bool _disposed;

    private WorkerHost(HostApplicationBuilder builder, LogRecorder log, Journal journal)
    {
        _journal = journal;
        builder.Services.AddSingleton<IKinesisClientFactory>(new PooledClientFactory(_pool, log));
        Host = builder.Build();
        Log = log;
    }

    public IHost Host { get; }

    public LogRecorder Log { get; }

    /// <summary>False where a handler is left behind on purpose: it keeps its page.</summary>
    public bool MustReturnMemory { get; set; } = true;

    public long BudgetUsed => Host.Services.GetServices<IHostedService>().OfType<ConsumerService>()
        .Sum(static service => service.Budget?.Used ?? 0);

    /// <summary>A host that was built and not started.</summary>
    public static WorkerHost Build(
        EmbeddedKinesis? kinesis,
        Journal journal,
        Action<FastConsumerBuilder> processors,
        Action<FastConsumerOptions>? options = null,
        IEnumerable<KeyValuePair<string, string?>>? configuration = null,
        Action<IServiceCollection>? services = null)
    {
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder(
            new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection(configuration ?? []);
        var log = new LogRecorder();
        builder.Logging.SetMinimumLevel(LogLevel.Debug).AddProvider(log);
        builder.Services.AddSingleton(journal);
        processors(builder.Services.AddFastConsumer(settings =>
        {
            Defaults(settings, kinesis);
            options?.Invoke(settings);
        }));
        services?.Invoke(builder.Services);
        return new WorkerHost(builder, log, journal);
    }

    /// <summary>A host with one processor, started.</summary>
    public static async Task<WorkerHost> StartAsync<TProcessor>(
        EmbeddedKinesis kinesis,
        InMemoryLeaseDatabase leases,
        Journal journal,
        Action<FastConsumerOptions>? options = null,
        ILeaseStoreFactory? store = null)
        where TProcessor : class, Processors.IKinesisProcessor<TProcessor>
    {
        WorkerHost host = Build(
            kinesis,
            journal,
            consumer =>
            {
                consumer.AddProcessor<TProcessor>();
                if (store is null)
                {
                    consumer.UseInMemoryLeases(leases);
                }
                else
                {
                    consumer.Services.AddKeyedSingleton(consumer.Name, store);
                }
            },
            options);
        await host.StartAsync();
        return host;
    }

    public static void Defaults(FastConsumerOptions settings, EmbeddedKinesis? kinesis)
    {
        settings.ApplicationName ??= Application;
        settings.ServiceUrl = kinesis?.ServiceUrl;
        settings.Region = kinesis?.Region ?? "us-east-1";
        settings.Credentials = new BasicAWSCredentials("test", "test");
        settings.IdlePollInterval = TimeSpan.FromMilliseconds(200);
        // long enough for a machine that stands still for a moment
        settings.LeaseDuration = TimeSpan.FromSeconds(6);
        settings.CheckpointInterval = TimeSpan.FromMilliseconds(200);
        settings.ShardSyncInterval = TimeSpan.FromSeconds(1);
        settings.RetryInitialBackoff = TimeSpan.FromMilliseconds(20);
        settings.RetryMaxBackoff = TimeSpan.FromMilliseconds(100);
        settings.StopTimeout = TimeSpan.FromSeconds(15);
    }

    public async Task StartAsync()
    {
        await Host.StartAsync(TestContext.Current.CancellationToken);
        _journal.HostStarted();
    }

    public Task StopAsync() => Eventually.WithinAsync(Host.StopAsync(TestContext.Current.CancellationToken));

    public async Task<HealthReport> HealthAsync() =>
        await Host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(
            static check => check.Tags.Contains("fastconsumer"), TestContext.Current.CancellationToken);

    /// <summary>Waits until health says so, and returns what it says.</summary>
    public async Task<string> WaitForHealthAsync(HealthStatus status)
    {
        HealthReport report = await HealthAsync();
        await Eventually.TrueAsync(
            async () => (report = await HealthAsync()).Status == status,
            () => $"Health is {report.Status}, not {status}: "
                + $"{string.Join(' ', report.Entries.Values.Select(static entry => entry.Description))}\n{Log}");
        return string.Join(' ', report.Entries.Values.Select(static entry => entry.Description));
    }

    /// <summary>Waits until something with this id was logged.</summary>
    public async Task<LogEntry> WaitForLogAsync(int id)
    {
        await Eventually.TrueAsync(() => Log.Of(id).Any(), () => $"Event {id} was not logged:\n{Log}");
        return Log.Of(id).First();
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await StopAsync();
        long used = BudgetUsed;
        await Eventually.WithinAsync(((IAsyncDisposable)Host).DisposeAsync().AsTask());
        Assert.Equal(0, _pool.ReturnedTwice);
        if (MustReturnMemory)
        {
            Assert.Equal(0, used);
            Assert.Equal(0, _pool.Outstanding);
        }
    }

    /// <summary>The process dies: nothing is stopped, nothing awaited that the host would not await.</summary>
    public async Task DisposeWithoutStopAsync()
    {
        _disposed = true;
        await Eventually.WithinAsync(((IAsyncDisposable)Host).DisposeAsync().AsTask());
    }

    private sealed class PooledClientFactory(CountingPool<byte> pool, LogRecorder log) : IKinesisClientFactory
    {
        public IKinesisClient Create(WorkerSettings settings) => new KinesisClient(
            new KinesisClientOptions
            {
                Credentials = settings.Credentials,
                Profile = settings.Profile,
                Region = settings.Region,
                ServiceUrl = settings.ServiceUrl,
                Protocol = settings.Protocol,
                Logger = log.CreateLogger("client"),
            },
            handler: null,
            pool);
    }
}

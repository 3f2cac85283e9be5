using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastConsumer.Hosting;

/// <summary>Runs the workers of one consumer's processors in the host: refuses at start what cannot work, stops all of them together.</summary>
internal sealed class ConsumerService(FastConsumerBuilder consumer, IServiceProvider services) : IHostedService, IAsyncDisposable
{
    private readonly ILogger _log = services.GetRequiredService<ILoggerFactory>().CreateLogger("FastConsumer");
    private readonly List<StreamWorker> _workers = [];

    /// <summary>What all shards of all its processors hold, once it has started.</summary>
    internal ByteBudget? Budget { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        FastConsumerOptions options = services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(consumer.Name);
        if (consumer.Processors.Count == 0)
        {
            throw new InvalidOperationException($"{Described} has no processor: add one with AddFastConsumer(...).AddProcessor<T>().");
        }

        ILeaseStoreFactory leases = services.GetKeyedService<ILeaseStoreFactory>(consumer.Name)
            ?? throw new InvalidOperationException($"{Described} has no lease store: choose one with UseDynamoDb() (package FastConsumer.DynamoDb) or, for tests and trials, UseInMemoryLeases() (package FastConsumer.Testing).");
        RandomSource random = services.GetRequiredService<RandomSource>();
        string workerId = options.WorkerId ?? $"{Environment.MachineName}-{Environment.ProcessId}-{random.Create().Next():x8}";
        IOptionsMonitor<ProcessorOptions> processorOptions = services.GetRequiredService<IOptionsMonitor<ProcessorOptions>>();
        List<(ProcessorRegistration Processor, WorkerSettings Settings)> planned = [.. consumer.Processors.Select(processor =>
            (processor, WorkerSettings.Resolve(processor, options, processorOptions.Get(consumer.OptionsName(processor)), workerId)))];
        services.GetRequiredService<LeaseTables>().Claim(planned.Select(plan => (plan.Processor.Name, Table: leases.GetTableIdentity(Context(plan.Settings)))));
        WarnOfShutdownTimeout(options);

        var budget = Budget = new ByteBudget(options.PrefetchBytes);
        foreach ((ProcessorRegistration processor, WorkerSettings settings) in planned)
        {
            IKinesisClient client = services.GetRequiredService<IKinesisClientFactory>().Create(settings);
            var parts = new WorkerParts(
                settings,
                processor,
                services,
                client,
                budget,
                services.GetRequiredService<TimeProvider>(),
                random,
                services.GetRequiredService<ConsumerMetrics>(),
                services.GetRequiredKeyedService<ConsumerHealth>(consumer.Name),
                _log);
            _workers.Add(new StreamWorker(parts, leases.Create(Context(settings))));
        }

        _workers.ForEach(static worker => worker.Start());
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_workers.Select(worker => worker.StopAsync(cancellationToken)));

    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(_workers.Select(static worker => worker.DisposeAsync().AsTask())).ConfigureAwait(false);

    private string Described => consumer.Name.Length == 0 ? "FastConsumer" : $"FastConsumer '{consumer.Name}'";

    private LeaseStoreContext Context(WorkerSettings settings) => new(consumer.Name, settings.ApplicationName, settings.Stream.Name, services);

    private void WarnOfShutdownTimeout(FastConsumerOptions options)
    {
        TimeSpan? shutdown = services.GetService<IOptions<HostOptions>>()?.Value.ShutdownTimeout;
        if (shutdown is TimeSpan timeout && options.StopTimeout >= timeout)
        {
            ConsumerLog.StopTimeoutTooLong(_log, options.StopTimeout, timeout);
        }
    }
}

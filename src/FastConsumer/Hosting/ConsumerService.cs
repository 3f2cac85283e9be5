using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Reading;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastConsumer.Hosting;

/// <summary>Runs the workers of one consumer's processors in the host: refuses at start what cannot work, stops all of them together.</summary>
internal sealed class ConsumerService(FastConsumerBuilder consumer, IServiceProvider services) : IHostedService, IAsyncDisposable
{
    private readonly ILogger _log = services.GetRequiredService<ILoggerFactory>().CreateLogger("FastConsumer");
    private readonly string _session = $"{Environment.MachineName}-{Environment.ProcessId}-{services.GetRequiredService<RandomSource>().Create().NextInt64():x16}";
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
        IDeadLetterSink? deadLetters = services.GetKeyedService<IDeadLetterSink>(consumer.Name);
        if (deadLetters is null && consumer.Processors.FirstOrDefault(static processor => processor.UsesDeadLetters) is { } needy)
        {
            throw new InvalidOperationException($"{needy.Name} has an [OnError] with ErrorAction.DeadLetter, and {Described} has no place for dead letters: choose one with UseDeadLettersToStream(...), UseDeadLettersToFile(...), UseDeadLettersToLog() or UseDeadLetters<TSink>().");
        }

        RandomSource random = services.GetRequiredService<RandomSource>();
        string workerId = options.WorkerId ?? $"{Environment.MachineName}-{Environment.ProcessId}-{random.Create().Next():x8}";
        IOptionsMonitor<ProcessorOptions> processorOptions = services.GetRequiredService<IOptionsMonitor<ProcessorOptions>>();
        List<(ProcessorRegistration Processor, WorkerSettings Settings)> planned = [.. consumer.Processors.Select(processor =>
            (processor, WorkerSettings.Resolve(processor, options, processorOptions.Get(consumer.OptionsName(processor)), workerId)))];
        services.GetRequiredService<LeaseTables>().Claim(planned.Select(plan => (plan.Processor.Name, Table: leases.GetTableIdentity(Context(plan.Settings)))));
        services.GetRequiredService<FanOutConsumers>().Claim(planned.Select(static plan => plan.Settings));
        WarnOfShutdownTimeout(options);

        var budget = Budget = new ByteBudget(options.PrefetchBytes);
        foreach ((ProcessorRegistration processor, WorkerSettings settings) in planned)
        {
            IKinesisClient client = services.GetRequiredService<IKinesisClientFactory>().Create(settings);
            TimeProvider time = services.GetRequiredService<TimeProvider>();
            var parts = new WorkerParts(
                settings,
                processor,
                services,
                client,
                budget,
                time,
                random,
                services.GetRequiredService<ConsumerMetrics>(),
                services.GetRequiredKeyedService<ConsumerHealth>(consumer.Name),
                _log,
                deadLetters)
            {
                StopHost = services.GetService<IHostApplicationLifetime>() is { } lifetime ? lifetime.StopApplication : null,
            };
            parts = parts.Guarded();
            if (settings.ReadMode == ReadMode.FanOut)
            {
                parts = parts with
                {
                    FanOut = new FanOutConsumer(
                        client, settings.Stream, settings.ConsumerName, settings.FanOutFallback, time, random.Create(), parts.Log),
                };
            }

            _workers.Add(new StreamWorker(parts, leases.Create(Context(settings))));
        }

        _workers.ForEach(static worker => worker.Start());
        return Task.CompletedTask;
    }

    // the caller's synchronization context stays outside: a worker goes on where it was started
    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_workers.Select(worker => Task.Run(() => worker.StopAsync(cancellationToken), CancellationToken.None)));

    /// <inheritdoc cref="StreamWorker.Abandon"/>
    internal void Abandon() => _workers.ForEach(static worker => worker.Abandon());

    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(_workers.Select(static worker => Task.Run(() => worker.DisposeAsync().AsTask()))).ConfigureAwait(false);

    private string Described => consumer.Name.Length == 0 ? "FastConsumer" : $"FastConsumer '{consumer.Name}'";

    private LeaseStoreContext Context(WorkerSettings settings) => new(consumer.Name, settings.ApplicationName, settings.Stream.Name, services) { Session = _session };

    private void WarnOfShutdownTimeout(FastConsumerOptions options)
    {
        TimeSpan? shutdown = services.GetService<IOptions<HostOptions>>()?.Value.ShutdownTimeout;
        if (shutdown is TimeSpan timeout && options.StopTimeout >= timeout)
        {
            ConsumerLog.StopTimeoutTooLong(_log, options.StopTimeout, timeout);
        }
    }
}

using System.Collections.Concurrent;
using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.Processors;
using FastConsumer.Reading;
using FastConsumer.State;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FastConsumer.Hosting;

/// <summary>
/// Runs the workers of one consumer's processors in the host: refuses at start what cannot work, stops all of them together.
/// </summary>
/// <remarks>
/// A host awaits the <see cref="StopAsync"/> of its services one after another, and the <see cref="StoppingAsync"/> of all of them before
/// that. So the stop begins in the latter: the consumers of a host drain at the same time, and need no more than one StopTimeout together.
/// </remarks>
internal sealed class ConsumerService(FastConsumerBuilder consumer, IServiceProvider services)
    : IHostedLifecycleService, IFastConsumerControl, IAsyncDisposable
{
    private readonly ILogger _log = services.GetRequiredService<ILoggerFactory>().CreateLogger("FastConsumer");
    private readonly string _session = SessionName(services);
    private readonly Findings _findings = services.GetRequiredKeyedService<Findings>(consumer.Name);
    private readonly ConsumerMetrics _metrics = services.GetRequiredService<ConsumerMetrics>();
    private volatile IReadOnlyList<StreamWorker> _workers = [];
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _hurry = new();
    private readonly ConcurrentDictionary<string, IReadOnlyList<StateShape>> _states = new(StringComparer.Ordinal);
    private OutputRoutes? _routes;
    private OptionsReload? _reload;
    private Task? _stop;
    private Task? _disposal;

    /// <summary>What all shards of all its processors hold, once it has started.</summary>
    internal ByteBudget? Budget { get; private set; }

    /// <summary>The workers, once they have started.</summary>
    internal IReadOnlyList<StreamWorker> Workers => _workers;

    /// <summary>The states of each processor that was tried at the start, by its name.</summary>
    internal IReadOnlyDictionary<string, IReadOnlyList<StateShape>> States => _states;

    private string Described => consumer.Described;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        FastConsumerOptions options = services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(consumer.Name);
        OptionsReload? reload = options.ReloadOnChange ? new OptionsReload(consumer, services, options, _log) : null;
        _reload = reload;
        services.GetRequiredService<HostConsumers>().Check();
        (ILeaseStoreFactory leases, IDeadLetterSink? deadLetters) = RequireParts();
        AwsDefaults aws = AwsDefaults.Find(services);
        IReadOnlyList<(ProcessorRegistration Processor, ProcessorOptions Own, WorkerSettings Settings)> planned = Plan(options, aws);
        services.GetRequiredService<LeaseTables>()
            .Claim(planned.Select(plan => (plan.Processor.Name, Table: leases.GetTableIdentity(Context(plan.Settings)))));
        services.GetRequiredService<FanOutConsumers>().Claim(planned.Select(static plan => plan.Settings));
        HashSet<string> unused = [.. consumer.Outputs.Select(static output => output.Name)];
        foreach (ProcessorRegistration processor in options.SkipTrial ? [] : consumer.Processors)
        {
            ProcessorTrial.Result tried =
                await ProcessorTrial.RunAsync(processor, services, _log, cancellationToken).ConfigureAwait(false);
            _states[processor.Name] = tried.States;
            RequireOutputs(processor, tried.Outputs, leases);
            unused.ExceptWith(tried.Outputs.Select(static output => output.Name));
        }

        if (unused.Count > 0 && !options.SkipTrial)
        {
            throw new InvalidOperationException(
                $"AddOutput(\"{unused.First()}\") was called, and no processor of {Described} has an output of this name: "
                    + $"[Output(\"{unused.First()}\")]. Correct the name, or leave the call out.");
        }

        WarnOfPrefetchBytes(options.PrefetchBytes);
        var budget = Budget = new ByteBudget(options.PrefetchBytes);
        List<StreamWorker> workers = [];
        foreach ((ProcessorRegistration processor, _, WorkerSettings settings) in planned)
        {
            workers.Add(new StreamWorker(
                CreateParts(processor, settings, budget, deadLetters, leases), leases.Create(Context(settings))));
        }

        _workers = workers;
        _metrics.Add(_findings);
        workers.ForEach(static worker => worker.Start());
        reload?.Start(
            workers.Zip(planned, static (worker, plan) => (worker, plan.Processor, plan.Own)), budget, aws, WarnOfPrefetchBytes);
    }

    /// <inheritdoc/>
    public ConsumerSnapshot GetSnapshot() => new([.. _workers.Select(static worker => worker.Snapshot())], _findings.Current);

    /// <inheritdoc/>
    public bool Acknowledge(string findingId, string scope)
    {
        ArgumentException.ThrowIfNullOrEmpty(findingId);
        ArgumentException.ThrowIfNullOrEmpty(scope);
        FindingRule rule = FindingRules.RecordsLost;
        if (!string.Equals(findingId, rule.Id, StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException(
                $"'{findingId}' ends by itself when its condition is over; only {rule.Id} ({rule.Title}) is acknowledged.",
                nameof(findingId));
        }

        bool holds = _findings.Holds(rule, scope);
        _findings.ClearScope(scope, rule);
        return holds;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<FailingRecord>> ListFailingAsync(CancellationToken cancellationToken = default)
    {
        List<FailingRecord> failing = [];
        foreach (StreamWorker worker in Started())
        {
            failing.AddRange(await worker.Operator.ListFailingAsync(cancellationToken).ConfigureAwait(false));
        }

        return failing;
    }

    /// <inheritdoc/>
    public Task<DecidedRecord> DecideAsync(
        FailingRecord record, RecordDecision decision, string by, string? reason = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        StreamWorker worker = Started().FirstOrDefault(worker => worker.ProcessorName == record.ProcessorName)
            ?? throw new ArgumentException(
                $"{Described} has no processor '{record.ProcessorName}', only {string.Join(", ", Started().Select(
                    static worker => $"'{worker.ProcessorName}'"))}.",
                nameof(record));
        return worker.Operator.DecideAsync(record, decision, by, reason, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> PauseAsync(
        string? shardId, string by, string? reason = null, DateTimeOffset? until = null, CancellationToken cancellationToken = default)
    {
        if (until <= services.GetRequiredService<TimeProvider>().GetUtcNow())
        {
            throw new ArgumentException($"'{until:O}' is over already.", nameof(until));
        }

        return ChangeAsync(
            "pause", shardId, by, reason, table => table.PauseAsync(shardId, by, reason, until, cancellationToken), mayBeNone: false);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ResumeAsync(string? shardId, string by, CancellationToken cancellationToken = default) =>
        ChangeAsync("resume", shardId, by, null, table => table.ResumeAsync(shardId, cancellationToken), mayBeNone: true);

    /// <inheritdoc/>
    public async Task DrainAsync(CancellationToken cancellationToken = default)
    {
        OperatorLog.DrainBegins(_log, Described);
        await Task.WhenAll(Started().Select(static worker => worker.DrainAsync())).WaitAsync(cancellationToken).ConfigureAwait(false);
        OperatorLog.Drained(_log, Described);
    }

    /// <inheritdoc/>
    public void EndDrain()
    {
        OperatorLog.DrainEnds(_log, Described);
        foreach (StreamWorker worker in Started())
        {
            worker.EndDrain();
        }
    }

    private IReadOnlyList<StreamWorker> Started() => _workers is { Count: > 0 } workers
        ? workers
        : throw new InvalidOperationException($"{Described} has not started yet.");

    private async Task<IReadOnlyList<string>> ChangeAsync(
        string action, string? shardId, string by, string? reason, Func<OperatorTable, Task<IReadOnlyList<string>>> change, bool mayBeNone)
    {
        OperatorTable.Check(by, reason);
        List<string> changed = [];
        foreach (StreamWorker worker in Started())
        {
            changed.AddRange(await change(worker.Operator).ConfigureAwait(false));
        }

        if (changed.Count == 0 && shardId is not null && !mayBeNone)
        {
            throw new ArgumentException(
                $"No processor of {Described} has a lease for shard '{shardId}' that is not finished.", nameof(shardId));
        }

        OperatorLog.ShardsChanged(_log, by, action, changed.Count, shardId ?? "all shards", reason ?? "none");
        return changed;
    }

    public Task StopAsync(CancellationToken cancellationToken) => StopWithinAsync(cancellationToken);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Begins the stop and returns: the host awaits the services in turn.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _ = BeginStop();
        return Task.CompletedTask;
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Once, however often it is called: the service is registered under several types, and each disposes it.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            return new ValueTask(_disposal ??= DisposeWorkersAsync());
        }
    }

    private async Task DisposeWorkersAsync()
    {
        if (_reload is not null)
        {
            await _reload.DisposeAsync().ConfigureAwait(false);
        }

        await Task.WhenAll(_workers.Select(static worker => Task.Run(() => worker.DisposeAsync().AsTask()))).ConfigureAwait(false);
        _metrics.Remove(_findings);
        _hurry.Dispose();
    }

    /// <inheritdoc cref="StreamWorker.Abandon"/>
    internal void Abandon()
    {
        foreach (StreamWorker worker in _workers)
        {
            worker.Abandon();
        }
    }

    // short, for it stands in each lease's row; the worker's id tells the machine
    private static string SessionName(IServiceProvider services) =>
        $"{Environment.ProcessId}-{services.GetRequiredService<RandomSource>().Create().NextInt64():x16}";

    private (ILeaseStoreFactory Leases, IDeadLetterSink? DeadLetters) RequireParts()
    {
        if (consumer.Processors.Count == 0)
        {
            throw new InvalidOperationException($"{Described} has no processor: add one with AddFastConsumer(...).AddProcessor<T>().");
        }

        ILeaseStoreFactory leases = services.GetKeyedService<ILeaseStoreFactory>(consumer.Name)
            ?? throw new InvalidOperationException(
                $"{Described} has no lease store: choose one with UseDynamoDb() (package FastConsumer.DynamoDb) or, for tests and trials, "
                    + "UseInMemoryLeases() (package FastConsumer.Testing).");
        IDeadLetterSink? deadLetters = DeadLetterExtensions.Find(consumer, services);
        if (deadLetters is null && consumer.Processors.FirstOrDefault(static processor => processor.UsesDeadLetters) is { } needy)
        {
            throw new InvalidOperationException(
                $"{needy.Name} has an [OnError] with ErrorAction.DeadLetter, and {Described} has no place for dead letters: choose one "
                    + "with UseDeadLettersToStream(...), UseDeadLettersToFile(...), UseDeadLettersToLog() or UseDeadLetters<TSink>().");
        }

        foreach (ProcessorRegistration processor in consumer.Processors)
        {
            RequirePositions(processor, leases);
            RequireCheckpoints(processor);
        }

        RequireOneCheckpointStore();
        return (leases, deadLetters);
    }

    /// <summary>Handlers that take transactions need a place for positions, and leases whose fencing tokens never start again.</summary>
    private void RequirePositions(ProcessorRegistration processor, ILeaseStoreFactory leases)
    {
        if (processor.TransactionType is not { } transaction)
        {
            return;
        }

        if (processor.FindPositionStore(services) is not { } store)
        {
            throw new InvalidOperationException(
                $"A handler of {processor.Name} takes a {transaction.Name}, and no IPositionStore<{transaction.Name}> is registered, which "
                    + "begins such transactions and commits them with the position. Register one in the host's services: for "
                    + "NpgsqlTransaction with UsePostgreSqlPositions(...) (package FastConsumer.PostgreSql).");
        }

        if (store.OutlivesProcess && !leases.KeepsEpochs)
        {
            throw new InvalidOperationException(
                $"A handler of {processor.Name} takes a {transaction.Name}, and {Described} has {leases.Kind} leases, whose fencing tokens "
                    + $"start again with the process: {store.Description} would refuse them. Choose leases that last, with UseDynamoDb() "
                    + "(package FastConsumer.DynamoDb).");
        }
    }

    /// <summary>State needs a place, and the order of keys.</summary>
    private void RequireCheckpoints(ProcessorRegistration processor)
    {
        if (processor is { StateVersion: > 0, Lanes: > 1, Order: RecordOrder.None })
        {
            throw new InvalidOperationException(
                $"{processor.Name} has state or outputs ([State], [Output]), which keep the order of each partition key, and "
                    + $"its {processor.Lanes} lanes keep no order "
                    + "of keys. Leave Order out of [Concurrency], or set it to RecordOrder.PartitionKey.");
        }

        if (processor.StateVersion > 0 && services.GetKeyedService<ICheckpointStore>(consumer.Name) is null)
        {
            throw new InvalidOperationException(
                $"{processor.Name} has state or outputs ([State], [Output]), and {Described} has no place for its "
                    + "checkpoints: choose one with UseS3Checkpoints(...) "
                    + "(package FastConsumer.S3) or, for development and for consumers on one machine, UseLocalCheckpoints(...).");
        }
    }

    /// <summary>Each output of a processor needs a sink, and leases whose fencing tokens never start again.</summary>
    private void RequireOutputs(ProcessorRegistration processor, IReadOnlyList<OutputFeed> outputs, ILeaseStoreFactory leases)
    {
        IReadOnlyList<OutputRoute> routes = Routes().Of(processor.Name, outputs);
        foreach (OutputRoute route in routes)
        {
            if (routes.FirstOrDefault(other => other.Store is not null && other.Store != route.Store
                && other.Store.Description == route.Store?.Description) is { } twin)
            {
                throw new InvalidOperationException(
                    $"The outputs '{route.Name}' and '{twin.Name}' of {processor.Name} have two stores on one place, "
                        + $"{route.Store!.Description}: they would move the same row apart from each other. Give both one store (one data "
                        + "source), or each a table of positions of its own.");
            }

            if (route.Store is { OutlivesProcess: true } store && !leases.KeepsEpochs)
            {
                throw new InvalidOperationException(
                    $"The output '{route.Name}' of {processor.Name} goes to {store.Description}, and {Described} has {leases.Kind} leases, "
                        + "whose fencing tokens start again with the process: they would be refused. Choose leases that last, with "
                        + "UseDynamoDb() (package FastConsumer.DynamoDb).");
            }
        }
    }

    private OutputRoutes Routes() =>
        _routes ??= new OutputRoutes([.. consumer.Outputs.Select(output => output.CreateRoute(services))], consumer.OtherOutputs);

    /// <summary>Which of two counts would depend on the order of calls, and the snapshots of the other would not be found.</summary>
    private void RequireOneCheckpointStore()
    {
        ICheckpointStore[] stores = [.. services.GetKeyedServices<ICheckpointStore>(consumer.Name)];
        if (stores.Length > 1)
        {
            throw new InvalidOperationException(
                $"{Described} has {stores.Length} places for the state of its processors, and may have one: "
                    + $"{string.Join("; ", stores.Select(static store => store.Description))}. Leave all but one of the calls of "
                    + "UseLocalCheckpoints(...), UseS3Checkpoints(...) and their like out.");
        }
    }

    private List<(ProcessorRegistration Processor, ProcessorOptions Own, WorkerSettings Settings)> Plan(
        FastConsumerOptions options, AwsDefaults aws)
    {
        int chance = services.GetRequiredService<RandomSource>().Create().Next();
        string workerId = options.WorkerId ?? $"{Environment.MachineName}-{Environment.ProcessId}-{chance:x8}";
        IOptionsMonitor<ProcessorOptions> processorOptions = services.GetRequiredService<IOptionsMonitor<ProcessorOptions>>();
        return [.. consumer.Processors.Select(processor =>
        {
            ProcessorOptions own = processorOptions.Get(consumer.OptionsName(processor));
            return (processor, own, WorkerSettings.Resolve(processor, options, own, workerId, aws));
        })];
    }

    private WorkerParts CreateParts(
        ProcessorRegistration processor,
        WorkerSettings settings,
        ByteBudget budget,
        IDeadLetterSink? deadLetters,
        ILeaseStoreFactory leases)
    {
        IKinesisClient client = services.GetRequiredService<IKinesisClientFactory>().Create(settings);
        TimeProvider time = services.GetRequiredService<TimeProvider>();
        RandomSource random = services.GetRequiredService<RandomSource>();
        var parts = new WorkerParts(
            settings,
            processor,
            services,
            client,
            budget,
            time,
            random,
            _metrics,
            _findings,
            _log,
            deadLetters)
        {
            Session = _session,
            Checkpoints = processor.StateVersion > 0
                ? new CheckpointPlace(
                    services.GetRequiredKeyedService<ICheckpointStore>(consumer.Name),
                    settings.ApplicationName,
                    _session,
                    leases.GetTableName(Context(settings)),
                    time)
                : null,
            Outputs = processor.StateVersion > 0 ? Routes() : OutputRoutes.None,
            KeepsCuts = consumer.HasStateReader,
            TraceContexts = services.GetKeyedService<ITraceContextExtractor>(consumer.Name)
                ?? (settings.Telemetry.TraceParentProperty is { } property ? new JsonTraceContext(property) : null),
            StopHost = services.GetService<IHostApplicationLifetime>() is { } lifetime ? lifetime.StopApplication : null,
        };
        parts = parts.Guarded();
        return settings.ReadMode == ReadMode.FanOut
            ? parts with
            {
                FanOut = new FanOutConsumer(
                    client, settings.Stream, settings.ConsumerName, settings.FanOutFallback, time, random.Create(), parts.Log),
            }
            : parts;
    }

    private async Task StopWithinAsync(CancellationToken patience)
    {
        await using CancellationTokenRegistration hurry = patience.UnsafeRegister(
            static state => ((CancellationTokenSource)state!).Cancel(), _hurry);
        await BeginStop().ConfigureAwait(false);
    }

    // the caller's synchronization context stays outside: a worker goes on where it was started
    private Task BeginStop()
    {
        _reload?.Stop();
        lock (_lock)
        {
            return _stop ??= Task.WhenAll(
                _workers.Select(worker => Task.Run(() => worker.StopAsync(_hurry.Token), CancellationToken.None)));
        }
    }

    private void WarnOfPrefetchBytes(long prefetchBytes)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (!ByteBudget.Fits(prefetchBytes, available))
        {
            ReadingLog.PrefetchTooLarge(_log, prefetchBytes, available, FastConsumerOptions.DefaultPrefetchBytes);
        }
    }

    private LeaseStoreContext Context(WorkerSettings settings) =>
        new(consumer.Name, settings.ApplicationName, settings.Stream.Name, services)
        {
            Session = _session,
            LeaseDuration = settings.LeaseDuration,
        };
}

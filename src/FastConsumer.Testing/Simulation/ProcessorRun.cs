using System.Globalization;
using System.Text;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Testing.Engine;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Testing.Simulation;

/// <summary>One seed's life of a cluster that runs a processor of the user's. Belongs to the thread that makes it.</summary>
internal sealed class ProcessorRun : IDisposable
{
    private const int EventsShown = 100;
    private const long MostTasks = 50_000_000;

    private static readonly TimeSpan s_disposal = TimeSpan.FromSeconds(30);

    private readonly int _seed;
    private readonly ClusterSimulationOptions _options;
    private readonly ProcessorRegistration _processor;
    private readonly Func<TimeProvider, ServiceProvider> _provide;
    private readonly SimulatedCluster _cluster;
    private readonly Random _random;
    private readonly ClusterLife _life;
    private readonly WorkerSettings _settings;
    private readonly List<SimulatedRecord> _records = [];
    private readonly List<ServiceProvider> _services = [];

    /// <param name="seed">Decides everything.</param>
    /// <param name="options">What the user says.</param>
    /// <param name="processor">The processor.</param>
    /// <param name="provide">Makes the services of a worker with this clock.</param>
    public ProcessorRun(
        int seed, ClusterSimulationOptions options, ProcessorRegistration processor, Func<TimeProvider, ServiceProvider> provide)
    {
        _seed = seed;
        _options = options;
        _processor = processor;
        _provide = provide;
        _settings = SettingsOf(options, processor);
        var service = new EngineSettings { UpdateDelay = TimeSpan.FromSeconds(2), ReadQuota = ReadQuotaModel.TokenBucket };
        _cluster = new SimulatedCluster(seed, options.Shards, service, Rules, MostTasks);
        _random = new Random(_cluster.Random.Next());
        _life = new ClusterLife(_cluster, LifeOf(options, _settings), _random) { Worker = Worker, Put = PutAsync };
    }

    /// <summary>How many tasks have run; may be asked for by another thread.</summary>
    public long Tasks => _cluster.Loop.Tasks;

    /// <summary>Runs to the end; returns when all records are done and all workers have stopped.</summary>
    public SimulationOutcome Live()
    {
        _cluster.Run(_life.LiveAsync);
        return new SimulationOutcome(
            _seed, _records, TimeSpan.FromTicks(_cluster.Loop.Now), _services.Count, _cluster.Loop.Trace.Hash);
    }

    /// <summary>A failure with all that is needed to see it again.</summary>
    public string Describe(Exception failure)
    {
        var text = new StringBuilder();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"Seed {_seed} of {_processor.Name} fails after {TimeSpan.FromTicks(_cluster.Loop.Now)} of its own time: {failure.Message}");
        if (failure is SimulationEscapedException)
        {
            text.AppendLine(
                "Something has left the thread of the simulation. A handler waits by the TimeProvider of its services, without "
                    + "ConfigureAwait(false), and neither starts threads nor does I/O.");
        }

        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"Run it again: await {nameof(ClusterSimulation)}.{nameof(ClusterSimulation.RunAsync)}<{_processor.Name}>({_seed}, options).");
        text.AppendLine("The last events:");
        text.Append(_cluster.Loop.Trace.Last(EventsShown, (failure as InvariantViolatedException)?.ShardId));
        return text.ToString();
    }

    /// <summary>Disposes the workers' services; those of workers that have crashed too, for this process lives on.</summary>
    public void Dispose()
    {
        foreach (ServiceProvider services in _services)
        {
            // the run is over, so nothing can be awaited in it any more
            if (!services.DisposeAsync().AsTask().Wait(s_disposal))
            {
                throw new TimeoutException($"The services of a simulated worker are not disposed after {s_disposal}.");
            }
        }
    }

    private static WorkerSettings SettingsOf(ClusterSimulationOptions options, ProcessorRegistration processor)
    {
        var consumer = new FastConsumerOptions
        {
            ApplicationName = "simulation",
            ReadMode = options.ReadMode,
            LeaseDuration = options.LeaseDuration,
            CheckpointInterval = options.CheckpointInterval,
            ShardSyncInterval = TimeSpan.FromSeconds(10),
            RetryMaxBackoff = TimeSpan.FromSeconds(2),
        };
        var own = new ProcessorOptions { Stream = SimulatedCluster.Stream };
        return WorkerSettings.Resolve(processor, consumer, own, workerId: "") with { Protocol = KinesisProtocol.Cbor };
    }

    private static LifeSettings LifeOf(ClusterSimulationOptions options, WorkerSettings settings)
    {
        bool areClocksWrong = options.Faults.HasFlag(SimulatedFaults.ClockJump);
        return new LifeSettings
        {
            Workers = options.Workers,
            Faults = options.Faults,
            Troubles = options.FaultsFor,
            BetweenFaults = options.BetweenFaults,
            LeaseDuration = settings.LeaseDuration,
            StopTimeout = settings.StopTimeout,
            ClockDrift = areClocksWrong ? 0.01 : 0,
            ClockOffset = areClocksWrong ? TimeSpan.FromMinutes(5) : TimeSpan.Zero,
            LostAnswers = options.Faults.HasFlag(SimulatedFaults.LostAnswers) ? 0.02 : 0,
        };
    }

    private LedgerRules Rules(SimulatedCluster cluster) => new()
    {
        SeesHandlers = false,
        LeaseDuration = _settings.LeaseDuration,
        StopTimeout = _settings.StopTimeout,
        KeepsShardOrder = false,
        OneByOne = false,
        CheckpointsInTime = false,
        IsClosed = cluster.IsClosed,
        StreamClock = () => cluster.Now,
        Rows = () => cluster.Table.Rows,
    };

    private SimulatedWorkerOptions Worker() => new()
    {
        Settings = _settings,
        Processor = _processor,
        ShardsMayFail = true,
        PrefetchBytes = FastConsumerOptions.DefaultPrefetchBytes,
        Services = worker =>
        {
            ServiceProvider services = _provide(worker.Process.Clock);
            _services.Add(services);
            return services;
        },
        DeadLetters = static services => services.GetService<IDeadLetterSink>(),
    };

    private async Task PutAsync()
    {
        while (!_life.IsQuiet)
        {
            await _cluster.DelayAsync(TimeSpan.FromSeconds(_random.NextDouble() * 2 / _options.RecordsPerSecond));
            SimulatedRecord record = _options.Record(_records.Count)
                ?? throw new InvalidOperationException($"{nameof(ClusterSimulationOptions.Record)} has made no record.");
            bool isAggregate = AggregatedRecordReader.TryMeasure(record.Bytes, out AggregateShape shape);
            _cluster.Put([new SimulatedPut(record.PartitionKey, record.Bytes)
            {
                // nobody asks for their content where the handlers are the user's
                Aggregated = isAggregate ? [.. Enumerable.Repeat(new SimulatedUserRecord(record.PartitionKey, []), shape.Records)] : null,
            }]);
            _records.Add(record);
        }
    }
}

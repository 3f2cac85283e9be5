using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Reading;
using FastConsumer.Testing.Engine;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Testing.Simulation;

/// <summary>One worker of the cluster: a process with its two links, and the real <see cref="StreamWorker"/> in it.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A graceful stop disposes the worker, and a process that vanishes disposes nothing.")]
internal sealed class SimulatedWorker
{
    private static readonly ConsumerMetrics s_metrics = new(new UnheardMeters());

    private readonly SimulationLoop _loop;
    private readonly StreamWorker _worker;
    private readonly ByteBudget _budget;
    private readonly TimeSpan _leaseDuration;
    private readonly bool _shardsMayFail;
    private readonly Func<string, string, bool> _excusesLoss;

    public SimulatedWorker(
        SimulationLoop loop,
        SimulatedProcess process,
        KinesisEngine engine,
        SimulatedLeaseTable table,
        SimulatedWorkerOptions options,
        Random random)
    {
        _loop = loop;
        Process = process;
        CheckpointInterval = options.Settings.CheckpointInterval;
        _leaseDuration = options.Settings.LeaseDuration;
        _shardsMayFail = options.ShardsMayFail;
        _excusesLoss = options.ExcusesLoss;
        ToKinesis = new SimulatedLink(loop, process, "Kinesis", new Random(random.Next())) { Troubled = () => LastTrouble = loop.Now };
        ToTable = new SimulatedLink(loop, process, "table", new Random(random.Next())) { Troubled = () => LastTrouble = loop.Now };
        var service = new SimulatedKinesisClient(loop, process, ToKinesis, engine, new Random(random.Next()))
        {
            IteratorGiven = options.IteratorGiven,
            ControlPlane = options.ControlPlane
        };
        IKinesisClient client = options.Client?.Invoke(this, service) ?? service;
        ILeaseStore store = options.Store?.Invoke(this, table) ?? new SimulatedLeaseStore(process, ToTable, table);
        IServiceProvider services = options.Services(this);
        WorkerSettings settings = options.Settings with { WorkerId = process.Name };
        var chance = new RandomSource(random.Next());
        var log = new WorkerLog(this);
        _budget = new ByteBudget(options.PrefetchBytes);
        var parts = new WorkerParts(
            settings, options.Processor, services, client, _budget, process.Clock, chance, s_metrics, new Findings(process.Clock), log,
            options.DeadLetters?.Invoke(services))
        {
            Session = process.Name,
            Checkpoints = options.Checkpoints?.Invoke(this) is { } checkpoints
                ? new CheckpointPlace(checkpoints, settings.ApplicationName, process.Name, "simulation", process.Clock)
                : null,
            SweepInterval = options.SweepInterval,
            SweepRulesOff = options.SweepRulesOff,
            Outputs = new OutputRoutes(options.Outputs?.Invoke(services) ?? []),
            Scheduler = process.Scheduler,
            FanOut = settings.ReadMode == ReadMode.FanOut
                ? new FanOutConsumer(
                    client, settings.Stream, settings.ConsumerName, settings.FanOutFallback, process.Clock, chance.Create(), log)
                : null,
        };
        _worker = new StreamWorker(parts, store);
        _worker.Start();
    }

    public SimulatedProcess Process { get; }

    public string Name => Process.Name;

    public TimeSpan CheckpointInterval { get; }

    public SimulatedLink ToKinesis { get; }

    public SimulatedLink ToTable { get; }

    /// <summary>When the network or the table last did something to it that it may have noticed.</summary>
    public long LastTrouble { get; private set; } = long.MinValue / 2;

    /// <summary>Its own time when it last went on after it had stood still.</summary>
    public TimeSpan? ResumedAt { get; private set; }

    public bool IsStopping { get; private set; }

    /// <summary>True once a graceful stop is through.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>True where it has let a handler run on that ignored its token: that handler keeps its memory.</summary>
    public bool GaveHandlerUp { get; private set; }

    public bool IsLive => Process.IsAlive && !IsStopped;

    /// <summary>True where nothing has gone wrong around it for so long.</summary>
    public bool IsUntroubledFor(TimeSpan time) => _loop.Now - LastTrouble >= time.Ticks && !Process.IsPaused;

    /// <summary>True where nothing excuses the loss of a lease: it is to renew in time, and to answer what it is asked for.</summary>
    public bool IsWell => IsLive && !IsStopping && !GaveHandlerUp && IsUntroubledFor(3 * _leaseDuration);

    /// <summary>Vanishes.</summary>
    public void Crash()
    {
        Note("crashes");
        Process.Kill();
    }

    public void Pause(bool withClock)
    {
        Note(withClock ? "stands still, and its clock too" : "stands still");
        LastTrouble = _loop.Now;
        Process.Pause(withClock);
    }

    public void Resume()
    {
        Process.Resume();
        ResumedAt = Process.Clock.Elapsed;
        LastTrouble = _loop.Now;
        Note("goes on");
    }

    /// <summary>Stops it gracefully; ends when its process is gone.</summary>
    public async Task StopAsync()
    {
        Note("is told to stop");
        IsStopping = true;
        await Process.Start(async () =>
        {
            await _worker.StopAsync(CancellationToken.None);
            await _worker.DisposeAsync();
        });
        IsStopped = true;
        Note("has stopped");
        if (!GaveHandlerUp && _budget.Used != 0)
        {
            throw new InvariantViolatedException("memory", $"{Name} has stopped and still holds {_budget.Used} bytes of its budget.", null);
        }

        Process.Kill();
    }

    public void Note(string text) => _loop.Trace.Add(Name, null, text);

    private sealed class WorkerLog(SimulatedWorker worker) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name == nameof(ConsumerLog.HandlerGivenUp))
            {
                worker.GaveHandlerUp = true;
            }

            if (eventId.Name == nameof(LeaseLog.LeaseLost) && !worker._excusesLoss(worker.Name, ShardOf(state)))
            {
                if (worker.IsWell)
                {
                    // what a logger throws is caught: the run is ended instead
                    worker._loop.Fail(new InvariantViolatedException("needless loss",
                        $"nothing had befallen {worker.Name}: {formatter(state, exception)}", null));
                }

                // what befell the lease may have befallen others, and slowed its writes down
                worker.LastTrouble = worker._loop.Now;
            }

            worker.Note($"[{eventId.Id}] "
                + $"{formatter(state, exception)}{(exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})")}");
            if (eventId.Name == nameof(ConsumerLog.StateRefused))
            {
                worker._loop.Fail(new InvariantViolatedException(
                    "only its owner stops a shard, and nobody has to", $"{worker.Name}: {formatter(state, exception)}", null));
            }

            // it stands for a mistake inside, whatever its level
            bool isMistake = exception is NullReferenceException;
            if (isMistake || logLevel == LogLevel.Critical || (eventId.Name == nameof(ConsumerLog.ShardFailed) && !worker._shardsMayFail))
            {
                worker._loop.Fail(new InvariantViolatedException("no failure inside",
                    $"{worker.Name}: {formatter(state, exception)} {exception}", null));
            }
        }
    }

    private static string ShardOf<TState>(TState state) =>
        (string)((IReadOnlyList<KeyValuePair<string, object?>>)state!).First(static pair => pair.Key == "ShardId").Value!;

    private sealed class UnheardMeters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(options);

        public void Dispose()
        {
            // the one meter lives as long as the process
        }
    }
}

/// <summary>What a simulated worker is made of.</summary>
internal sealed record SimulatedWorkerOptions
{
    public required WorkerSettings Settings { get; init; }

    public required ProcessorRegistration Processor { get; init; }

    /// <summary>What the processor is made from.</summary>
    public required Func<SimulatedWorker, IServiceProvider> Services { get; init; }

    public long PrefetchBytes { get; init; } = 1 << 20;

    public Action<string, StartingPosition>? IteratorGiven { get; init; }

    /// <summary>What is wrong with the service's control plane.</summary>
    public Func<LinkState> ControlPlane { get; init; } = static () => LinkState.Up;

    /// <summary>Finds where dead letters go among the services; null for nowhere.</summary>
    public Func<IServiceProvider, IDeadLetterSink?>? DeadLetters { get; init; }

    /// <summary>Finds where outputs go among the services; null for nowhere.</summary>
    public Func<IServiceProvider, IReadOnlyList<OutputRoute>>? Outputs { get; init; }

    /// <summary>Where the state is kept; null for nowhere.</summary>
    public Func<SimulatedWorker, ICheckpointStore?>? Checkpoints { get; init; }

    /// <summary>How long it is from one sweep of the state's objects to the next.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The rules that its sweeps break.</summary>
    public SegmentSweep.Rules SweepRulesOff { get; init; }

    /// <summary>True where a shard may stop because of what its handlers do; else that is a failure of the run.</summary>
    public bool ShardsMayFail { get; init; }

    /// <summary>Asked, with the worker and the shard, where a worker has lost a lease: true where nothing went wrong.</summary>
    public Func<string, string, bool> ExcusesLoss { get; init; } = static (_, _) => false;

    /// <summary>Something before the client.</summary>
    public Func<SimulatedWorker, IKinesisClient, IKinesisClient>? Client { get; init; }

    /// <summary>Another store.</summary>
    public Func<SimulatedWorker, SimulatedLeaseTable, ILeaseStore>? Store { get; init; }
}

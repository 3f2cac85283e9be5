using System.Globalization;
using System.Text;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Savepoints;
using FastConsumer.Simulation.Tests.Planted;
using FastConsumer.Simulation.Tests.Sink;
using FastConsumer.Simulation.Tests.State;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>What came of a run.</summary>
/// <param name="Failure">What broke it off; null where all is well.</param>
/// <param name="Trace">All that happened.</param>
/// <param name="VirtualTime">How long the world lived.</param>
/// <param name="Records">How many records were put.</param>
/// <param name="Duplicates">How many were handled once more than needed.</param>
internal sealed record RunResult(Exception? Failure, SimulationTrace Trace, TimeSpan VirtualTime, int Records, int Duplicates, long Tasks)
{
    /// <summary>How many user records were put into another shard than their own, and were not to be delivered there.</summary>
    public int LeftOut { get; init; }

    /// <summary>How often a lease was taken at a checkpoint inside an aggregate.</summary>
    public int TakesInside { get; init; }

    /// <summary>What operators have done, in words.</summary>
    public IReadOnlyDictionary<OperatorDeed, int> Deeds { get; init; } = new Dictionary<OperatorDeed, int>();

    /// <summary>How many records operators have left out.</summary>
    public int LeftOutByDecision { get; init; }

    /// <summary>How often an operator has taken a lease away from a worker.</summary>
    public int TakenAway { get; init; }

    /// <summary>How many commits of outputs left a row with runs, and how many snapshots were behind the sink.</summary>
    public (int WithRuns, int Ahead, int Full) Outputs { get; init; }

    /// <summary>How many transactions the sink has committed.</summary>
    public int Commits { get; init; }

    /// <summary>How many records have an effect in it.</summary>
    public int Effects { get; init; }

    /// <summary>How many snapshots a row has named, and how many of them were the first ones of children.</summary>
    public (int All, int OfChildren, int WithRuns) Snapshots { get; init; }

    /// <summary>
    /// How many savepoints were made, with how many shards that had not taken over their parents' state, and how many were not.
    /// </summary>
    public (int Made, int Inherited, int Failed) Savepoints { get; init; }

    /// <summary>How many sweeps have deleted objects of the state.</summary>
    public int Swept { get; init; }

    /// <summary>How often a judge met a key that was in both of two shards that were merged.</summary>
    public int MetKeys { get; init; }

    /// <summary>How many it has refused.</summary>
    public int RefusedCommits { get; init; }
}

/// <summary>One seed's life of a cluster, judged by its ledger.</summary>
internal sealed class SimulatedRun
{
    private readonly Scenario _scenario;
    private readonly PlantedBug? _bug;
    private readonly SimulatedCluster _cluster;
    private readonly List<SimulatedHandler> _handlers = [];
    private readonly Random _random;
    private readonly ClusterLife _life;
    private readonly OperatorActions? _operators;
    private readonly List<SinkHandler> _sinkHandlers = [];
    private readonly SimulatedSink? _sink;
    private readonly List<StateHandler> _stateHandlers = [];
    private readonly SimulatedObjects? _objects;
    private readonly StateOracle? _oracle;
    private readonly OutputSink? _outputs;
    private readonly SavepointActions? _savepoints;

    private SimulatedRun(Scenario scenario, PlantedBug? bug)
    {
        _scenario = scenario;
        _bug = bug;
        _cluster = new SimulatedCluster(scenario.Seed, scenario.Shards, scenario.Service, scenario.Rules);
        _random = new Random(_cluster.Random.Next());
        _operators = scenario.Operators is null ? null : new OperatorActions(_cluster, scenario.Operators)
        {
            Store = bug is null ? null : (process, link) => bug.OperatorStore(process, link, _cluster.Table),
        };
        _life = new ClusterLife(_cluster, scenario.Life, _random)
        {
            Worker = Worker,
            Put = PutAsync,
            Operators = _operators,
            Settle = scenario.State is null ? null : SettleStateAsync,
            Quieted = () =>
            {
                _handlers.ForEach(static handler => handler.IsWellBehaved = true);
                _sinkHandlers.ForEach(static handler => handler.IsWellBehaved = true);
                _stateHandlers.ForEach(static handler => handler.IsWellBehaved = true);
            },
        };
        if (scenario.Sink is not null)
        {
            _sink = new SimulatedSink(_cluster);
            _cluster.Table.Written += _sink.LeaseWritten;
        }

        if (scenario.State is not null)
        {
            _objects = new SimulatedObjects(_cluster);
            _oracle = new StateOracle(_cluster, _objects);
            _cluster.Table.Written += _oracle.LeaseWritten;
        }

        if (scenario.HasSavepoints)
        {
            _savepoints = new SavepointActions(_cluster, _objects!, _oracle!, scenario.State!, () => _life.IsQuiet)
            {
                Off = bug?.SavepointRulesOff ?? SavepointStore.Rules.None,
            };
        }

        if (scenario.Outputs is not null)
        {
            _outputs = new OutputSink(_cluster, _oracle!)
            {
                HasBatches = scenario.Processor == ProcessorKind.OutputBatches,
                MaxOutputs = scenario.Outputs.MaxOutputs,
            };
            _sink = _outputs;
            _oracle!.Named = _outputs.SnapshotNamed;
        }
    }

    /// <summary>Runs a seed, on a thread of its own; other threads of the pool would be as good, but the run must keep to one.</summary>
    public static RunResult Execute(Scenario scenario, PlantedBug? bug = null)
    {
        RunResult? result = null;
        Exception? broken = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    result = new SimulatedRun(scenario, bug).Execute();
                }
                catch (Exception e)
                {
                    broken = e;
                }
            });
        thread.Start();
        thread.Join();
        return result ?? throw new InvalidOperationException($"Seed {scenario.Seed} could not be run.", broken);
    }

    /// <summary>A failure with all that is needed to see it again.</summary>
    public static string Describe(Scenario scenario, RunResult result)
    {
        var text = new StringBuilder();
        string? shard = (result.Failure as InvariantViolatedException)?.ShardId;
        text.AppendLine(CultureInfo.InvariantCulture, $"Seed {scenario.Seed} fails after {result.VirtualTime}: {result.Failure}");
        text.AppendLine(
            CultureInfo.InvariantCulture, $"Replay: FASTCONSUMER_SIM_SEED={scenario.Seed} dotnet test tests/FastConsumer.Simulation.Tests"
                + $"{(scenario.Operators is null ? "" : " (OperatorSeedTests)")}"
                + $"{(scenario.Sink is null ? "" : " (SinkSeedTests)")}"
                + $"{(scenario.State is null ? "" : " (StateSeedTests)")}"
                + $"{(scenario.Outputs is null ? "" : " (with outputs)")}");
        text.AppendLine(scenario.ToString());
        text.AppendLine("The last events that matter here:");
        text.Append(result.Trace.Last(
            int.Parse(Environment.GetEnvironmentVariable("FASTCONSUMER_SIM_EVENTS") ?? "120", CultureInfo.InvariantCulture), shard));
        return text.ToString();
    }

    private RunResult Execute()
    {
        Exception? failure = null;
        try
        {
            _cluster.Run(_life.LiveAsync);
            _sink?.RequireAll(_cluster.Ledger.Shards);
        }
        catch (Exception e)
        {
            failure = e;
        }

        return new RunResult(
            failure, _cluster.Loop.Trace, TimeSpan.FromTicks(_cluster.Loop.Now), _cluster.Ledger.Put, _cluster.Ledger.Duplicates,
            _cluster.Loop.Tasks)
        {
            LeftOut = _cluster.Ledger.LeftOut,
            TakesInside = _cluster.Ledger.TakesInside,
            Deeds = _operators?.Done ?? [],
            LeftOutByDecision = _cluster.Ledger.LeftOutByDecision,
            TakenAway = _cluster.Ledger.TakenAway,
            Commits = _sink?.Commits ?? 0,
            Effects = _sink?.Effects ?? 0,
            RefusedCommits = _sink?.Refused ?? 0,
            Outputs = (_outputs?.WithRuns ?? 0, _outputs?.Ahead ?? 0, _outputs?.Full ?? 0),
            Snapshots = (_oracle?.Judged ?? 0, _oracle?.Inherited ?? 0, _oracle?.WithRuns ?? 0),
            MetKeys = _oracle?.Met ?? 0,
            Savepoints = (_savepoints?.Made ?? 0, _savepoints?.Inherited ?? 0, _savepoints?.Failed ?? 0),
            Swept = _cluster.Loop.Trace.Events.Count(static one => one.Text.StartsWith("[2423]", StringComparison.Ordinal)),
        };
    }

    private SimulatedWorkerOptions Worker() => new()
    {
        Settings = _bug?.Settings(_scenario.Settings) ?? _scenario.Settings,
        Processor = WorkerServices.RegistrationOf(_scenario.Processor) is var right && _bug is not null ? _bug.Processor(right) : right,
        Services = worker =>
        {
            var handler = new SimulatedHandler(worker, _cluster.Ledger, _scenario.Habits, new Random(_random.Next()))
            {
                IsWellBehaved = _life.IsQuiet,
                Poison = _scenario.Poison,
                Handled = _bug is null ? static handler => handler() : _bug.Handled,
            };
            _handlers.Add(handler);
            return new WorkerServices(
                handler,
                _scenario.Operators is { HasDeadLetters: true, Seed: int seed }
                    ? new SimulatedDeadLetters(worker, _cluster.Ledger, () => _life.IsQuiet, new Random(seed + _handlers.Count))
                    : null,
                SinkHandlerOf(worker),
                PositionsOf(worker),
                StateHandlerOf(worker));
        },
        Checkpoints = CheckpointsOf,
        Outputs = OutputsOf,
        SweepInterval = _bug?.SweepInterval(_scenario.SweepInterval) ?? _scenario.SweepInterval,
        SweepRulesOff = _bug?.SweepRulesOff ?? SegmentSweep.Rules.None,
        DeadLetters = static services => (IDeadLetterSink?)services.GetService(typeof(IDeadLetterSink)),
        PrefetchBytes = _scenario.PrefetchBytes,
        Client = _bug is null ? null : (worker, client) => _bug.Client(_cluster, worker, client),
        Store = _bug is null ? null : (worker, table) => _bug.Store(_cluster, worker, table),
    };

    /// <summary>
    /// Each shard gets a record more, so that each owner names something later than whatever it has left over before. Then sweeps must
    /// leave in the store what rows lead to, and nothing else.
    /// </summary>
    private async Task SettleStateAsync()
    {
        foreach (Shard shard in _cluster.Shards().Where(static shard => shard.EndingSequenceNumber is null))
        {
            string key = Enumerable.Range(0, int.MaxValue).Select(static i => $"last{i}")
                .First(key => shard.HashKeyRange.Contains(HashKeys.Of(Encoding.UTF8.GetBytes(key))));
            _cluster.Put([(key, BitConverter.GetBytes(int.MaxValue - 1))]);
        }

        // what was put is done and checkpointed; parents' rows go some time after that, and then two sweeps
        long until = _cluster.Loop.Now + (TimeSpan.FromMinutes(6) + (4 * _scenario.SweepInterval)).Ticks;
        while (_oracle!.FirstLeftOver() is { } left)
        {
            _cluster.Ledger.Require(
                "only what is named stays", _cluster.Loop.Now < until, null, $"{left} is in the store, and no row leads to it.");
            await _cluster.DelayAsync(TimeSpan.FromSeconds(1));
        }

        _oracle.RequireAllThere();
        if (_savepoints is not null)
        {
            _cluster.Ledger.Require("a savepoint is made", await _savepoints.MakeAsync(), null, "nothing hinders it, and it was not made.");
        }
    }

    private SinkHandler? SinkHandlerOf(SimulatedWorker worker)
    {
        if (_scenario.Sink is null)
        {
            return null;
        }

        var handler = new SinkHandler(worker, _sink!, _scenario.Habits, new Random(_scenario.Sink.Seed + _handlers.Count))
        {
            IsWellBehaved = _life.IsQuiet,
        };
        _sinkHandlers.Add(handler);
        return handler;
    }

    private StateHandler? StateHandlerOf(SimulatedWorker worker)
    {
        if (_scenario.State is null)
        {
            return null;
        }

        var random = new Random(_scenario.State.Seed + _handlers.Count);
        StateHandler handler = _bug?.StateHandler(worker, _scenario.Habits, random) ?? new StateHandler(worker, _scenario.Habits, random);
        handler.IsWellBehaved = _life.IsQuiet;
        _stateHandlers.Add(handler);
        return handler;
    }

    private SimulatedCheckpointStore? CheckpointsOf(SimulatedWorker worker)
    {
        if (_objects is null)
        {
            return null;
        }

        var place = new StatePlace(
            _cluster, worker, _objects, _scenario.State!, () => _life.IsQuiet, new Random(_scenario.State!.Seed - _handlers.Count));
        return _bug?.Checkpoints(place) ?? new SimulatedCheckpointStore(place);
    }

    private SimulatedPositionStore? PositionsOf(SimulatedWorker worker)
    {
        if ((_scenario.Sink ?? _scenario.Outputs) is not { } settings)
        {
            return null;
        }

        var random = new Random(settings.Seed - _handlers.Count);
        var place = new SinkPlace(_cluster, worker, _sink!, settings, () => _life.IsQuiet, random)
        {
            // a last checkpoint that waits for its outputs may let a hand-over take too long
            Troubled = _scenario.Outputs is null ? null : () => worker.ToTable.Troubled?.Invoke(),
        };
        return _bug?.Positions(place) ?? new SimulatedPositionStore(place);
    }

    private IReadOnlyList<OutputRoute> OutputsOf(IServiceProvider services)
    {
        if (_scenario.Outputs is null)
        {
            return [];
        }

        var store = (SimulatedPositionStore)services.GetService(typeof(IPositionStore<SinkTransaction>))!;
        var route = new TransactionRoute<CountedRow, SinkTransaction>("rows", store, new CountedRowWriter(store));
        return [_bug?.Output(route) ?? route];
    }

    private async Task PutAsync()
    {
        var producer = new SimulatedProducer(_cluster, _scenario, _random);
        Task saving = _savepoints is null ? Task.CompletedTask : _cluster.Beside(_savepoints.ActAsync);
        // of aggregates about twice as many records come at once
        double atOnce = _scenario.Aggregates ? 10 : 5;
        while (!_life.IsQuiet)
        {
            await _cluster.DelayAsync(TimeSpan.FromSeconds(_random.NextDouble() * 2 * atOnce / _scenario.RecordsPerSecond));
            producer.Put();
        }

        await saving;
    }
}

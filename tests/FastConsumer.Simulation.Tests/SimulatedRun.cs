using System.Globalization;
using System.Text;
using FastConsumer.Simulation.Tests.Planted;
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
}

/// <summary>One seed's life of a cluster: troubles, then quiet, in which all must come right, then a graceful end, after which nothing may be left to do.</summary>
internal sealed class SimulatedRun
{
    private readonly Scenario _scenario;
    private readonly PlantedBug? _bug;
    private readonly SimulatedCluster _cluster;
    private readonly List<SimulatedHandler> _handlers = [];
    private readonly Random _random;
    private bool _isQuiet;

    private SimulatedRun(Scenario scenario, PlantedBug? bug)
    {
        _scenario = scenario;
        _bug = bug;
        _cluster = new SimulatedCluster(scenario.Seed, scenario.Shards, scenario.Service, scenario.Rules);
        _random = new Random(_cluster.Random.Next());
    }

    /// <summary>How long it may take at most until all is well again.</summary>
    private TimeSpan Recovery => TimeSpan.FromMinutes(3) + (20 * _scenario.LeaseDuration);

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
        text.AppendLine(CultureInfo.InvariantCulture, $"Replay: FASTCONSUMER_SIM_SEED={scenario.Seed} dotnet test tests/FastConsumer.Simulation.Tests");
        text.AppendLine(scenario.ToString());
        text.AppendLine("The last events that matter here:");
        text.Append(result.Trace.Last(int.Parse(Environment.GetEnvironmentVariable("FASTCONSUMER_SIM_EVENTS") ?? "120", CultureInfo.InvariantCulture), shard));
        return text.ToString();
    }

    private RunResult Execute()
    {
        Exception? failure = null;
        try
        {
            _cluster.Run(LiveAsync);
        }
        catch (Exception e)
        {
            failure = e;
        }

        return new RunResult(failure, _cluster.Loop.Trace, TimeSpan.FromTicks(_cluster.Loop.Now), _cluster.Ledger.Put, _cluster.Ledger.Duplicates, _cluster.Loop.Tasks)
        {
            LeftOut = _cluster.Ledger.LeftOut,
            TakesInside = _cluster.Ledger.TakesInside,
        };
    }

    private bool May(Faults fault) => (_scenario.Faults & fault) != 0;

    private async Task LiveAsync()
    {
        Task putting = _cluster.Beside(PutAsync);
        for (int i = 0; i < _scenario.Workers; i++)
        {
            StartWorker();
            await _cluster.DelayAsync(TimeSpan.FromSeconds(_random.NextDouble() * 3));
        }

        await TroubleAsync();
        await QuietAsync();
        await putting;
        await RecoverAsync();
        await StopAllAsync();
        await NothingIsLeftAsync();
    }

    private void StartWorker()
    {
        double rate = 1 + ((_random.NextDouble() - 0.5) * 2 * _scenario.ClockDrift);
        var options = new SimulatedWorkerOptions
        {
            Settings = _bug?.Settings(_scenario.Settings) ?? _scenario.Settings,
            Processor = WorkerServices.RegistrationOf(_scenario.Processor) is var right && _bug is not null ? _bug.Processor(right) : right,
            Services = worker =>
            {
                var handler = new SimulatedHandler(worker, _cluster.Ledger, _scenario.Habits, new Random(_random.Next())) 
                {
                    IsWellBehaved = _isQuiet,
                    Handled = _bug is null ? static handler => handler : _bug.Handled,
                };
                _handlers.Add(handler);
                return new WorkerServices(handler);
            },
            PrefetchBytes = _scenario.PrefetchBytes,
            Client = _bug is null ? null : (worker, client) => _bug.Client(_cluster, worker, client),
            Store = _bug is null ? null : (worker, table) => _bug.Store(_cluster, worker, table),
        };
        _cluster.StartWorker(options, rate, _scenario.ClockOffset * (_random.NextDouble() - 0.5) * 2, Connect);
    }

    private void Connect(SimulatedWorker worker)
    {
        foreach (SimulatedLink link in (SimulatedLink[])[worker.ToKinesis, worker.ToTable])
        {
            link.Jitter = TimeSpan.FromMilliseconds(1 + (_random.NextDouble() * 30));
            link.LostRequests = _isQuiet ? 0 : _scenario.LostRequests;
            link.LostAnswers = _isQuiet ? 0 : _scenario.LostAnswers;
        }
    }

    private async Task PutAsync()
    {
        var producer = new SimulatedProducer(_cluster, _scenario, _random);
        // of aggregates about twice as many records come at once
        double atOnce = _scenario.Aggregates ? 10 : 5;
        while (!_isQuiet)
        {
            await _cluster.DelayAsync(TimeSpan.FromSeconds(_random.NextDouble() * 2 * atOnce / _scenario.RecordsPerSecond));
            producer.Put();
        }
    }

    private async Task TroubleAsync()
    {
        long until = _cluster.Loop.Now + _scenario.Troubles.Ticks;
        while (_cluster.Loop.Now < until)
        {
            await _cluster.DelayAsync(_scenario.BetweenFaults * -Math.Log(1 - _random.NextDouble()));
            Faults[] possible = [.. Enum.GetValues<Faults>().Where(fault => fault is not (Faults.None or Faults.All) && May(fault))];
            if (possible.Length > 0)
            {
                Strike(possible[_random.Next(possible.Length)]);
            }
        }
    }

    private void Strike(Faults fault)
    {
        IReadOnlyList<SimulatedWorker> live = _cluster.Live;
        SimulatedWorker? victim = live.Count == 0 ? null : live[_random.Next(live.Count)];
        if (victim is null || victim.Process.IsPaused)
        {
            victim = null;
            if (fault is not (Faults.Reshard or Faults.Scale or Faults.Throttling or Faults.ControlPlane))
            {
                return;
            }
        }

        switch (fault)
        {
            case Faults.Crash:
                _cluster.Crash(victim!);
                After(_random.NextDouble() * 10, StartWorker);
                break;
            case Faults.Pause or Faults.FrozenPause:
                victim!.Pause(withClock: fault == Faults.FrozenPause);
                After(_random.NextDouble() * 3 * _scenario.LeaseDuration.TotalSeconds, victim.Resume);
                break;
            case Faults.Cut:
                Cut(victim!);
                break;
            case Faults.Slowness:
                SimulatedLink slow = _random.Next(2) == 0 ? victim!.ToTable : victim!.ToKinesis;
                slow.Slowness = 5 + (_random.NextDouble() * 100);
                victim.Note($"has a slow network: {slow.Slowness:0} times");
                After(_random.NextDouble() * 20, () => slow.Slowness = 1);
                break;
            case Faults.LostAnswers:
                victim!.ToTable.LostAnswers = 0.5;
                victim.Note("loses answers of the table");
                After(_random.NextDouble() * 10, () => victim.ToTable.LostAnswers = _isQuiet ? 0 : _scenario.LostAnswers);
                break;
            case Faults.Throttling:
                _cluster.Table.UnitsPerSecond = 1 + (_random.NextDouble() * 6);
                _cluster.Loop.Trace.Add("", null, $"the table has {_cluster.Table.UnitsPerSecond:0.0} write units");
                After(_random.NextDouble() * 20, () => _cluster.Table.UnitsPerSecond = null);
                break;
            case Faults.ControlPlane:
                LoseControlPlane();
                break;
            case Faults.Reshard:
                _cluster.Reshard(mostShards: 6);
                break;
            case Faults.Restart:
                _ = _cluster.Beside(() => RestartAsync(victim!));
                break;
            case Faults.Scale:
                Scale(victim);
                break;
            case Faults.ClockJump:
                victim!.Process.Clock.SetBack(_scenario.ClockOffset * (_random.NextDouble() - 0.5));
                victim.Note("has its date set");
                break;
        }
    }

    /// <summary>Shards cannot be listed. Where none is made any more, that need not end for all to come right.</summary>
    private void LoseControlPlane()
    {
        bool lasts = !May(Faults.Reshard) && _cluster.IsLeased;
        _cluster.ControlPlane = _random.Next(2) == 0 ? LinkState.Refused : LinkState.Silent;
        _cluster.Loop.Trace.Add("", null, $"the control plane is {_cluster.ControlPlane}{(lasts ? ", for good" : "")}");
        double seconds = _random.NextDouble() * 60;
        if (!lasts)
        {
            After(seconds, () => _cluster.ControlPlane = LinkState.Up);
        }
    }

    private void Cut(SimulatedWorker victim)
    {
        int which = _random.Next(3);
        LinkState state = _random.Next(2) == 0 ? LinkState.Refused : LinkState.Silent;
        SimulatedLink[] links = which switch { 0 => [victim.ToTable], 1 => [victim.ToKinesis], _ => [victim.ToTable, victim.ToKinesis] };
        victim.Note($"is cut off ({(which == 0 ? "table" : which == 1 ? "Kinesis" : "both")}, {state})");
        foreach (SimulatedLink link in links)
        {
            link.State = state;
        }

        After(_random.NextDouble() * 2 * _scenario.LeaseDuration.TotalSeconds, () =>
        {
            victim.Note("is connected again");
            foreach (SimulatedLink link in links)
            {
                link.State = LinkState.Up;
            }
        });
    }

    private void Scale(SimulatedWorker? victim)
    {
        if (victim is not null && _cluster.Live.Count > 1 && _random.Next(2) == 0)
        {
            _ = _cluster.Beside(() => StopAsync(victim));
        }
        else if (_cluster.Live.Count < 6)
        {
            StartWorker();
        }
    }

    private async Task RestartAsync(SimulatedWorker worker)
    {
        await StopAsync(worker);
        StartWorker();
    }

    private async Task StopAsync(SimulatedWorker worker)
    {
        if (!worker.IsStopping)
        {
            try
            {
                await worker.StopAsync();
            }
            catch (Exception e)
            {
                _cluster.Loop.Fail(e);
            }
        }
    }

    private void After(double seconds, Action action) => _cluster.Loop.At(TimeSpan.FromSeconds(seconds), action);

    /// <summary>The faults end: whatever is under way heals.</summary>
    private async Task QuietAsync()
    {
        _isQuiet = true;
        _handlers.ForEach(static handler => handler.IsWellBehaved = true);
        _cluster.Loop.Trace.Add("", null, "the faults are over");
        foreach (SimulatedWorker worker in _cluster.Live)
        {
            foreach (SimulatedLink link in (SimulatedLink[])[worker.ToKinesis, worker.ToTable])
            {
                link.LostRequests = 0;
                link.LostAnswers = 0;
            }
        }

        // longer than any fault lasts
        await _cluster.DelayAsync(TimeSpan.FromSeconds(Math.Max(60, 3 * _scenario.LeaseDuration.TotalSeconds) + 1));
        _cluster.Table.UnitsPerSecond = null;
        if (_cluster.Live.Count == 0)
        {
            StartWorker();
        }
    }

    private async Task RecoverAsync()
    {
        long until = _cluster.Loop.Now + Recovery.Ticks;
        while (!_cluster.Ledger.IsAllDone || _cluster.Ledger.FirstNotCheckpointed() is not null || _cluster.Unowned(_scenario.LeaseDuration) is not null)
        {
            if (_cluster.Loop.Now > until)
            {
                _cluster.Ledger.Require("recovery", _cluster.Ledger.IsAllDone, _cluster.Ledger.FirstMissing(), $"{Recovery} after the faults not all is done: {_cluster.Ledger.Missing()}.");
                _cluster.Ledger.Require("recovery", _cluster.Ledger.FirstNotCheckpointed() is null, _cluster.Ledger.FirstNotCheckpointed(), $"{Recovery} after the faults not all is checkpointed: {_cluster.Ledger.FirstNotCheckpointed()}.");
                _cluster.Ledger.Require("recovery", false, null, $"{Recovery} after the faults not every lease has a live owner: {_cluster.Unowned(_scenario.LeaseDuration)}.");
            }

            await _cluster.DelayAsync(TimeSpan.FromSeconds(1));
        }
    }

    private async Task StopAllAsync()
    {
        await Task.WhenAll(_cluster.Live.Where(static worker => !worker.IsStopping).Select(StopAsync));
        while (_cluster.Live.Count > 0)
        {
            await _cluster.DelayAsync(TimeSpan.FromSeconds(1));
        }

        foreach (Leases.Lease row in _cluster.Table.Rows.Where(static row => !row.IsFinished))
        {
            bool wasTroubled = row.Owner is { } owner && !_cluster.Worker(owner).IsUntroubledFor(_scenario.StopTimeout + _scenario.LeaseDuration);
            _cluster.Ledger.Require("stopped clean", row.Owner is null || wasTroubled, row.LeaseKey, $"all workers have stopped, and the lease still belongs to {row.Owner}.");
        }
    }

    /// <summary>After a graceful end a new worker finds nothing to do.</summary>
    private async Task NothingIsLeftAsync()
    {
        int duplicates = _cluster.Ledger.Duplicates;
        StartWorker();
        await _cluster.DelayAsync(TimeSpan.FromSeconds(15));
        _cluster.Ledger.Require("stopped clean", _cluster.Ledger.Duplicates == duplicates, null, $"after a graceful stop of all workers {_cluster.Ledger.Duplicates - duplicates} records were handled again.");
        await StopAllAsync();
    }
}

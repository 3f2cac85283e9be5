using FastConsumer.Leases;

namespace FastConsumer.Testing.Simulation;

/// <summary>How a cluster lives.</summary>
internal sealed record LifeSettings
{
    /// <summary>How many workers it begins with.</summary>
    public required int Workers { get; init; }

    public required SimulatedFaults Faults { get; init; }

    /// <summary>How long faults happen.</summary>
    public required TimeSpan Troubles { get; init; }

    /// <summary>How long it is from one to the next on average.</summary>
    public required TimeSpan BetweenFaults { get; init; }

    public required TimeSpan LeaseDuration { get; init; }

    public required TimeSpan StopTimeout { get; init; }

    /// <summary>How much faster or slower than the right one a worker's clock may go.</summary>
    public double ClockDrift { get; init; }

    /// <summary>How far a worker's date may be off.</summary>
    public TimeSpan ClockOffset { get; init; }

    /// <summary>The part of requests that get lost on the way, as long as faults happen.</summary>
    public double LostRequests { get; init; }

    /// <summary>The part of answers that do.</summary>
    public double LostAnswers { get; init; }
}

/// <summary>
/// The life of a cluster: troubles, then quiet, in which all must come right, then a graceful end, after which nothing may be left to do.
/// </summary>
internal sealed class ClusterLife
{
    private readonly SimulatedCluster _cluster;
    private readonly LifeSettings _settings;
    private readonly Random _random;
    private readonly FaultInjection _faults;

    public ClusterLife(SimulatedCluster cluster, LifeSettings settings, Random random)
    {
        _cluster = cluster;
        _settings = settings;
        _random = random;
        _faults = new FaultInjection(cluster, settings, random, StartWorker);
    }

    /// <summary>What the next worker is made of.</summary>
    public required Func<SimulatedWorkerOptions> Worker { get; init; }

    /// <summary>Puts records until the world is quiet.</summary>
    public required Func<Task> Put { get; init; }

    /// <summary>Told when the faults are over.</summary>
    public Action? Quieted { get; init; }

    /// <summary>What else must come right in the quiet, when all is done; null for nothing.</summary>
    public Func<Task>? Settle { get; init; }

    /// <summary>The operators at the cluster; null for none.</summary>
    public OperatorActions? Operators { get; init; }

    /// <summary>True when the faults are over.</summary>
    public bool IsQuiet { get; private set; }

    /// <summary>How long it may take at most until all is well again.</summary>
    private TimeSpan Recovery => TimeSpan.FromMinutes(3) + (20 * _settings.LeaseDuration);

    /// <summary>The whole of it.</summary>
    public async Task LiveAsync()
    {
        Task putting = _cluster.Beside(Put);
        for (int i = 0; i < _settings.Workers; i++)
        {
            StartWorker();
            await _cluster.DelayAsync(TimeSpan.FromSeconds(_random.NextDouble() * 3));
        }

        Task? operating = Operators is null ? null : _cluster.Beside(Operators.ActAsync);
        await _faults.StrikeAsync();
        await QuietAsync();
        await putting;
        await RecoverAsync();
        if (operating is not null)
        {
            await Operators!.EndAsync();
            await operating;
        }

        if (Settle is not null)
        {
            await Settle();
            await RecoverAsync();
        }

        await StopAllAsync();
        await NothingIsLeftAsync();
    }

    private void StartWorker()
    {
        double rate = 1 + ((_random.NextDouble() - 0.5) * 2 * _settings.ClockDrift);
        _cluster.StartWorker(Worker(), rate, _settings.ClockOffset * (_random.NextDouble() - 0.5) * 2, Connect);
    }

    private void Connect(SimulatedWorker worker)
    {
        foreach (SimulatedLink link in (SimulatedLink[])[worker.ToKinesis, worker.ToTable])
        {
            link.Jitter = TimeSpan.FromMilliseconds(1 + (_random.NextDouble() * 30));
            link.LostRequests = IsQuiet ? 0 : _settings.LostRequests;
            link.LostAnswers = IsQuiet ? 0 : _settings.LostAnswers;
        }
    }

    /// <summary>The faults end: whatever is under way heals.</summary>
    private async Task QuietAsync()
    {
        IsQuiet = true;
        _faults.IsQuiet = true;
        if (Operators is not null)
        {
            Operators.IsQuiet = true;
        }

        Quieted?.Invoke();
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
        await _cluster.DelayAsync(TimeSpan.FromSeconds(Math.Max(60, 3 * _settings.LeaseDuration.TotalSeconds) + 1));
        _cluster.Table.UnitsPerSecond = null;
        if (_cluster.Live.Count == 0)
        {
            StartWorker();
        }
    }

    private async Task RecoverAsync()
    {
        long until = _cluster.Loop.Now + Recovery.Ticks;
        DeliveryLedger ledger = _cluster.Ledger;
        while (!ledger.IsAllDone || ledger.FirstNotCheckpointed() is not null || _cluster.Unowned(_settings.LeaseDuration) is not null)
        {
            if (_cluster.Loop.Now > until)
            {
                string when = $"{Recovery} after the faults";
                string? open = ledger.FirstNotCheckpointed();
                ledger.Require("recovery", ledger.IsAllDone, ledger.FirstMissing(), $"{when} not all is done: {ledger.Missing()}.");
                ledger.Require("recovery", open is null, open, $"{when} not all is checkpointed: {open}.");
                string? unowned = _cluster.Unowned(_settings.LeaseDuration);
                ledger.Require("recovery", false, null, $"{when} not every lease has a live owner: {unowned}.");
            }

            await _cluster.DelayAsync(TimeSpan.FromSeconds(1));
        }
    }

    private async Task StopAllAsync()
    {
        await Task.WhenAll(_cluster.Live.Where(static worker => !worker.IsStopping).Select(_faults.StopAsync));
        while (_cluster.Live.Count > 0)
        {
            await _cluster.DelayAsync(TimeSpan.FromSeconds(1));
        }

        foreach (Lease row in _cluster.Table.Rows.Where(static row => !row.IsFinished))
        {
            bool wasTroubled = row.Owner is { } owner
                && !_cluster.Worker(owner).IsUntroubledFor(_settings.StopTimeout + _settings.LeaseDuration);
            _cluster.Ledger.Require(
                "stopped clean",
                row.Owner is null || wasTroubled,
                row.LeaseKey,
                $"all workers have stopped, and the lease still belongs to {row.Owner}.");
        }
    }

    /// <summary>After a graceful end a new worker finds nothing to do.</summary>
    private async Task NothingIsLeftAsync()
    {
        int duplicates = _cluster.Ledger.Duplicates;
        StartWorker();
        await _cluster.DelayAsync(TimeSpan.FromSeconds(15));
        int again = _cluster.Ledger.Duplicates - duplicates;
        _cluster.Ledger.Require(
            "stopped clean", again == 0, null, $"after a graceful stop of all workers {again} records were handled again.");
        await StopAllAsync();
    }
}

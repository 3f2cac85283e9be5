using FastConsumer.Leases;
using FastConsumer.Operators;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// Operators at a simulated cluster. Each deed is a process of its own, as a command of the tool is, with a network of its own; it may
/// vanish in the midst of what it does. In the quiet time all that they have stopped goes on: shards are resumed, and what fails is
/// decided.
/// </summary>
internal sealed class OperatorActions
{
    /// <summary>The same for all of them: who tries again after a crash comes by the same name.</summary>
    public const string Requester = "tool/ann";

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(200);

    private readonly SimulatedCluster _cluster;
    private readonly OperatorSettings _settings;
    private readonly ResetChoice _resets;
    private readonly Random _random;
    private int _named;
    private int _running;
    private bool _isOver;

    public OperatorActions(SimulatedCluster cluster, OperatorSettings settings)
    {
        _cluster = cluster;
        _settings = settings;
        _random = new Random(settings.Seed);
        _resets = new ResetChoice(cluster, _random);
    }

    /// <summary>Makes another store.</summary>
    public Func<SimulatedProcess, SimulatedLink, ILeaseStore>? Store { get; init; }

    /// <summary>Set when the faults are over: from then on everything is to go on.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>How many deeds of each kind took effect.</summary>
    public Dictionary<OperatorDeed, int> Done { get; } = [];

    /// <summary>Does something again and again until the world is quiet, and then heals until it is told that all is well.</summary>
    public async Task ActAsync()
    {
        while (!IsQuiet)
        {
            await _cluster.DelayAsync(_settings.BetweenDeeds * -Math.Log(1 - _random.NextDouble()));
            if (IsQuiet || Choose() is not { } deed)
            {
                continue;
            }

            Task doing = DoAsync(deed.Intent, deed.Work);
            if (_random.Next(4) != 0)
            {
                await doing;
            }
        }

        while (!_isOver)
        {
            await HealAsync();
            await _cluster.DelayAsync(TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>All is well: they do nothing more.</summary>
    public async Task EndAsync()
    {
        _isOver = true;
        while (_running > 0)
        {
            await _cluster.DelayAsync(s_look);
        }
    }

    private (OperatorIntent Intent, Func<OperatorTable, CancellationToken, Task<bool>> Work)? Choose()
    {
        Lease[] rows = [.. _cluster.Table.Rows.Where(static row => !row.IsFinished)];
        OperatorDeed deed = _settings.Deeds[_random.Next(_settings.Deeds.Count)];
        if (rows.Length == 0)
        {
            return null;
        }

        string shard = rows[_random.Next(rows.Length)].LeaseKey;
        string? oneOrAll = _random.Next(3) == 0 ? null : shard;
        switch (deed)
        {
            case OperatorDeed.Release:
                return (
                    new OperatorIntent(deed, shard),
                    async (table, stop) => (await table.ReleaseAsync(shard, Requester, stop)).Refusal is null);
            case OperatorDeed.Evict:
                return (
                    new OperatorIntent(deed, shard),
                    async (table, stop) => (await table.EvictAsync(shard, Requester, stop)).Refusal is null);
            case OperatorDeed.Reset when _resets.Of(shard) is { } target:
                return (
                    new OperatorIntent(deed, shard, target),
                    async (table, stop) => (await table.ResetAsync(shard, target, Requester, "ann", "a test", stop)).Refusal is null);
            case OperatorDeed.Pause:
                TimeSpan? lasts = _random.Next(2) == 0 ? TimeSpan.FromSeconds(1 + (_random.NextDouble() * 30)) : null;
                return (
                    new OperatorIntent(deed, oneOrAll),
                    async (table, stop) => (await table.PauseAsync(oneOrAll, "ann", null, _cluster.Now + lasts, stop)).Count > 0);
            case OperatorDeed.Resume:
                return (
                    new OperatorIntent(deed, oneOrAll),
                    async (table, stop) => (await table.ResumeAsync(oneOrAll, stop)).Count > 0);
            case OperatorDeed.Decide:
                int which = _random.Next(64);
                RecordDecision decision = Decision(mayRetry: true);
                return (
                    new OperatorIntent(deed, null),
                    async (table, stop) =>
                    {
                        IReadOnlyList<FailingRecord> failing = await table.ListFailingAsync(stop);
                        return failing.Count > 0
                            && (await table.DecideAsync(failing[which % failing.Count], decision, "ann", "a test", stop)).Refusal is null;
                    }
                );
            default:
                return null;
        }
    }

    private RecordDecision Decision(bool mayRetry) =>
        mayRetry && _random.Next(3) == 0 ? RecordDecision.Retry
        : _settings.HasDeadLetters && _random.Next(2) == 0 ? RecordDecision.DeadLetter
        : RecordDecision.Skip;

    /// <summary>Resumes what is paused, and leaves out what fails.</summary>
    private async Task HealAsync()
    {
        if (_cluster.Table.Rows.Any(static row => row.Paused is not null))
        {
            await DoAsync(
                new OperatorIntent(OperatorDeed.Resume, null),
                static async (table, stop) => (await table.ResumeAsync(null, stop)).Count > 0);
        }

        if (_cluster.Table.Rows.Any(static row => row.Standing is not null))
        {
            RecordDecision decision = Decision(mayRetry: false);
            await DoAsync(new OperatorIntent(OperatorDeed.Decide, null), async (table, stop) =>
            {
                foreach (FailingRecord failing in await table.ListFailingAsync(stop))
                {
                    await table.DecideAsync(failing, decision, "ann", null, stop);
                }

                return true;
            });
        }
    }

    /// <summary>Runs a deed in a process of its own, to its end or the process's.</summary>
    private async Task DoAsync(OperatorIntent intent, Func<OperatorTable, CancellationToken, Task<bool>> work)
    {
        var process = new SimulatedProcess(_cluster.Loop, $"op{++_named}");
        var link = new SimulatedLink(_cluster.Loop, process, "table", new Random(_random.Next()))
        {
            LostRequests = IsQuiet ? 0 : _settings.LostRequests,
            LostAnswers = IsQuiet ? 0 : _settings.LostAnswers,
            Jitter = TimeSpan.FromMilliseconds(1 + (_random.NextDouble() * 30)),
        };
        ILeaseStore store = Store?.Invoke(process, link) ?? new SimulatedLeaseStore(process, link, _cluster.Table);
        var table = new OperatorTable(store, "simulation", process.Clock, new Random(_random.Next()));
        _cluster.Ledger.Intends(process.Name, intent);
        _cluster.Loop.Trace.Add(process.Name, intent.ShardId, intent.ToString());
        var stop = new CancellationTokenSource();
        if (!IsQuiet)
        {
            Disturb(process, stop);
        }

        _running++;
        Task doing = process.Start(() => RunAsync(process, intent, () => work(table, stop.Token)));
        while (!doing.IsCompleted && process.IsAlive)
        {
            await _cluster.DelayAsync(s_look);
        }

        _running--;
        stop.Dispose();
        process.Kill();
    }

    private void Disturb(SimulatedProcess process, CancellationTokenSource stop)
    {
        double chance = _random.NextDouble();
        // most of what it does is over by then, and some is not
        TimeSpan after = TimeSpan.FromSeconds(Math.Pow(_random.NextDouble(), 3) * 15);
        if (chance < _settings.Killed)
        {
            _cluster.Loop.At(after, () =>
            {
                if (process.IsAlive)
                {
                    _cluster.Loop.Trace.Add(process.Name, null, "vanishes");
                    process.Kill();
                }
            });
        }
        else if (chance < _settings.Killed + _settings.Cancelled)
        {
            _cluster.Loop.At(after, () =>
            {
                if (process.IsAlive)
                {
                    _cluster.Loop.Trace.Add(process.Name, null, "is cancelled");
                    process.Post(stop.Cancel);
                }
            });
        }
    }

    private async Task RunAsync(SimulatedProcess process, OperatorIntent intent, Func<Task<bool>> work)
    {
        try
        {
            bool isDone = await work();
            _cluster.Loop.Trace.Add(process.Name, intent.ShardId, $"{intent.Deed} {(isDone ? "is done" : "is refused")}");
            Done[intent.Deed] = Done.GetValueOrDefault(intent.Deed) + (isDone ? 1 : 0);
        }
        catch (Exception e) when (e is LeaseStoreException or TimeoutException or OperationCanceledException)
        {
            _cluster.Loop.Trace.Add(process.Name, intent.ShardId, $"{intent.Deed} fails: {e.Message}");
        }
        catch (Exception e)
        {
            _cluster.Loop.Fail(e);
        }
    }
}

using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using FastConsumer.Leases.Core;
using FastConsumer.Processors;
using FastConsumer.Reading;
using FastConsumer.Timing;

namespace FastConsumer.Supervision;

/// <summary>
/// Starts and watches all that a worker's shards run: readers, dispatchers, lanes and life-cycle calls. It does what the lease commands say
/// and answers with lease events; it decides nothing about a lease. Thread-safe.
/// </summary>
/// <remarks>
/// Invariants: a run that was started ends with <see cref="LeaseEvent.Ended"/>, and before that, unless it was lost, says
/// <see cref="LeaseEvent.Drained"/>; whatever ends or throws unexpectedly ends its shard with <see cref="LeaseEvent.RunEnd.Failed"/>. No
/// command waits for user code: handlers run on threads of their own, and loggers, meter listeners and callbacks of tokens on others.
/// </remarks>
internal sealed partial class ShardSupervisor : IDisposable
{
    /// <summary>How often <see cref="Look"/> is to be called.</summary>
    public static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>What a lease lasts for its owner: a little less than others wait.</summary>
    private const double Lasts = 0.9;

    private const int LeastControlThreads = 64;

    private static readonly TimeSpan s_blockedToldEach = TimeSpan.FromMinutes(5);

    // runs keep what they began with; the rest of it never changes but by Change
    private volatile ShardParts _parts;
    private readonly Action<LeaseEvent> _post;
    private readonly ConcurrentDictionary<string, ShardRun> _runs = new(StringComparer.Ordinal);
    private readonly HandlerScheduler? _handlerThreads;
    private readonly HandlerScheduler? _controlThreads;
    private readonly TaskScheduler _handlers;
    private readonly TaskScheduler _control;
    private readonly PoolWatch _pool;
    private readonly ManualResetEventSlim _isOver = new(initialState: false, spinCount: 0);
    private readonly double[] _timeOfEnded = new double[ShardTime.States];
    private long? _blockedToldAt;
    private long _leasesLost;

    /// <param name="parts">What the shards share.</param>
    /// <param name="post">Takes the events; returns at once, and throws nothing.</param>
    public ShardSupervisor(ShardParts parts, Action<LeaseEvent> post)
    {
        _parts = parts;
        _post = post;
        if (parts.Scheduler == TaskScheduler.Default)
        {
            _handlers = _handlerThreads = new HandlerScheduler($"FastConsumer {parts.ProcessorName}", parts.MaxHandlerThreads);
            _control = _controlThreads = new HandlerScheduler("FastConsumer", Math.Max(LeastControlThreads, parts.MaxHandlerThreads));
        }
        else
        {
            _handlers = _control = parts.Scheduler;
        }

        _pool = new PoolWatch(parts.Findings, Scope, parts.Time);
    }

    /// <summary>What the runs share that begin now.</summary>
    public ShardParts Parts => _parts;

    /// <summary>Where loggers, meter listeners and callbacks of tokens are called: they may block there.</summary>
    public TaskScheduler Control => _control;

    /// <summary>How many leases were lost so far.</summary>
    public long LeasesLost => Interlocked.Read(ref _leasesLost);

    /// <summary>What the shards that run now yield.</summary>
    public IEnumerable<(ShardTelemetry Shard, ThroughputMeter Intake)> Intakes =>
        _runs.Values.Select(static run => (run.Telemetry, run.Intake));

    /// <summary>How the shards stand that run now. Never waits.</summary>
    public IReadOnlyList<(ShardTelemetry Shard, ShardSnapshot Now)> Shards =>
        [.. _runs.Values.Select(static run => (run.Telemetry, run.Snapshot()))];

    /// <summary>The state of a shard that runs here, for readers; null where it is not there (yet, or any more). Never waits.</summary>
    public ProcessorState? ReadableStateOf(string key) => _runs.TryGetValue(key, out ShardRun? run) ? run.Readable : null;

    /// <summary>The longest time since the lease of one of them was renewed; zero where none runs.</summary>
    public TimeSpan LongestSinceRenewal => _runs.Values.Select(static run => run.SinceRenewal).DefaultIfEmpty().Max();

    /// <summary>Does what a command says. Never waits, never throws. A command of another epoch is ignored.</summary>
    public void Execute(LeaseCommand command)
    {
        if (command is LeaseCommand.Start start)
        {
            var started = new ShardRun(this, start);
            _runs[start.Key] = started;
            started.Ended = ApartTask.StartOn(_control, started.RunAsync);
            _moved.Set();
        }
        else if (command is LeaseCommand.ToRun addressed && Find(addressed.Key, addressed.Epoch) is { } run)
        {
            switch (command)
            {
                case LeaseCommand.Stop:
                    run.Stop();
                    break;
                case LeaseCommand.CancelHandler:
                    run.CancelHandler();
                    break;
                case LeaseCommand.GiveUp:
                    run.GiveUp();
                    break;
                case LeaseCommand.Lose lose:
                    run.Lose(lose.Reason);
                    break;
                case LeaseCommand.Wrote wrote:
                    run.Wrote(wrote);
                    break;
                case LeaseCommand.Finish:
                    run.Finish();
                    break;
                case LeaseCommand.Decide decide:
                    run.Decide(decide.Command);
                    break;
            }
        }
    }

    /// <summary>
    /// What a run has to say in its lease's row; null where nothing is known (yet, or of this epoch any more). Never waits.
    /// </summary>
    public LeaseMachine.Progress? ProgressOf(string key, long epoch) => Find(key, epoch)?.Progress;

    /// <summary>All leases are lost: nothing of this worker may go on.</summary>
    public void LoseAll(string reason)
    {
        foreach (ShardRun run in _runs.Values)
        {
            run.Lose(reason);
        }
    }

    /// <summary>Cancels the tokens of all handlers that run now.</summary>
    public void CancelAll()
    {
        foreach (ShardRun run in _runs.Values)
        {
            run.CancelHandler();
        }
    }

    /// <summary>Seconds of all shards in each state, those that are gone included.</summary>
    public Dictionary<ShardState, double> TimeByState()
    {
        double[] seconds = new double[ShardTime.States];
        lock (_timeOfEnded)
        {
            _timeOfEnded.CopyTo(seconds, 0);
            foreach (ShardRun run in _runs.Values)
            {
                run.Telemetry.Time.AddTo(seconds);
            }
        }

        return Enum.GetValues<ShardState>().ToDictionary(static state => state, state => seconds[(int)state]);
    }

    /// <summary>Ends when no run is left of those that were started until now.</summary>
    public Task EndedAsync() => Task.WhenAll(_runs.Values.Select(static run => run.Ended));

    /// <summary>
    /// Looks for calls that hang, handlers that block, callbacks that do not return and a starved thread pool, and says so. Waits for
    /// nothing: what calls loggers and meter listeners goes apart. One caller at a time.
    /// </summary>
    public void Look()
    {
        foreach (ShardRun run in _runs.Values)
        {
            run.Look();
        }

        _parts.Guard.Look(_parts.HungCallAfter);
        _pool.Look(waited => Tell(() =>
        {
            if (waited is { } time)
            {
                ConsumerLog.PoolStarved(_parts.Log, time, _pool.Count);
            }
            else
            {
                ConsumerLog.PoolRecovered(_parts.Log);
            }
        }));
        LookAtHandlerThreads();
    }

    /// <summary>Looks on a thread of its own, until it is disposed; not in a simulation.</summary>
    public void StartLooking()
    {
        if (_controlThreads is null)
        {
            return;
        }

        new Thread(() =>
        {
            while (!_isOver.Wait(LookInterval))
            {
                try
                {
                    Look();
                }
                catch (Exception e)
                {
                    // the next look may succeed, and nobody else looks
                    Tell(() => ConsumerLog.LookFailed(_parts.Log, _parts.ProcessorName, e));
                }
            }
        })
        {
            IsBackground = true,
            Name = "FastConsumer watch",
        }.UnsafeStart();
    }

    /// <summary>Ends the threads once they are idle: handlers that were given up go on until they end.</summary>
    public void Dispose()
    {
        _isOver.Set();
        _handlerThreads?.Dispose();
        _controlThreads?.Dispose();
    }

    private void Remove(ShardRun run)
    {
        lock (_timeOfEnded)
        {
            _runs.TryRemove(KeyValuePair.Create(run.Telemetry.ShardId, run));
            run.Telemetry.Time.AddTo(_timeOfEnded);
        }

        _moved.Set();
    }

    private ShardRun? Find(string key, long epoch) => _runs.TryGetValue(key, out ShardRun? run) && run.Epoch == epoch ? run : null;

    private string Scope => _parts.Scope;

    /// <summary>Calls loggers and meter listeners on threads that may be blocked.</summary>
    private Task Tell(Action call) => ApartTask.StartOn(_control, call);

    private void LookAtHandlerThreads()
    {
        if (_handlerThreads is null)
        {
            return;
        }

        if (!_handlerThreads.IsBlocked)
        {
            _parts.Findings.Clear(FindingRules.HandlersBlock, Scope);
            return;
        }

        (int threads, int waiting) = (_handlerThreads.Threads, _handlerThreads.Waiting);
        _parts.Findings.Raise(
            FindingRules.HandlersBlock,
            Scope,
            $"{_parts.ProcessorName} blocks the threads of its handlers: {threads} threads are there, {waiting} calls wait for one, and "
            + $"{_parts.MaxHandlerThreads} threads are the most (FastConsumer:MaxHandlerThreads). Await what takes long instead of "
            + "blocking.",
            [new FindingFigure("threads", threads, "{thread}"), new FindingFigure("calls that wait", waiting, "{call}")]);
        if (_blockedToldAt is not { } toldAt || _parts.Time.GetElapsedTime(toldAt) >= s_blockedToldEach)
        {
            _blockedToldAt = _parts.Time.GetTimestamp();
            Tell(() => ConsumerLog.HandlersBlock(_parts.Log, _parts.ProcessorName, threads, waiting, _parts.MaxHandlerThreads));
        }
    }
}

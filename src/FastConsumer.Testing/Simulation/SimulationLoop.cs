using System.Diagnostics.CodeAnalysis;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// Runs everything of a simulation on one thread: tasks of its processes in an order that the seed chooses, and events at their
/// virtual times. Time passes by a little with each task, and by leaps when nothing is left to run.
/// Invariant: nothing runs on another thread. What tries to ends the run, with where it came from.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The event is never waited for by its handle, so it has none.")]
internal sealed class SimulationLoop
{
    /// <summary>
    /// What a task, and a look at a clock, take of virtual time: a loop that waits for less than a timer can tell gets on.
    /// </summary>
    private const long TicksPerTask = 50;
    private const long TicksPerLook = 10;

    private readonly Thread _thread = Thread.CurrentThread;
    /// <summary>How long a run that is stuck waits, in real time, for the other thread that may be the reason.</summary>
    private static readonly TimeSpan s_otherThread = TimeSpan.FromSeconds(10);

    private readonly Lock _escapes = new();
    private readonly ManualResetEventSlim _failed = new();
    private readonly Random _random;
    private readonly List<SimulatedProcess> _processes = [];
    private readonly PriorityQueue<Action, (long Due, long Order)> _events = new();
    private readonly long _mostTasks;
    private readonly long _latest;
    private long _order;
    private int _ready;
    private long _wakeAt;
    private Exception? _failure;

    /// <param name="seed">Chooses the order.</param>
    /// <param name="mostTasks">A run of more tasks goes round in circles.</param>
    /// <param name="longest">A run of more virtual time does.</param>
    public SimulationLoop(int seed, long mostTasks, TimeSpan longest)
    {
        _random = new Random(seed);
        _mostTasks = mostTasks;
        _latest = longest.Ticks;
        Trace = new SimulationTrace(this);
    }

    /// <summary>The virtual time, in ticks since the start.</summary>
    public long Now { get; private set; }

    /// <summary>How many tasks have run.</summary>
    public long Tasks { get; private set; }

    public SimulationTrace Trace { get; }

    /// <summary>Where the run is broken off: the first failure counts.</summary>
    public void Fail(Exception failure)
    {
        lock (_escapes)
        {
            _failure ??= failure;
        }

        _failed.Set();
    }

    /// <summary>Throws where the caller is not on the simulation's thread, and ends the run.</summary>
    public void RequireInside(string what)
    {
        if (Thread.CurrentThread != _thread)
        {
            Fail(new SimulationEscapedException(
                $"{what} came from a thread outside of the simulation:{Environment.NewLine}{Environment.StackTrace}"));
            throw new SimulationEscapedException($"{what} came from a thread outside of the simulation.");
        }
    }

    /// <summary>Somebody looks at a clock.</summary>
    public void Look() => Now += TicksPerLook;

    /// <summary>Runs something of the world's own, of no process, after a while.</summary>
    public void At(TimeSpan after, Action action)
    {
        long due = Now + Math.Max(0, after.Ticks);
        _events.Enqueue(action, (due, _order++));
        WakeAt(due);
    }

    /// <summary>Runs until <paramref name="main"/> is over, and throws what it threw or what broke the run off.</summary>
    public void Run(Task main)
    {
        while (!main.IsCompleted)
        {
            ThrowFailure();
            if (Now >= _wakeAt)
            {
                Wake();
            }

            if (_ready == 0)
            {
                Leap();
                continue;
            }

            RunOne();
        }

        ThrowFailure();
        main.GetAwaiter().GetResult();
    }

    internal void Add(SimulatedProcess process) => _processes.Add(process);

    internal void Remove(SimulatedProcess process) => _processes.Remove(process);

    /// <summary>A process has more or less to run.</summary>
    internal void ReadyChanged(int by) => _ready += by;

    /// <summary>Something falls due at a time.</summary>
    internal void WakeAt(long due) => _wakeAt = Math.Min(_wakeAt, due);

    private void RunOne()
    {
        int pick = _random.Next(_ready);
        foreach (SimulatedProcess process in _processes)
        {
            if (pick < process.Ready)
            {
                Trace.Step(_ready, pick);
                Tasks++;
                Now += TicksPerTask;
                process.Run(pick);
                break;
            }

            pick -= process.Ready;
        }

        if (Tasks > _mostTasks)
        {
            throw new SimulationStuckException(
                $"The run has taken {Tasks} tasks and {TimeSpan.FromTicks(Now)} of virtual time: it goes round in circles.");
        }
    }

    private void Leap()
    {
        Wake();
        if (_ready > 0)
        {
            return;
        }

        if (_wakeAt == long.MaxValue)
        {
            _failed.Wait(s_otherThread);
            ThrowFailure();
            throw new SimulationStuckException($"Nothing is left to run or to wait for after {TimeSpan.FromTicks(Now)}, and the run is not "
                + "over: something waits for what will never come, or for another thread.");
        }

        if (_wakeAt > _latest)
        {
            throw new SimulationStuckException($"The run is not over after {TimeSpan.FromTicks(_latest)} of virtual time.");
        }

        Now = Math.Max(Now, _wakeAt);
        Wake();
    }

    /// <summary>Starts what is due, and finds out when to look again.</summary>
    private void Wake()
    {
        while (_events.TryPeek(out _, out (long Due, long Order) next) && next.Due <= Now)
        {
            _events.Dequeue()();
        }

        foreach (SimulatedProcess process in _processes)
        {
            process.Clock.FireDue();
        }

        _wakeAt = _events.TryPeek(out _, out (long Due, long Order) first) ? first.Due : long.MaxValue;
        foreach (SimulatedProcess process in _processes)
        {
            _wakeAt = Math.Min(_wakeAt, process.Clock.NextDue);
        }
    }

    private void ThrowFailure()
    {
        lock (_escapes)
        {
            if (_failure is not null)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_failure);
            }
        }
    }
}

using System.Collections.Concurrent;
using System.Collections.Immutable;
using FastConsumer.Leases.Core;
using FastConsumer.Timing;

namespace FastConsumer.Leases.Loop;

/// <summary>
/// Owns the state of all leases of one worker. Events come in through the mailbox; each turn gives them to <see cref="LeaseMachine"/> and
/// hands out its commands. Nothing else changes the state.
/// </summary>
/// <remarks>
/// On the system's clock the turns have a thread of their own, which runs no I/O, logger, meter or user code, and waits without the thread
/// pool: whatever starves the pool, deadlines are kept. With another clock or scheduler, as in a simulation, the turns are a task on that
/// scheduler.
/// </remarks>
internal sealed class LeaseLoop
{
    /// <summary>The events of one turn; then its commands are handed out.</summary>
    private const int EventsATurn = 256;

    /// <summary>What a table has provisioned may change at any time.</summary>
    private static readonly TimeSpan s_limitsInterval = TimeSpan.FromMinutes(5);

    private static readonly LeaseEvent s_tick = new LeaseEvent.Tick();

    private readonly ConcurrentQueue<LeaseEvent> _mailbox = new();
    private readonly AsyncSignal _signal = new();
    private readonly Lock _abandoning = new();
    private readonly object _thread = new();
    private readonly TimeProvider _time;
    private readonly Action<LeaseCommand> _execute;
    private readonly TaskCompletionSource _over = ApartTask.Completion();
    private readonly List<LeaseEvent> _answers = [];
    private readonly List<LeaseEvent> _others = [];
    private volatile LeaseTableState _state;
    private volatile bool _isAbandoned;
    private bool _isSignalled;
    private long _turnedAt;
    private TimeSpan _due;
    private TimeSpan _limitsDue;

    /// <param name="state">The state to begin with.</param>
    /// <param name="time">The clock.</param>
    /// <param name="execute">Carries out a command; returns at once and throws nothing.</param>
    public LeaseLoop(LeaseTableState state, TimeProvider time, Action<LeaseCommand> execute)
    {
        _state = state;
        _time = time;
        _execute = execute;
    }

    /// <summary>The state as the last turn left it: an immutable snapshot.</summary>
    public LeaseTableState State => _state;

    /// <summary>
    /// Ends when the stop is through or the loop was abandoned. Fails where the state cannot be carried on: then nothing is known of any
    /// lease.
    /// </summary>
    public Task Completion => _over.Task;

    /// <summary>How long ago the last turn began.</summary>
    public TimeSpan SinceTurn => Now - new TimeSpan(Volatile.Read(ref _turnedAt));

    private TimeSpan Now => _time.GetElapsedTime(0);

    /// <summary>Begins the turns.</summary>
    /// <param name="scheduler">Where turns run in virtual time; the default scheduler for a thread of the loop's own.</param>
    /// <param name="name">The thread's name.</param>
    public void Start(TaskScheduler scheduler, string name)
    {
        _due = Now;
        _turnedAt = _due.Ticks;
        if (_state.Configuration is { TableWriteUnits: null, LeaseDuration: var duration })
        {
            // asked first, so that the first list finds it known
            _state = _state with { Table = _state.Table with { LimitsBy = _due + (duration / 10) } };
            HandOut(new LeaseCommand.LearnLimits());
        }

        _limitsDue = _state.Configuration.TableWriteUnits is null ? _due + s_limitsInterval : TimeSpan.MaxValue;
        if (scheduler == TaskScheduler.Default && _time == TimeProvider.System)
        {
            new Thread(RunThread) { IsBackground = true, Name = name, Priority = ThreadPriority.AboveNormal }.Start();
        }
        else
        {
            _ = ApartTask.StartOn(scheduler, RunAsync);
        }
    }

    /// <summary>Tells what happened. Returns at once; thread-safe.</summary>
    public void Post(LeaseEvent e)
    {
        _mailbox.Enqueue(e);
        Wake();
    }

    /// <summary>Ends as a crash does: no further command is handed out once this has returned.</summary>
    public void Abandon()
    {
        lock (_abandoning)
        {
            _isAbandoned = true;
        }

        Wake();
    }

    private void Wake()
    {
        _signal.Set();
        lock (_thread)
        {
            _isSignalled = true;
            Monitor.Pulse(_thread);
        }
    }

    private bool IsOver => _isAbandoned || _state.Phase == LeaseTableState.Mode.Stopped || _over.Task.IsCompleted;

    private void RunThread()
    {
        while (!IsOver)
        {
            Turn();
            lock (_thread)
            {
                TimeSpan wait = _due - Now;
                // after the last turn nothing is due any more
                if (!_isSignalled && wait > TimeSpan.Zero && !IsOver)
                {
                    Monitor.Wait(_thread, (int)Math.Ceiling(wait.TotalMilliseconds));
                }

                _isSignalled = false;
            }
        }

        _over.TrySetResult();
    }

    private async Task RunAsync()
    {
        while (!IsOver)
        {
            Turn();
            TimeSpan wait = _due - Now;
            if (IsOver)
            {
                break;
            }

            if (_mailbox.IsEmpty && wait > TimeSpan.Zero)
            {
                await _signal.WaitAsync(wait, _time, CancellationToken.None);
            }
            else
            {
                await Task.Yield();
            }
        }

        _over.TrySetResult();
    }

    /// <summary>
    /// Takes the answers first, then checks what has run out, then the rest: an answer that is there counts, and what is lost by now is
    /// lost before anything else is decided.
    /// </summary>
    private void Turn()
    {
        TimeSpan now = Now;
        Volatile.Write(ref _turnedAt, now.Ticks);
        TimeSpan late = now - _due;
        if (late >= _state.Configuration.LeaseDuration / 5)
        {
            HandOut(new LeaseCommand.Tell.StoodStill(late));
        }

        for (int i = 0; i < EventsATurn && _mailbox.TryDequeue(out LeaseEvent? e); i++)
        {
            (e is LeaseEvent.Sent or LeaseEvent.Answered ? _answers : _others).Add(e);
        }

        _answers.ForEach(Step);
        Step(s_tick);
        _others.ForEach(Step);
        _answers.Clear();
        _others.Clear();
        if (_state.Configuration.TableWriteUnits is not null)
        {
            _limitsDue = TimeSpan.MaxValue;
        }
        else if (_limitsDue == TimeSpan.MaxValue)
        {
            // the settings have said it until now
            _limitsDue = now;
        }

        if (now >= _limitsDue)
        {
            _limitsDue = now + s_limitsInterval;
            HandOut(new LeaseCommand.LearnLimits());
        }

        _due = LeaseMachine.NextDeadline(_state);
        _due = _limitsDue < _due ? _limitsDue : _due;
    }

    private void Step(LeaseEvent e)
    {
        try
        {
            try
            {
                Take(LeaseMachine.Step(_state, e, Now));
            }
            catch (Exception violated)
            {
                // the state is as it was before: what the machine knows to be wrong is given up there
                var violation = violated as LeaseMachine.InvariantViolation;
                string invariant = violation?.Message ?? $"{e.GetType().Name} was not taken in: {violated}";
                Take(LeaseMachine.Step(_state, new LeaseEvent.Violated(invariant, violation?.LeaseKey), Now));
            }
        }
        catch (Exception fatal)
        {
            _over.TrySetException(fatal);
        }
    }

    private void Take((LeaseTableState State, ImmutableArray<LeaseCommand> Commands) step)
    {
        _state = step.State;
        foreach (LeaseCommand command in step.Commands)
        {
            HandOut(command);
        }
    }

    private void HandOut(LeaseCommand command)
    {
        lock (_abandoning)
        {
            if (!_isAbandoned)
            {
                _execute(command);
            }
        }
    }
}

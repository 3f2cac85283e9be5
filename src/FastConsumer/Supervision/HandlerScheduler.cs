namespace FastConsumer.Supervision;

/// <summary>
/// Runs handlers on threads of its own, apart from the runtime's pool: a handler that blocks its thread takes none from timers, sockets and
/// the renewal of leases. It begins with a thread per processor, and adds threads while tasks wait and none of them is taken. Idle threads
/// end.
/// </summary>
/// <remarks>
/// Invariants: no more threads than the bound; while tasks wait and fewer threads than the bound are there, one is taken within
/// <see cref="BlockedAfter"/> or a thread is added. Thread-safe.
/// </remarks>
internal sealed class HandlerScheduler : TaskScheduler, IDisposable
{
    /// <summary>Where tasks wait for so long and none is taken, the threads are blocked, or busy for long.</summary>
    public static readonly TimeSpan BlockedAfter = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan s_idleFor = TimeSpan.FromSeconds(10);

    [ThreadStatic]
    private static HandlerScheduler? s_current;

    private readonly Lock _lock = new();
    private readonly Queue<Task> _waiting = new();
    private readonly List<Worker> _workers = [];

    // the one that became idle last goes on first, so that the others may end
    private readonly List<Worker> _idle = [];

    // as a worker's signal, it does not spin: a backlog comes with nearly each page
    private readonly ManualResetEventSlim _backlog = new(initialState: false, spinCount: 0);
    private readonly ManualResetEventSlim _never = new(initialState: false, spinCount: 0);
    private readonly string _name;
    private readonly int _least;
    private readonly int _most;
    private readonly TimeSpan _idleTime;
    private long _taken;
    private bool _isWatched;
    private bool _hasBacklog;
    private bool _isEnded;
    private volatile bool _isBlocked;

    /// <param name="name">The name of its threads.</param>
    /// <param name="most">The most threads.</param>
    /// <param name="idleTime">How long a thread waits for a task before it ends.</param>
    public HandlerScheduler(string name, int most, TimeSpan? idleTime = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        _name = name;
        _most = most;
        _least = Math.Min(Environment.ProcessorCount, most);
        _idleTime = idleTime ?? s_idleFor;
    }

    /// <summary>
    /// More than one, whatever the bound: only a scheduler that runs a simulation says one (see <see cref="Timing.ApartTask"/>).
    /// </summary>
    public override int MaximumConcurrencyLevel => Math.Max(2, _most);

    /// <summary>True while there are more threads than processors, because tasks on them block: each adds a thread.</summary>
    public bool IsBlocked => _isBlocked;

    /// <summary>The threads that are there now.</summary>
    public int Threads
    {
        get
        {
            lock (_lock)
            {
                return _workers.Count;
            }
        }
    }

    /// <summary>The tasks that wait for a thread.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Ends the threads as they become idle. A task that comes later still runs.</summary>
    public void Dispose()
    {
        Worker[] idle;
        lock (_lock)
        {
            _isEnded = true;
            idle = [.. _idle];
            _idle.Clear();
        }

        Array.ForEach(idle, static worker => worker.Signal.Set());
        _backlog.Set();
    }

    protected override void QueueTask(Task task)
    {
        Worker? idle = null;
        Worker? added = null;
        bool startsWatch = false;
        lock (_lock)
        {
            _waiting.Enqueue(task);
            if (_idle.Count > 0)
            {
                idle = _idle[^1];
                _idle.RemoveAt(_idle.Count - 1);
            }
            else if (_workers.Count < _least)
            {
                added = Add();
            }
            else if (!_hasBacklog)
            {
                _hasBacklog = true;
                startsWatch = !_isWatched;
                _isWatched = true;
                _backlog.Set();
            }
        }

        idle?.Signal.Set();
        added?.Start();
        if (startsWatch)
        {
            new Thread(Watch) { IsBackground = true, Name = $"{_name} (watch)" }.UnsafeStart();
        }
    }

    /// <summary>On its own threads only: whoever completes something elsewhere does not run a handler.</summary>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        s_current == this && System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack() && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_lock)
        {
            return [.. _waiting];
        }
    }

    /// <summary>Under the lock.</summary>
    private Worker Add()
    {
        var worker = new Worker(this, _name);
        _workers.Add(worker);
        return worker;
    }

    private void Run(Worker worker)
    {
        s_current = this;
        while (Next(worker) is { } task)
        {
            TryExecuteTask(task);
        }
    }

    /// <summary>The next task; null where the thread is to end.</summary>
    private Task? Next(Worker worker)
    {
        while (true)
        {
            lock (_lock)
            {
                if (_waiting.TryDequeue(out Task? task))
                {
                    _taken++;
                    return task;
                }

                if (_isEnded)
                {
                    Remove(worker);
                    return null;
                }

                _idle.Add(worker);
            }

            if (worker.Signal.Wait(_idleTime))
            {
                worker.Signal.Reset();
                continue;
            }

            lock (_lock)
            {
                // where it is not among the idle ones, somebody has just woken it
                if (_idle.Remove(worker))
                {
                    Remove(worker);
                    return null;
                }
            }

            worker.Signal.Wait();
            worker.Signal.Reset();
        }
    }

    private void Remove(Worker worker)
    {
        _workers.Remove(worker);
        if (_workers.Count <= _least)
        {
            _isBlocked = false;
        }
    }

    /// <summary>While tasks wait, looks whether any is taken, and adds threads where none is.</summary>
    private void Watch()
    {
        while (true)
        {
            if (!_backlog.Wait(_idleTime))
            {
                lock (_lock)
                {
                    if (!_hasBacklog)
                    {
                        _isWatched = false;
                        return;
                    }
                }
            }

            // before the look, so that a task that comes after it sets this again
            _backlog.Reset();
            while (Look())
            {
            }
        }
    }

    /// <summary>False where no task waits any more.</summary>
    private bool Look()
    {
        long taken;
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                _hasBacklog = false;
                return false;
            }

            taken = _taken;
        }

        TimeSpan used = Environment.CpuUsage.TotalTime;
        _never.Wait(BlockedAfter);
        bool computes = Environment.CpuUsage.TotalTime - used > BlockedAfter / 2;
        Worker[] added = [];
        lock (_lock)
        {
            if (_waiting.Count > 0 && _taken == taken && _workers.Count < _most)
            {
                // half as many again: many that block at once have their threads soon, and a few bring few
                int more = Math.Min(_waiting.Count, Math.Max(1, _workers.Count / 2));
                // threads that compute for long are added to as well, and are no trouble
                _isBlocked |= !computes || _workers.Exists(static worker => worker.IsBlocked);
                added = [.. Enumerable.Range(0, Math.Min(more, _most - _workers.Count)).Select(_ => Add())];
            }
        }

        Array.ForEach(added, static worker => worker.Start());
        return true;
    }

    private sealed class Worker
    {
        private readonly Thread _thread;

        public Worker(HandlerScheduler owner, string name) =>
            _thread = new Thread(() => owner.Run(this)) { IsBackground = true, Name = name };

        /// <summary>
        /// Set once for each time that it is taken from the idle ones. It does not spin: a page comes some hundred times a second, and
        /// threads that spin in between cost more than all that the worker does for it.
        /// </summary>
        public ManualResetEventSlim Signal { get; } = new(initialState: false, spinCount: 0);

        /// <summary>True where it waits for something. What blocks outside of .NET does not show.</summary>
        public bool IsBlocked => (_thread.ThreadState & ThreadState.WaitSleepJoin) != 0;

        public void Start() => _thread.UnsafeStart();
    }
}

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// A process of the simulated world: its tasks, its clock. It can vanish, and it can stand still while the world goes on.
/// </summary>
internal sealed class SimulatedProcess
{
    private readonly SimulationLoop _loop;
    private readonly List<Task> _tasks = [];
    private readonly ProcessScheduler _scheduler;

    /// <param name="loop">The world.</param>
    /// <param name="name">For messages.</param>
    /// <param name="rate">How fast its clock goes; 1 for right.</param>
    /// <param name="offset">How far its clock's date is off.</param>
    public SimulatedProcess(SimulationLoop loop, string name, double rate = 1, TimeSpan offset = default)
    {
        _loop = loop;
        Name = name;
        Clock = new SimulatedClock(loop, this, rate, offset);
        _scheduler = new ProcessScheduler(this);
        loop.Add(this);
    }

    public string Name { get; }

    public SimulatedClock Clock { get; }

    public TaskScheduler Scheduler => _scheduler;

    public bool IsAlive { get; private set; } = true;

    public bool IsPaused { get; private set; }

    /// <summary>How many of its tasks could run now.</summary>
    public int Ready { get; private set; }

    /// <summary>Runs something in the process, as soon as it runs.</summary>
    public void Post(Action action) => _ = Task.Factory.StartNew(
        () =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                _loop.Fail(e);
            }
        },
        CancellationToken.None,
        TaskCreationOptions.DenyChildAttach,
        _scheduler);

    /// <summary>Starts work in the process. Where the process vanishes, it never ends.</summary>
    public Task Start(Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _scheduler).Unwrap();

    /// <summary>It vanishes: nothing of it ever runs again.</summary>
    public void Kill()
    {
        IsAlive = false;
        _tasks.Clear();
        CountReady();
        _loop.Remove(this);
    }

    /// <summary>It stands still: nothing of it runs until <see cref="Resume"/>; its clock goes on, or stands still with it.</summary>
    public void Pause(bool withClock)
    {
        IsPaused = true;
        if (withClock)
        {
            Clock.Freeze();
        }

        CountReady();
    }

    public void Resume()
    {
        IsPaused = false;
        Clock.Thaw();
        CountReady();
    }

    /// <summary>Runs one of the tasks that are ready.</summary>
    public void Run(int pick)
    {
        Task task = _tasks[pick];
        _tasks[pick] = _tasks[^1];
        _tasks.RemoveAt(_tasks.Count - 1);
        CountReady();
        _scheduler.Execute(task);
    }

    private void Enqueue(Task task)
    {
        _loop.RequireInside($"A task of {Name} ({Describe(task)})");
        if (IsAlive)
        {
            _tasks.Add(task);
            CountReady();
        }
    }

    private void CountReady()
    {
        int ready = IsPaused ? 0 : _tasks.Count;
        _loop.ReadyChanged(ready - Ready);
        Ready = ready;
    }

    /// <summary>What the task goes on with: the state machine of an async method says its name.</summary>
    private static string Describe(Task task) => (task.AsyncState as Delegate)?.Target?.ToString() ?? task.AsyncState?.ToString()
        ?? task.ToString()!;

    private sealed class ProcessScheduler(SimulatedProcess process) : TaskScheduler
    {
        public override int MaximumConcurrencyLevel => 1;

        public void Execute(Task task) => TryExecuteTask(task);

        protected override void QueueTask(Task task) => process.Enqueue(task);

        /// <summary>Never: what is ready waits for the seed to choose it.</summary>
        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

        protected override IEnumerable<Task> GetScheduledTasks() => process._tasks;
    }
}

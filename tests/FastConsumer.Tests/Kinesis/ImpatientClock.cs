namespace FastConsumer.Tests.Kinesis;

/// <summary>
/// A clock on which every delay is over at once and moves the time on by its length. Time-outs of requests, which are
/// known by their length, wait until the test lets them pass.
/// </summary>
internal sealed class ImpatientClock(TimeSpan requestTimeout) : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<TimeSpan> _delays = [];
    private readonly List<ManualTimer> _timeouts = [];
    private DateTimeOffset _now = new(2026, 8, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The delays that were waited for, time-outs aside.</summary>
    public IReadOnlyList<TimeSpan> Delays
    {
        get
        {
            lock (_lock)
            {
                return [.. _delays];
            }
        }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    /// <summary>Lets every time-out that is running pass.</summary>
    public void PassTimeouts()
    {
        ManualTimer[] running;
        lock (_lock)
        {
            running = [.. _timeouts];
            _timeouts.Clear();
        }

        foreach (ManualTimer timer in running)
        {
            timer.Fire();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private void Start(ManualTimer timer, TimeSpan dueTime)
    {
        if (dueTime == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        lock (_lock)
        {
            if (dueTime == requestTimeout)
            {
                _timeouts.Add(timer);
                return;
            }

            _now += dueTime;
            _delays.Add(dueTime);
        }

        ThreadPool.QueueUserWorkItem(static state => ((ManualTimer)state!).Fire(), timer);
    }

    private void Stop(ManualTimer timer)
    {
        lock (_lock)
        {
            _timeouts.Remove(timer);
        }
    }

    private sealed class ManualTimer(ImpatientClock clock, TimerCallback callback, object? state) : ITimer
    {
        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            clock.Stop(this);
            clock.Start(this, dueTime);
            return true;
        }

        public void Dispose() => clock.Stop(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

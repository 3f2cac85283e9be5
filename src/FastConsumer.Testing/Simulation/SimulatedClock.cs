namespace FastConsumer.Testing.Simulation;

/// <summary>
/// The clock of one process: it goes at a rate of its own over the virtual time, and its date is off by an offset. Timers fire
/// as tasks of the process.
/// </summary>
internal sealed class SimulatedClock : TimeProvider
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly SimulationLoop _loop;
    private readonly SimulatedProcess _process;
    private readonly double _rate;
    private readonly SortedSet<(long Due, long Order, Timer Timer)> _timers = new(Comparer<(long Due, long Order, Timer Timer)>.Create(
        static (x, y) => x.Due != y.Due ? x.Due.CompareTo(y.Due) : x.Order.CompareTo(y.Order)));

    private long _origin;
    private long? _frozenAt;
    private long _order;
    private TimeSpan _offset;

    public SimulatedClock(SimulationLoop loop, SimulatedProcess process, double rate, TimeSpan offset)
    {
        _loop = loop;
        _process = process;
        _rate = rate;
        _offset = offset;
        _origin = loop.Now;
        StartedAt = loop.Now;
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>How much time has passed by this clock.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Local(_frozenAt ?? _loop.Now));

    /// <summary>The world's time when the next timer falls due; the end of time where none does.</summary>
    public long NextDue => !_process.IsAlive || _frozenAt is not null || _timers.Count == 0 ? long.MaxValue : World(_timers.Min.Due);

    /// <summary>The world's time when somebody has last set the date; -1 where nobody has.</summary>
    public long SetAt { get; private set; } = -1;

    private long StartedAt { get; }

    public override DateTimeOffset GetUtcNow()
    {
        _loop.RequireInside($"A look at the date of {_process.Name}");
        return s_start.AddTicks(StartedAt) + _offset + Elapsed;
    }

    public override long GetTimestamp()
    {
        _loop.RequireInside($"A look at the clock of {_process.Name}");
        _loop.Look();
        return Elapsed.Ticks;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _loop.RequireInside($"A timer of {_process.Name}");
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Somebody sets the date.</summary>
    public void SetBack(TimeSpan by)
    {
        _offset -= by;
        SetAt = _loop.Now;
    }

    /// <summary>Stands still.</summary>
    public void Freeze() => _frozenAt ??= _loop.Now;

    /// <summary>Goes on as if no time had passed.</summary>
    public void Thaw()
    {
        if (_frozenAt is long since)
        {
            _origin += _loop.Now - since;
            _frozenAt = null;
            _loop.WakeAt(NextDue);
        }
    }

    /// <summary>Starts the callbacks of what is due.</summary>
    public void FireDue()
    {
        while (NextDue <= _loop.Now)
        {
            (long due, _, Timer timer) = _timers.Min;
            timer.Unschedule();
            if (timer.Period > 0)
            {
                timer.Schedule(due + timer.Period);
            }

            _process.Post(timer.Fire);
        }
    }

    private long Local(long world) => (long)((world - _origin) * _rate);

    private long World(long local)
    {
        long world = _origin + (long)(local / _rate);
        while (Local(world) < local)
        {
            world++;
        }

        return world;
    }

    private sealed class Timer(SimulatedClock clock, TimerCallback callback, object? state) : ITimer
    {
        private (long Due, long Order, Timer Timer)? _scheduled;
        private bool _isDisposed;

        public long Period { get; private set; }

        public void Fire()
        {
            if (!_isDisposed)
            {
                callback(state);
            }
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            clock._loop.RequireInside($"A timer of {clock._process.Name}");
            if (_isDisposed)
            {
                return false;
            }

            Unschedule();
            Period = Math.Max(0, period.Ticks);
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Schedule(clock.Elapsed.Ticks + dueTime.Ticks);
            }

            return true;
        }

        public void Schedule(long due)
        {
            _scheduled = (due, clock._order++, this);
            clock._timers.Add(_scheduled.Value);
            if (clock._frozenAt is null && clock._process.IsAlive)
            {
                clock._loop.WakeAt(clock.World(due));
            }
        }

        public void Unschedule()
        {
            if (_scheduled is { } scheduled)
            {
                clock._timers.Remove(scheduled);
                _scheduled = null;
            }
        }

        public void Dispose()
        {
            _isDisposed = true;
            Unschedule();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

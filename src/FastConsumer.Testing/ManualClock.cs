namespace FastConsumer.Testing;

/// <summary>
/// A clock that stands still until it is told to move. Timers (and so <c>Task.Delay</c>, <c>PeriodicTimer</c> and
/// time-outs that are given this provider) fire while it is advanced, on the caller's thread, in the order of their due
/// times; timers due at the same time fire in the order they were started.
/// </summary>
public sealed class ManualClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly SortedSet<(long DueTicks, long Order, ManualTimer Timer)> _due = new(DueOrder.Instance);
    private readonly DateTimeOffset _start;
    private long _elapsedTicks;
    private long _nextOrder;

    /// <summary>Starts at 2026-01-01T00:00:00Z.</summary>
    public ManualClock()
        : this(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>Starts at a given time.</summary>
    public ManualClock(DateTimeOffset start) => _start = start.ToUniversalTime();

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>When the next timer is due; null where none is running.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            lock (_gate)
            {
                return _due.Count == 0 ? null : _start.AddTicks(_due.Min.DueTicks);
            }
        }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => _start.AddTicks(Volatile.Read(ref _elapsedTicks));

    /// <inheritdoc/>
    public override long GetTimestamp() => Volatile.Read(ref _elapsedTicks);

    /// <summary>
    /// Moves time on and fires what falls due, each timer at its own due time; timers that are started meanwhile fire too
    /// if they fall due within <paramref name="by"/>.
    /// </summary>
    /// <remarks>One caller advances at a time; a timer's callback must not.</remarks>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long target = GetTimestamp() + by.Ticks;
        while (TakeDue(target) is { } timer)
        {
            timer.Fire();
        }
    }

    /// <summary>Moves time on to the next timer and fires all that are due then; false where none is running.</summary>
    public bool AdvanceToNextTimer()
    {
        if (NextDue is not { } due)
        {
            return false;
        }

        Advance(due - GetUtcNow());
        return true;
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private ManualTimer? TakeDue(long target)
    {
        lock (_gate)
        {
            if (_due.Count == 0 || _due.Min.DueTicks > target)
            {
                Volatile.Write(ref _elapsedTicks, Math.Max(_elapsedTicks, target));
                return null;
            }

            (long dueTicks, _, ManualTimer timer) = _due.Min;
            Volatile.Write(ref _elapsedTicks, Math.Max(_elapsedTicks, dueTicks));
            Unschedule(timer);
            if (timer.PeriodTicks > 0)
            {
                Schedule(timer, dueTicks + timer.PeriodTicks);
            }

            return timer;
        }
    }

    private void Schedule(ManualTimer timer, long dueTicks)
    {
        timer.Scheduled = (dueTicks, _nextOrder++, timer);
        _due.Add(timer.Scheduled.Value);
    }

    private void Unschedule(ManualTimer timer)
    {
        if (timer.Scheduled is { } scheduled)
        {
            _due.Remove(scheduled);
            timer.Scheduled = null;
        }
    }

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        // What the system's timers take too.
        private static readonly TimeSpan LongestTime = TimeSpan.FromMilliseconds(uint.MaxValue - 1);
        private readonly ExecutionContext? _context = ExecutionContext.Capture();
        private bool _isDisposed;

        /// <summary>Where it stands in the clock's order; guarded by the clock, as the period is.</summary>
        public (long DueTicks, long Order, ManualTimer Timer)? Scheduled { get; set; }

        public long PeriodTicks { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            ThrowIfInvalid(dueTime, nameof(dueTime));
            ThrowIfInvalid(period, nameof(period));
            lock (clock._gate)
            {
                if (_isDisposed)
                {
                    return false;
                }

                clock.Unschedule(this);
                PeriodTicks = Math.Max(0, period.Ticks);
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    clock.Schedule(this, clock._elapsedTicks + dueTime.Ticks);
                }

                return true;
            }
        }

        public void Fire()
        {
            if (_context is null)
            {
                callback(state);
            }
            else
            {
                ExecutionContext.Run(_context, static timer => ((ManualTimer)timer!).Invoke(), this);
            }
        }

        public void Dispose()
        {
            lock (clock._gate)
            {
                _isDisposed = true;
                clock.Unschedule(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Invoke() => callback(state);

        private static void ThrowIfInvalid(TimeSpan span, string name)
        {
            if ((span < TimeSpan.Zero && span != Timeout.InfiniteTimeSpan) || span > LongestTime)
            {
                throw new ArgumentOutOfRangeException(
                    name, span, $"A timer's time is Timeout.InfiniteTimeSpan or from zero to {LongestTime}.");
            }
        }
    }

    private sealed class DueOrder : IComparer<(long DueTicks, long Order, ManualTimer Timer)>
    {
        public static DueOrder Instance { get; } = new();

        public int Compare((long DueTicks, long Order, ManualTimer Timer) x, (long DueTicks, long Order, ManualTimer Timer) y) =>
            x.DueTicks != y.DueTicks ? x.DueTicks.CompareTo(y.DueTicks) : x.Order.CompareTo(y.Order);
    }
}

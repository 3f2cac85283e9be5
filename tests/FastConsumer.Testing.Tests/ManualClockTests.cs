namespace FastConsumer.Testing.Tests;

public sealed class ManualClockTests
{
    private readonly ManualClock _clock = new();
    private readonly List<string> _fired = [];

    [Fact]
    public void Time_moves_only_when_it_is_advanced()
    {
        DateTimeOffset start = _clock.GetUtcNow();
        long timestamp = _clock.GetTimestamp();
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), start);

        _clock.Advance(TimeSpan.FromMilliseconds(1500));

        Assert.Equal(start.AddMilliseconds(1500), _clock.GetUtcNow());
        Assert.Equal(TimeSpan.FromMilliseconds(1500), _clock.GetElapsedTime(timestamp));
        Assert.Equal(_clock.GetUtcNow().DateTime, _clock.GetLocalNow().DateTime);
        Assert.Throws<ArgumentOutOfRangeException>(() => _clock.Advance(TimeSpan.FromTicks(-1)));
    }

    [Fact]
    public void Timers_fire_in_the_order_of_their_due_times_then_of_their_start_and_see_their_own_time()
    {
        DateTimeOffset start = _clock.GetUtcNow();
        Start("c", 30);
        Start("a", 10);
        Start("b1", 20);
        Start("b2", 20);
        Start("never", 100);

        _clock.Advance(TimeSpan.FromMilliseconds(50));

        Assert.Equal(["a@10", "b1@20", "b2@20", "c@30"], _fired);
        Assert.Equal(start.AddMilliseconds(50), _clock.GetUtcNow());
        Assert.Equal(start.AddMilliseconds(100), _clock.NextDue);

        void Start(string name, int dueMs) => _clock.CreateTimer(
            _ => _fired.Add($"{name}@{(_clock.GetUtcNow() - start).TotalMilliseconds}"),
            null,
            TimeSpan.FromMilliseconds(dueMs),
            Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public void A_periodic_timer_fires_once_per_period_and_stops_when_it_is_changed_or_disposed()
    {
        ITimer timer = _clock.CreateTimer(_ => _fired.Add("tick"), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));
        _clock.Advance(TimeSpan.FromSeconds(7));
        Assert.Equal(4, _fired.Count);

        Assert.True(timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan));
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(4, _fired.Count);

        Assert.True(timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        _clock.Advance(TimeSpan.Zero);
        Assert.Equal(5, _fired.Count);

        timer.Dispose();
        Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
        Assert.Null(_clock.NextDue);
        Assert.Throws<ArgumentOutOfRangeException>(() => _clock.CreateTimer(_ => { }, null, TimeSpan.FromSeconds(-5), TimeSpan.Zero));
    }

    [Fact]
    public void A_timer_started_by_a_timer_fires_within_the_same_advance_if_it_falls_due()
    {
        _clock.CreateTimer(
            _ => _clock.CreateTimer(_ => _fired.Add("inner"), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan),
            null,
            TimeSpan.FromSeconds(1),
            Timeout.InfiniteTimeSpan);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(["inner"], _fired);
    }

    [Fact]
    public void A_timer_disposed_by_an_earlier_one_does_not_fire()
    {
        ITimer? second = null;
        _clock.CreateTimer(_ => second!.Dispose(), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        second = _clock.CreateTimer(_ => _fired.Add("second"), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(_fired);
    }

    [Fact]
    public void It_can_jump_from_timer_to_timer()
    {
        DateTimeOffset start = _clock.GetUtcNow();
        Assert.False(_clock.AdvanceToNextTimer());
        _clock.CreateTimer(_ => _fired.Add("x"), null, TimeSpan.FromHours(3), Timeout.InfiniteTimeSpan);
        Assert.True(_clock.AdvanceToNextTimer());
        Assert.Equal(["x"], _fired);
        Assert.Equal(start.AddHours(3), _clock.GetUtcNow());
    }

    [Fact]
    public async Task The_frameworks_delays_timeouts_and_periodic_timers_follow_it()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Task delay = Task.Delay(TimeSpan.FromMinutes(1), _clock, cancellation);
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(2), _clock);
        using var periodic = new PeriodicTimer(TimeSpan.FromMinutes(1), _clock);
        ValueTask<bool> tick = periodic.WaitForNextTickAsync(cancellation);
        Assert.False(delay.IsCompleted);

        _clock.Advance(TimeSpan.FromMinutes(1));
        await delay;
        Assert.True(await tick);
        Assert.False(timeout.IsCancellationRequested);

        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(timeout.IsCancellationRequested);
    }
}

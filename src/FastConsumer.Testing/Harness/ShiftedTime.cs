namespace FastConsumer.Testing.Harness;

/// <summary>A clock that is ahead of another by what it was advanced. Timers and timestamps are the other's. Thread-safe.</summary>
internal sealed class ShiftedTime(TimeProvider inner) : TimeProvider
{
    private long _aheadTicks;

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => inner.LocalTimeZone;

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + new TimeSpan(Volatile.Read(ref _aheadTicks));

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        inner.CreateTimer(callback, state, dueTime, period);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _aheadTicks, by.Ticks);
}

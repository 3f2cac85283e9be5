namespace FastConsumer.Tests.Hosting;

/// <summary>The system's clock with another date: that of a machine that is set wrong, or a later moment.</summary>
internal sealed class ShiftedClock(TimeSpan offset) : TimeProvider
{
    private long _offset = offset.Ticks;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Interlocked.Read(ref _offset));

    public void Advance(TimeSpan time) => Interlocked.Add(ref _offset, time.Ticks);
}

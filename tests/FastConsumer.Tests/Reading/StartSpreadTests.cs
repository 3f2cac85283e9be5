using FastConsumer.Reading;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Reading;

public sealed class StartSpreadTests
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(400);

    [Fact]
    public void Hundreds_of_readers_that_start_together_are_spread_over_the_interval()
    {
        var spread = new StartSpread(new ManualClock());
        TimeSpan[] waits = [.. Enumerable.Range(0, 500).Select(_ => spread.Next(s_interval))];
        Assert.Equal(TimeSpan.Zero, waits[0]);
        Assert.All(waits, static wait => Assert.InRange(wait, TimeSpan.Zero, s_interval));
        // no part of the interval has more than its share
        Assert.All(waits.GroupBy(static wait => wait.Ticks * 10 / s_interval.Ticks), static part => Assert.InRange(part.Count(), 1, 52));
    }

    [Fact]
    public void A_few_hardly_wait()
    {
        var clock = new ManualClock();
        var spread = new StartSpread(clock);
        for (int handOver = 0; handOver < 3; handOver++)
        {
            Assert.All(
                Enumerable.Range(0, 12).Select(_ => spread.Next(s_interval)),
                static wait => Assert.InRange(wait, TimeSpan.Zero, TimeSpan.FromMilliseconds(10)));
            clock.Advance(s_interval);
        }
    }
}

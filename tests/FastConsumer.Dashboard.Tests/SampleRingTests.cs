using FastConsumer.Dashboard.Feed;

namespace FastConsumer.Dashboard.Tests;

/// <summary>The last hour's samples.</summary>
public sealed class SampleRingTests
{
    [Fact]
    public void What_was_not_sampled_is_a_gap()
    {
        var ring = new SampleRing();
        ring.Set(3, 1, 10);
        ring.Set(4, 2, 20);
        ring.Set(7, 3, double.NaN);
        Assert.Equal([float.NaN, 1, 2, float.NaN, float.NaN, 3, float.NaN], Enumerable.Range(2, 7).Select(tick => ring.Lag(tick)));
        Assert.Equal([10, 20, float.NaN, float.NaN, float.NaN], Enumerable.Range(3, 5).Select(tick => ring.Records(tick)));
        Assert.Equal(float.NaN, ring.Lag(-1));
    }

    [Fact]
    public void An_hour_is_kept_and_what_is_older_is_gone()
    {
        var ring = new SampleRing();
        for (int tick = 0; tick < 1000; tick++)
        {
            ring.Set(tick, tick, tick);
        }

        Assert.Equal(999, ring.Lag(999));
        Assert.Equal(1000 - SampleRing.Length, ring.Lag(1000 - SampleRing.Length));
        Assert.Equal(float.NaN, ring.Lag(999 - SampleRing.Length));

        // after a long silence nothing of before is taken for something of now
        ring.Set(5000, 1, 1);
        Assert.All(Enumerable.Range(5000 - SampleRing.Length, SampleRing.Length), tick => Assert.Equal(float.NaN, ring.Lag(tick)));
        Assert.Equal(1, ring.Lag(5000));
    }
}

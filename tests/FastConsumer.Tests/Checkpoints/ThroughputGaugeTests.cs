using FastConsumer.Checkpoints;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Checkpoints;

public sealed class ThroughputGaugeTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void Only_a_marked_change_is_published()
    {
        var gauge = new ThroughputGauge(null, _clock);
        Assert.Null(gauge.Measure(0));
        Assert.Equal(100, Publish(gauge, 1024_000));
        // 20 % more, and for a while
        Assert.Null(After(gauge, 1024_000 + 1228_800));
        Assert.Null(gauge.Measure(1024_000 + 1228_800));
        // and ten times as much
        Assert.NotNull(After(gauge, 1024_000 + 1228_800 + 10_240_000));
    }

    [Fact]
    public void What_stands_on_the_lease_is_not_published_again()
    {
        var gauge = new ThroughputGauge(100, _clock);
        Assert.Null(After(gauge, 1024_000));
        // it runs dry
        Assert.Equal(50, After(gauge, 1024_000));
        // and what was not written is still to be
        Assert.Equal(50, gauge.Measure(1024_000));
        Assert.Equal(25, After(gauge, 1024_000));
    }

    private double? Publish(ThroughputGauge gauge, long bytes)
    {
        double? measured = After(gauge, bytes);
        gauge.Published(measured!.Value);
        return measured;
    }

    private double? After(ThroughputGauge gauge, long bytes)
    {
        _clock.Advance(TimeSpan.FromSeconds(10));
        return gauge.Measure(bytes);
    }
}

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
        // it runs dry, and is forgotten within a minute or so
        Assert.Null(After(gauge, 1024_000));
        Assert.Equal(71.7, After(gauge, 1024_000));
        // and what was not written is still to be
        Assert.Equal(71.7, gauge.Measure(1024_000));
        Assert.Equal(60.7, After(gauge, 1024_000));
    }

    [Fact]
    public void A_small_change_is_published_when_it_lasts()
    {
        var gauge = new ThroughputGauge(100, _clock);
        long bytes = 0;
        List<double?> published = [.. Enumerable.Range(1, 20).Select(_ => After(gauge, bytes += 1228_800))];
        // a tenth is passed after 50 s, and two minutes later it still is
        Assert.All(published.Take(16), static measured => Assert.Null(measured));
        Assert.Equal(118.8, published[16]);
        gauge.Published(118.8);
        Assert.Null(gauge.Measure(bytes));
        Assert.Null(After(gauge, bytes + 1228_800));
    }

    [Fact]
    public void What_came_in_while_the_shard_moved_is_no_news()
    {
        var gauge = new ThroughputGauge(100, _clock);
        Assert.Null(After(gauge, 2 * 1024_000));
        Assert.Null(After(gauge, 3 * 1024_000));
    }

    [Fact]
    public void Bursts_average_out()
    {
        var gauge = new ThroughputGauge(null, _clock);
        long bytes = 0;
        List<double> published = [];
        for (int i = 0; i < 120; i++)
        {
            bytes += i / 2 % 2 == 0 ? 2 * 1024_000 : 0;
            if (After(gauge, bytes) is { } measured)
            {
                gauge.Published(measured);
                published.Add(measured);
            }
        }

        // the first burst is all that is known at first
        Assert.Equal(200, published[0]);
        Assert.All(published.Skip(4), static measured => Assert.InRange(measured, 80, 125));
        Assert.InRange(published.Count, 5, 120);
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

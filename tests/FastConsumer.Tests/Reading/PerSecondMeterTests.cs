using FastConsumer.Diagnostics;
using FastConsumer.Testing;
using FastConsumer.Tests.Dispatch;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Reading;

public sealed class PerSecondMeterTests
{
    private const string Stream = "bursts";

    [Fact]
    public void Each_second_with_reads_is_measured_once_when_it_is_over()
    {
        using var measurements = new Measurements(Stream);
        var clock = new ManualClock();
        var meter = new PerSecondMeter(clock, Pages.Of(Stream, "shard"));
        meter.Add(1000);
        clock.Advance(TimeSpan.FromMilliseconds(999));
        meter.Add(500);
        Assert.Empty(measurements.Of("fastconsumer.reads.second.calls"));
        clock.Advance(TimeSpan.FromMilliseconds(1));
        meter.Add(7);
        Assert.Equal([2], measurements.Of("fastconsumer.reads.second.calls"));
        Assert.Equal([1500], measurements.Of("fastconsumer.reads.second.bytes"));
        // seconds without a read are none of a burst
        clock.Advance(TimeSpan.FromSeconds(10));
        meter.Add(0);
        clock.Advance(TimeSpan.FromSeconds(1));
        meter.Add(0);
        Assert.Equal([2, 1, 1], measurements.Of("fastconsumer.reads.second.calls"));
        Assert.Equal([1500, 7, 0], measurements.Of("fastconsumer.reads.second.bytes"));
    }
}

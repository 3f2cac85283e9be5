using System.Text;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

/// <summary>What a worker measures of its reads, over a real socket.</summary>
public sealed class ReadMetricsTests : WorkerTest
{
    private const string Measured = "read-metrics";

    internal override EmbeddedKinesisOptions Options => new() { ReadQuota = ReadQuotaModel.SlidingWindow };

    [Fact]
    public async Task Seconds_shares_and_throttles_are_measured()
    {
        using var measurements = new Measurements(Measured);
        Kinesis.CreateStream(Measured);
        List<string> texts = Put(300, stream: Measured);
        int bytes = texts.Sum(static text => Encoding.UTF8.GetByteCount(text) + text.IndexOf(':', StringComparison.Ordinal));
        Kinesis.Faults.Fail("GetRecords", "ProvisionedThroughputExceededException", times: 2);
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>(static options => options.Stream = Measured).UseInMemoryLeases(Leases));
        await host.StartAsync();
        await Journal.WaitForAsync(texts, host.Log);
        // a second is measured at the first read after it
        await Eventually.TrueAsync(
            () => measurements.Of("fastconsumer.reads.second.bytes").Sum() >= bytes,
            () => $"{measurements.Of("fastconsumer.reads.second.bytes").Sum()} of {bytes} bytes were measured.\n{host.Log}");
        Assert.InRange(Assert.Single(measurements.Now("fastconsumer.reads.share")), 0.01, 1);
        Assert.Equal([1], measurements.Now("fastconsumer.leases"));
        await host.StopAsync();
        // what stands for now ends with the lease
        Assert.Empty(measurements.Now("fastconsumer.reads.share"));
        Assert.Empty(measurements.Now("fastconsumer.leases"));

        Assert.Equal(bytes, measurements.Of("fastconsumer.bytes.read").Sum());
        Assert.Equal(bytes, measurements.Of("fastconsumer.reads.second.bytes").Sum());
        Assert.All(measurements.Of("fastconsumer.reads.second.calls"), static calls => Assert.InRange(calls, 1, 6));
        Assert.InRange(measurements.Of("fastconsumer.reads.second.calls").Sum(), 1, measurements.Of("fastconsumer.reads").Sum());
        Assert.Equal(2, measurements.Of("fastconsumer.reads.throttled").Sum());
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using FastConsumer.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

/// <summary>The switch by which the load test finds out what telemetry costs.</summary>
public sealed class NoTelemetryTests : WorkerTest
{
    private const string Silent = "silent";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pages_are_measured_counted_and_traced_unless_the_switch_is_set(bool noTelemetry)
    {
        string stream = $"{Silent}-{noTelemetry}".ToLowerInvariant();
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == Tracing.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var measured = new Measurements(stream);
        Kinesis.CreateStream(stream);
        List<string> texts = Put(10, stream: stream);
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>(options => options.Stream = stream).UseInMemoryLeases(Leases),
            options => options.NoTelemetry = noTelemetry);
        await host.StartAsync();
        await Journal.WaitForAsync(texts, host.Log);
        await host.StopAsync();

        string[] ofPages =
        [
            InstrumentCatalog.Reads.Name, InstrumentCatalog.RecordsRead.Name, InstrumentCatalog.BytesRead.Name,
            InstrumentCatalog.ReadDuration.Name, InstrumentCatalog.RecordsDone.Name, InstrumentCatalog.HandlerRecordDuration.Name,
        ];
        Assert.All(ofPages, name => Assert.Equal(noTelemetry, measured.Of(name).Count == 0));
        Assert.Equal(
            noTelemetry, !spans.Any(span => (string?)span.GetTagItem("messaging.destination.name") == stream));
    }
}

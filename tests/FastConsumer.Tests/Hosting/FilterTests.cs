using System.Diagnostics.Metrics;
using FastConsumer.Kinesis;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

public sealed class FilterTests : WorkerTest
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Records_of_no_interest_are_done_without_a_call_and_counted(bool inBatches)
    {
        long filtered = 0;
        using var meters = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "fastconsumer.records.filtered")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        meters.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            foreach (KeyValuePair<string, object?> tag in tags)
            {
                if (tag is { Key: "aws.kinesis.stream_name", Value: "filtered" })
                {
                    Interlocked.Add(ref filtered, count);
                }
            }
        });
        meters.Start();
        Kinesis.CreateStream("filtered");
        string[] texts = ["-", """{"Id":"a"}""", """{"Id":""}""", "-", """{"Id":"b"}""", """{"Id":"c"}""", "-", """{"Id":"d"}""",
            """{"Id":""}""", "not json"];
        SequenceNumber last = default;
        foreach (string text in texts)
        {
            last = Kinesis.Put("filtered", "k", text).SequenceNumber;
        }

        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer =>
            {
                if (inBatches)
                {
                    consumer.AddProcessor<ChoosyBatchProcessor>(static options => options.Stream = "filtered");
                }
                else
                {
                    consumer.AddProcessor<ChoosyProcessor>(static options => options.Stream = "filtered");
                }

                consumer.UseInMemoryLeases(Leases);
            });
        await host.StartAsync();
        await Journal.WaitForAsync(["a", "b", "c", "d"], host.Log);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint == CheckpointPosition.At(last), () => host.Log.ToString());
        Assert.Equal(["a", "b", "c", "d"], Journal.Begun.Select(static delivery => delivery.Text));
        await Eventually.TrueAsync(() => Interlocked.Read(ref filtered) == 6, () => $"{filtered}");
    }
}

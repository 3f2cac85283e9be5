using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.ExceptionServices;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Processors;
using FastConsumer.Tests.Dispatch;

namespace FastConsumer.Tests.Diagnostics;

/// <summary>
/// What telemetry allocates, on the calling thread. Alone, since listeners of other tests would be called on this thread. The figures of
/// spans and links are those of docs/performance.md.
/// </summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class TelemetryAllocationTests
{
    private const int Measurements = 10;
    private const int MostOfASpan = 1_100;
    private const int MostOfALink = 270;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_figures_of_a_page_allocate_nothing(bool isHeard)
    {
        long heard = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (isHeard && instrument.Meter.Name == ConsumerMetrics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<int>((_, _, _, _) => heard++);
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => heard++);
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => heard++);
        listener.Start();
        ShardTelemetry shard = Pages.Of("allocation", "shardId-000000000000");

        Assert.Equal(0, LeastAllocated(Tell));
        Assert.Equal(isHeard, heard > 0);
        Assert.Equal(isHeard, shard.TimesReads && shard.TimesRecords);
        Assert.Equal((Measurements + 1) * 10_000, shard.Counts.Done);

        void Tell()
        {
            shard.Time.Enter(ShardState.Reading);
            shard.ReadTook(TimeSpan.FromMilliseconds(1), null);
            shard.Seconds.Add(1024);
            shard.SecondRead(1, 1024);
            shard.Read(10_000, 1024, isFull: true);
            shard.Time.Enter(ShardState.Handling);
            shard.Processed(TimeSpan.FromMilliseconds(1), null);
            shard.RecordTook(TimeSpan.FromMilliseconds(1));
            shard.Done(10_000);
            shard.Filtered(1);
            shard.Checkpointed();
        }
    }

    [Fact]
    public void A_span_and_its_links_allocate_what_the_documentation_says_and_nothing_where_nobody_listens()
    {
        var plain = new ProcessSpans(Pages.Shard, extractor: null, ofRecords: false);
        var linked = new ProcessSpans(Pages.Shard, new Distinct(), ofRecords: false);
        using RecordPage page = Pages.Page(0, ProcessSpans.MostLinks);
        Assert.Equal(0, LeastAllocated(() => Assert.Null(linked.StartPage(page, lanes: null, first: 0))));

        int links = -1;
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == Tracing.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        long span = LeastAllocated(() => Tracing.End(plain.StartPage(page, lanes: null, first: 0), null));
        long withLinks = LeastAllocated(() => Tracing.End(linked.StartPage(page, lanes: null, first: 0), null));
        using (Activity? last = linked.StartPage(page, lanes: null, first: 0))
        {
            links = last!.Links.Count();
        }

        Assert.Equal(ProcessSpans.MostLinks, links);
        double link = (double)(withLinks - span) / ProcessSpans.MostLinks;
        TestContext.Current.TestOutputHelper?.WriteLine($"{span} bytes a span, {link} bytes a link");
        Assert.InRange(span, 1, MostOfASpan);
        Assert.InRange(link, 1, MostOfALink);
    }

    /// <summary>
    /// The least of several measurements after a first run: a collection meanwhile closes this thread's allocation buffer, and its unused
    /// rest counts as allocated. On a thread of its own: starting a span copies the thread's context, and a test's context is larger than a
    /// worker's.
    /// </summary>
    private static long LeastAllocated(Action run)
    {
        long least = long.MaxValue;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                run();
                for (int i = 0; i < Measurements; i++)
                {
                    long before = GC.GetAllocatedBytesForCurrentThread();
                    run();
                    least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
                }
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.UnsafeStart();
        thread.Join();
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return least;
    }

    /// <summary>Each call finds another producer; nothing is allocated for it.</summary>
    private sealed class Distinct : ITraceContextExtractor
    {
        private readonly ActivityContext[] _contexts =
        [
            .. Enumerable.Range(0, ProcessSpans.MostLinks).Select(static _ => new ActivityContext(
                ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, isRemote: true)),
        ];

        private int _next;

        public bool TryExtract(KinesisRecord record, out ActivityContext context)
        {
            context = _contexts[_next++ % _contexts.Length];
            return true;
        }
    }
}

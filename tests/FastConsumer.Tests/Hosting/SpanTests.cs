using System.Collections.Concurrent;
using System.Diagnostics;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

public sealed class SpanTests : WorkerTest
{
    private const string Traced = "traced";

    private readonly ConcurrentQueue<Activity> _spans = new();

    [Fact]
    public async Task A_page_has_a_span_that_is_linked_to_what_its_producers_have_put_into_its_records()
    {
        using ActivityListener listener = Listen();
        Kinesis.CreateStream(Traced);
        ActivityContext producer = new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        string traceParent = $"00-{producer.TraceId}-{producer.SpanId}-01";
        Activity? current = null;
        Journal.Handler = (_, _, _) =>
        {
            current = Activity.Current;
            return default;
        };
        // two records of one producer's span are one link; what is no object, or has no trace, has none
        Kinesis.Put(Traced, "a", $$"""{"Id":1,"nested":{"trace":"x"},"trace":"{{traceParent}}"}""");
        Kinesis.Put(Traced, "a", $$"""{"trace":"{{traceParent}}"}""");
        Kinesis.Put(Traced, "a", "no JSON");
        Kinesis.Put(Traced, "a", """{"trace":"00-xyz"}""");
        await using WorkerHost host = await StartTracedAsync(static options => options.Telemetry.TraceParentProperty = "trace");
        await Eventually.TrueAsync(() => Journal.Done.Count == 4, () => host.Log.ToString());
        await host.StopAsync();

        Activity[] pages = [.. Of($"process {Traced}")];
        Assert.Equal(producer.SpanId, Assert.Single(pages.SelectMany(static page => page.Links)).Context.SpanId);
        Activity page = pages[0];
        Assert.Equal(ActivityKind.Consumer, page.Kind);
        Assert.Null(page.ParentId);
        Assert.Equal("aws.kinesis", page.GetTagItem("messaging.system"));
        Assert.Equal("process", page.GetTagItem("messaging.operation.type"));
        Assert.Equal(Traced, page.GetTagItem("messaging.destination.name"));
        Assert.Equal("shardId-000000000000", page.GetTagItem("messaging.destination.partition.id"));
        Assert.Null(page.GetTagItem("error.type"));
        // handlers run below it
        Assert.Contains(current, pages);
    }

    [Fact]
    public async Task Each_record_has_a_span_below_its_pages_where_the_options_say_so()
    {
        using ActivityListener listener = Listen();
        Kinesis.CreateStream(Traced);
        bool fails = true;
        Journal.Handler = (delivery, _, _) =>
        {
            if (delivery.Text == "2" && Volatile.Read(ref fails))
            {
                Volatile.Write(ref fails, false);
                throw new InvalidOperationException("secret");
            }

            return default;
        };
        for (int i = 0; i < 5; i++)
        {
            Kinesis.Put(Traced, "a", $"{i}");
        }

        await using WorkerHost host = await StartTracedAsync(static options => options.Telemetry.RecordSpans = true);
        await Eventually.TrueAsync(() => Journal.Done.Count == 5, () => host.Log.ToString());
        await host.StopAsync();

        Activity[] all = [.. Of($"process {Traced}")];
        Activity[] records = [.. all.Where(static span => span.GetTagItem("messaging.message.id") is not null)];
        Activity[] pages = [.. all.Except(records)];
        // the one that failed has run twice
        Assert.Equal(6, records.Length);
        Assert.All(records, record => Assert.Contains(record.Parent, pages));
        Activity failed = Assert.Single(records, static record => record.Status == ActivityStatusCode.Error);
        Assert.Equal(typeof(InvalidOperationException).FullName, failed.GetTagItem("error.type"));
        Assert.DoesNotContain("secret", failed.StatusDescription, StringComparison.Ordinal);
        Assert.Contains(pages, static page => page.Status == ActivityStatusCode.Error);
    }

    [Fact]
    public async Task Runs_takes_and_checkpoints_have_spans_of_their_own_source()
    {
        using ActivityListener listener = Listen();
        Kinesis.CreateStream(Traced);
        await using WorkerHost host = await StartTracedAsync(static _ => { });
        Kinesis.Put(Traced, "a", "1");
        await Eventually.TrueAsync(() => Journal.Done.Count == 1, () => host.Log.ToString());
        await host.StopAsync();

        foreach (string name in (string[])["shard.run", "lease.take", "lease.hand_over", $"settle {Traced}"])
        {
            Assert.Contains(Of(name), static span => span.Source.Name == Tracing.InternalsName);
        }

        Activity run = Of("shard.run").First();
        Assert.DoesNotContain(Of($"process {Traced}"), page => page.TraceId == run.TraceId);
    }

    // all tests of the process are traced meanwhile
    private IEnumerable<Activity> Of(string name) =>
        _spans.Where(span => span.OperationName == name && (string?)span.GetTagItem("messaging.destination.name") == Traced);

    private ActivityListener Listen()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name.StartsWith(Tracing.SourceName, StringComparison.Ordinal),
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private async Task<WorkerHost> StartTracedAsync(Action<FastConsumerOptions> configure)
    {
        WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer.AddProcessor<EventProcessor>(static options => options.Stream = Traced).UseInMemoryLeases(Leases),
            options =>
            {
                options.CheckpointInterval = TimeSpan.FromMilliseconds(200);
                configure(options);
            });
        await host.StartAsync();
        return host;
    }
}

using FastConsumer.Diagnostics;
using FastConsumer.OpenTelemetry.Tests.Otlp;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;

namespace FastConsumer.OpenTelemetry.Tests;

/// <summary>What arrives at a collector and at Prometheus while real consumers run.</summary>
[Collection("The process's listeners")]
public sealed class ExportTests : IAsyncLifetime
{
    private const string Stream = "orders";
    private const int Wanted = 300;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private EmbeddedKinesis _kinesis = null!;
    private TelemetryHost _telemetry = null!;
    private bool _isFilled;

    /// <summary>What has a value in every such run; more may have, by chance and by time.</summary>
    private static string[] Always { get; } =
    [
        "fastconsumer.reads", "fastconsumer.reads.empty", "fastconsumer.reads.share", "fastconsumer.reads.second.bytes",
        "fastconsumer.reads.second.calls", "fastconsumer.read.duration", "fastconsumer.records.read", "fastconsumer.bytes.read",
        "fastconsumer.millis_behind_latest", "fastconsumer.lag", "fastconsumer.lag.max", "fastconsumer.retention",
        "fastconsumer.shard.time", "fastconsumer.records.done", "fastconsumer.records.skipped", "fastconsumer.records.filtered",
        "fastconsumer.handler.failures", "fastconsumer.handler.record.duration", "messaging.process.duration",
        "messaging.client.consumed.messages", "fastconsumer.records.in_flight", "fastconsumer.lanes.busy", "fastconsumer.buffer.used",
        "fastconsumer.buffer.limit", "fastconsumer.leases", "fastconsumer.leases.taken", "fastconsumer.lease.renewal.age.max",
        "fastconsumer.shards.unread", "fastconsumer.checkpoints", "fastconsumer.checkpoint.age",
    ];

    /// <summary>By their own properties, which have the boundaries.</summary>
    private static InstrumentInfo[] Histograms { get; } =
    [
        InstrumentCatalog.ReadDuration, InstrumentCatalog.SecondBytes, InstrumentCatalog.SecondCalls,
        InstrumentCatalog.HandlerRecordDuration, InstrumentCatalog.ProcessDuration,
    ];

    public async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        _kinesis.CreateStream(Stream, shardCount: 2);
        _telemetry = await TelemetryHost.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _telemetry.DisposeAsync();
        await _kinesis.DisposeAsync();
    }

    [Fact]
    public async Task A_collector_gets_every_instrument_that_has_a_value()
    {
        const string Application = "collected";
        using Observed observed = new(Application);
        await using Consumer consumer = await RunAsync(Application, observed);

        IReadOnlyList<ExportedMetric> exported = [.. _telemetry.Export().Where(static metric => metric.Meter == ConsumerMetrics.MeterName)];

        foreach ((string instrument, string tags) in observed.Points.Where(static point => IsLasting(point.Instrument)))
        {
            ExportedMetric metric = Assert.Single(exported, metric => metric.Name == instrument);
            Assert.Contains(tags, metric.Points.Select(static point => Observed.Text(point.Tags)));
        }

        foreach (ExportedMetric metric in exported)
        {
            InstrumentInfo info = Assert.Single(InstrumentCatalog.All, info => info.Name == metric.Name);
            Assert.Equal((info.Unit, info.Description, KindOf(info.Kind)), (metric.Unit, metric.Description, metric.Kind));
            foreach (ExportedPoint point in metric.Points.Where(point => IsOf(point, Application)))
            {
                AssertTags(info, point.Tags.Keys);
                if (metric.Kind == ExportedKind.Histogram)
                {
                    Assert.True(point.Value > 0);
                    Assert.Equal(Histograms.Single(histogram => histogram.Name == info.Name).Boundaries, point.Boundaries);
                }
            }
        }

        Assert.Equal(
            Wanted,
            Sum(exported, "fastconsumer.records.done", Application) - Sum(exported, "fastconsumer.records.skipped", Application)
                - Sum(exported, "fastconsumer.records.filtered", Application));
        Assert.Equal(2, Sum(exported, "fastconsumer.leases", Application));
    }

    [Fact]
    public async Task Prometheus_gets_every_instrument_that_has_a_value()
    {
        const string Application = "scraped";
        using Observed observed = new(Application);
        await using Consumer consumer = await RunAsync(Application, observed);

        PrometheusText scraped = await _telemetry.ScrapeAsync();

        foreach ((string instrument, string tags) in observed.Points.Where(static point => IsLasting(point.Instrument)))
        {
            InstrumentInfo info = InstrumentCatalog.All.Single(info => info.Name == instrument);
            string name = PrometheusNames.OfExporter(info);
            Assert.Equal((name, PrometheusNames.TypeOf(info)), (name, scraped.Types.GetValueOrDefault(name)));
            string sample = info.Kind == InstrumentKind.Histogram ? $"{name}_count" : name;
            Assert.Contains(
                PrometheusNames.Labels(tags),
                scraped.Samples.Where(found => found.Name == sample).Select(static found =>
                    Observed.Text(found.Labels.Where(static label => !label.Key.StartsWith("otel_scope_", StringComparison.Ordinal)))));
        }

        Assert.Equal(
            Wanted,
            Sum(scraped, "fastconsumer_records_done_total", Application) - Sum(scraped, "fastconsumer_records_skipped_total", Application)
                - Sum(scraped, "fastconsumer_records_filtered_total", Application));
    }

    [Fact]
    public async Task A_shard_that_is_gone_has_no_gauges_any_more()
    {
        const string Leaving = "leaving";
        const string Staying = "staying";
        using Observed observedLeaving = new(Leaving);
        using Observed observedStaying = new(Staying);
        await using Consumer leaving = await RunAsync(Leaving, observedLeaving);
        await using Consumer staying = await RunAsync(Staying, observedStaying);
        string[] gauges = [.. InstrumentCatalog.All
            .Where(static info => info.Kind is InstrumentKind.ObservableGauge or InstrumentKind.ObservableUpDownCounter)
            .Select(static info => info.Name)];
        string[] shards = [.. gauges.Where(static name => InstrumentCatalog.All.Single(info => info.Name == name).ByShard)];
        string[] before = Exported(_telemetry.Export(), gauges, Leaving);
        Assert.Superset(shards.Intersect(Always).ToHashSet(), before.ToHashSet());

        await leaving.StopAsync();

        IReadOnlyList<ExportedMetric> exported = _telemetry.Export();
        Assert.Empty(Exported(exported, gauges, Leaving));
        Assert.Superset(shards.Intersect(Always).ToHashSet(), Exported(exported, gauges, Staying).ToHashSet());
        // what was counted stays counted
        Assert.NotEqual(0, Sum(exported, "fastconsumer.records.done", Leaving));
        PrometheusText scraped = await _telemetry.ScrapeAsync();
        string[] names = [.. InstrumentCatalog.All.Where(info => gauges.Contains(info.Name)).Select(PrometheusNames.OfExporter)];
        Assert.DoesNotContain(scraped.Samples, sample => names.Contains(sample.Name) && IsOf(sample, Leaving));
        Assert.Contains(scraped.Samples, static sample => sample.Name == "fastconsumer_lag_seconds" && IsOf(sample, Staying));
    }

    /// <summary>Two workers of one application: what the one leaves, the other one shows, and it alone.</summary>
    [Fact]
    public async Task After_a_hand_over_one_worker_exports_a_shard()
    {
        const string Application = "handed-over";
        InMemoryLeaseDatabase leases = new();
        using Observed observed = new(Application);
        await using Consumer first = await RunAsync(Application, observed, leases);
        await using Consumer second = await Consumer.StartAsync(_kinesis, Stream, Application, leases);
        int put = 0;
        await UntilAsync(
            () =>
            {
                _kinesis.Put(Stream, $"key-{put}", $"later {put++}");
                return !second.Done.IsEmpty;
            },
            "No shard was handed over.");

        await first.StopAsync();
        await UntilAsync(
            () => Exported(_telemetry.Export(), "fastconsumer.lag", Application).Length == 2,
            "The second worker does not export both shards.");

        ExportedPoint[] leasesNow = Exported(_telemetry.Export(), "fastconsumer.leases", Application);
        Assert.Equal(2, leasesNow.Select(static point => point.Tags[ShardTelemetry.ShardTag]).Distinct().Count());
        Assert.All(leasesNow, static point => Assert.Equal(1, point.Value));
    }

    /// <summary>Reads all that the stream gets, until each instrument that always has a value has one.</summary>
    private async Task<Consumer> RunAsync(string application, Observed observed, InMemoryLeaseDatabase? leases = null)
    {
        Consumer consumer = await Consumer.StartAsync(_kinesis, Stream, application, leases);
        // a further consumer reads the same records
        if (!_isFilled)
        {
            _isFilled = true;
            for (int i = 0; i < Wanted; i++)
            {
                _kinesis.Put(Stream, $"key-{i}", $"order {i}");
            }

            for (int i = 0; i < 10; i++)
            {
                _kinesis.Put(Stream, $"key-{i}", $"unwanted {i}");
                _kinesis.Put(Stream, $"key-{i}", $"broken {i}");
            }
        }

        await UntilAsync(
            () =>
            {
                observed.Observe();
                return consumer.Done.Count == Wanted && Always.All(observed.Has);
            },
            () => $"{consumer.Done.Count} records were handled; without a value are "
                + $"{string.Join(", ", Always.Where(name => !observed.Has(name)))}.");
        return consumer;
    }

    /// <summary>False for what may be observed once and not again: what holds by chance at one moment.</summary>
    private static bool IsLasting(string instrument) => instrument is not ("fastconsumer.findings" or "fastconsumer.loss.in");

    private static void AssertTags(InstrumentInfo info, IEnumerable<string> tags)
    {
        HashSet<string> allowed = [ShardTelemetry.ApplicationTag, ShardTelemetry.StreamTag, .. info.Tags];
        HashSet<string> required =
            [ShardTelemetry.ApplicationTag, ShardTelemetry.StreamTag, .. info.Tags.Where(static tag => tag != "error.type")];
        if (info.ByShard)
        {
            allowed.Add(ShardTelemetry.ShardTag);
            required.Add(ShardTelemetry.ShardTag);
        }

        HashSet<string> found = [.. tags];
        Assert.Subset(allowed, found);
        Assert.Superset(required, found);
    }

    private static ExportedKind KindOf(InstrumentKind kind) => kind switch
    {
        InstrumentKind.Counter or InstrumentKind.ObservableCounter => ExportedKind.MonotonicSum,
        InstrumentKind.ObservableUpDownCounter => ExportedKind.NonMonotonicSum,
        InstrumentKind.Histogram => ExportedKind.Histogram,
        _ => ExportedKind.Gauge,
    };

    private static string[] Exported(IReadOnlyList<ExportedMetric> metrics, string[] names, string application) =>
        [.. metrics.Where(metric => names.Contains(metric.Name) && metric.Points.Any(point => IsOf(point, application)))
            .Select(static metric => metric.Name)];

    private static ExportedPoint[] Exported(IReadOnlyList<ExportedMetric> metrics, string name, string application) =>
        [.. metrics.Where(metric => metric.Name == name).SelectMany(static metric => metric.Points)
            .Where(point => IsOf(point, application))];

    private static double Sum(IReadOnlyList<ExportedMetric> metrics, string name, string application) =>
        Exported(metrics, name, application).Sum(static point => point.Value);

    private static double Sum(PrometheusText text, string name, string application) =>
        text.Samples.Where(sample => sample.Name == name && IsOf(sample, application)).Sum(static sample => sample.Value);

    private static bool IsOf(ExportedPoint point, string application) => point.Tags[ShardTelemetry.ApplicationTag] == application;

    private static bool IsOf(PrometheusSample sample, string application) =>
        sample.Labels.GetValueOrDefault("fastconsumer_application") == application;

    private static Task UntilAsync(Func<bool> condition, string otherwise) => UntilAsync(condition, () => otherwise);

    private static async Task UntilAsync(Func<bool> condition, Func<string> otherwise)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < s_patience, otherwise());
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}

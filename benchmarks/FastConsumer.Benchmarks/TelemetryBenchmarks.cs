using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Text;
using BenchmarkDotNet.Attributes;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Processors;
using FastConsumer.Reading;

namespace FastConsumer.Benchmarks;

/// <summary>
/// What telemetry costs a page: the calls that a polling reader and one lane make for an answer whose records all succeed. Aimed at: 100 ns
/// without a listener, 2 us with one, and no byte.
/// </summary>
[MemoryDiagnoser(displayGenColumns: false)]
[SuppressMessage("Design", "CA1001", Justification = "The cleanup disposes it.")]
public class TelemetryBenchmarks
{
    private const int Records = 10_000;

    private MeterListener? _listener;
    private ShardTelemetry _shard = null!;
    private ThroughputMeter _intake = null!;
    private ProcessSpans _spans = null!;
    private RecordPage _page = null!;
    private long _heard;

    /// <summary>Whether somebody listens to all instruments.</summary>
    [Params(false, true)]
    public bool Listener { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        if (Listener)
        {
            _listener = new MeterListener
            {
                InstrumentPublished = static (instrument, listener) =>
                {
                    if (instrument.Meter.Name == ConsumerMetrics.MeterName)
                    {
                        listener.EnableMeasurementEvents(instrument);
                    }
                },
            };
            _listener.SetMeasurementEventCallback<int>((_, value, _, _) => _heard += value);
            _listener.SetMeasurementEventCallback<long>((_, value, _, _) => _heard += value);
            _listener.SetMeasurementEventCallback<double>((_, _, _, _) => _heard++);
            _listener.Start();
        }

        _shard = TelemetryParts.CreateTelemetry();
        _intake = new ThroughputMeter(TimeProvider.System);
        _spans = new ProcessSpans(TelemetryParts.Shard, extractor: null, ofRecords: false);
        _page = TelemetryParts.CreatePage(1);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _listener?.Dispose();
        _page.Dispose();
        if (Listener && _heard == 0)
        {
            throw new InvalidOperationException("Nothing was heard: the figures say nothing.");
        }
    }

    /// <summary>All of a page: the reader's part, and the lane's.</summary>
    [Benchmark]
    public void Page()
    {
        Read();
        Run();
    }

    /// <summary>One look at the clock: the page has six of them, eight with a listener.</summary>
    [Benchmark]
    public long Timestamp() => TimeProvider.System.GetTimestamp();

    /// <summary>The reader's part, as in ShardReader, with a lane that is behind.</summary>
    [Benchmark]
    public void Read()
    {
        TimeProvider time = TimeProvider.System;
        _shard.Time.Enter(ShardState.Reading);
        if (_shard.TimesReads)
        {
            _shard.ReadTook(time.GetElapsedTime(time.GetTimestamp()), null);
        }

        _shard.Seconds.Add(Records * 1024L);
        _shard.ReadShare = 1;
        _intake.Add(Records * 1024L, firstArrival: 1, lastArrival: 2);
        _intake.Behind(0);
        _shard.Read(Records, Records * 1024L);
        _shard.Time.Enter(ShardState.Handling);
    }

    /// <summary>The lane's part, as in RecordLane.</summary>
    [Benchmark]
    public void Run()
    {
        TimeProvider time = TimeProvider.System;
        Activity? span = _spans.StartPage(_page, lanes: null, first: 0);
        // with a listener the first record has a run of its own
        bool timesRecords = _shard.TimesRecords;
        for (int run = 0; run < (timesRecords ? 2 : 1); run++)
        {
            TimeSpan took = time.GetElapsedTime(time.GetTimestamp());
            _shard.Processed(took, null);
            if (timesRecords && run == 0)
            {
                _shard.RecordTook(took);
            }
        }

        Tracing.End(span, null);
        _shard.Done(Records);
        _shard.Filtered(0);
    }
}

/// <summary>A page's span while somebody listens, without links and with as many as it has at most: bytes and time.</summary>
[MemoryDiagnoser(displayGenColumns: false)]
[SuppressMessage("Design", "CA1001", Justification = "The cleanup disposes it.")]
public class SpanBenchmarks
{
    private ActivityListener _listener = null!;
    private ProcessSpans _spans = null!;
    private RecordPage _page = null!;

    /// <summary>The links of a span.</summary>
    [Params(0, 1, ProcessSpans.MostLinks)]
    public int Links { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == Tracing.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(_listener);
        _spans = new ProcessSpans(TelemetryParts.Shard, Links == 0 ? null : new Distinct(), ofRecords: false);
        _page = TelemetryParts.CreatePage(Math.Max(1, Links));
        using Activity? span = _spans.StartPage(_page, lanes: null, first: 0);
        if (span?.Links.Count() != Links)
        {
            throw new InvalidOperationException($"The span has {span?.Links.Count()} links instead of {Links}.");
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _listener.Dispose();
        _page.Dispose();
    }

    /// <summary>A span, from its start to its end.</summary>
    [Benchmark]
    public void Span() => Tracing.End(_spans.StartPage(_page, lanes: null, first: 0), null);

    /// <summary>Each record has a producer of its own, whose context costs nothing to find.</summary>
    private sealed class Distinct : ITraceContextExtractor
    {
        private readonly ActivityContext[] _contexts =
        [
            .. Enumerable.Range(0, ProcessSpans.MostLinks).Select(static _ => new ActivityContext(
                ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded, isRemote: true)),
        ];

        public bool TryExtract(KinesisRecord record, out ActivityContext context)
        {
            context = _contexts[record.DataSpan[0]];
            return true;
        }
    }
}

/// <summary>What a shard's telemetry is made of.</summary>
internal static class TelemetryParts
{
    public static ShardContext Shard { get; } = new("Processor", "benchmark", "events", "shardId-000000000000", fencingToken: 1);

    public static ShardTelemetry CreateTelemetry() => new(
        new ConsumerMetrics(new Meters()),
        CallbackGuard.Silent,
        Shard.ApplicationName,
        Shard.StreamName,
        Shard.ShardId,
        TimeProvider.System);

    /// <summary>A page of so many records, at most 128. A record's first byte is its place.</summary>
    public static RecordPage CreatePage(int records)
    {
        byte[] number = Encoding.ASCII.GetBytes("42");
        byte[] bytes = [.. number, .. Enumerable.Range(0, records).Select(static i => (byte)i)];
        RecordEntry[] entries =
        [
            .. Enumerable.Range(0, records).Select(i => new RecordEntry
            {
                DataOffset = number.Length + i,
                DataLength = 1,
                PartitionKeyOffset = 0,
                PartitionKeyLength = number.Length,
                SequenceNumberOffset = 0,
                SequenceNumberLength = number.Length,
                SubSequenceNumber = RecordEntry.NotAggregated,
            }),
        ];
        return new RecordPage(
            new GetRecordsResponse(ResponseBuffer.Wrap(bytes), entries, records, entriesArePooled: false), new NoReservation());
    }

    private sealed class NoReservation : IDisposable
    {
        public void Dispose()
        {
        }
    }

    private sealed class Meters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(options);

        public void Dispose()
        {
        }
    }
}

using System.Diagnostics.Metrics;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Processors;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Tests.Dispatch;

public sealed class RecordLaneTests : IDisposable
{
    private readonly ShardProgress _progress = new(CheckpointPosition.TrimHorizon, static () => { });
    private readonly CountingPipeline _pipeline = new();
    private readonly RecordLane _lane;

    public RecordLaneTests()
    {
        var failures = new FailurePolicy(
            Pages.Shard, new Backoff(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1), new Random(1)), TimeProvider.System,
            Pages.Telemetry, new Findings(TimeProvider.System), NullLogger.Instance);
        _lane = new RecordLane(
            _pipeline,
            new RecordCursor(Pages.Shard, _progress, recordsPerCheckpoint: 1000), _progress, failures, TimeProvider.System,
            Pages.Telemetry);
    }

    public void Dispose() => _progress.Dispose();

    [Fact]
    public void The_way_through_lane_and_progress_allocates_per_page_and_never_per_record()
    {
        Run(10, count: 10);
        Run(100, count: 10_000);
        long small = Run(20_000, count: 10);
        long large = Run(30_000, count: 10_000);
        Assert.Equal(10 + 10 + 10_000 + 10_000, _pipeline.Records);
        Assert.True(large <= small + 64, $"10 records: {small} bytes, 10,000 records: {large} bytes.");
        Assert.InRange(small, 0, 2048);
    }

    [Fact]
    public void A_meter_listener_costs_no_byte_of_a_page_or_record()
    {
        Run(10, count: 10);
        long unheard = Run(100, count: 10_000);
        long heard = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == ConsumerMetrics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref heard, value));
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref heard));
        listener.Start();
        Run(20_000, count: 10);
        Run(30_000, count: 10_000);
        Interlocked.Exchange(ref heard, 0);
        long small = Run(50_000, count: 10);
        long large = Run(60_000, count: 10_000);
        Assert.True(Interlocked.Read(ref heard) > 20_000, "Nothing was measured: the test says nothing.");
        Assert.Equal(small, large);
        Assert.Equal(unheard, large);
    }

    [Fact]
    public async Task A_stop_ends_the_page_between_two_records_although_nobody_told_the_cursor()
    {
        using var stop = new CancellationTokenSource();
        _pipeline.FailAt = 3;
        _pipeline.OnFailure = stop.Cancel;
        await _lane.RunAsync(Pages.Page(100, 10), stop.Token, CancellationToken.None);
        Assert.Equal(3, _pipeline.Records);
        Assert.Equal(1, _pipeline.Failures);
        Assert.Equal(Pages.At(102), _progress.Done);
    }

    [Fact]
    public async Task A_barrier_is_reached_behind_the_records_before_it()
    {
        var barrier = new CheckpointBarrier(CheckpointPosition.ShardEnd, lanes: 1);
        await _lane.RunAsync(Pages.Page(100, 10), CancellationToken.None, CancellationToken.None);
        Assert.False(barrier.Reached.IsCompleted);
        await _lane.RunAsync(barrier, CancellationToken.None, CancellationToken.None);
        Assert.True(barrier.Reached.IsCompleted);
    }

    private long Run(int first, int count)
    {
        RecordPage page = Pages.Page(first, count);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ValueTask run = _lane.RunAsync(page, CancellationToken.None, CancellationToken.None);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(run.IsCompletedSuccessfully);
        Assert.True(page.IsDone);
        return allocated;
    }

    /// <summary>As the generator writes a synchronous handler of raw bytes.</summary>
    private sealed class CountingPipeline : RecordPipeline
    {
        public int Records { get; private set; }

        public long Bytes { get; private set; }

        public int Failures { get; private set; }

        public int FailAt { get; set; } = -1;

        public Action OnFailure { get; set; } = static () => { };

        public override ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken)
        {
            while (cursor.MoveNext())
            {
                ReadOnlySpan<byte> payload = cursor.Current.DataSpan;
                cursor.EnterHandler();
                if (Records == FailAt)
                {
                    Failures++;
                    OnFailure();
                    throw new InvalidOperationException("It fails.");
                }

                Records++;
                Bytes += payload.Length + cursor.Context.Attempt;
                cursor.Complete();
            }

            return default;
        }
    }
}

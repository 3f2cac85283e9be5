using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Processors;
using FastConsumer.Timing;

namespace FastConsumer.Dispatch;

/// <summary>
/// Several lanes of one shard, each running its records in order beside the others. The records of a partition key (or, without
/// an order, any record) go to one lane as long as one of them is under way; keys that are not under way go to the lane
/// with the least to do. Invariants: two records of a key are never in two lanes; no more than the bound of records lie
/// behind the contiguous run of finished ones, plus one page.
/// </summary>
internal sealed class ParallelLanes : Lane
{
    /// <summary>
    /// The most records behind the contiguous run of finished ones before another page is taken: what a crash repeats, and what a lane that
    /// waits for a retry lets pass.
    /// </summary>
    public const int MaxRecordsInFlight = 10_000;

    /// <summary>
    /// Of processors with state, which has a stripe for each bucket: fewer, since each stripe takes memory. See
    /// <see cref="ProcessorState.Divide"/>.
    /// </summary>
    public const int BucketsPerLaneWithState = 8;

    private const int BucketsPerLane = 64;

    /// <summary>How often it is looked whether the lanes are at rest.</summary>
    private static readonly TimeSpan s_drainLook = TimeSpan.FromMilliseconds(5);

    private readonly RecordLane[] _lanes;
    private readonly Channel<LaneItem>[] _queues;
    private readonly bool _keepsKeys;
    private readonly IShardProgress _progress;
    private readonly ShardTelemetry _telemetry;
    private readonly int[] _heads;
    private readonly int[] _tails;
    private readonly long[] _given;

    // by bucket of keys; the last one stands for records that keep no order
    private readonly int[] _started;
    private readonly int[] _finished;
    private readonly int[] _inPage;
    private readonly int[] _laneOf;

    // held while a page is given to the lanes; null where none waits for the lanes to come to rest
    private readonly Lock _giving = new();
    private Drain? _drain;

    private readonly Lock _failing = new();
    private ExceptionDispatchInfo? _failure;
    private CancellationTokenSource? _ending;
    private Task _running = Task.CompletedTask;

    /// <param name="lanes">The lanes.</param>
    /// <param name="order">What is kept in order.</param>
    /// <param name="progress">Knows what is done.</param>
    /// <param name="telemetry">The shard's figures.</param>
    /// <param name="stripes">The stripes of the processor's state, which are the buckets then; null for none.</param>
    public ParallelLanes(
        RecordLane[] lanes, RecordOrder order, IShardProgress progress, ShardTelemetry telemetry, int? stripes = null)
    {
        _lanes = lanes;
        _keepsKeys = order == RecordOrder.PartitionKey;
        _progress = progress;
        _telemetry = telemetry;
        _queues = [.. lanes.Select(
            static _ => Channel.CreateUnbounded<LaneItem>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true }))];
        _heads = new int[lanes.Length];
        _tails = new int[lanes.Length];
        _given = new long[lanes.Length];
        int buckets = stripes ?? lanes.Length * BucketsPerLane;
        _started = new int[buckets + 1];
        _finished = new int[buckets + 1];
        _inPage = new int[buckets + 1];
        _laneOf = new int[buckets + 1];
    }

    /// <summary>The record that an operator has decided to leave out; null for none.</summary>
    public Redrive? Redrive { get; init; }

    public override int Count => _lanes.Length;

    /// <summary>How many lanes were given more than they have completed.</summary>
    public override int Busy => _lanes.Select((lane, i) => Volatile.Read(ref _given[i]) > lane.Completed).Count(static busy => busy);

    private int Unordered => _started.Length - 1;

    /// <summary>
    /// True where each lane has finished what it was given, or waits: for a retry, or for a checkpoint. A lane that waits is not waited
    /// for, since that could last for ever. Nothing is given meanwhile.
    /// </summary>
    private bool AreAtRest
    {
        get
        {
            if (_running.IsCompleted)
            {
                return true;
            }

            int open = 0;
            for (int lane = 0; lane < _lanes.Length; lane++)
            {
                open += _lanes[lane].Completed == _given[lane] || _lanes[lane].WaitsForRetry ? 0 : 1;
            }

            return open <= _progress.Waiting;
        }
    }

    public override CancellationToken Start(CancellationToken stop, CancellationToken abort)
    {
        _ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        CancellationToken ending = _ending.Token;
        _running = Task.WhenAll(
            Enumerable.Range(0, _lanes.Length).Select(lane => ApartTask.Start(() => RunLaneAsync(lane, ending, abort))));
        return ending;
    }

    public override async ValueTask EndAsync()
    {
        if (_ending is null)
        {
            return;
        }

        RequestStop();
        await _ending.CancelApartAsync();
        await _running;
        _ending.Dispose();
        _failure?.Throw();
    }

    public override async Task<IDisposable?> DrainAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        var drain = new Drain(this);
        lock (_giving)
        {
            _drain = drain;
        }

        try
        {
            while (!AreAtRest)
            {
                await ApartTask.DelayAsync(s_drainLook, time, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
            }

            return drain;
        }
        catch
        {
            drain.Dispose();
            throw;
        }
    }

    public override void RequestStop()
    {
        foreach (RecordLane lane in _lanes)
        {
            lane.RequestStop();
        }
    }

    /// <summary>Gives the barrier to every lane, behind the records before it, and waits until all have reached it.</summary>
    protected override async ValueTask RunBarrierAsync(CheckpointBarrier barrier, CancellationToken stop, CancellationToken abort)
    {
        foreach (Channel<LaneItem> queue in _queues)
        {
            queue.Writer.TryWrite(barrier);
        }

        await WaitAsync(barrier.Reached, stop);
    }

    /// <summary>Gives the page's records to the lanes, and waits until another page may follow.</summary>
    protected override async ValueTask RunPageAsync(LaneItem item, CancellationToken stop, CancellationToken abort)
    {
        RecordPage page = item.Page!;
        if (page.Count == 0)
        {
            _progress.Dispatched(page);
            _telemetry.Done(_progress.Advance());
            return;
        }

        while (!TryGive(page, out Task drained))
        {
            await WaitAsync(drained, stop);
            if (stop.IsCancellationRequested)
            {
                // it was not dispatched: whoever owns the shard next reads it
                page.Dispose();
                return;
            }
        }

        if (_progress.InFlight >= MaxRecordsInFlight)
        {
            await WaitAsync(_progress.WhenInFlightAsync(MaxRecordsInFlight / 2), stop);
        }
    }

    private static async ValueTask WaitAsync(Task task, CancellationToken stop)
    {
        try
        {
            await task.WaitAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // the caller looks at the token
        }
    }

    private bool TryGive(RecordPage page, out Task drained)
    {
        lock (_giving)
        {
            drained = _drain?.Over ?? Task.CompletedTask;
            if (_drain is not null)
            {
                return false;
            }

            Distribute(page);
            return true;
        }
    }

    private void Distribute(RecordPage page)
    {
        int count = page.Count;
        bool leavesOut = page.HasAhead;
        PageLanes links = page.OpenLanes(_finished);
        Array.Fill(_heads, PageLanes.End);
        if (_keepsKeys)
        {
            for (int i = 0; i < count; i++)
            {
                if (leavesOut && page.IsAhead(i))
                {
                    continue;
                }

                int bucket = Fnv1a.BucketOf(page.Response.GetPartitionKeyUtf8(i), Unordered);
                links.SetBucket(i, bucket);
                _inPage[bucket]++;
            }
        }

        for (int i = 0; i < count; i++)
        {
            if (leavesOut && page.IsAhead(i))
            {
                // done in an earlier run, with its effects
                links.LeaveOut(i);
                continue;
            }

            int lane = _keepsKeys ? LaneFor(links.BucketOf(i)) : LeastLoaded();
            if (!_keepsKeys)
            {
                links.SetBucket(i, Unordered);
                _given[lane]++;
            }

            if (_heads[lane] == PageLanes.End)
            {
                _heads[lane] = i;
            }
            else
            {
                links.Link(_tails[lane], i);
            }

            _tails[lane] = i;
        }

        for (int lane = 0; lane < _lanes.Length; lane++)
        {
            if (_heads[lane] != PageLanes.End)
            {
                links.Link(_tails[lane], PageLanes.End);
            }
        }

        bool isDone = links.IsFinished;
        if (isDone)
        {
            // it is not looked at any more, whatever stands before it
            page.Finish();
        }

        _progress.Dispatched(page);
        if (isDone)
        {
            _telemetry.Done(_progress.Advance());
            return;
        }

        for (int lane = 0; lane < _lanes.Length; lane++)
        {
            if (_heads[lane] != PageLanes.End)
            {
                // from the first one on the page may be done and returned at any time
                _queues[lane].Writer.TryWrite(LaneItem.Of(page, _heads[lane]));
            }
        }
    }

    /// <summary>The lane of a bucket in this page, chosen at its first record there for all of them.</summary>
    private int LaneFor(int bucket)
    {
        int inPage = _inPage[bucket];
        if (inPage == 0)
        {
            return _laneOf[bucket];
        }

        _inPage[bucket] = 0;
        if (Volatile.Read(ref _finished[bucket]) == _started[bucket])
        {
            _laneOf[bucket] = LeastLoaded();
        }

        // counts wrap around alike
        _started[bucket] = unchecked(_started[bucket] + inPage);
        _given[_laneOf[bucket]] += inPage;
        return _laneOf[bucket];
    }

    private int LeastLoaded()
    {
        int least = 0;
        long load = long.MaxValue;
        for (int lane = 0; lane < _lanes.Length; lane++)
        {
            long left = _given[lane] - _lanes[lane].Completed;
            if (left < load)
            {
                least = lane;
                load = left;
            }
        }

        return least;
    }

    private async Task RunLaneAsync(int lane, CancellationToken ending, CancellationToken abort)
    {
        try
        {
            while (await WaitForItemAsync(_queues[lane].Reader, ending))
            {
                while (!ending.IsCancellationRequested && _queues[lane].Reader.TryRead(out LaneItem item))
                {
                    await _lanes[lane].RunAsync(item, ending, abort);
                }
            }
        }
        catch (Exception e)
        {
            lock (_failing)
            {
                // those of other lanes were told to the log, or are what follows from this one
                _failure ??= ExceptionDispatchInfo.Capture(e);
            }

            await RedriveAsync(lane, ending);
            RequestStop();
            await _ending!.CancelApartAsync();
        }
    }

    /// <summary>
    /// Where a lane stops behind the record that is to be left out, that one's lane gets there first: else a shard with two such records
    /// would stop at either, again and again, whichever is decided about.
    /// </summary>
    private async ValueTask RedriveAsync(int stopped, CancellationToken ending)
    {
        if (Redrive is { } redrive && _lanes[stopped].Failing > redrive.Position)
        {
            await WaitAsync(redrive.Done, ending);
        }
    }

    private static async ValueTask<bool> WaitForItemAsync(ChannelReader<LaneItem> queue, CancellationToken ending)
    {
        try
        {
            return await queue.WaitToReadAsync(ending);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>No page is given to the lanes until this is disposed.</summary>
    private sealed class Drain(ParallelLanes lanes) : IDisposable
    {
        private readonly TaskCompletionSource _over = ApartTask.Completion();

        public Task Over => _over.Task;

        public void Dispose()
        {
            lock (lanes._giving)
            {
                if (lanes._drain == this)
                {
                    lanes._drain = null;
                }
            }

            _over.TrySetResult();
        }
    }
}

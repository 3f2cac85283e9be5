using System.Runtime.CompilerServices;
using System.Threading.Channels;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.Reading;
using FastConsumer.Timing;

namespace FastConsumer.Dispatch;

/// <summary>How a shard's dispatch ended.</summary>
internal enum DispatchEnd
{
    /// <summary>A stop was requested; what was started is finished.</summary>
    Stopped,

    /// <summary>The shard is closed, and all of its records are done.</summary>
    ShardEnded,
}

/// <summary>Brings what a reader passes on to the shard's lane or lanes, and the shard's end as a barrier behind the last record.</summary>
internal sealed class ShardDispatcher
{
    private readonly ShardContext _shard;
    private readonly ShardPipeline _pipeline;
    private readonly Lane _lane;
    private readonly IShardProgress _progress;
    private readonly FailurePolicy _failures;
    private readonly TimeProvider _time;

    public ShardDispatcher(
        ShardContext shard, ShardPipeline pipeline, Lane lane, IShardProgress progress, FailurePolicy failures, TimeProvider time)
    {
        _shard = shard;
        _pipeline = pipeline;
        _lane = lane;
        _progress = progress;
        _failures = failures;
        _time = time;
    }

    /// <summary>Holds pages up where too many outputs wait for their sinks; null for none.</summary>
    public Func<CancellationToken, ValueTask>? WhenRoom { get; init; }

    /// <summary>The shard's children, after <see cref="DispatchEnd.ShardEnded"/>.</summary>
    public IReadOnlyList<ChildShard> Children { get; private set; } = [];

    /// <summary>Runs until the shard's end or a stop.</summary>
    /// <param name="input">What the reader passes on; what is left in it at a stop was never dispatched.</param>
    /// <param name="stop">No further record may start.</param>
    /// <param name="abort">The running handler is to end: the lease is lost, or the time for a graceful stop is over.</param>
    public async Task<DispatchEnd> RunAsync(ChannelReader<ReadItem> input, CancellationToken stop, CancellationToken abort)
    {
        using CancellationTokenRegistration registration = stop.UnsafeRegister(static lane => ((Lane)lane!).RequestStop(), _lane);
        if (!await _failures.RunAsync("OnShardStarted", () => _pipeline.ShardStartedAsync(_shard, abort), stop, abort))
        {
            return DispatchEnd.Stopped;
        }

        CancellationToken ending = _lane.Start(stop, abort);
        try
        {
            return await DispatchAsync(input, ending, abort);
        }
        finally
        {
            await _lane.EndAsync();
        }
    }

    private async ValueTask<DispatchEnd> DispatchAsync(ChannelReader<ReadItem> input, CancellationToken stop, CancellationToken abort)
    {
        while (!stop.IsCancellationRequested && await WaitToReadAsync(input, stop, abort))
        {
            while (!stop.IsCancellationRequested && input.TryRead(out ReadItem item))
            {
                if (item.Page is not null)
                {
                    if (WhenRoom is not null && !await HasRoomAsync(WhenRoom, stop))
                    {
                        item.Page.Dispose();
                        return DispatchEnd.Stopped;
                    }

                    _progress.Prepare(item.Page);
                    await _lane.RunAsync(item.Page, stop, abort);
                }
                else
                {
                    return await EndShardAsync(item.Children!, stop, abort);
                }
            }
        }

        // the reader's failure, where it has one, is this one's too
        if (!stop.IsCancellationRequested)
        {
            await input.Completion;
        }

        return DispatchEnd.Stopped;
    }

    /// <summary>False where a stop comes first.</summary>
    private static async ValueTask<bool> HasRoomAsync(Func<CancellationToken, ValueTask> whenRoom, CancellationToken stop)
    {
        try
        {
            await whenRoom(stop);
            return true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private async ValueTask<DispatchEnd> EndShardAsync(IReadOnlyList<ChildShard> children, CancellationToken stop, CancellationToken abort)
    {
        var barrier = new CheckpointBarrier(CheckpointPosition.ShardEnd, _lane.Count);
        await _lane.RunAsync(barrier, stop, abort);
        if (!barrier.Reached.IsCompleted
            || !await _failures.RunAsync("OnShardEnded", () => _pipeline.ShardEndedAsync(_shard, abort), stop, abort))
        {
            return DispatchEnd.Stopped;
        }

        _progress.Reached(barrier);
        Children = children;
        return DispatchEnd.ShardEnded;
    }

    /// <summary>Waits for the next item; where the lane has lost its patience first, lets it run what it has collected.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> WaitToReadAsync(ChannelReader<ReadItem> input, CancellationToken stop, CancellationToken abort)
    {
        try
        {
            Task<bool>? ready = null;
            while (_lane.Patience is TimeSpan patience)
            {
                if (patience == TimeSpan.Zero)
                {
                    await _lane.FlushAsync(stop, abort);
                    stop.ThrowIfCancellationRequested();
                    continue;
                }

                ready ??= HasMoreAsync(input, stop);
                await ApartTask.WaitAsync(ready, patience, _time, stop);
                if (ready.IsCompleted)
                {
                    return await ready;
                }

                // a delay ends at once with the stop, the wait for more a moment later: without this, the loop would spin until then
                stop.ThrowIfCancellationRequested();
            }

            return ready is null ? await input.WaitToReadAsync(stop) : await ready;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>A task that ends on the worker's scheduler, as <see cref="ValueTask{T}.AsTask"/> of a channel's does not.</summary>
    private static async Task<bool> HasMoreAsync(ChannelReader<ReadItem> input, CancellationToken stop) =>
        await input.WaitToReadAsync(stop);
}

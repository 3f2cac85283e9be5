namespace FastConsumer.Dispatch;

/// <summary>
/// A queue of a shard's records, run in order, one at a time; or several of them behind one face. A lane knows two kinds of
/// items, records and barriers; when it reaches a barrier, all records that it was given before are done.
/// </summary>
internal abstract class Lane
{
    /// <summary>How many lanes a barrier goes through.</summary>
    public virtual int Count => 1;

    /// <summary>How many of them have records to run, where there are several; else the caller knows.</summary>
    public virtual int Busy => 0;

    /// <summary>
    /// Before the first item. The token it returns ends with <paramref name="stop"/>, or when a lane beside the caller has failed.
    /// </summary>
    public virtual CancellationToken Start(CancellationToken stop, CancellationToken abort) => stop;

    /// <summary>After the last item: waits until nothing runs any more, and throws what has ended a lane beside the caller.</summary>
    /// <exception cref="ShardStoppedException">The shard is to stop in front of a record.</exception>
    public virtual ValueTask EndAsync() => default;

    /// <summary>
    /// Runs an item to its end, or gives it to the lanes. Returns early, without an exception, where a stop was requested.
    /// </summary>
    /// <exception cref="ShardStoppedException">The shard is to stop in front of a record.</exception>
    public ValueTask RunAsync(LaneItem item, CancellationToken stop, CancellationToken abort) =>
        item.Page is null ? RunBarrierAsync(item.Barrier!, stop, abort) : RunPageAsync(item, stop, abort);

    /// <summary>How long the lane may wait for the next item; null for as long as it takes.</summary>
    public virtual TimeSpan? Patience => null;

    /// <summary>Runs what was collected and waits for company.</summary>
    public virtual ValueTask FlushAsync(CancellationToken stop, CancellationToken abort) => default;

    /// <summary>
    /// Waits until every lane has finished what it was given, or waits itself, and gives them no page until the answer is disposed. The
    /// default is nothing: a single lane is between two calls whenever it is outside of the gate. One caller at a time.
    /// </summary>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait; pages are given to the lanes again.</param>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public virtual Task<IDisposable?> DrainAsync(TimeProvider time, CancellationToken cancellationToken) =>
        Task.FromResult<IDisposable?>(null);

    /// <summary>No further record may start; the one that runs goes on.</summary>
    public abstract void RequestStop();

    /// <summary>Gives pooled memory back.</summary>
    public virtual void Release()
    {
    }

    protected abstract ValueTask RunPageAsync(LaneItem item, CancellationToken stop, CancellationToken abort);

    protected virtual async ValueTask RunBarrierAsync(CheckpointBarrier barrier, CancellationToken stop, CancellationToken abort)
    {
        await FlushAsync(stop, abort);
        if (!stop.IsCancellationRequested)
        {
            barrier.Arrive();
        }
    }
}

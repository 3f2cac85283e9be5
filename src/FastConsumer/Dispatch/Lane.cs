namespace FastConsumer.Dispatch;

/// <summary>
/// A queue of a shard's records, run in order, one at a time. A lane knows two kinds of items, records and barriers; when it
/// reaches a barrier, all records that it was given before are done.
/// </summary>
internal abstract class Lane
{
    /// <summary>Runs an item to its end. Returns early, without an exception, where a stop was requested.</summary>
    /// <exception cref="ShardStoppedException">A record can never succeed.</exception>
    public async ValueTask RunAsync(LaneItem item, CancellationToken stop, CancellationToken abort)
    {
        if (item.Page is not null)
        {
            await RunPageAsync(item.Page, stop, abort).ConfigureAwait(false);
            return;
        }

        await FlushAsync(stop, abort).ConfigureAwait(false);
        if (!stop.IsCancellationRequested)
        {
            item.Barrier!.Arrive();
        }
    }

    /// <summary>How long the lane may wait for the next item; null for as long as it takes.</summary>
    public virtual TimeSpan? Patience => null;

    /// <summary>Runs what was collected and waits for company.</summary>
    public virtual ValueTask FlushAsync(CancellationToken stop, CancellationToken abort) => default;

    /// <summary>No further record may start; the one that runs goes on.</summary>
    public abstract void RequestStop();

    /// <summary>Gives pooled memory back.</summary>
    public virtual void Release()
    {
    }

    protected abstract ValueTask RunPageAsync(Processors.RecordPage page, CancellationToken stop, CancellationToken abort);
}

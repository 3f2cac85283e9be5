using FastConsumer.Diagnostics;
using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>
/// Collects records over pages until the batch is full or its first record has waited long enough, then runs the batch until
/// all of it is done. What <see cref="BatchContext.Fail"/> named is tried again alone, in order.
/// </summary>
internal sealed class BatchLane(
    BatchPipeline pipeline,
    RecordCursor cursor,
    IShardProgress progress,
    FailurePolicy failures,
    ShardContext shard,
    int recordsPerCheckpoint,
    TimeProvider time,
    ConsumerMetrics metrics,
    ShardTags tags) : Lane
{
    private long _firstCollected;
    private long _sinceCheckpoint;

    public override TimeSpan? Patience
    {
        get
        {
            if (pipeline.Count == 0)
            {
                return null;
            }

            TimeSpan rest = pipeline.Limits.MaxWait - time.GetElapsedTime(_firstCollected);
            return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
        }
    }

    public override void RequestStop() => cursor.RequestStop();

    public override void Release() => pipeline.Release();

    public override async ValueTask FlushAsync(CancellationToken stop, CancellationToken abort)
    {
        if (pipeline.Count == 0 || stop.IsCancellationRequested)
        {
            return;
        }

        int count = pipeline.Count;
        for (int attempt = 1; ; attempt++)
        {
            var context = new BatchContext(shard, pipeline, progress, attempt);
            Exception? thrown = await InvokeAsync(context, abort).ConfigureAwait(false);
            int[] left = Left(context, thrown);
            if (left.Length == 0)
            {
                break;
            }

            pipeline.MarkDone(left[0]);
            pipeline.Keep(left);
            (RecordPage page, int index) = pipeline.RecordAt(0);
            await failures.WaitToRetryAsync(thrown ?? context.Failures[left[0]], page.PositionOf(index), attempt, inHandler: true, stop).ConfigureAwait(false);
            if (stop.IsCancellationRequested)
            {
                return;
            }
        }

        failures.Succeeded();
        pipeline.MarkDone(pipeline.Count);
        pipeline.Clear();
        _sinceCheckpoint += count;
        if (recordsPerCheckpoint > 0 && _sinceCheckpoint >= recordsPerCheckpoint)
        {
            _sinceCheckpoint = 0;
            progress.RequestCheckpoint();
        }

        metrics.Done(tags, progress.Advance());
    }

    protected override async ValueTask RunPageAsync(RecordPage page, CancellationToken stop, CancellationToken abort)
    {
        progress.Dispatched(page);
        if (page.Count == 0 && pipeline.Count == 0)
        {
            // nothing that waits for company stands before it, so its end is reached
            metrics.Done(tags, progress.Advance());
            return;
        }

        cursor.Open(page);
        while (!cursor.AtEnd && !cursor.StopRequested && !stop.IsCancellationRequested)
        {
            Exception? unreadable = null;
            bool wasEmpty = pipeline.Count == 0;
            try
            {
                pipeline.Collect(cursor);
            }
            catch (Exception e) when (FailurePolicy.Takes(e, abort))
            {
                unreadable = e;
            }

            if (wasEmpty && pipeline.Count > 0)
            {
                _firstCollected = time.GetTimestamp();
            }

            // what stands before an unreadable record is done first, so that the checkpoint reaches up to it
            if (unreadable is not null || pipeline.IsFull || !cursor.AtEnd)
            {
                await FlushAsync(stop, abort).ConfigureAwait(false);
            }

            if (unreadable is not null && !stop.IsCancellationRequested)
            {
                await failures.WaitToRetryAsync(unreadable, page.PositionOf(cursor.Index), cursor.Attempt, inHandler: false, stop).ConfigureAwait(false);
                cursor.NextAttempt();
            }
        }
    }

    private async ValueTask<Exception?> InvokeAsync(BatchContext context, CancellationToken abort)
    {
        try
        {
            await pipeline.InvokeAsync(context, abort).ConfigureAwait(false);
            return null;
        }
        catch (Exception e) when (FailurePolicy.Takes(e, abort))
        {
            return e;
        }
    }

    /// <summary>
    /// The records to run again. A call that threw may have left out any record, so all are, whatever it named before; only
    /// what it has checkpointed is done for good.
    /// </summary>
    private int[] Left(BatchContext context, Exception? thrown)
    {
        if (thrown is not null)
        {
            if (context.Acknowledged == pipeline.Count)
            {
                SayFailedAfterCheckpoint(pipeline.Count - 1, thrown);
            }

            return [.. Enumerable.Range(context.Acknowledged, pipeline.Count - context.Acknowledged)];
        }

        foreach ((int index, Exception failure) in context.Failures)
        {
            if (index < context.Acknowledged)
            {
                SayFailedAfterCheckpoint(index, failure);
            }
        }

        return [.. context.Failures.Keys.Where(index => index >= context.Acknowledged)];
    }

    private void SayFailedAfterCheckpoint(int index, Exception failure)
    {
        (RecordPage page, int inPage) = pipeline.RecordAt(index);
        failures.FailedAfterCheckpoint(failure, page.PositionOf(inPage));
    }
}

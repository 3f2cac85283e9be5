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
    private readonly List<(RecordPage Page, int End)> _ends = [];
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
        if (pipeline.Count == 0)
        {
            return;
        }

        RememberEnds();
        int count = pipeline.Count;
        for (int attempt = 1; ; attempt++)
        {
            var context = new BatchContext(shard, pipeline, progress, attempt);
            Exception? failure = await InvokeAsync(context, abort).ConfigureAwait(false);
            if (failure is null)
            {
                break;
            }

            if (context.Failures is { Count: > 0 } failed)
            {
                pipeline.MarkDone(failed.Keys.First());
                pipeline.Keep([.. failed.Keys]);
            }

            (RecordPage page, int index) = pipeline.RecordAt(0);
            await failures.WaitToRetryAsync(failure, page.PositionOf(index), attempt, inHandler: true, stop).ConfigureAwait(false);
            if (stop.IsCancellationRequested)
            {
                return;
            }
        }

        failures.Succeeded();
        foreach ((RecordPage page, int end) in _ends)
        {
            page.MarkDone(end);
        }

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
        while (!cursor.AtEnd && !cursor.StopRequested)
        {
            Exception? unreadable = null;
            bool wasEmpty = pipeline.Count == 0;
            try
            {
                pipeline.Collect(cursor);
            }
            catch (Exception e) when (!abort.IsCancellationRequested)
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

            if (unreadable is not null && !cursor.StopRequested)
            {
                await failures.WaitToRetryAsync(unreadable, page.PositionOf(cursor.Index), cursor.Attempt, inHandler: false, stop).ConfigureAwait(false);
                cursor.NextAttempt();
            }
        }
    }

    /// <summary>Null where the call succeeded for every record; else why it is to be repeated.</summary>
    private async ValueTask<Exception?> InvokeAsync(BatchContext context, CancellationToken abort)
    {
        try
        {
            await pipeline.InvokeAsync(context, abort).ConfigureAwait(false);
        }
        catch (Exception e) when (!abort.IsCancellationRequested)
        {
            if (context.Acknowledged && context.Failures is null)
            {
                (RecordPage page, int index) = pipeline.RecordAt(pipeline.Count - 1);
                failures.FailedAfterCheckpoint(e, page.PositionOf(index));
                return null;
            }

            return e;
        }

        return context.Failures is { Count: > 0 } failed ? failed.Values.First() : null;
    }

    /// <summary>Where the batch ends in each of its pages: what a partial failure leaves out is done up to there in the end.</summary>
    private void RememberEnds()
    {
        _ends.Clear();
        for (int i = 0; i < pipeline.Count; i++)
        {
            (RecordPage page, int index) = pipeline.RecordAt(i);
            if (_ends.Count > 0 && ReferenceEquals(_ends[^1].Page, page))
            {
                _ends[^1] = (page, index + 1);
            }
            else
            {
                _ends.Add((page, index + 1));
            }
        }
    }
}

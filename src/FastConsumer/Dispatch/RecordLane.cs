using FastConsumer.Diagnostics;
using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>Runs records one by one. A failed record is tried again; none after it starts before it is done.</summary>
internal sealed class RecordLane(RecordPipeline pipeline, RecordCursor cursor, IShardProgress progress, FailurePolicy failures, ConsumerMetrics metrics, ShardTags tags) : Lane
{
    public override void RequestStop() => cursor.RequestStop();

    protected override async ValueTask RunPageAsync(RecordPage page, CancellationToken stop, CancellationToken abort)
    {
        progress.Dispatched(page);
        cursor.Open(page);
        int failedAt = -1;
        try
        {
            while (!cursor.AtEnd && !cursor.StopRequested && !stop.IsCancellationRequested)
            {
                try
                {
                    await pipeline.RunAsync(cursor, abort).ConfigureAwait(false);
                }
                catch (Exception e) when (FailurePolicy.Takes(e, abort))
                {
                    if (page.Done > cursor.Index)
                    {
                        failures.FailedAfterCheckpoint(e, page.PositionOf(cursor.Index));
                        cursor.Complete();
                    }
                    else
                    {
                        failedAt = cursor.Index;
                        await failures.WaitToRetryAsync(e, page.PositionOf(cursor.Index), cursor.Attempt, cursor.HandlerStarted, stop).ConfigureAwait(false);
                        cursor.NextAttempt();
                        cursor.EndBehindCurrent();
                    }
                }

                if (failedAt >= 0 && cursor.Index > failedAt)
                {
                    failedAt = -1;
                    failures.Succeeded();
                    cursor.EndWithPage();
                }
            }
        }
        finally
        {
            metrics.Done(tags, progress.Advance());
        }
    }
}

using FastConsumer.Diagnostics;
using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>Runs records one by one. None after a failed record starts before that is done: tried again, or left out as its rule says.</summary>
internal sealed class RecordLane(RecordPipeline pipeline, RecordCursor cursor, IShardProgress progress, FailurePolicy failures, ConsumerMetrics metrics, ShardTags tags) : Lane
{
    /// <summary>How many records the lane has completed.</summary>
    public long Completed => cursor.Completed;

    public override void RequestStop() => cursor.RequestStop();

    protected override async ValueTask RunPageAsync(LaneItem item, CancellationToken stop, CancellationToken abort)
    {
        RecordPage page = item.Page!;
        if (page.Lanes is { } lanes)
        {
            cursor.Open(page, lanes, item.First);
        }
        else
        {
            progress.Dispatched(page);
            cursor.Open(page);
        }

        int failedAt = -1;
        try
        {
            while (!cursor.AtEnd && !cursor.StopRequested && !stop.IsCancellationRequested)
            {
                try
                {
                    await pipeline.RunAsync(cursor, abort);
                }
                catch (Exception e) when (FailurePolicy.Takes(e, abort))
                {
                    if (page.IsRecordDone(cursor.Index))
                    {
                        failures.FailedAfterCheckpoint(e, page.PositionOf(cursor.Index));
                        cursor.Complete();
                    }
                    else
                    {
                        failedAt = cursor.Index;
                        await TakeCareAsync(e, page.PositionOf(cursor.Index), stop, abort);
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
            metrics.Filtered(tags, cursor.TakeFiltered());
        }
    }

    private async ValueTask TakeCareAsync(Exception error, CheckpointPosition position, CancellationToken stop, CancellationToken abort)
    {
        FailureDecision decision = failures.Decide(error, pipeline.RuleFor(error, cursor.Handler), position, cursor.Attempt, cursor.HandlerStarted);
        if (decision.Action == ErrorAction.Retry)
        {
            await failures.WaitAsync(decision.Wait, stop);
            cursor.NextAttempt();
            cursor.EndBehindCurrent();
        }
        else if (await failures.LeaveOutAsync(decision.Action, error, cursor.Current, cursor.Attempt, stop, abort))
        {
            cursor.Complete();
        }
    }
}

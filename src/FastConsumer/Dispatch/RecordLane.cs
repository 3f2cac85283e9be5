using System.Diagnostics;
using FastConsumer.Diagnostics;
using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>
/// Runs records one by one. None after a failed record starts before that is done: tried again, or left out as its rule says.
/// </summary>
internal sealed class RecordLane(
    RecordPipeline pipeline,
    RecordCursor cursor,
    IShardProgress progress,
    FailurePolicy failures,
    TimeProvider time,
    ShardTelemetry telemetry,
    ProcessSpans? spans = null) : Lane
{
    /// <summary>How many records the lane has completed.</summary>
    public long Completed => cursor.Completed;

    /// <summary>True while it does nothing but wait until a record is tried again.</summary>
    public bool WaitsForRetry => failures.IsWaiting;

    /// <summary>The record that it fails on; null for none.</summary>
    public CheckpointPosition? Failing => failures.Failing;

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
            // a handler that waits for a checkpoint has marked its record done, and still looks at it
            page.Pin();
            progress.Dispatched(page);
            cursor.Open(page);
        }

        bool isPinned = page.Lanes is null;

        int failedAt = -1;
        int decidedAt = failures.Redrive is { } redrive ? redrive.IndexIn(page) : -1;
        int timedAt = -1;
        if (telemetry.TimesRecords && !cursor.AtEnd)
        {
            timedAt = cursor.Index;
            cursor.EndBehindCurrent();
        }

        bool tracesRecords = spans is { OfRecords: true };
        Activity? span = spans?.StartPage(page, item.Page!.Lanes, cursor.Index);
        Exception? failure = null;
        try
        {
            while (!cursor.AtEnd && !cursor.StopRequested && !stop.IsCancellationRequested)
            {
                if (cursor.IsHeldUp)
                {
                    await cursor.WaitUntilHeldAsync(stop);
                    timedAt = -1;
                    ResumeRun(failedAt);
                    continue;
                }

                if (decidedAt >= 0)
                {
                    if (cursor.Index == decidedAt)
                    {
                        if (await failures.LeaveOutDecidedAsync(cursor.Current, stop, abort))
                        {
                            failures.Redrive!.Complete(cursor);
                            decidedAt = -1;
                            cursor.EndWithPage();
                            await PassAsync(page, stop, abort);
                        }

                        continue;
                    }

                    decidedAt = cursor.Index > decidedAt ? -1 : decidedAt;
                    if (decidedAt < 0 && failedAt < 0)
                    {
                        cursor.EndWithPage();
                    }
                    else if (decidedAt >= 0)
                    {
                        cursor.EndBefore(decidedAt);
                    }
                }

                if (tracesRecords)
                {
                    cursor.EndBehindCurrent();
                }

                using Activity? recordSpan = tracesRecords ? spans!.StartRecord(cursor.Current) : null;
                failures.Calls.Enter("the handler", cursor);
                long since = telemetry.IsOff ? 0 : time.GetTimestamp();
                bool endsEarly = false;
                try
                {
                    ValueTask run = pipeline.RunAsync(cursor, abort);
                    endsEarly = cursor.ReturnsAtOnce(run.IsCompleted);
                    await run;
                    failures.Calls.Leave();
                    Took(since, timedAt, null);
                    Tracing.End(recordSpan, null);
                }
                catch (Exception e) when (FailurePolicy.Takes(e, abort) && pipeline.State is not { IsClosed: true })
                {
                    failures.Calls.Leave();
                    Took(since, -1, e);
                    Tracing.End(recordSpan, e);
                    failure = e;
                    pipeline.State?.EndAttempt(cursor);
                    if (page.IsRecordDone(cursor.Index))
                    {
                        failures.FailedAfterCheckpoint(e, page.PositionOf(cursor.Index));
                        cursor.Complete();
                    }
                    else
                    {
                        failedAt = cursor.Index;
                        await TakeCareAsync(e, page, stop, abort);
                    }
                }

                if (endsEarly)
                {
                    cursor.LookAtEach();
                    ResumeRun(failedAt);
                }

                if (failedAt >= 0 && cursor.Index > failedAt)
                {
                    failedAt = -1;
                    failures.Succeeded();
                    cursor.EndWithPage();
                }
                else if (failedAt < 0 && timedAt >= 0)
                {
                    cursor.EndWithPage();
                }

                timedAt = -1;
            }

            if (cursor.AtEnd)
            {
                // what was filtered, and what the reader left out
                await failures.PassAsync(pipeline.Transactions, page.End, stop, abort);
            }
        }
        finally
        {
            failures.Calls.Leave();
            Tracing.End(span, failure);
            telemetry.Done(progress.Advance());
            telemetry.Filtered(cursor.TakeFiltered());
            if (isPinned)
            {
                page.Unpin();
            }
        }
    }

    private void Took(long since, int timedAt, Exception? error)
    {
        if (telemetry.IsOff)
        {
            return;
        }

        TimeSpan took = time.GetElapsedTime(since);
        telemetry.Processed(took, error);
        if (timedAt >= 0 && cursor.Index > timedAt)
        {
            telemetry.RecordTook(took);
        }
    }

    /// <summary>The run was ended for a look at the lease: it goes on as far as it was to go.</summary>
    private void ResumeRun(int failedAt)
    {
        if (failedAt >= 0 && cursor.Index == failedAt)
        {
            cursor.EndBehindCurrent();
        }
        else
        {
            cursor.EndWithPage();
        }
    }

    /// <summary>What stands before the cursor is done; at the page's end, the page's end says so.</summary>
    private ValueTask PassAsync(RecordPage page, CancellationToken stop, CancellationToken abort) =>
        pipeline.Transactions is { } transactions && !cursor.AtEnd
            ? failures.PassAsync(transactions, page.PositionOf(cursor.Index - 1), stop, abort)
            : default;

    private async ValueTask TakeCareAsync(Exception error, RecordPage page, CancellationToken stop, CancellationToken abort)
    {
        CheckpointPosition position = page.PositionOf(cursor.Index);
        if (await failures.IsCommittedAsync(pipeline.Transactions, position, stop, abort) is not false and var isCommitted)
        {
            if (isCommitted is true)
            {
                failures.FailedAfterCheckpoint(error, position);
                cursor.Complete();
            }

            return;
        }

        FailureDecision decision = failures.Decide(
            error, pipeline.RuleFor(error, cursor.Handler), position, cursor.Attempt, cursor.HandlerStarted);
        if (decision.Action == ErrorAction.Retry)
        {
            await failures.WaitAsync(decision.Wait, stop);
            cursor.NextAttempt();
            cursor.EndBehindCurrent();
        }
        else if (await failures.LeaveOutAsync(decision.Action, error, cursor.Current, cursor.Attempt, stop, abort))
        {
            cursor.Complete();
            await PassAsync(page, stop, abort);
        }
    }
}

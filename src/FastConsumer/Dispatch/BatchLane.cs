using System.Diagnostics;
using System.Runtime.InteropServices;
using FastConsumer.Diagnostics;
using FastConsumer.Outputs;
using FastConsumer.Processors;

namespace FastConsumer.Dispatch;

/// <summary>
/// Collects records over pages until the batch is full or its first record has waited long enough, then runs the batch until
/// all of it is done. What <see cref="BatchContext.Fail"/> named goes through the error policy alone, in order.
/// </summary>
internal sealed class BatchLane(
    BatchPipeline pipeline,
    RecordCursor cursor,
    IShardProgress progress,
    FailurePolicy failures,
    ShardContext shard,
    int recordsPerCheckpoint,
    TimeProvider time,
    ShardTelemetry telemetry,
    CallbackGuard? guard = null,
    ProcessSpans? spans = null) : Lane
{
    private long _firstCollected;
    private long _sinceCheckpoint;
    private readonly List<RecordPage> _pinned = [];
    private CheckpointPosition _pageEnd;

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

    public override void Release()
    {
        pipeline.Release();
        Unpin(null);
    }

    public override async ValueTask FlushAsync(CancellationToken stop, CancellationToken abort)
    {
        if (pipeline.Count == 0 || stop.IsCancellationRequested)
        {
            return;
        }

        int count = pipeline.Count;
        for (int attempt = 1; ; attempt++)
        {
            await cursor.WaitUntilHeldAsync(stop);
            if (stop.IsCancellationRequested)
            {
                return;
            }

            var context = new BatchContext(shard, pipeline, progress, attempt);
            pipeline.State?.Begin(context, pipeline);
            using Activity? span = spans?.StartBatch(pipeline);
            long since = time.GetTimestamp();
            Exception? thrown = await InvokeAsync(context, abort) ?? Complete(context);
            Tracing.End(span, thrown);
            telemetry.Processed(time.GetElapsedTime(since), thrown);
            context.Close();
            pipeline.State?.EndAttempt();
            (List<int> left, TimeSpan wait) = thrown is null
                ? await SettleFailuresAsync(context, attempt, stop, abort)
                : await SettleThrownAsync(thrown, context, attempt, stop, abort);
            if (left.Count == 0)
            {
                break;
            }

            pipeline.MarkDone(left[0]);
            pipeline.Keep(CollectionsMarshal.AsSpan(left));
            await failures.WaitAsync(wait, stop);
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

        telemetry.Done(progress.Advance());
        Unpin(cursor.AtEnd ? null : cursor.Page);
        await PassPageAsync(stop, abort);
    }

    protected override async ValueTask RunPageAsync(LaneItem item, CancellationToken stop, CancellationToken abort)
    {
        RecordPage page = item.Page!;
        // its records are in a batch, or looked at, when they are done already
        page.Pin();
        _pinned.Add(page);
        progress.Dispatched(page);
        _pageEnd = page.End;
        if (page.Count == 0 && pipeline.Count == 0)
        {
            // nothing that waits for company stands before it, so its end is reached
            telemetry.Done(progress.Advance());
            Unpin(null);
            await failures.PassAsync(pipeline.Transactions, _pageEnd, stop, abort);
            return;
        }

        cursor.Open(page);
        int decidedAt = failures.Redrive is { } redrive ? redrive.IndexIn(page) : -1;
        int leftOutAt = page.NextAhead(0);
        if (pipeline.Count > 0 && !cursor.AtEnd && pipeline.State is { Outputs: { Count: > 0 } outputs }
            && !OutputTurns.AreAlike(outputs, RecordAt(pipeline.Count - 1).Position, page.PositionOf(cursor.Index)))
        {
            await FlushAsync(stop, abort);
        }

        int turnAt = NextTurn(page);
        LimitRun(decidedAt, leftOutAt, turnAt);
        while (!cursor.AtEnd && !cursor.StopRequested && !stop.IsCancellationRequested)
        {
            if (cursor.IsHeldUp)
            {
                await cursor.WaitUntilHeldAsync(stop);
                LimitRun(decidedAt, leftOutAt, turnAt);
                continue;
            }

            if (cursor.Index >= turnAt)
            {
                // what stands before it is done: no run goes beyond it
                turnAt = NextTurn(page);
                LimitRun(decidedAt, leftOutAt, turnAt);
            }

            if (cursor.Index == leftOutAt)
            {
                // done in an earlier run, with its effects; what stands before it is done first, which it is not part of
                await FlushAsync(stop, abort);
                if (!stop.IsCancellationRequested)
                {
                    int behind = leftOutAt;
                    while (page.IsAhead(behind))
                    {
                        behind++;
                    }

                    page.MarkDone(behind);
                    cursor.TakeUpTo(behind);
                    leftOutAt = page.NextAhead(behind);
                    LimitRun(decidedAt, leftOutAt, turnAt);
                }

                continue;
            }

            if (cursor.Index == decidedAt)
            {
                // what stands before it is done first, as before an unreadable record
                await FlushAsync(stop, abort);
                CheckpointPosition decided = page.PositionOf(decidedAt);
                if (!stop.IsCancellationRequested && await failures.LeaveOutDecidedAsync(cursor.Current, stop, abort))
                {
                    failures.Redrive!.Complete(cursor);
                    telemetry.Done(progress.Advance());
                    await failures.PassAsync(pipeline.Transactions, decided, stop, abort);
                    decidedAt = -1;
                    LimitRun(decidedAt, leftOutAt, turnAt);
                }

                continue;
            }

            Exception? unreadable = null;
            bool wasEmpty = pipeline.Count == 0;
            failures.Calls.Enter("reading the payload", cursor);
            try
            {
                pipeline.Collect(cursor);
            }
            catch (Exception e) when (FailurePolicy.Takes(e, abort))
            {
                unreadable = e;
            }
            finally
            {
                failures.Calls.Leave();
            }

            if (wasEmpty && pipeline.Count > 0)
            {
                _firstCollected = time.GetTimestamp();
            }

            // what stands before an unreadable record is done first, so that the checkpoint reaches up to it
            if (unreadable is not null || pipeline.IsFull || !cursor.AtEnd)
            {
                await FlushAsync(stop, abort);
            }

            if (unreadable is not null && !stop.IsCancellationRequested)
            {
                await TakeCareAsync(unreadable, page.PositionOf(cursor.Index), stop, abort);
            }
        }

        telemetry.Filtered(cursor.TakeFiltered());
        if (pipeline.Count == 0)
        {
            // what was left out behind the last batch
            telemetry.Done(progress.Advance());
            Unpin(cursor.AtEnd ? null : page);
            await PassPageAsync(stop, abort);
        }
    }

    /// <summary>Nothing of these pages is in a batch any more.</summary>
    private void Unpin(RecordPage? except)
    {
        foreach (RecordPage page in _pinned)
        {
            if (page != except)
            {
                page.Unpin();
            }
        }

        _pinned.RemoveAll(page => page != except);
    }

    /// <summary>
    /// Where the next batch has to begin: its outputs are new where those of the records before it are in the sink already, or the other
    /// way round. Else a value about a batch would be about records that a value in the sink is about.
    /// </summary>
    private int NextTurn(RecordPage page) => !cursor.AtEnd && pipeline.State is { Outputs: { Count: > 0 } outputs }
        ? OutputTurns.NextIn(page, cursor.Index, outputs)
        : page.Count;

    /// <summary>The next run goes to the page's end, or ends before a record that is left out, or that begins a batch.</summary>
    private void LimitRun(int decidedAt, int leftOutAt, int turnAt)
    {
        cursor.EndWithPage();
        cursor.EndBefore(turnAt);
        cursor.EndBefore(decidedAt >= 0 ? Math.Min(decidedAt, leftOutAt) : leftOutAt);
    }

    /// <summary>Where nothing waits for company, the end of a page that was read to its end is reached.</summary>
    private ValueTask PassPageAsync(CancellationToken stop, CancellationToken abort) => pipeline.Count == 0 && cursor.AtEnd
        ? failures.PassAsync(pipeline.Transactions, _pageEnd, stop, abort)
        : default;

    /// <summary>A payload that cannot be read goes through the policy alone, before the batch that it would have been in.</summary>
    private async ValueTask TakeCareAsync(
        Exception unreadable, CheckpointPosition position, CancellationToken stop, CancellationToken abort)
    {
        FailureDecision decision = failures.Decide(unreadable, pipeline.RuleFor(unreadable, 0), position, cursor.Attempt, inHandler: false);
        if (decision.Action == ErrorAction.Retry)
        {
            await failures.WaitAsync(decision.Wait, stop);
            cursor.NextAttempt();
        }
        else if (await failures.LeaveOutAsync(decision.Action, unreadable, cursor.Current, cursor.Attempt, stop, abort))
        {
            cursor.Complete();
            failures.Succeeded();
            await failures.PassAsync(pipeline.Transactions, position, stop, abort);
        }
    }

    private async ValueTask<Exception?> InvokeAsync(BatchContext context, CancellationToken abort)
    {
        failures.Calls.Enter("the handler", position: RecordAt(0).Position);
        try
        {
            if (pipeline.Timeout is not TimeSpan longest)
            {
                await pipeline.InvokeAsync(context, abort);
                return null;
            }

            using var timeout = new CallTimeout(longest, time, abort, guard);
            try
            {
                await pipeline.InvokeAsync(context, timeout.Token);
                return null;
            }
            catch (OperationCanceledException e) when (timeout.IsOver)
            {
                return timeout.Exceeded(e);
            }
        }
        catch (Exception e) when (FailurePolicy.Takes(e, abort) && pipeline.State is not { IsClosed: true })
        {
            return e;
        }
        finally
        {
            failures.Calls.Leave();
        }
    }

    /// <summary>The call has succeeded: its effects are applied, and its records are done. What the state refuses fails the call.</summary>
    private StateUnreadableException? Complete(BatchContext context)
    {
        try
        {
            pipeline.State?.Complete(context, pipeline);
            return null;
        }
        catch (StateUnreadableException e)
        {
            return e;
        }
    }

    /// <summary>
    /// A call that threw may have left out any record, so its rule is that of all of them, whatever it named before; only what it
    /// has checkpointed is done for good. Returns what is to run again.
    /// </summary>
    private async ValueTask<(List<int> Left, TimeSpan Wait)> SettleThrownAsync(
        Exception thrown, BatchContext context, int attempt, CancellationToken stop, CancellationToken abort)
    {
        int first = context.Acknowledged;
        if (first == pipeline.Count)
        {
            SayFailedAfterCheckpoint(pipeline.Count - 1, thrown);
            return ([], default);
        }

        if (pipeline.Transactions is { } transactions
            && await failures.IsCommittedAsync(transactions, pipeline.EndPosition, stop, abort) is not false and var isCommitted)
        {
            if (isCommitted is true)
            {
                SayFailedAfterCheckpoint(pipeline.Count - 1, thrown);
                return ([], default);
            }

            return ([.. Enumerable.Range(first, pipeline.Count - first)], default);
        }

        FailureDecision decision = failures.Decide(thrown, pipeline.RuleFor(thrown, 0), RecordAt(first).Position, attempt, inHandler: true);
        CheckpointPosition? passed = null;
        while (decision.Action != ErrorAction.Retry && first < pipeline.Count
            && await failures.LeaveOutAsync(decision.Action, thrown, RecordAt(first), attempt, stop, abort))
        {
            passed = RecordAt(first).Position;
            pipeline.MarkDone(++first);
        }

        if (passed is { } position)
        {
            await failures.PassAsync(pipeline.Transactions, position, stop, abort);
        }

        return ([.. Enumerable.Range(first, pipeline.Count - first)], decision.Wait);
    }

    /// <summary>Each record that the call named goes through the policy alone; the others are done. Returns what is to run again.</summary>
    private async ValueTask<(List<int> Left, TimeSpan Wait)> SettleFailuresAsync(
        BatchContext context, int attempt, CancellationToken stop, CancellationToken abort)
    {
        List<int> left = [];
        TimeSpan wait = default;
        foreach ((int index, Exception failure) in context.Failures)
        {
            if (index < context.Acknowledged)
            {
                SayFailedAfterCheckpoint(index, failure);
                continue;
            }

            if (left.Count == 0)
            {
                // where the shard stops here, all before it counts
                pipeline.MarkDone(index);
            }

            FailureDecision decision = failures.Decide(
                failure, pipeline.RuleFor(failure, 0), RecordAt(index).Position, attempt, inHandler: true);
            if (decision.Action == ErrorAction.Retry)
            {
                wait = decision.Wait > wait ? decision.Wait : wait;
                left.Add(index);
            }
            else if (!await failures.LeaveOutAsync(decision.Action, failure, RecordAt(index), attempt, stop, abort))
            {
                left.Add(index);
            }
            else if (left.Count > 0 && pipeline.State is not null)
            {
                // else it is done with those before it; where it is not in the checkpoint, it is handled again
                pipeline.MarkDoneAhead(index);
            }
        }

        return (left, wait);
    }

    private KinesisRecord RecordAt(int index)
    {
        (RecordPage page, int inPage) = pipeline.RecordAt(index);
        return new KinesisRecord(page.Response, inPage);
    }

    private void SayFailedAfterCheckpoint(int index, Exception failure) =>
        failures.FailedAfterCheckpoint(failure, RecordAt(index).Position);
}

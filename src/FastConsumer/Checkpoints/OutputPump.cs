using FastConsumer.Processors;
using FastConsumer.State;
using FastConsumer.Timing;

namespace FastConsumer.Checkpoints;

/// <summary>
/// Brings the outputs of a shard to one sink. It cuts off what waits, together with what is done, and writes it; what comes meanwhile waits
/// for the next cut, so a slow sink gets more at a time.
/// </summary>
/// <remarks>
/// What must hold: cuts are written in their order, each until it is there; and a flush returns only when the outputs of all records that
/// were done when it was called are there.
/// </remarks>
internal sealed class OutputPump
{
    /// <summary>With so many values waiting, no further page is handed out.</summary>
    private const int MostWaiting = 10_000;

    /// <summary>Values that come within this time go together.</summary>
    private static readonly TimeSpan s_linger = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private readonly AsyncSignal _wanted = new();
    private readonly AsyncSignal _hurry = new();
    private readonly ProcessorState _state;
    private readonly OutputTarget _target;
    private readonly int[] _numbers;
    private readonly TimeProvider _time;
    private readonly Backoff _backoff;
    private readonly OutputEvents _events;
    private List<TaskCompletionSource> _flushes = [];
    private TaskCompletionSource? _room;
    private Exception? _end;

    /// <param name="state">Whose outputs they are.</param>
    /// <param name="target">The sink.</param>
    /// <param name="numbers">The outputs' numbers in <see cref="ProcessorState.Outputs"/>, in the order of the target's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="backoff">Waits between tries.</param>
    /// <param name="events">Told what becomes of the values.</param>
    public OutputPump(
        ProcessorState state,
        OutputTarget target,
        int[] numbers,
        TimeProvider time,
        Backoff backoff,
        OutputEvents events)
    {
        _state = state;
        _target = target;
        _numbers = numbers;
        _time = time;
        _backoff = backoff;
        _events = events;
        state.Limit(numbers, target.MostValues);
        foreach (int number in numbers)
        {
            state.Outputs[number].Come = _wanted.Set;
        }
    }

    public OutputTarget Target => _target;

    public IEnumerable<OutputFeed> Feeds => _numbers.Select(number => _state.Outputs[number]);

    /// <summary>Runs until the token ends it, or the sink refuses this owner.</summary>
    public async Task RunAsync(ShardProgress progress, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await _wanted.WaitAsync(Timeout.InfiniteTimeSpan, _time, cancellationToken);
                if (!IsFlushWanted)
                {
                    await _hurry.WaitAsync(s_linger, _time, cancellationToken);
                }

                await WriteAsync(progress, cancellationToken);
            }
        }
        catch (Exception e)
        {
            End(e);
            throw;
        }
    }

    /// <summary>Returns when the outputs of all records that are done now are in the sink.</summary>
    public Task FlushAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource flush = ApartTask.Completion();
        lock (_lock)
        {
            if (_end is not null)
            {
                return Task.FromException(_end);
            }

            _flushes.Add(flush);
        }

        _wanted.Set();
        _hurry.Set();
        return flush.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Returns when few enough values wait.</summary>
    public async ValueTask WhenRoomAsync(CancellationToken cancellationToken)
    {
        while (_state.WaitingOutputs(_numbers) >= MostWaiting)
        {
            Task room;
            lock (_lock)
            {
                if (_end is not null)
                {
                    return;
                }

                room = (_room ??= ApartTask.Completion()).Task;
            }

            // what was written before the wait was noted is not told of
            if (_state.WaitingOutputs(_numbers) >= MostWaiting)
            {
                _hurry.Set();
                await room.WaitAsync(cancellationToken);
            }
        }
    }

    private bool IsFlushWanted
    {
        get
        {
            lock (_lock)
            {
                return _flushes.Count > 0;
            }
        }
    }

    private async Task WriteAsync(ShardProgress progress, CancellationToken cancellationToken)
    {
        List<TaskCompletionSource> flushes;
        lock (_lock)
        {
            (flushes, _flushes) = (_flushes, []);
        }

        try
        {
            await WriteAsync(Cut(progress), _target.MostValues, cancellationToken);
        }
        catch
        {
            lock (_lock)
            {
                // whoever waits is told why it ends
                _flushes.AddRange(flushes);
            }

            throw;
        }

        TaskCompletionSource? room;
        lock (_lock)
        {
            (room, _room) = (_room, null);
        }

        room?.TrySetResult();
        flushes.ForEach(static flush => flush.TrySetResult());
    }

    private OutputCut Cut(ShardProgress progress)
    {
        using DoneAtCut done = _state.CutOutputs(_numbers, () => progress.Cut().Done, out OutputValues[] values);
        // the runs are read where they are to be written
        return new OutputCut(
            [.. values.Cast<PositionedValues>()],
            done.Position,
            values.Any(static value => value.Count > 0) ? done.ReadRuns() : DoneRuns.None);
    }

    private async Task WriteAsync(OutputCut cut, int most, CancellationToken cancellationToken)
    {
        foreach (OutputCut part in OutputDivision.Of(cut, most))
        {
            await WriteAsync(part, cancellationToken);
        }
    }

    private async Task WriteAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        int failures = 0;
        // of each value, and without a name of those that the sink does not name
        var rejections = new Dictionary<(string? Output, OutputPlace Place), int>();
        while (cut.Count > 0)
        {
            try
            {
                await SendAsync(cut, cancellationToken);
                Written(cut.Count);
                return;
            }
            catch (RejectedOutputException e) when (!cancellationToken.IsCancellationRequested)
            {
                if (e.Index is null && OutputDivision.Of(cut, (cut.Count + 1) / 2) is { Count: > 1 } parts)
                {
                    // until the record, or the batch, is alone whose value the sink does not name
                    foreach (OutputCut part in parts)
                    {
                        await WriteAsync(part, cancellationToken);
                    }

                    return;
                }

                if (WaitAfter(cut, e, rejections) is { } wait)
                {
                    await RetryAsync(e, ++failures, wait, cancellationToken);
                    continue;
                }

                cut = await LeaveOutAsync(cut, e, cancellationToken);
                failures = 0;
                // the next value that is refused without a name has its own tries
                rejections.Remove(default);
            }
            catch (Exception e) when (IsPassing(e, cancellationToken))
            {
                await RetryAsync(e, ++failures, _backoff.Next(), cancellationToken);
            }
        }

        // all of it was left out
        Written(0);
    }

    /// <summary>Calls the sink, unless the shard is another's by now.</summary>
    private Task SendAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        // a wait that the token ends does not throw, and a sink need not look at the token
        cancellationToken.ThrowIfCancellationRequested();
        return _target.WriteAsync(cut, cancellationToken);
    }

    private void Written(int values)
    {
        _backoff.Reset();
        _events.Written(_target, values);
    }

    private static bool IsPassing(Exception error, CancellationToken cancellationToken) =>
        error is not (SinkPositionException or NotCheckpointedException) && !cancellationToken.IsCancellationRequested;

    private async Task RetryAsync(Exception error, int failures, TimeSpan wait, CancellationToken cancellationToken)
    {
        _events.Failed(_target, error, failures, wait);
        await ApartTask.DelayAsync(wait, _time, cancellationToken);
    }

    /// <summary>What the rule says of a value that the sink refuses: the wait before the next try, or null for Skip.</summary>
    /// <exception cref="NotCheckpointedException">The shard is to stop.</exception>
    private TimeSpan? WaitAfter(
        OutputCut cut, RejectedOutputException rejected, Dictionary<(string? Output, OutputPlace Place), int> rejections)
    {
        ThrowIfOfNoValue(cut, rejected);
        (string? Output, OutputPlace Place) value = rejected.Index is { } index ? Find(cut, index) : default;
        int count = rejections[value] = rejections.GetValueOrDefault(value) + 1;
        ErrorRule? rule = _events.RuleFor(rejected);
        ErrorAction action = rule?.Action ?? ErrorAction.Stop;
        if (action == ErrorAction.Retry)
        {
            if (rule!.MaxAttempts <= 0 || count < rule.MaxAttempts)
            {
                return _backoff.After(count, rule.InitialBackoff, rule.MaxBackoff);
            }

            action = rule.Then;
        }

        if (action == ErrorAction.Skip)
        {
            return null;
        }

        if (action == ErrorAction.StopHost)
        {
            _events.StopHost(_target, Find(cut, rejected.Index ?? 0).Place, rejected);
        }

        throw new NotCheckpointedException(
            $"{_target.Description} will never take {Describe(cut, rejected.Index)}: {rejected.Message} "
                + (action == ErrorAction.DeadLetter ? "Dead letters are records, and this one is done. " : "")
                + "It is not left out. Correct the processor or the sink and restart: records since the last checkpoint are handled again. "
                + "[OnError(typeof(RejectedOutputException), ErrorAction.Skip)] on the class leaves such values out.",
            rejected);
    }

    /// <summary>The values that the sink refuses, for a message.</summary>
    private string Describe(OutputCut cut, int? index)
    {
        (string output, OutputPlace first) = Find(cut, index ?? 0);
        if (index is not null || cut.Count == 1)
        {
            return $"value {first.Number} of the output '{output}' for record {first.Position}";
        }

        // a unit of OutputDivision: in the order of the records, not of the outputs
        CheckpointPosition[] records = [.. Enumerable.Range(0, cut.Count).Select(i => Find(cut, i).Place.Position)];
        return $"one of {cut.Count} values for "
            + (records.Min() == records.Max() ? $"record {records[0]}" : $"the records {records.Min()} to {records.Max()} of a batch")
            + ", and does not say which";
    }

    private void ThrowIfOfNoValue(OutputCut cut, RejectedOutputException rejected)
    {
        if (rejected.Index is { } index && (index < 0 || index >= cut.Count))
        {
            throw _target.OfNoValue(rejected, $"{cut.Count}");
        }
    }

    /// <summary>
    /// Leaves out a value that the sink refuses, and returns what is still to be written. Where the sink does not say which it is, the
    /// record or batch is tried without each of them, until one such try is taken. Where none is, the first value is left out without
    /// which the sink names another one: that is then a matter of its own. Where it names none, all are left out.
    /// </summary>
    private async Task<OutputCut> LeaveOutAsync(OutputCut cut, RejectedOutputException rejected, CancellationToken cancellationToken)
    {
        if (rejected.Index is { } index)
        {
            return LeaveOut(cut, index, rejected);
        }

        int? naming = null;
        for (int i = 0; cut.Count > 1 && i < cut.Count; i++)
        {
            if (await TryWithoutAsync(cut, i, rejected, cancellationToken) is not { } other)
            {
                LeaveOut(cut, i, rejected);
                Written(cut.Count - 1);
                return cut with { Values = [] };
            }

            naming ??= other.Index is null ? null : i;
        }

        if (naming is { } without)
        {
            return LeaveOut(cut, without, rejected);
        }

        while (cut.Count > 0)
        {
            cut = LeaveOut(cut, cut.Count - 1, rejected);
        }

        return cut;
    }

    /// <summary>Writes a cut without one of its values; returns why the sink refuses the others too, or null where it takes them.</summary>
    private async Task<RejectedOutputException?> TryWithoutAsync(
        OutputCut cut, int index, RejectedOutputException rejected, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        OutputCut others = OutputDivision.Without(cut, index);
        (string output, OutputPlace place) = Find(cut, index);
        // once the sink has taken the others, the record's outputs count as written: a crash then must not leave the value untold
        _events.TryWithout(_target, output, place, rejected);
        try
        {
            return await TryAsync(others, cancellationToken);
        }
        catch (Exception e) when (e is not NotCheckpointedException)
        {
            _events.TryUnknown(_target, output, place, e);
            throw;
        }
    }

    /// <summary>Writes a cut; returns why the sink refuses one of its values, or null where it takes them.</summary>
    private async Task<RejectedOutputException?> TryAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        for (int failures = 1; ; failures++)
        {
            try
            {
                await SendAsync(cut, cancellationToken);
                return null;
            }
            catch (RejectedOutputException e) when (!cancellationToken.IsCancellationRequested)
            {
                ThrowIfOfNoValue(cut, e);
                return e;
            }
            catch (Exception e) when (IsPassing(e, cancellationToken))
            {
                await RetryAsync(e, failures, _backoff.Next(), cancellationToken);
            }
        }
    }

    private OutputCut LeaveOut(OutputCut cut, int index, RejectedOutputException rejected)
    {
        (string output, OutputPlace place) = Find(cut, index);
        _events.LeftOut(_target, output, place, rejected);
        return OutputDivision.Without(cut, index);
    }

    private (string Output, OutputPlace Place) Find(OutputCut cut, int index)
    {
        (int output, int at) = OutputDivision.Find(cut, index);
        return (_target.Outputs[output], cut.Values[output].PlaceOf(at));
    }

    private void End(Exception reason)
    {
        List<TaskCompletionSource> flushes;
        TaskCompletionSource? room;
        lock (_lock)
        {
            _end = reason;
            (flushes, _flushes) = (_flushes, []);
            room = _room;
        }

        room?.TrySetResult();
        foreach (TaskCompletionSource flush in flushes)
        {
            flush.TrySetException(reason);
            // whoever asked may have stopped waiting
            _ = flush.Task.Exception;
        }
    }
}

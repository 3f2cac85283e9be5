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
    private readonly Action<OutputTarget, Exception, int, TimeSpan> _failed;
    private readonly Action<OutputTarget> _written;
    private List<TaskCompletionSource> _flushes = [];
    private TaskCompletionSource? _room;
    private Exception? _end;

    /// <param name="state">Whose outputs they are.</param>
    /// <param name="target">The sink.</param>
    /// <param name="numbers">The outputs' numbers in <see cref="ProcessorState.Outputs"/>, in the order of the target's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="backoff">Waits between tries.</param>
    /// <param name="failed">Told of each try that has failed: the error, how many in a row, and the wait.</param>
    /// <param name="written">Told when a try has succeeded.</param>
    public OutputPump(
        ProcessorState state,
        OutputTarget target,
        int[] numbers,
        TimeProvider time,
        Backoff backoff,
        Action<OutputTarget, Exception, int, TimeSpan> failed,
        Action<OutputTarget> written)
    {
        _state = state;
        _target = target;
        _numbers = numbers;
        _time = time;
        _backoff = backoff;
        _failed = failed;
        _written = written;
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
            OutputCut cut = Cut(progress);
            if (cut.Count > 0)
            {
                await WriteAsync(cut, cancellationToken);
            }
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
            values, done.Position, values.Any(static value => value.Count > 0) ? done.ReadRuns() : DoneRuns.None);
    }

    private async Task WriteAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        for (int failures = 0; ; failures++)
        {
            try
            {
                await _target.WriteAsync(cut, cancellationToken);
                _backoff.Reset();
                _written(_target);
                return;
            }
            catch (Exception e) when (e is not SinkPositionException && !cancellationToken.IsCancellationRequested)
            {
                TimeSpan wait = _backoff.Next();
                _failed(_target, e, failures + 1, wait);
                await ApartTask.DelayAsync(wait, _time, cancellationToken);
            }
        }
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

using FastConsumer.Dispatch;
using FastConsumer.Processors;
using FastConsumer.Timing;

namespace FastConsumer.Checkpoints;

/// <summary>
/// How far a shard is: what was dispatched, what is done, what is durable.
/// Invariants: durable &lt;= done &lt;= dispatched, and none ever goes back; done is the end of a contiguous run of finished
/// records; a page's memory is returned exactly once, when its last record is done or the shard is given up.
/// </summary>
internal sealed class ShardProgress : IShardProgress, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Queue<RecordPage> _inFlight = [];
    private readonly List<Waiter> _waiters = [];
    private readonly Action _requestCheckpoint;
    private readonly TimeProvider _time;
    private long _waitsSince;
    private CheckpointPosition _done;
    private CheckpointPosition _durable;
    private long _dispatchedRecords;
    private long _returnedRecords;
    private long _returnedBytes;
    private long _doneRecords;
    private long _countedRecords;
    private int _watchers;
    private int _roomTarget;
    private TaskCompletionSource? _room;
    private Exception? _closed;

    // where there is state: the stream's time with what is done, and with what was dispatched
    private long _doneTime;
    private long _dispatchedTime;
    private DoneRuns _restored = DoneRuns.None;

    // what a store holds behind the durable position
    private DoneRuns _durableRuns = DoneRuns.None;

    /// <param name="start">The lease's checkpoint: done and durable already.</param>
    /// <param name="requestCheckpoint">Called when somebody waits for a checkpoint.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public ShardProgress(CheckpointPosition start, Action requestCheckpoint, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _done = start;
        _durable = start;
        DispatchedPosition = start;
        _requestCheckpoint = requestCheckpoint;
    }

    /// <summary>Why no handler may ask for a checkpoint; null where it may.</summary>
    public string? Refusal { get; init; }

    /// <summary>The state that moves with the records that are done; null for none.</summary>
    public ProcessorState? State { get; init; }

    /// <summary>The stream's time at the start.</summary>
    public long StreamTime
    {
        init => _doneTime = _dispatchedTime = value;
    }

    /// <summary>The records behind the start that are done and have their effects: they are handled no more.</summary>
    public DoneRuns Restored
    {
        init => _restored = _durableRuns = value;
    }

    /// <summary>The last record given to the lanes.</summary>
    public CheckpointPosition DispatchedPosition { get; private set; }

    /// <summary>What a store holds.</summary>
    public CheckpointPosition Durable
    {
        get
        {
            lock (_lock)
            {
                return _durable;
            }
        }
    }

    /// <summary>The end of the contiguous run of finished records.</summary>
    public CheckpointPosition Done
    {
        get
        {
            lock (_lock)
            {
                // a batch finishes several pages before the lane comes back to return them
                foreach (RecordPage page in _inFlight)
                {
                    int done = page.AdvanceDone();
                    if (done > 0)
                    {
                        // of lanes, a page behind an open one may have been returned already
                        MoveDoneInto(page, done);
                    }

                    if (done < page.Count)
                    {
                        break;
                    }
                }

                return _done;
            }
        }
    }

    /// <summary>How long something has been done that is not durable; zero where nothing waits.</summary>
    public TimeSpan CheckpointAge
    {
        get
        {
            lock (_lock)
            {
                return _done > _durable ? _time.GetElapsedTime(_waitsSince) : TimeSpan.Zero;
            }
        }
    }

    /// <summary>When the oldest record that was dispatched and is not done came to the service; null where there is none.</summary>
    public DateTimeOffset? OldestInFlight
    {
        get
        {
            lock (_lock)
            {
                foreach (RecordPage page in _inFlight)
                {
                    int done = page.AdvanceDone();
                    if (done < page.Count)
                    {
                        return DateTimeOffset.FromUnixTimeMilliseconds(page.Response.Entry(done).ArrivalMilliseconds);
                    }
                }

                return null;
            }
        }
    }

    /// <inheritdoc/>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>True where a handler waits for a checkpoint.</summary>
    public bool IsAwaited => Waiting > 0;

    public void Prepare(RecordPage page)
    {
        if (State is null)
        {
            return;
        }

        page.SetStreamTime(_dispatchedTime);
        _dispatchedTime = page.EndStreamTime;
        DoneRuns restored = _restored;
        if (restored.Count > 0 && page.Count > 0 && page.First <= restored.Last)
        {
            for (int i = 0; i < page.Count; i++)
            {
                if (restored.Contains(page.PositionOf(i)))
                {
                    page.MarkDoneAhead(i);
                }
            }
        }
    }

    /// <summary>
    /// Says what is done, while nothing is marked done beside the caller. The caller disposes the answer, before the pages are returned by
    /// <see cref="Dispose"/>.
    /// </summary>
    public (DoneAtCut Done, long StreamTime) Cut()
    {
        lock (_lock)
        {
            List<DoneAtCut.Part> parts = [];
            bool isBehind = false;
            foreach (RecordPage page in _inFlight)
            {
                // asked once: what is left out without effects is marked done beside the gate, so a second answer may be another
                int done = isBehind ? 0 : page.AdvanceDone();
                if (done > 0)
                {
                    MoveDoneInto(page, done);
                }

                if (page.Count > 0 && done < page.Count)
                {
                    parts.Add(page.IsFinished ? new DoneAtCut.Part(page) : new DoneAtCut.Part(page, done));
                    isBehind = true;
                }
            }

            return (new DoneAtCut(_done, _doneTime, parts, _restored), _doneTime);
        }
    }

    public void Dispatched(RecordPage page)
    {
        lock (_lock)
        {
            _inFlight.Enqueue(page);
            _dispatchedRecords += page.Count;
            DispatchedPosition = page.End;
        }
    }

    public int Advance()
    {
        lock (_lock)
        {
            Settle();
            long news = _doneRecords - _countedRecords;
            _countedRecords = _doneRecords;
            return (int)news;
        }
    }

    public int InFlight
    {
        get
        {
            lock (_lock)
            {
                Settle();
                return (int)(_dispatchedRecords - _doneRecords);
            }
        }
    }

    public Task WhenInFlightAsync(int records)
    {
        lock (_lock)
        {
            if (_room is null)
            {
                _room = ApartTask.Completion();
                // before the look at what is done: a lane that finishes meanwhile sees the watcher, or is seen
                Interlocked.Increment(ref _watchers);
            }

            _roomTarget = records;
            Task room = _room.Task;
            Settle();
            MakeRoom();
            return room;
        }
    }

    public void Completed(RecordPage page, int index)
    {
        PageLanes lanes = page.Lanes!;
        lanes.MarkDone(index);
        if (lanes.Finish(index))
        {
            lock (_lock)
            {
                page.Finish();
            }
        }
        else if (index != page.Done)
        {
            // behind an open record: it moves nothing
            return;
        }

        if (Volatile.Read(ref _watchers) > 0)
        {
            Watch();
        }
    }

    public void Reached(CheckpointBarrier barrier)
    {
        lock (_lock)
        {
            MoveDone(barrier.Position, _dispatchedTime);
        }
    }

    public void RequestCheckpoint() => _requestCheckpoint();

    public async ValueTask CheckpointAsync(RecordPage page, int index, int attempt, CancellationToken cancellationToken)
    {
        if (Refusal is not null)
        {
            throw new InvalidOperationException(Refusal);
        }

        // before the record is marked done, after which its page may be returned
        var waiter = new Waiter(page.PositionOf(index));
        if (State is not null && Volatile.Read(ref _closed) is null)
        {
            // outside of the lock, which is taken while the gate of the state is closed
            State.Acknowledge(page, index, attempt);
        }

        lock (_lock)
        {
            if (_closed is not null)
            {
                throw _closed;
            }

            if (State is null)
            {
                page.Acknowledge(index);
            }

            if (waiter.Position <= _durable || _durableRuns.Contains(waiter.Position))
            {
                return;
            }

            _waiters.Add(waiter);
            Interlocked.Increment(ref _watchers);
        }

        _requestCheckpoint();
        try
        {
            await waiter.Durable.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (_closed is LeaseLostException lost)
        {
            // the handler's token is cancelled for the same reason; the reason is the better answer
            throw lost;
        }
    }

    /// <summary>A checkpoint at this position is durable.</summary>
    /// <param name="position">Up to where all records are done.</param>
    /// <param name="runs">The records behind it that are done, where they are durable too.</param>
    public void MadeDurable(CheckpointPosition position, DoneRuns? runs = null)
    {
        List<Waiter> served;
        lock (_lock)
        {
            if (position > _durable)
            {
                _durable = position;
                // what has been done since waits since now at the latest, which is as exact as the interval of checkpoints
                _waitsSince = _time.GetTimestamp();
            }

            _durableRuns = runs ?? _durableRuns;
            served = _waiters.FindAll(waiter => waiter.Position <= _durable || _durableRuns.Contains(waiter.Position));
            Interlocked.Add(ref _watchers, -served.Count);
            _waiters.RemoveAll(served.Contains);
        }

        served.ForEach(static waiter => waiter.Durable.SetResult());
    }

    /// <summary>No checkpoint will be written any more: whoever waits for one, or asks for one later, is told why.</summary>
    public void Close(Exception reason)
    {
        List<Waiter> waiters;
        lock (_lock)
        {
            _closed ??= reason;
            waiters = [.. _waiters];
            Interlocked.Add(ref _watchers, -_waiters.Count);
            _waiters.Clear();
        }

        waiters.ForEach(waiter => waiter.Durable.SetException(_closed));
    }

    /// <summary>Bytes of payload in the pages that are done.</summary>
    public long DoneBytes => Interlocked.Read(ref _returnedBytes);

    /// <summary>Returns the pages that are left. Only after the last handler has returned.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (State is not null)
            {
                // nothing runs any more, so this is what the last checkpoint says
                using DoneAtCut done = Cut().Done;
                _restored = done.ReadRuns();
            }

            while (_inFlight.TryDequeue(out RecordPage? page))
            {
                page.Dispose();
            }
        }
    }

    /// <summary>Under the lock: returns the finished pages at the head, and counts what is done contiguously.</summary>
    private void Settle()
    {
        while (_inFlight.TryPeek(out RecordPage? page) && page.IsFinished)
        {
            _inFlight.Dequeue();
            MoveDone(page.End, page.EndStreamTime);
            _returnedRecords += page.Count;
            Interlocked.Add(ref _returnedBytes, page.Response.PayloadBytes);
            page.Dispose();
        }

        _doneRecords = _returnedRecords + (_inFlight.TryPeek(out RecordPage? head) ? head.AdvanceDone() : 0);
    }

    /// <summary>Under the lock: tells the one who waits for room.</summary>
    private void MakeRoom()
    {
        if (_room is not null && _dispatchedRecords - _doneRecords <= _roomTarget)
        {
            _room.SetResult();
            _room = null;
            Interlocked.Decrement(ref _watchers);
        }
    }

    /// <summary>A record that others wait for may be done: room for another page, or a checkpoint.</summary>
    private void Watch()
    {
        bool due;
        lock (_lock)
        {
            Settle();
            MakeRoom();
            due = _waiters.Count > 0 && IsReached(_waiters, Done);
        }

        if (due)
        {
            _requestCheckpoint();
        }
    }

    // apart, so that nothing is allocated for the comparison while nobody waits
    private static bool IsReached(List<Waiter> waiters, CheckpointPosition done) => waiters.Exists(waiter => waiter.Position <= done);

    private void MoveDoneInto(RecordPage page, int done)
    {
        if (done == page.Count)
        {
            MoveDone(page.End, page.EndStreamTime);
        }
        else
        {
            MoveDone(page.PositionOf(done - 1), State is null ? 0 : page.StreamTimeOf(done - 1));
        }
    }

    private void MoveDone(CheckpointPosition position, long streamTime)
    {
        if (position > _done)
        {
            if (_done <= _durable)
            {
                _waitsSince = _time.GetTimestamp();
            }

            _done = position;
            _doneTime = Math.Max(_doneTime, streamTime);
        }
    }

    private sealed record Waiter(CheckpointPosition Position)
    {
        public TaskCompletionSource Durable { get; } = ApartTask.Completion();
    }
}

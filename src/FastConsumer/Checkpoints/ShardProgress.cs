using FastConsumer.Dispatch;
using FastConsumer.Processors;

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
    private CheckpointPosition _done;
    private CheckpointPosition _durable;
    private int _counted;
    private Exception? _closed;

    /// <param name="start">The lease's checkpoint: done and durable already.</param>
    /// <param name="requestCheckpoint">Called when somebody waits for a checkpoint.</param>
    public ShardProgress(CheckpointPosition start, Action requestCheckpoint)
    {
        _done = start;
        _durable = start;
        DispatchedPosition = start;
        _requestCheckpoint = requestCheckpoint;
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
                    int done = page.Done;
                    if (done > 0)
                    {
                        MoveDone(page.PositionOf(done - 1));
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

    /// <summary>True where a handler waits for a checkpoint.</summary>
    public bool IsAwaited
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count > 0;
            }
        }
    }

    public void Dispatched(RecordPage page)
    {
        lock (_lock)
        {
            _inFlight.Enqueue(page);
            DispatchedPosition = page.End;
        }
    }

    public int Advance()
    {
        lock (_lock)
        {
            int before = _counted;
            int returned = 0;
            while (_inFlight.TryPeek(out RecordPage? page) && page.IsDone)
            {
                _inFlight.Dequeue();
                MoveDone(page.End);
                returned += page.Count;
                page.Dispose();
            }

            _counted = _inFlight.Sum(static page => page.Done);
            return returned + _counted - before;
        }
    }

    public void Reached(CheckpointBarrier barrier)
    {
        lock (_lock)
        {
            MoveDone(barrier.Position);
        }
    }

    public void RequestCheckpoint() => _requestCheckpoint();

    public async ValueTask CheckpointAsync(RecordPage page, int index, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_closed is not null)
            {
                throw _closed;
            }

            waiter = new Waiter(page.PositionOf(index));
            page.MarkDone(index + 1);
            if (waiter.Position <= _durable)
            {
                return;
            }

            _waiters.Add(waiter);
        }

        _requestCheckpoint();
        try
        {
            await waiter.Durable.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_closed is LeaseLostException lost)
        {
            // the handler's token is cancelled for the same reason; the reason is the better answer
            throw lost;
        }
    }

    /// <summary>A checkpoint at this position is durable.</summary>
    public void MadeDurable(CheckpointPosition position)
    {
        List<Waiter> served;
        lock (_lock)
        {
            if (position > _durable)
            {
                _durable = position;
            }

            served = _waiters.FindAll(waiter => waiter.Position <= _durable);
            _waiters.RemoveAll(waiter => waiter.Position <= _durable);
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
            _waiters.Clear();
        }

        waiters.ForEach(waiter => waiter.Durable.SetException(_closed));
    }

    /// <summary>Returns the pages that are left. Only after the last handler has returned.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            while (_inFlight.TryDequeue(out RecordPage? page))
            {
                page.Dispose();
            }
        }
    }

    private void MoveDone(CheckpointPosition position)
    {
        if (position > _done)
        {
            _done = position;
        }
    }

    private sealed record Waiter(CheckpointPosition Position)
    {
        public TaskCompletionSource Durable { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

using System.Runtime.CompilerServices;

namespace FastConsumer.Processors;

/// <summary>
/// Walks a pipeline through the records of a page. The pipeline advances it; where a handler throws, the cursor still
/// stands on the failed record, so the dispatcher can try that record again and nothing before it.
/// </summary>
public sealed class RecordCursor
{
    private readonly ShardContext _shard;
    private readonly IShardCheckpoints _checkpoints;
    private readonly int _recordsPerCheckpoint;
    private readonly TimeProvider _time;
    private RecordPage? _page;
    private PageLanes? _lanes;
    private int _index;
    private int _count;
    private int _end;
    private int _untilCheckpoint;
    private bool _started;
    private long _completed;
    private int _filtered;
    private volatile bool _stopRequested;

    internal RecordCursor(ShardContext shard, IShardCheckpoints checkpoints, int recordsPerCheckpoint, TimeProvider? time = null)
    {
        _shard = shard;
        _checkpoints = checkpoints;
        _recordsPerCheckpoint = recordsPerCheckpoint;
        _untilCheckpoint = recordsPerCheckpoint;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>The record the cursor stands on, borrowed.</summary>
    public KinesisRecord Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(_page!.Response, _index);
    }

    /// <summary>The context of the record the cursor stands on.</summary>
    public RecordContext Context => new(_shard, _checkpoints, _page!, _index, Attempt);

    internal ShardContext Shard => _shard;

    internal int Attempt { get; private set; } = 1;

    /// <summary>The handler that takes the record, where several have error rules of their own.</summary>
    internal int Handler { get; private set; }

    internal int Index => _index;

    internal RecordPage? Page => _page;

    /// <summary>True where a failure came out of the user's handler, not out of reading the payload.</summary>
    internal bool HandlerStarted => _started;

    internal bool StopRequested => _stopRequested;

    /// <summary>True while records are left, and no stop was requested; the cursor then stands on the next one to run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MoveNext()
    {
        _started = false;
        return _index < _end && !_stopRequested;
    }

    /// <summary>Says which handler takes the record, for the error rules of its method; negative for none yet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ChooseHandler(int handler) => Handler = handler;

    /// <summary>Starts the time-out of one call; the caller disposes it.</summary>
    public CallTimeout StartTimeout(TimeSpan time, CancellationToken cancellationToken) => new(time, _time, cancellationToken);

    /// <summary>Called right before the user's handler: what fails from here on is the handler's, not the payload's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EnterHandler() => _started = true;

    /// <summary>Called when the handler of the current record has returned: the record is done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Complete()
    {
        int index = _index;
        Take();
        if (_lanes is null)
        {
            _page!.MarkDone(_index);
        }
        else
        {
            Volatile.Write(ref _completed, _completed + 1);
            _checkpoints.Completed(_page!, index);
        }

        if (--_untilCheckpoint == 0)
        {
            _untilCheckpoint = _recordsPerCheckpoint;
            _checkpoints.RequestCheckpoint();
        }
    }

    /// <summary>Counts a record for which a filter was false; it completes without its handler.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CountFiltered() => _filtered++;

    /// <summary>The filtered records since the last call.</summary>
    internal int TakeFiltered()
    {
        int filtered = _filtered;
        _filtered = 0;
        return filtered;
    }

    /// <summary>How many records one of several lanes has completed.</summary>
    internal long Completed => Volatile.Read(ref _completed);

    /// <summary>Opens a page for one lane.</summary>
    internal void Open(RecordPage page) => Open(page, null, 0);

    /// <summary>Opens one lane's share of a page.</summary>
    internal void Open(RecordPage page, PageLanes? lanes, int first)
    {
        _page = page;
        _lanes = lanes;
        _index = first;
        _count = page.Count;
        _end = _count;
        Attempt = 1;
    }

    /// <summary>The record was taken over by a batch: the cursor goes on, the record is not done.</summary>
    internal void Take()
    {
        _index = _lanes is null ? _index + 1 : _lanes.Next(_index);
        Attempt = 1;
    }

    internal bool AtEnd => _index >= _count;

    /// <summary>The pipeline comes back when the record the cursor stands on is done, instead of running on.</summary>
    internal void EndBehindCurrent() => _end = _index + 1;

    /// <summary>The pipeline runs on to the page's end.</summary>
    internal void EndWithPage() => _end = _count;

    internal void NextAttempt() => Attempt++;

    internal void RequestStop() => _stopRequested = true;
}

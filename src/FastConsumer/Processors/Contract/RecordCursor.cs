using System.ComponentModel;
using System.Runtime.CompilerServices;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Processors;

/// <summary>
/// Walks a pipeline through the records of a page. The pipeline advances it; where a handler throws, the cursor still
/// stands on the failed record, so the dispatcher can try that record again and nothing before it.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class RecordCursor
{
    /// <summary>Of handlers that return at once, so many run between two looks at the clock and the stop.</summary>
    private const int RecordsBetweenLooks = 64;

    private readonly ShardContext _shard;
    private readonly IShardCheckpoints _checkpoints;
    private readonly int _recordsPerCheckpoint;
    private readonly TimeProvider _time;
    private readonly CallbackGuard? _guard;
    private readonly HeldUntil? _held;
    private RecordPage? _page;
    private RecordEntry[] _entries = [];
    private byte[] _bytes = [];
    private PageLanes? _lanes;

    // the page where it has one lane; null where several share it
    private RecordPage? _pageInOrder;
    private int _index;
    private int _count;
    private volatile int _end;
    private int _untilCheckpoint;

    // what is counted down per record: until the next checkpoint is due, or the next look at whether the lease is held
    private int _untilLook;
    private int _lookSpan;

    // a handler that does not return at once takes time: each of its calls is preceded by a look; so are those of the first page
    private volatile int _lookEach = 1;
    private bool _isHeldUp;
    private int _retriedIndex = -1;
    private int _attempts;
    private int _startedIndex = -1;
    private long _completed;
    private int _filtered;
    private volatile bool _stopRequested;

    internal RecordCursor(
        ShardContext shard,
        IShardCheckpoints checkpoints,
        int recordsPerCheckpoint,
        TimeProvider? time = null,
        HeldUntil? held = null,
        CallbackGuard? guard = null)
    {
        _shard = shard;
        _checkpoints = checkpoints;
        _recordsPerCheckpoint = recordsPerCheckpoint;
        _untilCheckpoint = recordsPerCheckpoint;
        _time = time ?? TimeProvider.System;
        _held = held;
        _guard = guard;
        StartSpan();
    }

    /// <summary>The record the cursor stands on, borrowed.</summary>
    public KinesisRecord Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => new(_page!.Response, _index);
    }

    /// <summary>
    /// The payload of <see cref="Current"/>, borrowed. Its page is not returned while the cursor stands on it, so nothing has to be asked
    /// first.
    /// </summary>
    public ReadOnlySpan<byte> DataSpan
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            ref readonly RecordEntry entry = ref _entries[_index];
            return new ReadOnlySpan<byte>(_bytes, entry.DataOffset, entry.DataLength);
        }
    }

    /// <summary>
    /// The payload of <see cref="Current"/>, borrowed, as memory; where it is kept for longer, it throws once the page was returned.
    /// </summary>
    public ReadOnlyMemory<byte> Data
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            ref readonly RecordEntry entry = ref _entries[_index];
            return _page!.Response.Slice(entry.DataOffset, entry.DataLength);
        }
    }

    /// <summary>The context of the record the cursor stands on.</summary>
    public RecordContext Context => new(_shard, _checkpoints, _page!, _index, Attempt);

    internal ShardContext Shard => _shard;

    /// <summary>1 unless the record the cursor stands on was tried before; so nothing has to be set back with each record.</summary>
    internal int Attempt => _index == _retriedIndex ? _attempts : 1;

    /// <summary>The handler that takes the record, where several have error rules of their own.</summary>
    internal int Handler { get; private set; }

    internal int Index => _index;

    internal RecordPage? Page => _page;

    /// <summary>The bucket of the record's key among several lanes; 0 for one lane.</summary>
    internal int Bucket => _lanes?.BucketOf(_index) ?? 0;

    /// <summary>The table of the page's records, and the bytes that it points into; valid while the cursor stands on the page.</summary>
    internal (RecordEntry[] Entries, byte[] Bytes) Records => (_entries, _bytes);

    /// <summary>True where a failure came out of the user's handler, not out of reading the payload.</summary>
    internal bool HandlerStarted => _startedIndex == _index;

    internal bool StopRequested => _stopRequested;

    /// <summary>True while records are left, and no stop was requested; the cursor then stands on the next one to run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MoveNext() => _index < _end;

    /// <summary>Says which handler takes the record, for the error rules of its method; negative for none yet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ChooseHandler(int handler) => Handler = handler;

    /// <summary>Starts the time-out of one call; the caller disposes it.</summary>
    public CallTimeout StartTimeout(TimeSpan time, CancellationToken cancellationToken) => new(time, _time, cancellationToken, _guard);

    /// <summary>Called right before the user's handler: what fails from here on is the handler's, not the payload's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EnterHandler() => _startedIndex = _index;

    /// <summary>Called when the handler of the current record has returned: the record is done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Complete()
    {
        if (_pageInOrder is { } page)
        {
            int next = _index + 1;
            _index = next;
            page.MarkDoneInOrder(next);
        }
        else
        {
            LeaveInLane();
        }

        if (--_untilLook == 0)
        {
            Look();
        }
    }

    /// <summary>The first half of <see cref="Complete"/>: the record counts as done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void MarkDone()
    {
        if (_pageInOrder is { } page)
        {
            page.MarkDoneInOrder(_index + 1);
        }
        else
        {
            _lanes!.MarkDone(_index);
        }
    }

    /// <summary>
    /// The second half of <see cref="Complete"/>: the cursor goes on to the next record; it looks at the lease and calls for a checkpoint
    /// where it is time to.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave()
    {
        if (_pageInOrder is not null)
        {
            _index++;
        }
        else
        {
            LeaveInLane();
        }

        if (--_untilLook == 0)
        {
            Look();
        }
    }

    private void LeaveInLane()
    {
        int index = _index;
        _index = _lanes!.Next(index);
        Volatile.Write(ref _completed, _completed + 1);
        _checkpoints.Completed(_page!, index);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Look()
    {
        EndSpan();
        if (_held is { IsOver: true })
        {
            // the run ends here: whoever opened the page goes on once the lease is held again
            _isHeldUp = true;
            EndAt(_index);
        }
    }

    private void EndSpan()
    {
        if (_recordsPerCheckpoint > 0)
        {
            _untilCheckpoint -= _lookSpan - _untilLook;
            if (_untilCheckpoint <= 0)
            {
                _untilCheckpoint = _recordsPerCheckpoint;
                _checkpoints.RequestCheckpoint();
            }
        }

        StartSpan();
    }

    private void StartSpan()
    {
        int span = _held is null ? int.MaxValue : _lookEach;
        _lookSpan = _recordsPerCheckpoint > 0 && _untilCheckpoint < span ? _untilCheckpoint : span;
        _untilLook = _lookSpan;
    }

    /// <summary>
    /// The lease is held no more, as far as is known, or a run ended since it was not: nothing may start before
    /// <see cref="WaitUntilHeldAsync"/>.
    /// </summary>
    internal bool IsHeldUp => _isHeldUp || _held is { IsOver: true };

    /// <summary>Waits until something may start again, or for a stop. The caller says how far the next run goes.</summary>
    internal ValueTask WaitUntilHeldAsync(CancellationToken stop)
    {
        _isHeldUp = false;
        return _held?.WaitAsync(stop) ?? default;
    }

    /// <summary>
    /// Whether the handlers of the run that was just started have returned at once. Where they do not and did before, the run ends behind
    /// the current record, since its next look may be many records away: whoever started it calls <see cref="LookAtEach"/> and goes on.
    /// </summary>
    /// <returns>True where the run ends early.</returns>
    internal bool ReturnsAtOnce(bool value)
    {
        bool endsEarly = !value && _lookEach > 1 && _held is not null;
        _lookEach = value ? RecordsBetweenLooks : 1;
        if (endsEarly)
        {
            // the run goes on, on a thread of its own: nothing else of it may be touched
            _end = 0;
        }

        return endsEarly;
    }

    /// <summary>From here on each record is preceded by a look; no run may be under way.</summary>
    internal void LookAtEach() => EndSpan();

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
        _entries = page.Response.Entries;
        _bytes = page.Response.Bytes;
        _lanes = lanes;
        _pageInOrder = lanes is null ? page : null;
        _index = first;
        _count = page.Count;
        _retriedIndex = -1;
        _startedIndex = -1;
        EndAt(_count);
    }

    /// <summary>The record was taken over by a batch: the cursor goes on, the record is not done.</summary>
    internal void Take() => _index = _lanes is null ? _index + 1 : _lanes.Next(_index);

    /// <summary>Records up to <paramref name="index"/> were taken over by a batch.</summary>
    internal void TakeUpTo(int index) => _index = index;

    /// <summary>Behind the last record that may run now.</summary>
    internal int End => _end;

    /// <summary>The bytes of the payload of the record the cursor stands on.</summary>
    internal int DataLength => DataLengthAt(_index);

    internal int DataLengthAt(int index) => _entries[index].DataLength;

    internal bool AtEnd => _index >= _count;

    /// <summary>The pipeline comes back when the record the cursor stands on is done, instead of running on.</summary>
    internal void EndBehindCurrent() => EndAt(_index + 1);

    /// <summary>The pipeline comes back before it runs a record.</summary>
    internal void EndBefore(int index)
    {
        if (_end > index)
        {
            EndAt(index);
        }
    }

    /// <summary>The pipeline runs on to the page's end.</summary>
    internal void EndWithPage() => EndAt(_count);

    internal void NextAttempt()
    {
        _attempts = Attempt + 1;
        _retriedIndex = _index;
        _startedIndex = -1;
    }

    /// <summary>From any thread: <see cref="MoveNext"/> is false from now on.</summary>
    internal void RequestStop()
    {
        _stopRequested = true;
        Interlocked.MemoryBarrier();
        _end = 0;
    }

    // a stop ends the run by its end, so that the loop has one thing to ask; of this and a stop beside it, one sees the other
    private void EndAt(int end)
    {
        _end = end;
        Interlocked.MemoryBarrier();
        if (_stopRequested)
        {
            _end = 0;
        }
    }
}

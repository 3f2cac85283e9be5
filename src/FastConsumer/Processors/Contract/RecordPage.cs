using FastConsumer.Kinesis;

namespace FastConsumer.Processors;

/// <summary>
/// One answer on its way through the pipeline: the records, how many of them are done, and the share of the byte budget
/// they hold. Whoever removes it from the shard's progress returns it, once.
/// </summary>
/// <remarks>
/// A page whose records all belong to other shards is empty, and still goes through: it carries the position on.
/// </remarks>
internal sealed class RecordPage(GetRecordsResponse response, IDisposable reservation, CheckpointPosition? end = null) : IDisposable
{
    private const int IsDisposed = 1 << 30;

    private PageLanes? _lanes;
    private int _done;

    // a bit for each record that is done although one before it is not; null where there is none, or several lanes share the page
    private int[]? _ahead;

    // the stream's time with each record, where arrivals go back
    private long[]? _times;
    private long _timeBefore;
    private int _holds;

    public GetRecordsResponse Response { get; } = response;

    /// <summary>When the first record came to the service, in epoch milliseconds; null where the page is empty. It stays.</summary>
    public long? FirstArrival { get; } = response.Count == 0 ? null : response.Entry(0).ArrivalMilliseconds;

    public int Count => Response.Count;

    /// <summary>
    /// The position when all of the page is done: that of its last record, or further where records behind it were left out.
    /// </summary>
    public CheckpointPosition End { get; } = end
        ?? (response.Count == 0 ? default : new KinesisRecord(response, response.Count - 1).Position);

    /// <summary>The position of the first record, where the shard has state and the page is not empty. It stays.</summary>
    public CheckpointPosition First { get; private set; }

    /// <summary>The stream's time with the last record. It stays.</summary>
    public long EndStreamTime { get; private set; }

    /// <summary>
    /// The contiguous prefix of records that are done. Written by the lane, or by the progress where several lanes share the page.
    /// </summary>
    public int Done => Volatile.Read(ref _done);

    public bool IsDone => Done == Count;

    /// <summary>True when nothing looks at the page's bytes any more. One lane says so itself.</summary>
    public bool IsFinished => _lanes is null ? AdvanceDone() == Count : _lanes.IsFinished;

    /// <summary>How several lanes share it; null for one lane.</summary>
    public PageLanes? Lanes => _lanes;

    /// <summary>
    /// Before a lane knows the page, where the shard has state: says the stream's time before the first record, and learns that with each.
    /// </summary>
    public void SetStreamTime(long before)
    {
        _timeBefore = before;
        First = Count > 0 ? PositionOf(0) : default;
        long time = before;
        for (int i = 0; i < Count; i++)
        {
            long arrival = Response.Entry(i).ArrivalMilliseconds;
            if (arrival < time && _times is null)
            {
                _times = new long[Count];
                for (int k = 0; k < i; k++)
                {
                    _times[k] = Math.Max(before, Response.Entry(k).ArrivalMilliseconds);
                }
            }

            time = Math.Max(time, arrival);
            if (_times is not null)
            {
                _times[i] = time;
            }
        }

        EndStreamTime = time;
    }

    /// <summary>The greatest arrival of all records of the shard up to this one, in epoch milliseconds.</summary>
    public long StreamTimeOf(int index) =>
        _times is { } times ? times[index] : Math.Max(_timeBefore, Response.Entry(index).ArrivalMilliseconds);

    /// <summary>Records up to <paramref name="count"/> are done; never goes back.</summary>
    public void MarkDone(int count)
    {
        if (_ahead is not null)
        {
            Raise(count);
        }
        else if (count > _done)
        {
            Volatile.Write(ref _done, count);
        }
    }

    /// <summary>The same for the only lane of a page, which comes to one record after the other.</summary>
    public void MarkDoneInOrder(int count)
    {
        if (_ahead is not null)
        {
            Raise(count);
        }
        else
        {
            Volatile.Write(ref _done, count);
        }
    }

    /// <summary>One record is done, and those before it may not be. For a page with one lane, by that or before it.</summary>
    public void MarkDoneAhead(int index)
    {
        int[] bits = _ahead ?? new int[(Count + 31) / 32];
        Volatile.Write(ref bits[index >> 5], bits[index >> 5] | (1 << (index & 31)));
        Volatile.Write(ref _ahead, bits);
    }

    /// <summary>True where <see cref="MarkDoneAhead"/> was said of any record.</summary>
    public bool HasAhead => Volatile.Read(ref _ahead) is not null;

    /// <summary>True where <see cref="MarkDoneAhead"/> was said of the record.</summary>
    public bool IsAhead(int index) => index < Count && Volatile.Read(ref _ahead) is { } bits
        && (Volatile.Read(ref bits[index >> 5]) & (1 << (index & 31))) != 0;

    /// <summary>A bit for each record that is done.</summary>
    public int[] CopyDone()
    {
        int[] bits = new int[(Count + 31) / 32];
        _lanes?.AddDone(bits);
        if (Volatile.Read(ref _ahead) is { } ahead)
        {
            for (int word = 0; word < bits.Length; word++)
            {
                bits[word] |= Volatile.Read(ref ahead[word]);
            }
        }

        int done = Done;
        bits.AsSpan(0, done >> 5).Fill(-1);
        if ((done & 31) != 0)
        {
            bits[done >> 5] |= (1 << (done & 31)) - 1;
        }

        return bits;
    }

    /// <summary>The first record from an index on that is done ahead; the page's end where none is.</summary>
    public int NextAhead(int from)
    {
        if (HasAhead)
        {
            for (; from < Count; from++)
            {
                if (IsAhead(from))
                {
                    return from;
                }
            }
        }

        return Count;
    }

    /// <summary>Lets several lanes share the page; before any of them or the progress knows it.</summary>
    public PageLanes OpenLanes(int[] finishedByBucket) => _lanes = new PageLanes(Count, finishedByBucket);

    public bool IsRecordDone(int index) => index < Done || (_lanes is { } lanes ? lanes.IsDone(index) : IsAhead(index));

    /// <summary>The handler says that its record is done, and goes on: before it come those of its lane.</summary>
    public void Acknowledge(int index)
    {
        if (_lanes is null)
        {
            MarkDone(index + 1);
        }
        else
        {
            _lanes.MarkDone(index);
        }
    }

    /// <summary>Moves <see cref="Done"/> over what lanes have done; one caller at a time.</summary>
    public int AdvanceDone()
    {
        int done = _done;
        while (_lanes is not null && done < Count)
        {
            done = _lanes.FirstNotDone(done, Count);
            Volatile.Write(ref _done, done);
            // a lane that finishes the record here looks at Done after it has marked it: one of the two sees the other
            Interlocked.MemoryBarrier();
            if (done == Count || !_lanes.IsDone(done))
            {
                break;
            }
        }

        if (_lanes is null && Volatile.Read(ref _ahead) is not null && done < Count && IsAhead(done))
        {
            do
            {
                done++;
            }
            while (done < Count && IsAhead(done));
            Raise(done);
        }

        return done;
    }

    /// <summary>Keeps the bytes although the page is returned meanwhile, until <see cref="Unpin"/>; before it is returned.</summary>
    public void Pin() => Interlocked.Increment(ref _holds);

    public void Unpin()
    {
        if (Interlocked.Decrement(ref _holds) == IsDisposed)
        {
            Return();
        }
    }

    /// <summary>Everything is done and finished: returns the memory. The position stays.</summary>
    public void Finish()
    {
        Volatile.Write(ref _done, Count);
        Dispose();
    }

    public CheckpointPosition PositionOf(int index) => new KinesisRecord(Response, index).Position;

    public void Dispose()
    {
        if (Interlocked.Or(ref _holds, IsDisposed) == 0)
        {
            Return();
        }
    }

    private void Return()
    {
        Response.Dispose();
        reservation.Dispose();
        Interlocked.Exchange(ref _lanes, null)?.Return();
    }

    private void Raise(int count)
    {
        for (int done = Done; count > done; done = Done)
        {
            Interlocked.CompareExchange(ref _done, count, done);
        }
    }
}

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
    private PageLanes? _lanes;
    private int _done;

    public GetRecordsResponse Response { get; } = response;

    /// <summary>When the first record came to the service, in epoch milliseconds; null where the page is empty. It stays.</summary>
    public long? FirstArrival { get; } = response.Count == 0 ? null : response.Entry(0).ArrivalMilliseconds;

    public int Count => Response.Count;

    /// <summary>
    /// The position when all of the page is done: that of its last record, or further where records behind it were left out.
    /// </summary>
    public CheckpointPosition End { get; } = end
        ?? (response.Count == 0 ? default : new KinesisRecord(response, response.Count - 1).Position);

    /// <summary>
    /// The contiguous prefix of records that are done. Written by the lane, or by the progress where several lanes share the page.
    /// </summary>
    public int Done => Volatile.Read(ref _done);

    public bool IsDone => Done == Count;

    /// <summary>True when nothing looks at the page's bytes any more. One lane says so itself.</summary>
    public bool IsFinished => _lanes is null ? IsDone : _lanes.IsFinished;

    /// <summary>How several lanes share it; null for one lane.</summary>
    public PageLanes? Lanes => _lanes;

    /// <summary>Records up to <paramref name="count"/> are done; never goes back.</summary>
    public void MarkDone(int count)
    {
        if (count > _done)
        {
            Volatile.Write(ref _done, count);
        }
    }

    /// <summary>The same for the only lane of a page, which comes to one record after the other.</summary>
    public void MarkDoneInOrder(int count) => Volatile.Write(ref _done, count);

    /// <summary>Lets several lanes share the page; before any of them or the progress knows it.</summary>
    public PageLanes OpenLanes(int[] finishedByBucket) => _lanes = new PageLanes(Count, finishedByBucket);

    public bool IsRecordDone(int index) => _lanes is null ? index < Done : _lanes.IsDone(index);

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

        return done;
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
        Response.Dispose();
        reservation.Dispose();
        Interlocked.Exchange(ref _lanes, null)?.Return();
    }
}

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
    private int _done;

    public GetRecordsResponse Response { get; } = response;

    public int Count => Response.Count;

    /// <summary>The position when all of the page is done: that of its last record, or further where records behind it were left out.</summary>
    public CheckpointPosition End { get; } = end ?? (response.Count == 0 ? default : new KinesisRecord(response, response.Count - 1).Position);

    /// <summary>The contiguous prefix of records that are done. Written by the lane, read by the checkpointer.</summary>
    public int Done => Volatile.Read(ref _done);

    public bool IsDone => Done == Count;

    /// <summary>Records up to <paramref name="count"/> are done; never goes back.</summary>
    public void MarkDone(int count)
    {
        if (count > _done)
        {
            Volatile.Write(ref _done, count);
        }
    }

    public CheckpointPosition PositionOf(int index) => new KinesisRecord(Response, index).Position;

    public void Dispose()
    {
        Response.Dispose();
        reservation.Dispose();
    }
}

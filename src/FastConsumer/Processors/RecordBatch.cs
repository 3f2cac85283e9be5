using FastConsumer.Processors;

namespace FastConsumer;

/// <summary>
/// The records of one handler call, in the shard's order; borrowed until the call returns: later every member throws
/// <see cref="ObjectDisposedException"/>.
/// </summary>
public readonly struct RecordBatch
{
    private readonly BatchPipeline _batch;
    private readonly int _call;

    internal RecordBatch(BatchPipeline batch)
    {
        _batch = batch;
        _call = batch.Call;
    }

    /// <summary>The number of records.</summary>
    public int Count => Borrowed.Count;

    /// <summary>The record at <paramref name="index"/>.</summary>
    public KinesisRecord this[int index]
    {
        get
        {
            (RecordPage page, int inPage) = Borrowed.RecordAt(index);
            return new KinesisRecord(page.Response, inPage);
        }
    }

    /// <summary>The pipeline, while it holds the records of this call.</summary>
    private BatchPipeline Borrowed => _batch.Call == _call
        ? _batch
        : throw new ObjectDisposedException(nameof(RecordBatch), "The batch's call has returned: a batch is valid during its handler's "
            + "call only. Copy its records with KinesisRecord.ToOwned() to keep them.");

    /// <summary>Goes through the records without allocating.</summary>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Goes through the records of a batch.</summary>
    public struct Enumerator
    {
        private readonly RecordBatch _batch;
        private int _index;

        internal Enumerator(RecordBatch batch)
        {
            _batch = batch;
            _index = -1;
        }

        /// <summary>The record the enumerator stands on.</summary>
        public readonly KinesisRecord Current => _batch[_index];

        /// <summary>Goes to the next record.</summary>
        public bool MoveNext() => ++_index < _batch.Count;
    }
}

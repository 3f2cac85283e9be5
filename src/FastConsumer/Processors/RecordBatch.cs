using FastConsumer.Processors;

namespace FastConsumer;

/// <summary>The records of one handler call, in the shard's order; borrowed until the call returns.</summary>
public readonly struct RecordBatch
{
    private readonly BatchPipeline _batch;

    internal RecordBatch(BatchPipeline batch) => _batch = batch;

    /// <summary>The number of records.</summary>
    public int Count => _batch.Count;

    /// <summary>The record at <paramref name="index"/>.</summary>
    public KinesisRecord this[int index]
    {
        get
        {
            (RecordPage page, int inPage) = _batch.RecordAt(index);
            return new KinesisRecord(page.Response, inPage);
        }
    }

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

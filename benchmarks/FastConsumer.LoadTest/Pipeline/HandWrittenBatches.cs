using FastConsumer.Kinesis.Wire;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>
/// Batches by hand, with what a consumer needs: a batch ends at so many records or bytes, it may reach over pages (so each record
/// is kept with its page), a policy can find the record behind an index of the batch, and a stop is observed before each record.
/// </summary>
internal sealed class HandWrittenBatches(BatchProcessor processor, int maxRecords, int maxBytes)
{
    private readonly (PipelinePages Page, int Index)[] _records = new (PipelinePages, int)[maxRecords];
    private volatile bool _stopRequested;
    private int _count;
    private long _size;

    public void RequestStop() => _stopRequested = true;

    public int Run(PipelinePages page, Progress progress)
    {
        for (int i = 0; i < page.Count && !_stopRequested; i++)
        {
            int length = page.Entries[i].DataLength;
            if (_count == maxRecords || (_count > 0 && _size + length > maxBytes))
            {
                Flush();
                progress.Done(i);
            }

            _records[_count++] = (page, i);
            _size += length;
        }

        Flush();
        progress.Done(page.Count);
        return progress.Count;
    }

    private void Flush()
    {
        for (int i = 0; i < _count; i++)
        {
            (PipelinePages page, int index) = _records[i];
            ref readonly RecordEntry entry = ref page.Entries[index];
            processor.Add(page.Bytes.AsSpan(entry.DataOffset, entry.DataLength));
        }

        _count = 0;
        _size = 0;
    }
}

using FastConsumer.Kinesis.Wire;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>Takes one record.</summary>
internal interface IHandWritten
{
    void Handle(byte[] bytes, in RecordEntry entry);
}

/// <summary>
/// What somebody would write by hand for one processor instead of the generated pipeline, with nothing left out that a
/// consumer needs of it:
/// - it walks over the answer's table of records and hands out the bytes where they lie;
/// - it looks before each record whether a stop was requested by another thread;
/// - it notes after each record that it is done, so that another thread can checkpoint it, and asks for a checkpoint when the
///   agreed number of records is reached;
/// - where a handler throws, it still stands on that record and knows whether the handler or the payload failed, so that a
///   policy can decide, try the record again, or leave it out.
/// It needs not look whether the answer's memory was returned, as a record that users may keep must: the loop owns the page.
/// </summary>
/// <remarks>The handler is a struct, so that the compiler writes the loop for it alone, as it would stand in the source.</remarks>
internal sealed class HandWrittenLoop<THandler>
    where THandler : struct, IHandWritten
{
    private readonly THandler _handler;
    private readonly int _recordsPerCheckpoint;
    private int _untilCheckpoint;
    private volatile bool _stopRequested;
    private int _current;
    private bool _inHandler;

    public HandWrittenLoop(THandler handler, int recordsPerCheckpoint)
    {
        _handler = handler;
        _recordsPerCheckpoint = recordsPerCheckpoint;
        _untilCheckpoint = recordsPerCheckpoint;
    }

    public int CheckpointsDue { get; private set; }

    /// <summary>For the policy: the record that failed, and where.</summary>
    public (int Index, bool InHandler) Standing => (_current, _inHandler);

    public void RequestStop() => _stopRequested = true;

    public int Run(PipelinePages page, Progress progress)
    {
        byte[] bytes = page.Bytes;
        RecordEntry[] entries = page.Entries;
        for (int i = 0; i < entries.Length; i++)
        {
            if (_stopRequested)
            {
                break;
            }

            _inHandler = false;
            _current = i;
            _inHandler = true;
            _handler.Handle(bytes, in entries[i]);
            progress.Done(i + 1);
            if (--_untilCheckpoint == 0)
            {
                _untilCheckpoint = _recordsPerCheckpoint;
                CheckpointsDue++;
            }
        }

        return progress.Count;
    }
}

/// <summary>How many records of a page are done, for the thread that checkpoints.</summary>
internal sealed class Progress
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public void Done(int count) => Volatile.Write(ref _count, count);
}

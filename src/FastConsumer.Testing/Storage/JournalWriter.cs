using System.Buffers;
using FastConsumer.Testing.Engine;
using Microsoft.Win32.SafeHandles;

namespace FastConsumer.Testing.Storage;

/// <summary>
/// Appends entries and brings them to the disk, on a thread of its own: what came while the disk was busy goes with the next flush.
/// </summary>
internal sealed class JournalWriter : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly AutoResetEvent _work = new(false);
    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly Task _loop;
    private ArrayBufferWriter<byte> _pending = new();
    private ArrayBufferWriter<byte> _writing = new();
    private TaskCompletionSource _next = NewBatch();
    private Task _current = Task.CompletedTask;
    private long _length;
    private EmbeddedKinesisDataException? _failure;
    private bool _isClosing;

    public JournalWriter(string path)
    {
        _path = path;
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.Read);
        _length = RandomAccess.GetLength(_file);
        _loop = Task.Factory.StartNew(Write, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <exception cref="EngineException">The file could not be written before.</exception>
    public void RequireWritable()
    {
        lock (_gate)
        {
            if (_failure is not null)
            {
                throw new EngineException("InternalFailureException", _failure.Message, 500);
            }
        }
    }

    public void Append(ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            JournalFormat.WriteEntry(_pending, payload);
        }

        _work.Set();
    }

    /// <summary>Done when all that was appended before is on the disk.</summary>
    public Task FlushedAsync()
    {
        lock (_gate)
        {
            return _failure is not null ? Task.FromException(_failure) : _pending.WrittenCount > 0 ? _next.Task : _current;
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isClosing = true;
        }

        _work.Set();
        await _loop;
        _file.Dispose();
        _work.Dispose();
    }

    private static TaskCompletionSource NewBatch() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Write()
    {
        while (true)
        {
            TaskCompletionSource batch;
            lock (_gate)
            {
                batch = _next;
                if (_pending.WrittenCount > 0)
                {
                    (_pending, _writing) = (_writing, _pending);
                    _next = NewBatch();
                    _current = batch.Task;
                }
                else if (_isClosing)
                {
                    return;
                }
            }

            if (_writing.WrittenCount == 0)
            {
                _work.WaitOne();
            }
            else if (!TryWrite(batch))
            {
                return;
            }
        }
    }

    private bool TryWrite(TaskCompletionSource batch)
    {
        try
        {
            RandomAccess.Write(_file, _writing.WrittenSpan, _length);
            RandomAccess.FlushToDisk(_file);
            _length += _writing.WrittenCount;
            _writing.ResetWrittenCount();
            batch.SetResult();
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var failure = new EmbeddedKinesisDataException(
                $"{_path} cannot be written: {exception.Message} Nothing is changed any more; make room, and start again.", exception);
            TaskCompletionSource later;
            lock (_gate)
            {
                _failure = failure;
                later = _next;
            }

            batch.SetException(failure);
            later.SetException(failure);
            return false;
        }
    }
}

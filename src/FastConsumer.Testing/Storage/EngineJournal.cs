using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Storage;

/// <summary>
/// Writes down what changes an engine, one change after the other, so that a restart can repeat it: requests as they came, with the
/// time that they saw, and records with their places.
/// </summary>
internal sealed class EngineJournal : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly List<WrittenRecord> _put = [];
    private readonly KinesisEngine _engine;
    private readonly JournalClock _clock;
    private readonly DataFolder _folder;
    private readonly JournalWriter _writer;

    private EngineJournal(KinesisEngine engine, JournalClock clock, DataFolder folder)
    {
        _engine = engine;
        _clock = clock;
        _folder = folder;
        _writer = new JournalWriter(folder.LogPath);
        engine.Appended = (stream, shard, position, record) => _put.Add(new WrittenRecord(
            stream.Number, shard.Index, position, record.ArrivalMs, record.IsEncrypted, false, record.PartitionKey, record.Data));
    }

    public EmbeddedKinesisData Found => _folder.Found!;

    /// <summary>Makes the engine what it was, and writes down what changes it from now on.</summary>
    /// <exception cref="EmbeddedKinesisDataException">The folder cannot be used.</exception>
    public static EngineJournal Open(string folder, KinesisEngine engine, JournalClock clock)
    {
        var data = new DataFolder(folder, engine, clock);
        try
        {
            data.Open();
            return new EngineJournal(engine, clock, data);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    /// <summary>Whether an operation only looks.</summary>
    public static bool IsRead(string operation) =>
        operation.StartsWith("Get", StringComparison.Ordinal)
        || operation.StartsWith("List", StringComparison.Ordinal)
        || operation.StartsWith("Describe", StringComparison.Ordinal);

    /// <summary>Runs a change and writes it down, unless it is refused. <see cref="FlushedAsync"/> says when it will last.</summary>
    public T Run<T>(string operation, WireFormat format, ReadOnlySpan<byte> body, Func<T> change)
    {
        lock (_gate)
        {
            _writer.RequireWritable();
            long timeMs = _clock.Freeze();
            try
            {
                long nextStreamNumber = _engine.NextStreamNumber;
                T result = change();
                if (operation is not ("PutRecord" or "PutRecords"))
                {
                    _writer.Append(new OperationEntry(timeMs, nextStreamNumber, operation, format, body.ToArray()).Encode());
                }

                return result;
            }
            finally
            {
                JournalClock.Thaw();
                if (_put.Count > 0)
                {
                    _writer.Append(new RecordsEntry(timeMs, _put).Encode());
                    _put.Clear();
                }
            }
        }
    }

    /// <summary>Done when every change so far is on the disk.</summary>
    /// <exception cref="EngineException">The disk does not take it.</exception>
    public async Task FlushedAsync()
    {
        try
        {
            await _writer.FlushedAsync();
        }
        catch (EmbeddedKinesisDataException exception)
        {
            throw new EngineException("InternalFailureException", exception.Message, 500);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        _folder.Dispose();
    }
}

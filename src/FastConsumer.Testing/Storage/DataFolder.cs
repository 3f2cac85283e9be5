using System.Buffers;
using System.Globalization;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Http;
using FastConsumer.Testing.Http.Codecs;

namespace FastConsumer.Testing.Storage;

/// <summary>The folder of a journal: held by one process at a time, read at the start, and rid of what the retention is over for.</summary>
internal sealed class DataFolder(string folder, KinesisEngine engine, JournalClock clock) : IDisposable
{
    private const string LogName = "emulator.log";
    private const string SettingsOperation = "settings";
    private const int LockedOnLinux = 11;
    private const int LockedOnMacOs = 35;
    private const int LockedOnWindows = unchecked((int)0x80070020);

    private readonly string _folder = Path.GetFullPath(folder);
    private FileStream? _lock;
    private long _records;

    public string LogPath => Path.Combine(_folder, LogName);

    public EmbeddedKinesisData? Found { get; private set; }

    /// <summary>Takes the folder and repeats what is in it.</summary>
    /// <exception cref="EmbeddedKinesisDataException">It cannot be used.</exception>
    public void Open()
    {
        try
        {
            Directory.CreateDirectory(_folder);
            TakeLock();
            // what a process that ended in the midst of it has left; the log itself was not touched yet
            File.Delete(NewPath);
            Found = File.Exists(LogPath) ? Load() : Begin();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new EmbeddedKinesisDataException(
                $"The folder {_folder} cannot be used: {exception.Message} Choose another one.", exception);
        }
        finally
        {
            JournalClock.Thaw();
        }
    }

    public void Dispose() => _lock?.Dispose();

    private string NewPath => LogPath + ".new";

    private void TakeLock()
    {
        try
        {
            _lock = new FileStream(Path.Combine(_folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (exception.HResult is LockedOnLinux or LockedOnMacOs or LockedOnWindows)
        {
            throw new EmbeddedKinesisDataException(
                $"The folder {_folder} is in use by another process. End that one, or choose another folder.", exception);
        }
    }

    private EmbeddedKinesisData Begin()
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(JournalFormat.FirstLine);
        JournalFormat.WriteEntry(buffer, Settings().Encode());
        Replace(stream => stream.Write(buffer.WrittenSpan));
        return new EmbeddedKinesisData(_folder, 0, 0, 0);
    }

    private EmbeddedKinesisData Load()
    {
        bool isFirst = true;
        long end = JournalFormat.Read(LogPath, (offset, payload) =>
        {
            try
            {
                JournalEntry entry = JournalEntry.Decode(payload);
                if (isFirst)
                {
                    RequireSettings(entry);
                    isFirst = false;
                    return;
                }

                Repeat(entry);
            }
            catch (Exception exception) when (exception is InvalidDataException or EngineException or RequestFormatException)
            {
                throw JournalFormat.Damaged(LogPath, offset, exception.Message.TrimEnd('.'), exception);
            }
        });
        JournalClock.Thaw();
        long cut = Cut(end);
        long dropped = engine.TrimAll() < _records ? Compact() : 0;
        return new EmbeddedKinesisData(_folder, _records - dropped, dropped, cut);
    }

    private void Repeat(JournalEntry entry)
    {
        clock.Freeze(entry.TimeMs);
        switch (entry)
        {
            case RecordsEntry put:
                foreach (WrittenRecord record in put.Records)
                {
                    engine.Restore(record);
                    _records += record.IsDropped ? 0 : 1;
                }

                break;
            case OperationEntry operation:
                engine.NextStreamNumber = operation.NextStreamNumber;
                RequestMap request = operation.Format == WireFormat.Json
                    ? JsonRequestReader.Read(operation.Body)
                    : CborRequestReader.Read(operation.Body);
                if (DirectOperations.ByName.TryGetValue(operation.Operation, out Action<KinesisEngine, RequestMap>? direct))
                {
                    direct(engine, request);
                }
                else if (Operations.ByName.TryGetValue(operation.Operation, out Func<KinesisEngine, RequestMap, Answer?>? run))
                {
                    run(engine, request);
                }
                else
                {
                    throw new InvalidDataException($"its operation, {operation.Operation}, is not known");
                }

                break;
        }
    }

    private long Cut(long end)
    {
        using var file = new FileStream(LogPath, FileMode.Open, FileAccess.Write, FileShare.Read);
        long torn = file.Length - end;
        if (torn > 0)
        {
            file.SetLength(end);
            file.Flush(flushToDisk: true);
        }

        return torn;
    }

    /// <summary>Writes the log anew without the records that are gone; how many those are.</summary>
    private long Compact()
    {
        long dropped = 0;
        Replace(file =>
        {
            var buffer = new ArrayBufferWriter<byte>();
            file.Write(JournalFormat.FirstLine);
            JournalFormat.Read(LogPath, (_, payload) =>
            {
                buffer.ResetWrittenCount();
                if (JournalEntry.Decode(payload) is not RecordsEntry put)
                {
                    JournalFormat.WriteEntry(buffer, payload);
                }
                else
                {
                    WrittenRecord[] kept = [.. put.Records.Select(Kept).OfType<WrittenRecord>()];
                    dropped += put.Records.Count(static record => !record.IsDropped) - kept.Count(static record => !record.IsDropped);
                    if (kept.Length > 0)
                    {
                        JournalFormat.WriteEntry(buffer, (put with { Records = kept }).Encode());
                    }
                }

                file.Write(buffer.WrittenSpan);
            });
        });
        return dropped;
    }

    /// <summary>Of the records that are gone the last one of each shard leaves its place: from it those that follow are counted.</summary>
    private WrittenRecord? Kept(WrittenRecord record)
    {
        ulong? first = engine.FirstPosition(record.StreamNumber, record.ShardIndex);
        return first is null || record.Position + 1 < first ? null
            : record.Position + 1 == first ? record with { IsDropped = true, PartitionKey = [], Data = [] }
            : record;
    }

    private void Replace(Action<FileStream> write)
    {
        using (var file = new FileStream(NewPath, FileMode.Create, FileAccess.Write, FileShare.None, 1024 * 1024))
        {
            write(file);
            file.Flush(flushToDisk: true);
        }

        File.Move(NewPath, LogPath, overwrite: true);
    }

    private OperationEntry Settings() => new(
        0,
        0,
        SettingsOperation,
        WireFormat.Json,
        DirectOperations.Texts([.. Options()]));

    private IEnumerable<(string Name, string? Value)> Options()
    {
        EngineSettings settings = engine.Settings;
        yield return ("Region", settings.Region);
        yield return ("AccountId", settings.AccountId);
        yield return ("MaxRecordBytes", settings.MaxRecordBytes.ToString(CultureInfo.InvariantCulture));
        yield return ("ShardLimit", settings.ShardLimit.ToString(CultureInfo.InvariantCulture));
    }

    private void RequireSettings(JournalEntry entry)
    {
        if (entry is not OperationEntry { Operation: SettingsOperation } settings)
        {
            throw new InvalidDataException("it does not say with which options the file was written");
        }

        RequestMap written = JsonRequestReader.Read(settings.Body);
        foreach ((string name, string? value) in Options())
        {
            if (written.Text(name) != value)
            {
                throw new EmbeddedKinesisDataException(
                    $"{LogPath} was written with {name} {written.Text(name)}, not {value}. Start with that one, or choose another folder.");
            }
        }
    }
}

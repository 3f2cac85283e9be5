using System.Globalization;
using System.Text;
using System.Text.Json;
using FastConsumer.Cli.Output;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Harness.Replay;

namespace FastConsumer.Cli.Records;

/// <summary>Where records go.</summary>
internal interface IRecordOutput : IAsyncDisposable
{
    Task WriteAsync(string shardId, IReadOnlyList<KinesisRecord> records);

    /// <summary>Nothing more comes: what was written is safe, and is summed up.</summary>
    Task EndAsync();
}

/// <summary>Writes records to standard output, as text or as lines of JSON.</summary>
internal sealed class RecordPrinter(ToolContext context, StreamIdentifier stream, RecordFormat format, bool isRaw) : IRecordOutput
{
    public async Task WriteAsync(string shardId, IReadOnlyList<KinesisRecord> records)
    {
        var text = new StringBuilder();
        foreach (KinesisRecord record in records)
        {
            RecordValue value = RecordValue.Of(record);
            if (context.Format == OutputFormat.Json)
            {
                text.Append(JsonSerializer.Serialize(LineOf(shardId, record, value), RecordDocumentJson.Plain.RecordLine)).Append('\n');
            }
            else
            {
                format.Append(text, shardId, record, value, isRaw);
            }
        }

        await context.Out.WriteAsync(text);
        await context.Out.FlushAsync();
    }

    public Task EndAsync() => Task.CompletedTask;

    public ValueTask DisposeAsync() => default;

    private RecordLine LineOf(string shardId, KinesisRecord record, RecordValue value) => new(
        Version: 1,
        stream.Name,
        shardId,
        record.SequenceNumber.ToString(),
        record.SubSequenceNumber,
        record.ApproximateArrivalTimestamp,
        record.PartitionKey,
        record.ExplicitHashKey?.ToString(CultureInfo.InvariantCulture),
        value.IsBase64 ? "base64" : "utf-8",
        value.Compression,
        value.Text);
}

/// <summary>Writes records to a new file that only its owner may read: payloads may be anything.</summary>
internal sealed class RecordSaver : IRecordOutput
{
    private readonly string _path;
    private readonly TextWriter _error;
    private readonly StreamWriter _file;
    private readonly HashSet<string> _shards = new(StringComparer.Ordinal);
    private long _count;

    private RecordSaver(string path, TextWriter error, StreamWriter file)
    {
        _path = path;
        _error = error;
        _file = file;
    }

    /// <exception cref="ToolException">The file exists.</exception>
    public static RecordSaver Create(string path, StreamIdentifier stream, ToolContext context)
    {
        if (Path.Exists(path))
        {
            throw new ToolException(
                ExitCodes.Failure, $"--save {path}: it exists, and nothing is written over. Name another file, or remove this one.");
        }

        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        var saver = new RecordSaver(path, context.Error, new StreamWriter(path, new UTF8Encoding(false), options));
        saver._file.Write(JsonSerializer.Serialize(
            new SavedHeader(SavedRecord.Version, stream.ToString(), context.Time.GetUtcNow()), SavedRecordJson.Plain.SavedHeader));
        saver._file.Write('\n');
        return saver;
    }

    public async Task WriteAsync(string shardId, IReadOnlyList<KinesisRecord> records)
    {
        _shards.Add(shardId);
        foreach (KinesisRecord record in records)
        {
            await _file.WriteAsync(
                JsonSerializer.Serialize(SavedRecord.Of(shardId, record), SavedRecordJson.Plain.SavedRecord));
            await _file.WriteAsync('\n');
            _count++;
        }

        await _file.FlushAsync();
    }

    public async Task EndAsync()
    {
        await _file.FlushAsync();
        await _error.WriteLineAsync($"Saved {_count} records of {_shards.Count} shards to {_path}. They may hold what nobody else "
            + "should read.");
    }

    public ValueTask DisposeAsync() => _file.DisposeAsync();
}

using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace FastConsumer.Dispatch;

/// <summary>
/// Appends dead letters to a file, a line of JSON for each with its payload in base64, and on the disk before the call returns.
/// A line that a crash has torn is ended before the next one is written.
/// </summary>
internal sealed class FileDeadLetterSink(string path) : IDeadLetterSink, IAsyncDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private readonly ArrayBufferWriter<byte> _line = new();
    private FileStream? _file;

    public async ValueTask WriteAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            _file ??= Open();
            long start = _file.Length;
            Format(letter);
            try
            {
                await _file.WriteAsync(_line.WrittenMemory, cancellationToken);
                _file.Flush(flushToDisk: true);
            }
            catch
            {
                // half a line must not stand before the next try
                _file.SetLength(start);
                throw;
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_file is not null)
        {
            await _file.DisposeAsync();
        }

        _one.Dispose();
    }

    private FileStream Open()
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        // unbuffered: what failed is not written later
        var file = new FileStream(
            full, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
        if (file.Length > 0)
        {
            file.Seek(-1, SeekOrigin.End);
            if (file.ReadByte() != '\n')
            {
                file.WriteByte((byte)'\n');
            }
        }

        return file;
    }

    private void Format(DeadLetter letter)
    {
        KinesisRecord record = letter.Record;
        _line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_line))
        {
            json.WriteStartObject();
            json.WriteString("application", letter.Shard.ApplicationName);
            json.WriteString("processor", letter.Shard.ProcessorName);
            json.WriteString("stream", letter.Shard.StreamName);
            json.WriteString("shardId", letter.Shard.ShardId);
            json.WriteString("sequenceNumber", record.SequenceNumber.ToString());
            json.WriteNumber("subSequenceNumber", record.SubSequenceNumber);
            json.WriteString("partitionKey", record.PartitionKeyUtf8);
            if (record.ExplicitHashKey is { } explicitHashKey)
            {
                json.WriteString("explicitHashKey", explicitHashKey.ToString(CultureInfo.InvariantCulture));
            }

            json.WriteString("approximateArrivalTimestamp", record.ApproximateArrivalTimestamp);
            json.WriteNumber("attempts", letter.Attempts);
            json.WriteString("exception", letter.Exception.GetType().FullName);
            json.WriteString("message", letter.Exception.Message);
            if (letter.DecidedBy is { } decidedBy)
            {
                json.WriteString("decidedBy", decidedBy);
                json.WriteString("reason", letter.Reason);
            }

            json.WriteBase64String("data", record.DataSpan);
            json.WriteEndObject();
        }

        _line.Write("\n"u8);
    }
}

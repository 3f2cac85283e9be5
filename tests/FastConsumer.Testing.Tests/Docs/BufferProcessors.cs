using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastConsumer.Testing.Tests.Docs;

// What docs/buffers.md shows stands here, compiled; BufferTests runs it.

internal sealed record Reading(int Meter, double Kilowatts);

[JsonSerializable(typeof(Reading))]
internal sealed partial class ReadingJson : JsonSerializerContext;

[KinesisProcessor("events")]
internal sealed partial class Archive(Stream file)
{
    [OnRecord]
    private async Task HandleAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        await file.WriteAsync(payload, cancellationToken);      // borrowed until the task has completed
}

[KinesisProcessor("events")]
internal sealed partial class LastOfEachKey(Dictionary<string, KinesisRecord> last)
{
    [OnRecord]
    private void Handle(KinesisRecord record) => last[record.PartitionKey] = record.ToOwned();
}

[KinesisProcessor("readings", JsonContext = typeof(ReadingJson))]
internal sealed partial class Meters(List<Reading> readings)
{
    [OnBatch]
    private void Handle(ReadOnlyMemory<Reading> batch) => readings.AddRange(batch.Span);      // the objects are yours, the memory is not
}

internal sealed class ReadingReader : IRecordDeserializer<Reading>
{
    public Reading Deserialize(KinesisRecord record) => JsonSerializer.Deserialize(record.DataSpan, ReadingJson.Default.Reading)!;
}

/// <summary>What one must not do.</summary>
internal sealed class Kept
{
    public KinesisRecord? Record { get; set; }

    public ReadOnlyMemory<byte>? Memory { get; set; }

    public RecordBatch? Batch { get; set; }

    public bool IsRecordGone() => Throws(() => Record!.Value.DataSpan.Length)
        && Throws(() => Record!.Value.PartitionKey)
        && Throws(() => Record!.Value.SequenceNumber)
        && Throws(() => Record!.Value.ToOwned());

    public bool IsMemoryGone() => Throws(() => Memory!.Value.Span.Length);

    public bool IsBatchGone() => Throws(() => Batch!.Value.Count) && Throws(() => Batch!.Value[0]);

    private static bool Throws<T>(Func<T> view)
    {
        try
        {
            view();
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }
}

[KinesisProcessor("events")]
internal sealed partial class KeepingProcessor(Kept kept)
{
    [OnRecord]
    private void Handle(KinesisRecord record)
    {
        kept.Record = record;
        kept.Memory = record.Data;
    }
}

[KinesisProcessor("events")]
internal sealed partial class KeepingBatchProcessor(Kept kept)
{
    [OnBatch(MaxRecords = 2, MaxWait = "00:00:00.1")]
    private void Handle(RecordBatch batch) => kept.Batch = batch;
}

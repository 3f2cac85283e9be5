using System.Text.Json.Serialization;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>What an order looks like in the JSON payloads.</summary>
internal sealed record OrderEvent(string Id, string Customer, int Quantity, decimal Price, string Note);

[JsonSerializable(typeof(OrderEvent))]
internal sealed partial class PipelineJson : JsonSerializerContext;

/// <summary>The least that a handler can do: what is measured around it is the loop alone.</summary>
[KinesisProcessor("pipeline")]
internal sealed partial class LengthProcessor
{
    public long Sum { get; private set; }

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data) => Sum += data.Length;
}

/// <summary>A handler that looks at each byte once, and does little else.</summary>
[KinesisProcessor("pipeline")]
internal sealed partial class RawProcessor
{
    public long Sum { get; private set; }

    [OnRecord]
    public void Handle(ReadOnlySpan<byte> data) => Sum += data.Count((byte)',') + data.Length;
}

/// <summary>The same, asynchronous in form, as most handlers are.</summary>
[KinesisProcessor("pipeline")]
internal sealed partial class ValueTaskProcessor
{
    public long Sum { get; private set; }

    [OnRecord]
    public ValueTask HandleAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Sum += data.Span.Count((byte)',') + data.Length;
        return default;
    }
}

/// <summary>A handler of JSON payloads.</summary>
[KinesisProcessor("pipeline", JsonContext = typeof(PipelineJson))]
internal sealed partial class JsonProcessor
{
    public long Sum { get; private set; }

    [OnRecord]
    public void Handle(OrderEvent order) => Sum += order.Quantity + order.Id.Length;
}

/// <summary>A handler of batches of records.</summary>
[KinesisProcessor("pipeline")]
internal sealed partial class BatchProcessor
{
    public long Sum { get; private set; }

    [OnBatch(MaxRecords = 500)]
    public void Handle(RecordBatch batch)
    {
        foreach (KinesisRecord record in batch)
        {
            ReadOnlySpan<byte> data = record.DataSpan;
            Sum += data.Count((byte)',') + data.Length;
        }
    }

    /// <summary>The same for the hand-written loop, which has no <see cref="RecordBatch"/>.</summary>
    public void Add(ReadOnlySpan<byte> data) => Sum += data.Count((byte)',') + data.Length;
}

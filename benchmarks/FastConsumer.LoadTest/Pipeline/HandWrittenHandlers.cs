using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FastConsumer.Buffers;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.LoadTest.Pipeline;

/// <summary>A span for <see cref="LengthProcessor"/>.</summary>
internal readonly struct LengthByHand(LengthProcessor processor) : IHandWritten
{
    public void Handle(byte[] bytes, in RecordEntry entry) => processor.Handle(bytes.AsSpan(entry.DataOffset, entry.DataLength));
}

/// <summary>A span for <see cref="RawProcessor"/>.</summary>
internal readonly struct RawByHand(RawProcessor processor) : IHandWritten
{
    public void Handle(byte[] bytes, in RecordEntry entry) => processor.Handle(bytes.AsSpan(entry.DataOffset, entry.DataLength));
}

/// <summary>
/// Memory for <see cref="ValueTaskProcessor"/>, which nearly always ends at once. What a handler may keep must throw once it was returned,
/// by hand too.
/// </summary>
internal readonly struct ValueTaskByHand(ValueTaskProcessor processor, ResponseBuffer buffer) : IHandWritten
{
    public void Handle(byte[] bytes, in RecordEntry entry)
    {
        ValueTask pending = processor.HandleAsync(buffer.Slice(entry.DataOffset, entry.DataLength), CancellationToken.None);
        if (!pending.IsCompletedSuccessfully)
        {
            throw new NotSupportedException("The handler of this measurement ends at once.");
        }

        pending.GetAwaiter().GetResult();
    }
}

/// <summary>JSON for <see cref="JsonProcessor"/>; null is refused, as a payload that is none.</summary>
internal readonly struct JsonByHand(JsonProcessor processor, JsonTypeInfo<OrderEvent> typeInfo) : IHandWritten
{
    public void Handle(byte[] bytes, in RecordEntry entry) => processor.Handle(
        JsonSerializer.Deserialize(bytes.AsSpan(entry.DataOffset, entry.DataLength), typeInfo) ?? throw new JsonException("null"));
}

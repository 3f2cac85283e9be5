using System.Buffers;
using System.Text.Json;

namespace FastConsumer.Kinesis.Wire;

/// <summary>JSON 1.1: blobs in base64, timestamps in epoch seconds with milliseconds as decimals.</summary>
internal sealed class JsonWireWriter(IBufferWriter<byte> output) : WireWriter
{
    private readonly Utf8JsonWriter _json = new(output, new JsonWriterOptions { SkipValidation = true });

    public override void StartMap() => _json.WriteStartObject();

    public override void EndMap() => _json.WriteEndObject();

    public override void StartArray() => _json.WriteStartArray();

    public override void EndArray() => _json.WriteEndArray();

    public override void Name(string name) => _json.WritePropertyName(name);

    public override void Text(string value) => _json.WriteStringValue(value);

    public override void Text(ReadOnlySpan<byte> utf8) => _json.WriteStringValue(utf8);

    public override void Integer(long value) => _json.WriteNumberValue(value);

    public override void Boolean(bool value) => _json.WriteBooleanValue(value);

    public override void Blob(ReadOnlySpan<byte> value) => _json.WriteBase64StringValue(value);

    public override void Timestamp(long milliseconds) => _json.WriteNumberValue(milliseconds / 1000m);

    public override void Dispose() => _json.Dispose();
}

using System.Text.Encodings.Web;
using System.Text.Json;

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>JSON 1.1: blobs in base64, times in epoch seconds with three decimals.</summary>
internal sealed class JsonWireWriter(Utf8JsonWriter json) : WireWriter
{
    public static JsonWriterOptions Options { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override void StartMap(int count) => json.WriteStartObject();

    public override void EndMap() => json.WriteEndObject();

    public override void StartArray(int count) => json.WriteStartArray();

    public override void EndArray() => json.WriteEndArray();

    public override void Name(ReadOnlySpan<byte> utf8) => json.WritePropertyName(utf8);

    public override void Text(ReadOnlySpan<byte> utf8) => json.WriteStringValue(utf8);

    public override void Text(string value) => json.WriteStringValue(value);

    public override void Number(long value) => json.WriteNumberValue(value);

    public override void Flag(bool value) => json.WriteBooleanValue(value);

    public override void Blob(ReadOnlySpan<byte> value) => json.WriteBase64StringValue(value);

    public override void Timestamp(long unixMs) => json.WriteNumberValue(unixMs / 1000m);
}

using System.Buffers;
using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace FastConsumer.Processors;

/// <summary>
/// Values as JSON. A member that the type does not know is refused at reading, so that an older version of the processor cannot drop what a
/// newer one has stored.
/// </summary>
/// <typeparam name="T">The values' type.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class JsonStateSerializer<T> : IStateSerializer<T>
{
    private readonly JsonTypeInfo<T> _type;
    private readonly JsonTypeInfo<T> _strict;
    private readonly JsonWriterOptions _options;
    private Utf8JsonWriter? _writer;

    /// <summary>Creates the serializer.</summary>
    /// <param name="type">The type's metadata, of a <c>JsonSerializerContext</c>.</param>
    public JsonStateSerializer(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        _type = type;
        var strict = new JsonSerializerOptions(type.Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };
        _strict = (JsonTypeInfo<T>)strict.GetTypeInfo(typeof(T));
        _options = new JsonWriterOptions { Encoder = type.Options.Encoder, MaxDepth = type.Options.MaxDepth, SkipValidation = true };
    }

    /// <inheritdoc/>
    public void Write(T value, IBufferWriter<byte> output)
    {
        Utf8JsonWriter writer = Interlocked.Exchange(ref _writer, null) ?? new Utf8JsonWriter(output, _options);
        writer.Reset(output);
        JsonSerializer.Serialize(writer, value, _type);
        writer.Flush();
        _writer = writer;
    }

    /// <inheritdoc/>
    public T Read(ReadOnlySpan<byte> bytes) => JsonSerializer.Deserialize(bytes, _strict)!;
}

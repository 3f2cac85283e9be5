using System.ComponentModel;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace FastConsumer.Processors;

/// <summary>Reads payloads for generated pipelines, without reflection.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PayloadReader
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A payload's type information from the user's context.</summary>
    /// <exception cref="InvalidOperationException">The type is neither registered nor reachable from a registered one.</exception>
    public static JsonTypeInfo<T> JsonTypeInfo<T>(JsonSerializerContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.GetTypeInfo(typeof(T)) as JsonTypeInfo<T>
            ?? throw new InvalidOperationException(
                $"{context.GetType().Name} does not know {typeof(T)}: add [JsonSerializable(typeof({typeof(T).Name}))] to it.");
    }

    /// <summary>Reads JSON.</summary>
    /// <exception cref="JsonException">The bytes are not JSON of this type, or are JSON's <c>null</c>.</exception>
    public static T Json<T>(ReadOnlySpan<byte> data, JsonTypeInfo<T> typeInfo)
    {
        try
        {
            return JsonSerializer.Deserialize(data, typeInfo)
                ?? throw new JsonException($"The record's payload is JSON null; {typeof(T)} is expected.");
        }
        catch (JsonException e) when (e.InnerException is JsonException)
        {
            // The reader's own words quote the payload, which has no place in logs, health reports and dead letters.
            throw new JsonException(
                $"The record's payload is not JSON: line {e.LineNumber}, byte {e.BytePositionInLine} (both counted from 0); "
                    + $"{typeof(T)} is expected.",
                e.Path,
                e.LineNumber,
                e.BytePositionInLine);
        }
    }

    /// <summary>Reads UTF-8 text.</summary>
    /// <exception cref="DecoderFallbackException">The bytes are not UTF-8.</exception>
    public static string Text(ReadOnlySpan<byte> data) => s_strictUtf8.GetString(data);

    /// <summary>
    /// The text of a top-level property of a JSON object, found without reading the rest, which is not validated. False where the
    /// object has no such property or its value is no text; of several of that name the first counts.
    /// </summary>
    /// <exception cref="JsonException">The bytes are not a JSON object, or end inside it.</exception>
    public static bool FindRoute(ReadOnlySpan<byte> json, ReadOnlySpan<byte> propertyName, out RouteText text) =>
        RouteFinder.Find(json, propertyName, out text);
}

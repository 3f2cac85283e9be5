using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FastConsumer.Cli.Commands.State;

/// <summary>Stored bytes as people and programs read them.</summary>
internal static class StateValues
{
    /// <summary>The name that a snapshot gives to JSON; else it is the class of the serializer.</summary>
    public const string Json = "json";

    private const int GuidBytes = 16;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// The value that JSON has written; null for other serializers, and for what an older version of the processor has written by another.
    /// </summary>
    public static JsonElement? ReadJson(string codec, ReadOnlyMemory<byte> value)
    {
        if (codec != Json)
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(value);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// What a sub-key's bytes look like, since a snapshot does not say of which type it is: text; or a number, where they are no text; or a
    /// Guid; else hexadecimal digits.
    /// </summary>
    public static string SubKey(ReadOnlySpan<byte> bytes)
    {
        if (Text(bytes) is { } text)
        {
            return text;
        }

        return bytes.Length switch
        {
            sizeof(byte) => bytes[0].ToString(CultureInfo.InvariantCulture),
            sizeof(short) => BinaryPrimitives.ReadInt16LittleEndian(bytes).ToString(CultureInfo.InvariantCulture),
            sizeof(int) => BinaryPrimitives.ReadInt32LittleEndian(bytes).ToString(CultureInfo.InvariantCulture),
            sizeof(long) => BinaryPrimitives.ReadInt64LittleEndian(bytes).ToString(CultureInfo.InvariantCulture),
            GuidBytes => new Guid(bytes).ToString(),
            _ => $"0x{Convert.ToHexStringLower(bytes)}",
        };
    }

    private static string? Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            string text = s_strict.GetString(bytes);
            return text.Any(char.IsControl) ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}

using System.Text;
using System.Text.Unicode;
using FastConsumer.Payloads;

namespace FastConsumer.Cli.Records;

/// <summary>A payload as it is shown: decompressed, as text where it is UTF-8, else in base64.</summary>
/// <param name="Text">The text, or base64.</param>
/// <param name="IsBase64">True where the payload is no UTF-8.</param>
/// <param name="Compression">gzip or zstd; null where it was neither, or is broken.</param>
internal readonly record struct RecordValue(string Text, bool IsBase64, string? Compression)
{
    private static readonly CompressedBytesDeserializer s_decompress = new();

    public static RecordValue Of(KinesisRecord record)
    {
        string? compression = CompressionOf(record.DataSpan);
        ReadOnlyMemory<byte> bytes = record.Data;
        if (compression is not null)
        {
            try
            {
                bytes = s_decompress.Deserialize(record);
            }
            catch (InvalidDataException)
            {
                // it only looks compressed, or is broken: shown as it is
                compression = null;
            }
        }

        return Utf8.IsValid(bytes.Span)
            ? new RecordValue(Encoding.UTF8.GetString(bytes.Span), IsBase64: false, compression)
            : new RecordValue(Convert.ToBase64String(bytes.Span), IsBase64: true, compression);
    }

    /// <summary>
    /// The text without what could steer a terminal: control characters, and those that change the direction of writing, are written as
    /// \n, \t, \xNN and \uNNNN.
    /// </summary>
    public static string Printable(string text)
    {
        if (!text.Any(IsSteering))
        {
            return text;
        }

        var printable = new StringBuilder(text.Length + 16);
        foreach (char letter in text)
        {
            _ = !IsSteering(letter) ? printable.Append(letter)
                : letter == '\n' ? printable.Append("\\n")
                : letter == '\r' ? printable.Append("\\r")
                : letter == '\t' ? printable.Append("\\t")
                : letter < 0x100 ? printable.Append($"\\x{(int)letter:x2}")
                : printable.Append($"\\u{(int)letter:x4}");
        }

        return printable.ToString();
    }

    private static bool IsSteering(char letter) =>
        char.IsControl(letter) || letter is (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069') or '\u200e' or '\u200f';

    private static string? CompressionOf(ReadOnlySpan<byte> data) =>
        data.StartsWith<byte>([0x1F, 0x8B]) ? "gzip"
        : data.StartsWith<byte>([0x28, 0xB5, 0x2F, 0xFD]) ? "zstd"
        : null;
}

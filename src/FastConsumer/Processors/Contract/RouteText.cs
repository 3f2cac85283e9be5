using System.ComponentModel;
using System.Text.Json;

namespace FastConsumer.Processors;

/// <summary>The text of a record's route property, as it stands in the JSON; borrowed like the record.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public readonly ref struct RouteText
{
    private readonly ReadOnlySpan<byte> _raw;
    private readonly bool _isEscaped;

    internal RouteText(ReadOnlySpan<byte> raw, bool isEscaped)
    {
        _raw = raw;
        _isEscaped = isEscaped;
    }

    /// <summary>True where it is this text.</summary>
    /// <exception cref="JsonException">The text holds an escape that JSON does not know.</exception>
    public bool Is(ReadOnlySpan<byte> utf8) => _isEscaped ? IsUnescaped(_raw, utf8) : _raw.SequenceEqual(utf8);

    /// <summary>True where JSON text with escapes in it, without its quotes, means this text.</summary>
    internal static bool IsUnescaped(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> utf8)
    {
        // the reader wants the quotes, which stand around the text
        Span<byte> quoted = raw.Length <= 254 ? stackalloc byte[256] : new byte[raw.Length + 2];
        quoted = quoted[..(raw.Length + 2)];
        quoted[0] = (byte)'"';
        raw.CopyTo(quoted[1..]);
        quoted[^1] = (byte)'"';
        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        return reader.ValueTextEquals(utf8);
    }
}

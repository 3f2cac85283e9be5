using System.Globalization;

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>
/// A decoded request, the same for both encodings. Values are <see cref="string"/>, <see cref="long"/>,
/// <see cref="double"/>, <see cref="bool"/>, <c>byte[]</c>, <see cref="WireTimestamp"/>, lists and maps; null members
/// count as absent.
/// </summary>
internal sealed class RequestMap
{
    private readonly Dictionary<string, object> _members = new(StringComparer.Ordinal);

    public void Set(string name, object? value)
    {
        if (value is not null)
        {
            _members[name] = value;
        }
    }

    public string? Text(string name) => Get(name) switch
    {
        null => null,
        string text => text,
        { } other => throw Wrong(name, "a string", other),
    };

    public int? Integer(string name) => Get(name) switch
    {
        null => null,
        long value and >= int.MinValue and <= int.MaxValue => (int)value,
        { } other => throw Wrong(name, "an integer", other),
    };

    public bool? Flag(string name) => Get(name) switch
    {
        null => null,
        bool value => value,
        { } other => throw Wrong(name, "a boolean", other),
    };

    /// <summary>Bytes: a byte string in CBOR, base64 in JSON.</summary>
    public byte[]? Blob(string name)
    {
        switch (Get(name))
        {
            case null:
                return null;
            case byte[] bytes:
                return bytes;
            case string base64:
                try
                {
                    return Convert.FromBase64String(base64);
                }
                catch (FormatException exception)
                {
                    throw new RequestFormatException($"{name} is not valid base64.", exception);
                }

            case { } other:
                throw Wrong(name, "a blob", other);
        }
    }

    /// <summary>Epoch milliseconds: a tagged integer in CBOR, epoch seconds in JSON.</summary>
    public long? Timestamp(string name) => Get(name) switch
    {
        null => null,
        WireTimestamp timestamp => timestamp.UnixMs,
        long seconds => seconds * 1000,
        double seconds => (long)Math.Round(seconds * 1000),
        { } other => throw Wrong(name, "a timestamp", other),
    };

    public RequestMap? Map(string name) => Get(name) switch
    {
        null => null,
        RequestMap map => map,
        { } other => throw Wrong(name, "a structure", other),
    };

    public IReadOnlyList<RequestMap>? Maps(string name) => Get(name) switch
    {
        null => null,
        List<object?> list => [.. list.Select(item => item as RequestMap ?? throw Wrong(name, "a list of structures", item))],
        { } other => throw Wrong(name, "a list", other),
    };

    public IReadOnlyList<string>? Texts(string name) => Get(name) switch
    {
        null => null,
        List<object?> list => [.. list.Select(item => item as string ?? throw Wrong(name, "a list of strings", item))],
        { } other => throw Wrong(name, "a list", other),
    };

    /// <summary>A map of the caller's own keys.</summary>
    public IReadOnlyDictionary<string, string>? TextMap(string name) =>
        Map(name)?._members.ToDictionary(
            static member => member.Key,
            member => member.Value as string ?? throw Wrong(name, "a map of strings", member.Value));

    private object? Get(string name) => _members.GetValueOrDefault(name);

    private static RequestFormatException Wrong(string name, string expected, object? value) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{name} must be {expected}, not {value?.GetType().Name ?? "null"}."));
}

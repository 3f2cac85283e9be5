using System.Text;
using System.Text.Json;

namespace FastConsumer.Kinesis.Wire;

/// <summary>
/// A small answer as a tree, whatever its encoding was: for everything but records, where an object per value costs nothing
/// that matters. Missing members read as <see cref="Null"/>, unknown ones are kept and ignored.
/// </summary>
internal sealed class WireValue
{
    public static readonly WireValue Null = new(null, WireFormat.Json);

    private readonly object? _value;
    private readonly WireFormat _format;

    private WireValue(object? value, WireFormat format)
    {
        _value = value;
        _format = format;
    }

    public bool IsNull => _value is null;

    /// <summary>The member of that name, or <see cref="Null"/>.</summary>
    public WireValue this[string name] =>
        _value is Dictionary<string, WireValue> members && members.TryGetValue(name, out WireValue? member) ? member : Null;

    /// <summary>The items of an array; none where it is null.</summary>
    public IReadOnlyList<WireValue> Items => _value switch
    {
        null => Array.Empty<WireValue>(),
        List<WireValue> items => items,
        _ => throw Unexpected("an array"),
    };

    /// <summary>The text, or null.</summary>
    public string? AsText() => _value switch
    {
        null => null,
        string text => text,
        _ => throw Unexpected("a text"),
    };

    /// <summary>The integer, or null.</summary>
    public long? AsInteger() => _value switch
    {
        null => null,
        long integer => integer,
        double real => WireNumbers.ToInteger(real),
        _ => throw Unexpected("an integer"),
    };

    /// <summary>The point in time, or null: seconds in JSON, milliseconds in CBOR.</summary>
    public DateTimeOffset? AsTimestamp()
    {
        long milliseconds;
        switch (_value)
        {
            case null:
                return null;
            case long integer when _format == WireFormat.Cbor:
                milliseconds = WireNumbers.CheckTimestamp(integer);
                break;
            case long integer:
                milliseconds = WireNumbers.ToTimestamp(integer * 1000.0);
                break;
            case double real:
                bool isSeconds = _format == WireFormat.Json || Math.Abs(real) < WireNumbers.LeastFloatMilliseconds;
                milliseconds = WireNumbers.ToTimestamp(isSeconds ? real * 1000 : real);
                break;
            default:
                throw Unexpected("a timestamp");
        }

        return DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
    }

    /// <summary>Reads a whole body; an empty one is <see cref="Null"/>, for operations without an answer.</summary>
    /// <exception cref="WireFormatException">The bytes are malformed.</exception>
    public static WireValue Decode(WireFormat format, Span<byte> body)
    {
        if (body.IsEmpty)
        {
            return Null;
        }

        if (format == WireFormat.Cbor)
        {
            var cbor = new CborReader(body);
            WireValue answer = Read(ref cbor, 1);
            cbor.ReadEnd();
            return answer;
        }

        try
        {
            var json = new Utf8JsonReader(body);
            json.Read();
            WireValue value = Read(ref json);
            json.Read();
            return value;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new WireFormatException("The answer is not valid JSON.");
        }
    }

    /// <summary>Reads the next CBOR item.</summary>
    public static WireValue Read(ref CborReader reader, int depth)
    {
        if (depth > CborReader.MaxDepth)
        {
            throw CborReader.TooDeep();
        }

        switch (reader.PeekKind())
        {
            case CborKind.Null:
                reader.Skip();
                return Null;
            case CborKind.Boolean:
                return Of(reader.ReadBoolean(), WireFormat.Cbor);
            case CborKind.UnsignedInteger or CborKind.NegativeInteger or CborKind.Float:
                return reader.ReadNumber(out long integer, out double real) ? Of(integer, WireFormat.Cbor) : Of(real, WireFormat.Cbor);
            case CborKind.Text:
                return Of(Encoding.UTF8.GetString(reader.ReadText()), WireFormat.Cbor);
            case CborKind.Array:
                var items = new List<WireValue>();
                CborContainer array = reader.ReadArray();
                while (reader.MoveNext(ref array))
                {
                    items.Add(Read(ref reader, depth + 1));
                }

                return Of(items, WireFormat.Cbor);
            case CborKind.Map:
                var members = new Dictionary<string, WireValue>(StringComparer.Ordinal);
                CborContainer map = reader.ReadMap();
                while (reader.MoveNext(ref map))
                {
                    string name = Encoding.UTF8.GetString(reader.ReadText());
                    members[name] = Read(ref reader, depth + 1);
                }

                return Of(members, WireFormat.Cbor);
            default:
                // control-plane answers carry no blobs and no other simple values
                reader.Skip();
                return Null;
        }
    }

    /// <summary>Reads the value of the reader's current token. The reader bounds the depth, at 64 too.</summary>
    public static WireValue Read(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return Null;
            case JsonTokenType.True or JsonTokenType.False:
                return Of(reader.GetBoolean(), WireFormat.Json);
            case JsonTokenType.Number:
                return reader.TryGetInt64(out long integer) ? Of(integer, WireFormat.Json)
                    : reader.TryGetDouble(out double real) ? Of(real, WireFormat.Json)
                    : throw new WireFormatException("A number is out of range.");
            case JsonTokenType.String:
                return Of(reader.GetString()!, WireFormat.Json);
            case JsonTokenType.StartArray:
                var items = new List<WireValue>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(Read(ref reader));
                }

                return Of(items, WireFormat.Json);
            case JsonTokenType.StartObject:
                var members = new Dictionary<string, WireValue>(StringComparer.Ordinal);
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    string name = reader.GetString()!;
                    reader.Read();
                    members[name] = Read(ref reader);
                }

                return Of(members, WireFormat.Json);
            default:
                throw new WireFormatException($"JSON holds {reader.TokenType} where a value is due.");
        }
    }

    private static WireValue Of(object value, WireFormat format) => new(value, format);

    private WireFormatException Unexpected(string expected) => new($"{expected} was expected, found {_value!.GetType().Name}.");
}

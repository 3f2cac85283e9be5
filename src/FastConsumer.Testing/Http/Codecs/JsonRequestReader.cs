using System.Text.Json;

namespace FastConsumer.Testing.Http.Codecs;

/// <summary>Reads a JSON request.</summary>
internal static class JsonRequestReader
{
    public static RequestMap Read(ReadOnlyMemory<byte> body)
    {
        if (body.IsEmpty)
        {
            return new RequestMap();
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return Value(document.RootElement) as RequestMap ?? throw new RequestFormatException("The request is not a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new RequestFormatException("The request is not valid JSON.", exception);
        }
    }

    private static object? Value(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var map = new RequestMap();
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    map.Set(property.Name, Value(property.Value));
                }

                return map;
            case JsonValueKind.Array:
                var list = new List<object?>(element.GetArrayLength());
                foreach (JsonElement item in element.EnumerateArray())
                {
                    list.Add(Value(item));
                }

                return list;
            case JsonValueKind.String:
                return element.GetString();
            case JsonValueKind.Number:
                return element.TryGetInt64(out long integer) ? (object)integer : element.GetDouble();
            case JsonValueKind.True:
                return true;
            case JsonValueKind.False:
                return false;
            default:
                return null;
        }
    }
}

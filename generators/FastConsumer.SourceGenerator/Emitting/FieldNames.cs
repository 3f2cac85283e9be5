using FastConsumer.SourceGenerator.Model;

namespace FastConsumer.SourceGenerator.Emitting;

/// <summary>The fields of a pipeline beside its processor: one for each JSON type, and one for each deserializer.</summary>
internal sealed class FieldNames
{
    private readonly Dictionary<string, string> _byKey = new(StringComparer.Ordinal);

    public FieldNames(IEnumerable<HandlerModel> handlers)
    {
        var names = new FreeNames("_processor", "_scopes", "_transactions");
        foreach (PayloadModel payload in handlers.Select(handler => handler.Payload))
        {
            if (payload.Kind == PayloadKind.Json && !_byKey.ContainsKey(payload.Type))
            {
                _byKey.Add(payload.Type, names.Take("_json" + payload.ShortName));
                Json.Add(payload);
            }
            else if (payload.Deserializer is { } deserializer && !_byKey.ContainsKey(Key(deserializer)))
            {
                _byKey.Add(Key(deserializer), names.Take("_deserializer" + deserializer.ShortName));
                Deserializers.Add(deserializer);
            }
        }
    }

    /// <summary>The JSON payloads, one for each type.</summary>
    public List<PayloadModel> Json { get; } = [];

    /// <summary>The deserializers, one for each type it is called through.</summary>
    public List<DeserializerModel> Deserializers { get; } = [];

    public string Of(PayloadModel json) => _byKey[json.Type];

    public string Of(DeserializerModel deserializer) => _byKey[Key(deserializer)];

    private static string Key(DeserializerModel deserializer) => $"{deserializer.Type} as {deserializer.CallType}";
}

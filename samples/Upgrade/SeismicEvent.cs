using System.Text.Json;
using System.Text.Json.Serialization;

namespace UpgradeSample;

/// <summary>One seismic event as the USGS publishes it.</summary>
public sealed record SeismicEvent(string Id, long Time, double? Mag, string? Place)
{
    /// <summary>What comes after the last comma of the place; the partition key.</summary>
    [JsonIgnore]
    public string Region => Place is { Length: > 0 } place ? place[(place.LastIndexOf(',') + 1)..].Trim() : "elsewhere";

    /// <summary>All events of the file.</summary>
    public static List<SeismicEvent> ReadAll()
    {
        using Stream data = typeof(SeismicEvent).Assembly.GetManifestResourceStream("earthquakes.ndjson")
            ?? throw new InvalidOperationException("The sample was built without earthquakes.ndjson.");
        using var reader = new StreamReader(data);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonSerializer.Deserialize(line, SeismicJson.Default.SeismicEvent)!)];
    }
}

/// <summary>What version 2 knows of a region.</summary>
/// <param name="Events">How many events it had.</param>
/// <param name="Strongest">The greatest magnitude since version 2 counts; null before the first event of that.</param>
public sealed record Region(int Events, double? Strongest);

/// <summary>JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SeismicEvent))]
[JsonSerializable(typeof(Region))]
[JsonSerializable(typeof(int))]
public sealed partial class SeismicJson : JsonSerializerContext;

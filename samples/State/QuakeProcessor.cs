using System.Text.Json.Serialization;
using FastConsumer;

namespace StateSample;

/// <summary>One seismic event as the USGS publishes it.</summary>
public sealed record SeismicEvent(string Id, long Time, double? Mag, string? Place)
{
    /// <summary>What comes after the last comma of the place; the partition key.</summary>
    [JsonIgnore]
    public string Region => Place is { Length: > 0 } place ? place[(place.LastIndexOf(',') + 1)..].Trim() : "elsewhere";
}

/// <summary>JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SeismicEvent))]
[JsonSerializable(typeof(int))]
public sealed partial class SeismicJson : JsonSerializerContext;

/// <summary>Remembers the last event of each region, and counts its events by magnitude.</summary>
[KinesisProcessor("seismic-events", JsonContext = typeof(SeismicJson))]
[Checkpoint(Interval = "00:00:00.5", Records = 0)]
[Concurrency(4)]
public sealed partial class QuakeProcessor
{
    [State("last")]
    private partial KeyedState<SeismicEvent> Last { get; }

    [State("magnitudes")]
    private partial KeyedMap<int, int> Magnitudes { get; }

    [OnRecord]
    public async Task HandleAsync(SeismicEvent quake, RecordContext context, CancellationToken cancellationToken)
    {
        Last.Of(context).Set(quake);
        Magnitudes.Of(context).Edit(Magnitude(quake))++;
        // as a handler does that asks somebody: a worker that is killed dies in the midst of a call
        await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, cancellationToken);
    }

    /// <summary>The magnitude as a whole number.</summary>
    public static int Magnitude(SeismicEvent quake)
    {
        ArgumentNullException.ThrowIfNull(quake);
        return (int)Math.Floor(quake.Mag ?? 0);
    }
}

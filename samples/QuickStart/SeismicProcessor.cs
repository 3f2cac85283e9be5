using System.Text.Json.Serialization;
using FastConsumer;

namespace QuickStart;

/// <summary>One seismic event as the USGS publishes it.</summary>
public sealed record SeismicEvent(string Id, string Type, long Time, double? Mag, string? Place);

/// <summary>JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SeismicEvent))]
public sealed partial class SeismicJson : JsonSerializerContext;

/// <summary>All that a consumer's author writes: a method for each type of event, and one for the rest.</summary>
[KinesisProcessor("seismic-events", JsonContext = typeof(SeismicJson), RouteProperty = "type")]
[Checkpoint(Interval = "00:00:01", Records = 250)]
public sealed partial class SeismicProcessor(Tally tally)
{
    [OnRecord(Route = "earthquake")]
    private void OnEarthquake(SeismicEvent quake, RecordContext context) => tally.Add("earthquake", quake, context.ShardId);

    [OnRecord(Route = "explosion")]
    private void OnExplosion(SeismicEvent explosion, RecordContext context) => tally.Add("explosion", explosion, context.ShardId);

    [OnRecord(Route = "quarry blast")]
    private void OnQuarryBlast(SeismicEvent blast, RecordContext context) => tally.Add("quarry blast", blast, context.ShardId);

    [OnRecord]
    private void OnAnythingElse(ReadOnlySpan<byte> payload, RecordContext context) => tally.AddUnknown(payload.Length, context.ShardId);

    [OnShardStarted]
    private void OnShardStarted(ShardContext shard) => tally.Note($"{shard.ShardId} started");

    [OnShardEnded]
    private void OnShardEnded(ShardContext shard) => tally.Note($"{shard.ShardId} is closed and done");
}

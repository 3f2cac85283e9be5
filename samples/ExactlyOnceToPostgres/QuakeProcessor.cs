using System.Text.Json.Serialization;
using FastConsumer;
using Npgsql;
using NpgsqlTypes;

namespace ExactlyOnceToPostgres;

/// <summary>One seismic event as the USGS publishes it.</summary>
public sealed record SeismicEvent(string Id, string Type, long Time, double? Mag, string? Place);

/// <summary>JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SeismicEvent))]
public sealed partial class SeismicJson : JsonSerializerContext;

/// <summary>
/// Stores events. The table has no unique key, so an event that were stored twice would be seen twice.
/// </summary>
[KinesisProcessor("seismic-events", JsonContext = typeof(SeismicJson))]
[Checkpoint(Interval = "00:00:05", Records = 0)]
public sealed partial class QuakeProcessor
{
    [OnBatch(MaxRecords = 25, MaxWait = "00:00:00.2")]
    public async Task HandleAsync(
        ReadOnlyMemory<SeismicEvent> events, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await using NpgsqlBinaryImporter copy = await transaction.Connection!.BeginBinaryImportAsync(
            "COPY quakes (id, type, magnitude) FROM STDIN (FORMAT binary)", cancellationToken);
        for (int i = 0; i < events.Length; i++)
        {
            SeismicEvent quake = events.Span[i];
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(quake.Id, NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(quake.Type, NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(quake.Mag, NpgsqlDbType.Double, cancellationToken);
        }

        await copy.CompleteAsync(cancellationToken);
    }
}

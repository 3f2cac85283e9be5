using System.Text.Json.Serialization;
using FastConsumer;

namespace Batches;

/// <summary>What a meter reports.</summary>
public sealed record Reading(int Meter, double Kilowatts);

/// <summary>JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Reading))]
public sealed partial class ReadingJson : JsonSerializerContext;

/// <summary>
/// Writes readings in batches: a call holds up to 200, or what has come within half a second. A row that the warehouse does not take
/// fails alone; the others of the call are done.
/// </summary>
[KinesisProcessor("readings", JsonContext = typeof(ReadingJson))]
[OnError(typeof(RowRejectedException), ErrorAction.Skip)]
[OnError(typeof(RowLockedException), ErrorAction.Retry, MaxAttempts = 5, InitialBackoff = "00:00:00.05")]
public sealed partial class ReadingProcessor(Warehouse warehouse)
{
    [OnBatch(MaxRecords = 200, MaxWait = "00:00:00.5")]
    private async ValueTask HandleAsync(ReadOnlyMemory<Reading> readings, BatchContext context, CancellationToken cancellationToken)
    {
        IReadOnlyList<Exception?> failures = await warehouse.InsertAsync(readings, cancellationToken);
        for (int i = 0; i < failures.Count; i++)
        {
            if (failures[i] is { } failure)
            {
                context.Fail(i, failure);
            }
        }
    }
}

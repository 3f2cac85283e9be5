using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastConsumer.Testing.Harness.Replay;

// The file that 'fastconsumer tail --save' writes: docs/reference/tool-records.md is its contract.

/// <summary>The first line of a file of saved records.</summary>
/// <param name="Version">Of the format.</param>
/// <param name="Stream">Where the records come from.</param>
/// <param name="SavedAt">When the file was begun.</param>
internal sealed record SavedHeader(int Version, string Stream, DateTimeOffset? SavedAt = null);

/// <summary>A line of such a file: a record with all that a handler sees of it.</summary>
/// <param name="ShardId">Its shard.</param>
/// <param name="SequenceNumber">Its sequence number.</param>
/// <param name="SubSequenceNumber">Its place in an aggregate; 0 where it was none.</param>
/// <param name="Arrival">When the service received it.</param>
/// <param name="PartitionKey">Its partition key.</param>
/// <param name="Data">The payload as it was put, in base64.</param>
/// <param name="ExplicitHashKey">Its explicit hash key, which only records of aggregates tell.</param>
internal sealed record SavedRecord(
    string ShardId,
    string SequenceNumber,
    long SubSequenceNumber,
    DateTimeOffset Arrival,
    string PartitionKey,
    byte[] Data,
    string? ExplicitHashKey = null)
{
    /// <summary>The format's version.</summary>
    public const int Version = 1;

    [JsonIgnore]
    public CheckpointPosition Position => CheckpointPosition.At(Kinesis.SequenceNumber.Parse(SequenceNumber), SubSequenceNumber);

    public static SavedRecord Of(string shardId, KinesisRecord record) => new(
        shardId,
        record.SequenceNumber.ToString(),
        record.SubSequenceNumber,
        record.ApproximateArrivalTimestamp,
        record.PartitionKey,
        record.DataSpan.ToArray(),
        record.ExplicitHashKey?.ToString(CultureInfo.InvariantCulture));
}

/// <summary>How such files are written and read.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SavedHeader))]
[JsonSerializable(typeof(SavedRecord))]
internal sealed partial class SavedRecordContext : JsonSerializerContext;

/// <summary>Writes and reads such files.</summary>
internal static class SavedRecordJson
{
    /// <summary>The lines are no HTML: nothing is escaped that need not be.</summary>
    public static SavedRecordContext Plain { get; } = new(new JsonSerializerOptions(SavedRecordContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

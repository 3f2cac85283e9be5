using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastConsumer.Cli.Records;

// What -o json writes: docs/reference/tool-records.md is its contract.

/// <summary>A record of <c>tail</c> and <c>peek</c>; a line each.</summary>
internal sealed record RecordLine(
    int Version,
    string Stream,
    string ShardId,
    string SequenceNumber,
    long SubSequenceNumber,
    DateTimeOffset Arrival,
    string PartitionKey,
    string? ExplicitHashKey,
    string Encoding,
    string? Compression,
    string Value);

/// <summary>What <c>put</c> has done.</summary>
internal sealed record PutDocument(
    int Version, string Kind, string Stream, long Records, long Bytes, long PutAgain, IReadOnlyList<PutShardItem> Items);

internal sealed record PutShardItem(string ShardId, long Records);

/// <summary>The plan or the outcome of a change of a stream.</summary>
internal sealed record StreamChangesDocument(int Version, string Kind, string Stream, IReadOnlyList<StreamChangeItem> Items);

/// <param name="Change">create, delete, split or merge.</param>
/// <param name="Target">The stream, or the shard.</param>
/// <param name="Detail">What becomes of it.</param>
/// <param name="IsDone">False in a plan.</param>
internal sealed record StreamChangeItem(string Change, string Target, string Detail, bool IsDone);

/// <summary>What <c>read-ceiling</c> has measured.</summary>
internal sealed record ReadCeilingDocument(
    int Version,
    string Kind,
    string Stream,
    DateTimeOffset At,
    double Seconds,
    long Records,
    long Bytes,
    double RecordsPerSecond,
    double BytesPerSecond,
    long Throttled,
    bool HasReachedTip,
    string? Application,
    int? FleetShards,
    double? FleetRecordsPerSecond,
    double? FleetBytesPerSecond,
    IReadOnlyList<ReadCeilingItem> Items);

internal sealed record ReadCeilingItem(string ShardId, double Seconds, long Records, long Bytes, long Throttled, bool HasReachedTip);

/// <summary>A dead letter; a line each. What is not known is left out.</summary>
internal sealed record DeadLetterLine(
    int Version,
    string? Application,
    string? Processor,
    string? Stream,
    string ShardId,
    string SequenceNumber,
    long SubSequenceNumber,
    DateTimeOffset Arrival,
    string PartitionKey,
    string? ExplicitHashKey,
    int? Attempts,
    string? Exception,
    string? Message,
    string? DecidedBy,
    string? Reason,
    int Bytes);

/// <summary>How far a replay of dead letters is: a file beside the letters.</summary>
internal sealed record ReplayProgress(
    int Version, string Source, string Target, long Done, long Line, Dictionary<string, string>? Positions);

/// <summary>What <c>dead-letters replay</c> has done.</summary>
internal sealed record ReplayDocument(int Version, string Kind, string Source, string Target, long Records, long Before, string Progress);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RecordLine))]
[JsonSerializable(typeof(PutDocument))]
[JsonSerializable(typeof(StreamChangesDocument))]
[JsonSerializable(typeof(ReadCeilingDocument))]
[JsonSerializable(typeof(DeadLetterLine))]
[JsonSerializable(typeof(ReplayProgress))]
[JsonSerializable(typeof(ReplayDocument))]
internal sealed partial class RecordDocumentContext : JsonSerializerContext;

/// <summary>Writes documents.</summary>
internal static class RecordDocumentJson
{
    /// <summary>The lines are no HTML: nothing is escaped that need not be. Control characters are.</summary>
    public static RecordDocumentContext Plain { get; } = new(new JsonSerializerOptions(RecordDocumentContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

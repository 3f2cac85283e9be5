using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer.Monitoring;

namespace FastConsumer.Cli.Output;

// What -o json writes: docs/reference/tool.md is its contract. A property may be added; one that goes or changes its meaning, or a new
// meaning of a value, is another version. What is not known is left out.

/// <summary>What all documents have.</summary>
internal abstract record Document(
    [property: JsonPropertyOrder(-1)] string Kind,
    [property: JsonPropertyOrder(-1)] string Application,
    [property: JsonPropertyOrder(-1)] DateTimeOffset At)
{
    [JsonPropertyOrder(-2)]
    public int Version { get; } = 1;
}

/// <summary>The documents of <c>shards</c>, <c>leases</c> and <c>checkpoint show</c>.</summary>
internal sealed record ShardsDocument(
    string Kind, string Application, string? Stream, string Table, DateTimeOffset At, IReadOnlyList<ShardItem> Items)
    : Document(Kind, Application, At);

/// <summary>The document of <c>workers</c>.</summary>
internal sealed record WorkersDocument(string Application, string Table, DateTimeOffset At, IReadOnlyList<WorkerItem> Items)
    : Document("workers", Application, At);

/// <summary>The document of <c>lag</c>.</summary>
internal sealed record LagDocument(
    string Application,
    string Stream,
    DateTimeOffset At,
    double RetentionSeconds,
    double? MaxLagSeconds,
    double? LossInSeconds,
    IReadOnlyList<LagItem> Items)
    : Document("lag", Application, At);

/// <summary>The document of <c>findings</c>.</summary>
internal sealed record FindingsDocument(string Application, DateTimeOffset At, IReadOnlyList<FindingItem> Items)
    : Document("findings", Application, At);

/// <summary>The document of <c>stopped</c>.</summary>
internal sealed record StoppedDocument(string Application, DateTimeOffset At, IReadOnlyList<FailingItem> Items)
    : Document("stopped", Application, At);

/// <summary>The document of what changes something: the plan with --dry-run, else what was done.</summary>
internal sealed record ChangesDocument(string Kind, string Application, DateTimeOffset At, IReadOnlyList<ChangeItem> Items)
    : Document(Kind, Application, At);

/// <summary>The document of <c>position show</c>.</summary>
internal sealed record PositionsDocument(string Application, string Sink, DateTimeOffset At, IReadOnlyList<PositionItem> Items)
    : Document("positions", Application, At);

internal sealed record PositionItem(
    string ShardId,
    string State,
    string? Position,
    long? Epoch,
    long? Number,
    string? Checkpoint,
    long? LeaseCounter,
    string? Owner);

/// <summary>The document of <c>state show</c>.</summary>
internal sealed record StateDocument(
    string Application,
    string Key,
    string HashKey,
    string Store,
    DateTimeOffset At,
    IReadOnlyList<StateShardItem> Shards,
    int LeftOut,
    IReadOnlyList<StateItem> Items)
    : Document("state", Application, At);

internal sealed record StateShardItem(
    string ShardId,
    string Position,
    DateTimeOffset? StreamTime,
    int StateVersion,
    IReadOnlyList<string> Snapshots,
    IReadOnlyList<string>? InheritedFrom,
    string? Processor);

internal sealed record StateItem(
    string ShardId,
    string State,
    string Of,
    string? SubKey,
    string? SubKeyBytes,
    int? Index,
    JsonElement? Value,
    string? ValueBytes,
    string Codec,
    DateTimeOffset? ExpiresAt,
    bool? IsCopy,
    int StateVersion,
    string Position);

/// <summary>The document of <c>checkpoint history</c>.</summary>
internal sealed record HistoryDocument(string Application, DateTimeOffset At, IReadOnlyList<KeptCheckpointItem> Items)
    : Document("history", Application, At);

internal sealed record KeptCheckpointItem(
    string ShardId, string Checkpoint, string Position, DateTimeOffset? StreamTime, int StateVersion, bool? IsOfLease);

/// <summary>The document of <c>savepoint create</c> and <c>savepoint list</c>.</summary>
internal sealed record SavepointsDocument(
    string Kind, string Application, string Store, DateTimeOffset At, IReadOnlyList<SavepointItem> Items)
    : Document(Kind, Application, At);

/// <summary>The document of <c>savepoint describe</c>.</summary>
internal sealed record SavepointDocument(
    string Application, string Store, DateTimeOffset At, SavepointItem Savepoint, IReadOnlyList<SavepointShardItem> Items)
    : Document("savepoint", Application, At);

internal sealed record SavepointItem(
    string Name, DateTimeOffset CreatedAt, int Shards, long Bytes, string Processor, int StateVersion, string StreamArn);

internal sealed record SavepointShardItem(
    string ShardId, string Position, IReadOnlyList<string> Parents, int StateVersion, bool HasState, bool? IsInherited);

/// <summary>A line of <c>savepoint export</c>.</summary>
internal sealed record ExportedEntry(
    string ShardId,
    string State,
    string Of,
    string Key,
    string? SubKey,
    string? SubKeyBytes,
    JsonElement? Value,
    IReadOnlyList<JsonElement>? Values,
    string? ValueBytes,
    IReadOnlyList<string>? ValuesBytes,
    string Codec,
    DateTimeOffset? ExpiresAt,
    bool? IsCopy,
    int StateVersion);

/// <summary>The document of <c>doctor</c>.</summary>
internal sealed record DoctorDocument(string Application, DateTimeOffset At, IReadOnlyList<CheckItem> Items)
    : Document("doctor", Application, At);

internal sealed record ShardItem(
    string ShardId,
    string Status,
    string? Owner,
    bool? OwnerIsKcl,
    string? RequestedBy,
    IReadOnlyList<string> Parents,
    string? StartingHashKey,
    string? EndingHashKey,
    bool? IsClosed,
    bool? IsGone,
    string? Checkpoint,
    long? Counter,
    long? FencingToken,
    double? LeaseSeconds,
    ReportItem? Report,
    FailingItem? Failing,
    PauseItem? Pause,
    ResetItem? Reset,
    ShardStateItem? State,
    string? Problem)
{
    public static ShardItem Of(FleetShard shard) => new(
        shard.ShardId,
        StatusOf(shard.Status),
        shard.Owner,
        shard.IsKcl ? true : null,
        shard.RequestedBy,
        shard.ParentShardIds,
        shard.HashKeyRange?.StartingHashKey.ToString(),
        shard.HashKeyRange?.EndingHashKey.ToString(),
        shard.IsClosed,
        shard.IsGone,
        shard.Checkpoint,
        shard.Status == FleetShardStatus.NoLease ? null : shard.Counter,
        shard.FencingToken,
        shard.LeaseDuration?.TotalSeconds,
        shard.Report is { } report ? ReportItem.Of(report, shard.ReportAge) : null,
        shard.Failing is { } failing
            ? new FailingItem(
                shard.ShardId, failing.Position, failing.Error, failing.Attempts, failing.IsStopped, failing.Epoch, shard.Owner)
            : null,
        shard.Pause is { } pause ? new PauseItem(pause.By, pause.Reason, pause.At, pause.Until) : null,
        shard.Reset is { } reset ? new ResetItem(reset.By, reset.Reason, reset.At, reset.From, reset.To) : null,
        shard.State is { } state ? ShardStateItem.Of(state) : null,
        shard.Problem);

    /// <summary>The status in the words of documents and tables.</summary>
    public static string StatusOf(FleetShardStatus status) => status switch
    {
        FleetShardStatus.NoLease => "no-lease",
        FleetShardStatus.WaitsForParents => "waits-for-parents",
        FleetShardStatus.Free => "free",
        FleetShardStatus.Held => "held",
        FleetShardStatus.HandedOver => "handed-over",
        FleetShardStatus.Retrying => "retrying",
        FleetShardStatus.Stopped => "stopped",
        FleetShardStatus.Paused => "paused",
        FleetShardStatus.Finished => "finished",
        _ => "unreadable",
    };
}

internal sealed record ReportItem(
    DateTimeOffset At,
    double? AgeSeconds,
    double? LagSeconds,
    double? LossInSeconds,
    double RecordsPerSecond,
    double BytesPerSecond,
    double Handling,
    string State,
    IReadOnlyList<string> Findings)
{
    public static ReportItem Of(Operators.ShardReport report, TimeSpan? age) => new(
        report.At,
        age?.TotalSeconds,
        report.Lag?.TotalSeconds,
        report.LossIn?.TotalSeconds,
        report.RecordsPerSecond,
        report.BytesPerSecond,
        report.Handling,
        report.State.ToString().ToLowerInvariant(),
        report.Findings);
}

internal sealed record ShardStateItem(
    int Version,
    string? Lineage,
    string? Snapshot,
    DateTimeOffset? StreamTime,
    DateTimeOffset? Seen,
    IReadOnlyList<string>? Inherits)
{
    public static ShardStateItem Of(FleetShardState state) => new(
        state.Version,
        state.Lineage,
        state.Snapshot,
        state.StreamTime,
        state.Seen,
        state.Inherits.Count > 0 ? state.Inherits : null);
}

internal sealed record PauseItem(string By, string? Reason, DateTimeOffset At, DateTimeOffset? Until);

internal sealed record ResetItem(string By, string? Reason, DateTimeOffset At, string From, string To);

internal sealed record FailingItem(
    string ShardId, string Position, string Error, int Attempts, bool IsStopped, long FencingToken, string? Owner);

internal sealed record WorkerItem(
    string WorkerId,
    bool? IsKcl,
    int Leases,
    double? MaxLagSeconds,
    double? LossInSeconds,
    double? RecordsPerSecond,
    double? BytesPerSecond,
    double? ReportAgeSeconds,
    IReadOnlyList<string> Shards);

internal sealed record LagItem(
    string ShardId,
    string Status,
    string? Owner,
    double? LagSeconds,
    double? OfRetention,
    double? LossInSeconds,
    string Source,
    double? AgeSeconds);

internal sealed record FindingItem(string Id, string Severity, string Title, string Remedy, string Page, IReadOnlyList<string> Shards);

internal sealed record ChangeItem(
    string ShardId, string Change, string? Owner, string? From, string? To, bool IsDone, bool? WasTakenAway, string? Refusal);

internal sealed record CheckItem(string Check, string Result, string Detail, string? Finding, string? Remedy);

/// <summary>How documents are written: one line, names in camel case, nothing for what is not known.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ShardsDocument))]
[JsonSerializable(typeof(WorkersDocument))]
[JsonSerializable(typeof(LagDocument))]
[JsonSerializable(typeof(FindingsDocument))]
[JsonSerializable(typeof(StoppedDocument))]
[JsonSerializable(typeof(ChangesDocument))]
[JsonSerializable(typeof(DoctorDocument))]
[JsonSerializable(typeof(PositionsDocument))]
[JsonSerializable(typeof(StateDocument))]
[JsonSerializable(typeof(HistoryDocument))]
[JsonSerializable(typeof(SavepointsDocument))]
[JsonSerializable(typeof(SavepointDocument))]
[JsonSerializable(typeof(ExportedEntry))]
internal sealed partial class DocumentContext : JsonSerializerContext;

/// <summary>Writes documents.</summary>
internal static class DocumentJson
{
    /// <summary>The documents are no HTML: nothing is escaped that need not be.</summary>
    public static DocumentContext Plain { get; } = new(new JsonSerializerOptions(DocumentContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.Savepoints;

/// <summary>
/// A copy of an application's state with a name: the positions of all shards, and the state at these positions. It is kept until it is
/// deleted, and depends on nothing that workers write.
/// </summary>
public sealed record Savepoint
{
    internal const int CurrentFormat = 1;

    /// <summary>Its name, one per application.</summary>
    public required string Name { get; init; }

    /// <summary>The application whose state it is.</summary>
    public required string Application { get; init; }

    /// <summary>The name of the processor's class.</summary>
    public required string Processor { get; init; }

    /// <summary>
    /// The highest <see cref="KinesisProcessorAttribute.StateVersion"/> that has written the state: a processor needs this version or a
    /// later one to begin with it.
    /// </summary>
    public required int StateVersion { get; init; }

    /// <summary>The stream.</summary>
    public required string StreamArn { get; init; }

    /// <summary>When the stream was created.</summary>
    public required DateTimeOffset StreamCreatedAt { get; init; }

    /// <summary>When the savepoint was completed, by the clock of whoever made it.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>How many bytes its objects have, without this description.</summary>
    public required long Bytes { get; init; }

    /// <summary>The number of shards that have state in it.</summary>
    [JsonIgnore]
    public int Shards => Rows.Count(static row => row.Snapshot is not null || row.Inherits.Count > 0);

    [JsonInclude]
    internal int Format { get; init; } = CurrentFormat;

    /// <summary>All objects that it has, as <c>session/number</c>.</summary>
    [JsonInclude]
    internal IReadOnlyList<string> Objects { get; init; } = [];

    [JsonInclude]
    internal IReadOnlyList<SavepointRow> Rows { get; init; } = [];

    /// <summary>What stands in the place of the description while a savepoint is being deleted.</summary>
    internal static byte[] Deleted => "{\"format\":0}"u8.ToArray();

    /// <summary>The format that a description says; 0 while it is being deleted.</summary>
    /// <exception cref="JsonException">It says none.</exception>
    internal static int FormatOf(byte[] json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.ValueKind == JsonValueKind.Object
            && document.RootElement.TryGetProperty("format", out JsonElement format) && format.TryGetInt32(out int number)
            ? number
            : throw new JsonException("It says no format.");
    }

    internal byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, SavepointJson.Default.Savepoint);

    /// <exception cref="JsonException">It is no savepoint.</exception>
    internal static Savepoint Parse(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize(json, SavepointJson.Default.Savepoint) ?? throw new JsonException("It is null.");
}

/// <summary>A row of the lease table, as far as it says what is done: not who owns it.</summary>
internal sealed record SavepointRow
{
    public required string Shard { get; init; }

    public IReadOnlyList<string> Parents { get; init; } = [];

    public IReadOnlyList<string> Children { get; init; } = [];

    /// <summary>In decimal digits; null where the row does not say.</summary>
    public string? StartingHashKey { get; init; }

    public string? EndingHashKey { get; init; }

    public required string Position { get; init; }

    public long SubSequenceNumber { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>The last time that an operator has set the position (<see cref="Lease.Reset"/>).</summary>
    public string? Reset { get; init; }

    public long Counter { get; init; }

    public DateTimeOffset? StreamCreatedAt { get; init; }

    public string? Stream { get; init; }

    public int StateVersion { get; init; }

    /// <summary>Where the snapshot is below the savepoint's objects (<see cref="SnapshotHandle"/>); null where there is none.</summary>
    public string? Snapshot { get; init; }

    /// <summary>The parents' snapshots, until the shard has one of its own (<see cref="Lease.Inherits"/>).</summary>
    public IReadOnlyList<string> Inherits { get; init; } = [];

    /// <summary>Both in one; null where the row does not say.</summary>
    [JsonIgnore]
    public HashKeyRange? HashKeys => TryHashKey(StartingHashKey, out UInt128 first) && TryHashKey(EndingHashKey, out UInt128 last)
        ? new HashKeyRange(first, last)
        : null;

    public static SavepointRow Of(Lease row) => new()
    {
        Shard = row.LeaseKey,
        Parents = row.ParentShardIds,
        Children = row.ChildShardIds,
        StartingHashKey = row.HashKeyRange?.StartingHashKey.ToString(CultureInfo.InvariantCulture),
        EndingHashKey = row.HashKeyRange?.EndingHashKey.ToString(CultureInfo.InvariantCulture),
        Position = row.Checkpoint.ToCheckpointString(),
        SubSequenceNumber = row.Checkpoint.SubSequenceNumber,
        StartedAt = row.StartedAt,
        Reset = row.Reset,
        Counter = row.LeaseCounter,
        StreamCreatedAt = row.StreamCreatedAt,
        Stream = row.StreamName,
        StateVersion = row.StateVersion,
        Snapshot = row.Snapshot,
        Inherits = row.Inherits,
    };

    /// <summary>The row of a lease that nobody owns.</summary>
    /// <param name="lineage">The lineage of the objects that it names, with a life.</param>
    public Lease ToLease(string lineage) => new()
    {
        LeaseKey = Shard,
        ParentShardIds = Parents,
        ChildShardIds = Children,
        HashKeyRange = HashKeys,
        Checkpoint = CheckpointPosition.TryParse(Position, SubSequenceNumber, out CheckpointPosition position)
            ? position
            : throw new InvalidDataException($"The savepoint has '{Position}' as the position of shard {Shard}, which is none."),
        StartedAt = StartedAt,
        Reset = Reset,
        LeaseCounter = Counter,
        StreamCreatedAt = StreamCreatedAt,
        StreamName = Stream,
        StateVersion = StateVersion,
        Snapshot = Snapshot,
        Inherits = Inherits,
        Lineage = lineage,
    };

    private static bool TryHashKey(string? digits, out UInt128 key) =>
        UInt128.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out key);
}

/// <summary>How far a savepoint is made, or restored.</summary>
/// <param name="Snapshots">How many snapshots of shards are copied.</param>
/// <param name="Of">How many there are.</param>
/// <param name="Bytes">How many bytes were copied.</param>
public readonly record struct SavepointProgress(int Snapshots, int Of, long Bytes);

/// <summary>What a savepoint is asked for cannot be done; the message says why, and what to do. Nothing was changed.</summary>
public sealed class SavepointException : Exception
{
    /// <summary>Creates the exception; <paramref name="message"/> is complete.</summary>
    public SavepointException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Savepoint))]
internal sealed partial class SavepointJson : JsonSerializerContext;

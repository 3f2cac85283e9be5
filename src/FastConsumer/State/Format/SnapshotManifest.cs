using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer.Kinesis;

namespace FastConsumer.State.Format;

/// <summary>The description of one shard's snapshot: all that a restore has to know but the values.</summary>
internal sealed record SnapshotManifest
{
    /// <summary>Each entry is in one of the ranges, and each range is of one state.</summary>
    public const int WholeFormat = 1;

    /// <summary>
    /// Ranges may be of all states, in several segments, and hold the same entry: the last one counts. See <see cref="SnapshotRanges"/>.
    /// </summary>
    public const int IncrementalFormat = 2;

    public int Format { get; init; } = WholeFormat;

    public required string Application { get; init; }

    public required string StreamArn { get; init; }

    /// <summary>When the stream was created, in epoch milliseconds.</summary>
    public required long StreamCreated { get; init; }

    public required string Processor { get; init; }

    /// <summary>The version of the processor's state that wrote the values.</summary>
    public required int StateVersion { get; init; }

    public required string Shard { get; init; }

    /// <summary>In decimal digits, as the service writes it.</summary>
    public required string StartingHashKey { get; init; }

    public required string EndingHashKey { get; init; }

    public required string Lineage { get; init; }

    /// <summary>The checkpoint's id: the fencing token of the owner that wrote, and a number inside of it.</summary>
    public required long Epoch { get; init; }

    public required long Number { get; init; }

    /// <summary>The text of the position up to which all records are done.</summary>
    public required string Position { get; init; }

    public long SubSequenceNumber { get; init; }

    /// <summary>The stream time at the position, in epoch milliseconds.</summary>
    public required long StreamTime { get; init; }

    /// <summary>The ranges of done records above the position, in order.</summary>
    public IReadOnlyList<SnapshotRun> Runs { get; init; } = [];

    public required IReadOnlyList<SnapshotState> States { get; init; }

    /// <summary>Where the entries are, from the oldest range to the newest.</summary>
    public required IReadOnlyList<SnapshotRange> Ranges { get; init; }

    /// <summary>The handle of the snapshot before it; null for none.</summary>
    public string? Predecessor { get; init; }

    /// <summary>What the sinks of the processor's outputs had; null where no output has a sink that counts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SnapshotSink>? Sinks { get; init; }

    /// <summary>The transactions that are not known to be committed; there are none yet.</summary>
    public IReadOnlyList<string> Transactions { get; init; } = [];

    /// <summary>
    /// The <see cref="CopyId"/> of the snapshot that this one is a copy of, made from or for a savepoint; null for one that a worker wrote.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ulong? FormerCopyId { get; init; }

    [JsonIgnore]
    public HashKeyRange HashKeys => new(ParseHashKey(StartingHashKey), ParseHashKey(EndingHashKey));

    /// <summary>
    /// A number that no other snapshot has: what a split copies from this one is known by it, so it is the same for both children.
    /// </summary>
    [JsonIgnore]
    public ulong CopyId => FormerCopyId ?? (ulong)Kinesis.HashKeys.Of(System.Text.Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"{Lineage}/{Shard}/{Epoch}/{Number}")));

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, SnapshotJson.Default.SnapshotManifest);

    /// <exception cref="SnapshotDamagedException">It is not a manifest.</exception>
    public static SnapshotManifest Parse(ReadOnlySpan<byte> json)
    {
        SnapshotManifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(json, SnapshotJson.Default.SnapshotManifest)
                ?? throw new SnapshotDamagedException("its manifest is null");
        }
        catch (JsonException e)
        {
            throw new SnapshotDamagedException($"its manifest is not as expected at {e.Path ?? "its beginning"}");
        }

        manifest.Check();
        return manifest;
    }

    private void Check()
    {
        if (Format is not (WholeFormat or IncrementalFormat))
        {
            throw new SnapshotDamagedException(
                $"its manifest has format {Format}, and this version of FastConsumer reads {WholeFormat} and {IncrementalFormat}");
        }

        if (HashKeys.StartingHashKey > HashKeys.EndingHashKey)
        {
            throw new SnapshotDamagedException("the manifest's range of hash keys ends before it begins");
        }

        if (Transactions.Count > 0)
        {
            throw new SnapshotDamagedException("its manifest has transactions, which this version of FastConsumer does not know");
        }

        foreach (SnapshotState? state in States)
        {
            if (state is null || !Enum.IsDefined(state.Kind))
            {
                throw new SnapshotDamagedException("its manifest has a state of no known kind");
            }
        }

        foreach (SnapshotRange? range in Ranges)
        {
            if (range is null || range.Offset < 0 || range.Length <= 0 || range.FirstGroup < 0 || range.LastGroup < range.FirstGroup
                || range.LastGroup >= HashKeyGroups.Count
                || (range.State is null ? Format == WholeFormat : range.IsWhole || !States.Any(state => state.Name == range.State)))
            {
                throw new SnapshotDamagedException("its manifest has a range of blocks that cannot be");
            }
        }
    }

    private static UInt128 ParseHashKey(string text) =>
        UInt128.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 key)
            ? key
            : throw new SnapshotDamagedException("a hash key of its manifest is not a number");
}

/// <summary>Records above the position that are done, both ends included.</summary>
internal sealed record SnapshotRun
{
    public required string First { get; init; }

    public long FirstSubSequenceNumber { get; init; }

    public required string Last { get; init; }

    public long LastSubSequenceNumber { get; init; }
}

/// <summary>What the sink of an output had of the shard.</summary>
internal sealed record SnapshotSink
{
    public required string Output { get; init; }

    /// <summary>The sink as messages name it: its kind and place.</summary>
    public required string Sink { get; init; }

    /// <summary>How many transactions; it never gets less.</summary>
    public required long Number { get; init; }
}

/// <summary>A state as it was declared by the processor that wrote it.</summary>
internal sealed record SnapshotState
{
    public required string Name { get; init; }

    public required StateKind Kind { get; init; }

    public required int Version { get; init; }

    /// <summary>What wrote the values: <c>json</c>, or the name of a serializer.</summary>
    public required string Codec { get; init; }
}

/// <summary>Blocks that lie behind one another in one object.</summary>
internal sealed record SnapshotRange
{
    /// <summary>The only state that they are of; null for all states.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? State { get; init; }

    /// <summary>True where it holds all entries of its groups, so that no earlier range counts for them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsWhole { get; init; }

    public required int FirstGroup { get; init; }

    public required int LastGroup { get; init; }

    /// <summary>The segment's name.</summary>
    public required string Segment { get; init; }

    public required long Offset { get; init; }

    public required int Length { get; init; }

    /// <summary>Of all bytes of the range.</summary>
    public required uint Crc { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    UseStringEnumConverter = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(SnapshotManifest))]
internal sealed partial class SnapshotJson : JsonSerializerContext;

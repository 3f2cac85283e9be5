using System.Text.Json.Serialization;

namespace FastConsumer.LoadTest.StateSize;

/// <summary>What is run.</summary>
internal sealed record StateSizeSettings(int Keys, double Changed, int Checkpoints, int Lanes, int Shards, string? Local);

/// <summary>
/// What the checkpoints of a large state came to. The first one is whole; all figures per checkpoint are of those behind it. Where there
/// are several shards, their checkpoints at one time count as one.
/// </summary>
internal sealed record StateSizeFigures
{
    public required int Keys { get; init; }

    /// <summary>Keys that have changed between two checkpoints, all shards together.</summary>
    public required int ChangedKeys { get; init; }

    public required int Checkpoints { get; init; }

    public required int Lanes { get; init; }

    public required int Shards { get; init; }

    /// <summary>The first checkpoint: all of the state.</summary>
    public required long BytesWhole { get; init; }

    public required double BytesPerCheckpoint { get; init; }

    /// <summary>What the entries that have changed between two checkpoints take in a whole snapshot.</summary>
    public required double ChangedBytes { get; init; }

    /// <summary>What a checkpoint writes, over <see cref="ChangedBytes"/>.</summary>
    public required double WriteAmplification { get; init; }

    /// <summary>An entry of a whole snapshot.</summary>
    public required double BytesPerEntry { get; init; }

    /// <summary>What a checkpoint writes of what has changed, by entry, without the groups whose turn it is.</summary>
    public required double DeltaBytesPerEntry { get; init; }

    /// <summary>Checkpoints behind the first that were whole all the same, of all shards.</summary>
    public required int CheckpointsWhole { get; init; }

    /// <summary>The most ranges of a manifest.</summary>
    public required int Ranges { get; init; }

    /// <summary>The bytes in the store at the end, over <see cref="BytesWhole"/>.</summary>
    public required double BytesKept { get; init; }

    /// <summary>The same behind the checkpoint where it is the most.</summary>
    public required double BytesKeptMax { get; init; }

    /// <summary>The objects in the store at the end.</summary>
    public required int ObjectsKept { get; init; }

    /// <summary>The objects that are written where all shards checkpoint once.</summary>
    public required double PutsPerRound { get; init; }

    /// <summary>Cuts that were timed: these, beside lanes that handle records.</summary>
    public required int Cuts { get; init; }

    /// <summary>From before the gate was closed until it was open again.</summary>
    public required double CutMicrosecondsMedian { get; init; }

    public required double CutMicrosecondsP99 { get; init; }

    public required double CutMicrosecondsMax { get; init; }

    /// <summary>The part of it until no lane was inside of the gate any more.</summary>
    public required double ClosingMicrosecondsMedian { get; init; }

    public required double ClosingMicrosecondsP99 { get; init; }

    /// <summary>CPU time of the cut and of writing it into memory, of the whole snapshot and of one that follows.</summary>
    public required double SerializeCpuSecondsWhole { get; init; }

    public required double SerializeCpuSecondsPerCheckpoint { get; init; }

    /// <summary>The memory that the process took before the first checkpoint, after a garbage collection.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>
    /// The most that it took more during the whole snapshot, without what a store in memory keeps. Garbage that was not collected yet is in
    /// it.
    /// </summary>
    public required long ExtraBytesWhole { get; init; }

    /// <summary>The same for those that follow.</summary>
    public required long ExtraBytesPerCheckpoint { get; init; }

    /// <summary>The longest that garbage collection held all threads during a checkpoint, in ms.</summary>
    public required double CollectorMillisecondsMax { get; init; }

    public required double RestoreSeconds { get; init; }

    /// <summary>CPU time of the whole process in it, garbage collection included.</summary>
    public required double RestoreCpuSeconds { get; init; }

    /// <summary>The bytes that were read for it.</summary>
    public required long RestoreBytes { get; init; }

    /// <summary>Seconds for each GB of <see cref="BytesWhole"/>.</summary>
    [JsonPropertyName("restoreSecondsPerGB")]
    public required double RestoreSecondsPerGigabyte { get; init; }

    /// <summary>The keys that a fresh restore has with other values, or without one.</summary>
    public required long WrongKeys { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StateSizeFigures))]
internal sealed partial class StateSizeJson : JsonSerializerContext;

using System.Text.Json.Serialization;

namespace FastConsumer.LoadTest.Read;

/// <summary>What one run came to, in the client's process, warm-up excluded (but for the peak).</summary>
internal sealed record ReadFigures
{
    public required string Client { get; init; }

    public required string Protocol { get; init; }

    public required long Records { get; init; }

    public required long Bytes { get; init; }

    public required int RecordsPerAnswer { get; init; }

    public required double WallSeconds { get; init; }

    public required double CpuSeconds { get; init; }

    public required long AllocatedBytes { get; init; }

    public required int Gen0 { get; init; }

    public required int Gen1 { get; init; }

    public required int Gen2 { get; init; }

    /// <summary>The part of the time in which code was compiled, on any thread.</summary>
    public required double CompilerSeconds { get; init; }

    public required long PeakWorkingSet { get; init; }

    public double CpuMicrosecondsPerRecord => CpuSeconds * 1e6 / Records;

    public double AllocatedBytesPerRecord => (double)AllocatedBytes / Records;

    public double AllocatedBytesPerRequest => AllocatedBytesPerRecord * RecordsPerAnswer;

    public double RecordsPerSecond => Records / WallSeconds;
}

/// <summary>Interleaved runs of all clients: medians, and their ratios.</summary>
internal sealed record Comparison(
    int Runs,
    IReadOnlyList<ReadFigures> Medians,
    double CpuFastToDrain,
    double CpuSdkToFast,
    double AllocatedPerRequestFastMinusDrain,
    double AllocatedPerRecordFast,
    IReadOnlyList<double> CpuFastToDrainOfEachRun,
    IReadOnlyList<double> CpuSdkToFastOfEachRun);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ReadFigures))]
[JsonSerializable(typeof(Comparison))]
[JsonSerializable(typeof(BaselineFigures))]
[JsonSerializable(typeof(TelemetryCostFigures))]
[JsonSerializable(typeof(StateCostFigures))]
[JsonSerializable(typeof(Pipeline.StateTurnsFigures))]
[JsonSerializable(typeof(Decode.DecodeFigures))]
[JsonSerializable(typeof(Decode.WholeCallFigures))]
[JsonSerializable(typeof(Shards.ShardsFigures))]
[JsonSerializable(typeof(Sinks.SinkCostFigures))]
internal sealed partial class FiguresJson : JsonSerializerContext;

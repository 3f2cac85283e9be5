using System.Text.Json.Serialization;
using FastConsumer.Testing;

namespace FastConsumer.LoadTest.Quota;

/// <summary>What was measured.</summary>
/// <param name="Model">How the service counted.</param>
/// <param name="Seconds">Measured after a warm-up of ten seconds.</param>
/// <param name="Total">The part of 2 MiB/s that all applications read together.</param>
/// <param name="Each">The part of 2 MiB/s of each.</param>
/// <param name="Calls">GetRecords calls, refused ones included.</param>
/// <param name="RefusedCalls">GetRecords calls that were refused.</param>
/// <param name="MedianDelayMs">From put to handler, where the shard was idle.</param>
/// <param name="P99DelayMs">The same, of the slowest hundredth.</param>
public sealed record QuotaFigures(
    ReadQuotaModel Model,
    double Seconds,
    double Total,
    double[] Each,
    long Calls,
    long RefusedCalls,
    double? MedianDelayMs,
    double? P99DelayMs);

/// <summary>JSON without reflection.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(QuotaFigures))]
public sealed partial class QuotaJson : JsonSerializerContext;

using System.Text.Json.Serialization;

namespace FastConsumer.LoadTest.Failover;

/// <summary>What came of it.</summary>
internal sealed record FailoverFigures
{
    public required int Workers { get; init; }

    public required int Shards { get; init; }

    public required double LeaseSeconds { get; init; }

    public required int Kills { get; init; }

    public required int Pauses { get; init; }

    public required int GracefulStops { get; init; }

    public required long Produced { get; init; }

    /// <summary>Records that no worker handled.</summary>
    public required long Lost { get; init; }

    /// <summary>Records that were handled once more than needed.</summary>
    public required long Duplicates { get; init; }

    /// <summary>What the checkpoint interval allows for the shards whose worker was killed or paused.</summary>
    public required long DuplicateBound { get; init; }

    /// <summary>Duplicates on shards that no fault had ever touched: handed over, and nothing may be repeated.</summary>
    public required long DuplicatesOfHandovers { get; init; }

    /// <summary>Records of a shard that one owner handled in another order than they were put.</summary>
    public required long OutOfOrder { get; init; }

    /// <summary>From a SIGKILL or SIGSTOP to the first record by another worker, of each shard that the worker had.</summary>
    public required Spread FailoverSeconds { get; init; }

    /// <summary>From a SIGTERM to the first record by another worker, of each shard that the worker had.</summary>
    public required Spread HandoverSeconds { get; init; }

    /// <summary>
    /// From the last record by the old worker to the first by the new one, where a worker that came later was given a shard.
    /// </summary>
    public required Spread RequestedHandoverSeconds { get; init; }

    /// <summary>Graceful stops that did not end with exit code 0.</summary>
    public required int FailedStops { get; init; }
}

/// <summary>Several measurements of one thing.</summary>
internal sealed record Spread(int Count, double Median, double Max)
{
    public static Spread Of(IEnumerable<double> values)
    {
        double[] ordered = [.. values.Order()];
        return ordered.Length == 0 ? new Spread(0, 0, 0) : new Spread(ordered.Length, ordered[ordered.Length / 2], ordered[^1]);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FailoverFigures))]
internal sealed partial class FailoverJson : JsonSerializerContext;

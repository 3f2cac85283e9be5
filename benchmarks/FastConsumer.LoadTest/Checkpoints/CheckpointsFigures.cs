using System.Text.Json.Serialization;

namespace FastConsumer.LoadTest.Checkpoints;

/// <summary>What leases and checkpoints asked of their table.</summary>
internal sealed record CheckpointsFigures
{
    public required int Workers { get; init; }

    public required int Shards { get; init; }

    public required double LeaseSeconds { get; init; }

    /// <summary>What the table was limited to; null for no limit.</summary>
    public required double? WriteUnitLimit { get; init; }

    /// <summary>
    /// From the start of the hosts, the table and its leases still to be made, to the first record handled on every shard.
    /// </summary>
    public required double StartSeconds { get; init; }

    public required double Seconds { get; init; }

    public required long RecordsPut { get; init; }

    public required long RecordsHandled { get; init; }

    /// <summary>Requests to the server, of every kind.</summary>
    public required double RequestsPerSecond { get; init; }

    public required double WriteUnitsPerSecond { get; init; }

    public required double ReadUnitsPerSecond { get; init; }

    public required long Throttled { get; init; }

    public required long Checkpoints { get; init; }

    /// <summary>How long ago the last checkpoint of a shard became durable, all shards looked at each second.</summary>
    public required double CheckpointAgeP50 { get; init; }

    public required double CheckpointAgeP99 { get; init; }

    public required double CheckpointAgeMax { get; init; }

    public required long LeasesLost { get; init; }
}

/// <summary>The same work on a table without a limit and on one with.</summary>
internal sealed record CheckpointsComparison(CheckpointsFigures Unlimited, CheckpointsFigures? Limited);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CheckpointsComparison))]
internal sealed partial class CheckpointsJson : JsonSerializerContext;

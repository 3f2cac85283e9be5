using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.Savepoints;

/// <summary>The application that begins with a savepoint. None of its workers may run meanwhile.</summary>
public sealed record SavepointTarget
{
    /// <summary>The application: the savepoint's own, or another.</summary>
    public required string ApplicationName { get; init; }

    /// <summary>Its lease table.</summary>
    public required ILeaseStore Leases { get; init; }

    /// <summary>What the table is called in the place of the checkpoints (<see cref="ILeaseStoreFactory.GetTableName"/>).</summary>
    public required string TableName { get; init; }

    /// <summary>
    /// True where the leases that the table has are replaced: their positions and their state are given up. Else the table must have none.
    /// </summary>
    public bool ReplacesLeases { get; init; }

    /// <summary>
    /// The shards that begin with the state; null for those of the savepoint, each at its position.
    /// </summary>
    public SavepointLayout? Layout { get; init; }

    /// <summary>Who does it, at most 64 bytes of UTF-8: noted in the leases.</summary>
    public required string By { get; init; }

    /// <summary>Why, at most 128 bytes of UTF-8; null to say nothing.</summary>
    public string? Reason { get; init; }
}

/// <summary>
/// The shards of another stream, or of the same one after it was resharded or made again. They begin with the state of a savepoint, by
/// hash keys, and with no position of it.
/// </summary>
public sealed record SavepointLayout
{
    /// <summary>The stream's ARN.</summary>
    public required string StreamArn { get; init; }

    /// <summary>When the stream was created.</summary>
    public required DateTimeOffset StreamCreatedAt { get; init; }

    /// <summary>All shards that the service lists, closed ones too.</summary>
    public required IReadOnlyList<Shard> Shards { get; init; }

    /// <summary>Where the shards begin: TRIM_HORIZON, LATEST or AT_TIMESTAMP.</summary>
    public required CheckpointPosition Start { get; init; }

    /// <summary>The time of AT_TIMESTAMP; for the others the service's now.</summary>
    public required DateTimeOffset StartedAt { get; init; }
}

using FastConsumer.Leases;

namespace FastConsumer.Testing.Simulation;

/// <summary>What a ledger has to know of the world that it keeps book of.</summary>
internal sealed record LedgerRules
{
    public required TimeSpan LeaseDuration { get; init; }

    public required TimeSpan StopTimeout { get; init; }

    /// <summary>True where a shard's records are handled in their order; else only those of a key are.</summary>
    public required bool KeepsShardOrder { get; init; }

    /// <summary>True where a record begins only when the one before it is done.</summary>
    public required bool OneByOne { get; init; }

    /// <summary>True where nothing but trouble can put off a checkpoint.</summary>
    public required bool CheckpointsInTime { get; init; }

    /// <summary>How much later than its interval a checkpoint may be.</summary>
    public TimeSpan CheckpointSlack { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>How long after the creation of its lease a shard may be begun at what is the latest then.</summary>
    public TimeSpan LatestLasts { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>False where the handlers tell the ledger nothing: then what is checkpointed counts as done.</summary>
    public bool SeesHandlers { get; init; } = true;

    /// <summary>What becomes of user records that belong to another shard.</summary>
    public ForeignRecords ForeignRecords { get; init; }

    public required Func<string, bool> IsClosed { get; init; }

    public required Func<DateTimeOffset> StreamClock { get; init; }

    public required Func<IReadOnlyList<Lease>> Rows { get; init; }
}

namespace FastConsumer.Leases;

/// <summary>A store whose capacity has a limit and a price: what a pace for its writes is made from.</summary>
internal interface IMeteredLeaseStore : ILeaseStore
{
    /// <summary>What this store has asked of its table so far.</summary>
    LeaseTableUse Use { get; }

    /// <summary>What the table may be asked for each second.</summary>
    /// <exception cref="LeaseStoreException">It cannot be learnt.</exception>
    Task<LeaseTableLimits> DescribeThroughputAsync(CancellationToken cancellationToken);
}

/// <summary>What a table may be asked for each second; other programs that use it share it.</summary>
/// <param name="WriteUnits">Write units per second (one per started KB written); null where nothing is provisioned (on demand).</param>
/// <param name="ReadUnits">Read units per second (one per started 4 KB read consistently); null where nothing is provisioned.</param>
internal readonly record struct LeaseTableLimits(double? WriteUnits, double? ReadUnits);

/// <summary>What was asked of a table since its store was made. Retries that the AWS SDK makes of reads are not counted.</summary>
/// <param name="Requests">Requests sent.</param>
/// <param name="WriteUnits">Write units: as the server says, else one per write. A refused write costs one too.</param>
/// <param name="ReadUnits">Read units: as the server says, else one per row, or half of one where the read was not consistent.</param>
/// <param name="Throttled">Writes and reads that were throttled, each statement of a batch by itself.</param>
internal readonly record struct LeaseTableUse(long Requests, long WriteUnits, double ReadUnits, long Throttled);

namespace FastConsumer.Operators;

/// <summary>Where the records of a shard are read from after a reset of its checkpoint.</summary>
/// <param name="Position">
/// TRIM_HORIZON; LATEST; AT_TIMESTAMP; or the last record that counts as done. Never SHARD_END.
/// </param>
/// <param name="Time">The time of LATEST (the service's now) and of AT_TIMESTAMP; null for the others.</param>
internal readonly record struct ResetTarget(CheckpointPosition Position, DateTimeOffset? Time = null)
{
    /// <inheritdoc/>
    public override string ToString() => Position.Kind == CheckpointKind.AtTimestamp ? $"{Time:O}" : Position.ToString();
}

/// <summary>A reset as it stands in the lease's row.</summary>
/// <param name="By">Who did it.</param>
/// <param name="Reason">Why, as far as it was said.</param>
/// <param name="At">When.</param>
/// <param name="From">The checkpoint before.</param>
/// <param name="To">The checkpoint after.</param>
/// <param name="FirstStart">
/// When the application first started, as the row said it before its first reset (<see cref="Leases.Lease.StartedAt"/>): leases that are
/// created later begin there, and not where this one was reset to.
/// </param>
internal sealed record CheckpointReset(
    string By, string? Reason, DateTimeOffset At, string From, string To, DateTimeOffset? FirstStart = null);

/// <summary>What became of a lease that an operator has freed.</summary>
/// <param name="ShardId">The shard.</param>
/// <param name="FormerOwner">Who had it; null for nobody.</param>
/// <param name="From">The checkpoint before.</param>
/// <param name="To">The checkpoint after.</param>
/// <param name="Refusal">Why nothing was done; null where it was.</param>
/// <param name="WasTakenAway">True where the owner did not hand it over by itself.</param>
internal sealed record FreedLease(
    string ShardId, string? FormerOwner, CheckpointPosition From, CheckpointPosition To, string? Refusal = null, bool WasTakenAway = false);

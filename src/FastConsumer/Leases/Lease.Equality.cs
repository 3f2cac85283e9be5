namespace FastConsumer.Leases;

/// <content>Equality by content.</content>
public sealed partial record Lease
{
    /// <summary>
    /// True where all properties are equal, lists by content. Attributes that are not a lease's, which only <see cref="Attributes"/>
    /// holds, are not
    /// compared.
    /// </summary>
    public bool Equals(Lease? other) =>
        ReferenceEquals(this, other)
        || (other is not null
            && LeaseCounter == other.LeaseCounter
            && LeaseKey == other.LeaseKey
            && LeaseOwner == other.LeaseOwner
            && CheckpointOwner == other.CheckpointOwner
            && Checkpoint == other.Checkpoint
            && OwnerSwitchesSinceCheckpoint == other.OwnerSwitchesSinceCheckpoint
            && ParentShardIds.SequenceEqual(other.ParentShardIds)
            && ChildShardIds.SequenceEqual(other.ChildShardIds)
            && HashKeyRange == other.HashKeyRange
            && StartedAt == other.StartedAt
            && StreamCreatedAt == other.StreamCreatedAt
            && StreamName == other.StreamName
            && TakenBy == other.TakenBy
            && Session == other.Session
            && Duration == other.Duration
            && RequestedBy == other.RequestedBy
            && Notification == other.Notification
            && Standing == other.Standing
            && Command == other.Command
            && Decision == other.Decision
            && Paused == other.Paused
            && Reset == other.Reset
            && Report == other.Report
            && PositionSink == other.PositionSink
            && Snapshot == other.Snapshot
            && Inherits.SequenceEqual(other.Inherits)
            && StateVersion == other.StateVersion
            && Lineage == other.Lineage
            && Throughput.Equals(other.Throughput)
            && HasPendingCheckpoint == other.HasPendingCheckpoint
            && Problem == other.Problem);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(LeaseKey, LeaseCounter, LeaseOwner, Checkpoint);
}

namespace FastConsumer.DynamoDb;

/// <summary>The attributes of a lease's row, as KCL names them (read from KCL 3.5.1).</summary>
internal static class LeaseAttributes
{
    /// <summary>The partition key (S).</summary>
    public const string LeaseKey = "leaseKey";

    public const string LeaseCounter = "leaseCounter";
    public const string LeaseOwner = "leaseOwner";
    public const string CheckpointOwner = "checkpointOwner";
    public const string OwnerSwitches = "ownerSwitchesSinceCheckpoint";
    public const string Checkpoint = "checkpoint";
    public const string CheckpointSubSequenceNumber = "checkpointSubSequenceNumber";
    public const string PendingCheckpoint = "pendingCheckpoint";
    public const string PendingCheckpointSubSequenceNumber = "pendingCheckpointSubSequenceNumber";
    public const string PendingCheckpointState = "pendingCheckpointState";

    /// <summary>A string set, despite its name.</summary>
    public const string ParentShardIds = "parentShardId";

    public const string ChildShardIds = "childShardIds";
    public const string StartingHashKey = "startingHashKey";
    public const string EndingHashKey = "endingHashKey";

    /// <summary>From KCL 3.5 on, written at creation; missing means <see cref="LeaseEntity"/>.</summary>
    public const string EntityType = "entityType";

    /// <summary>The value of <see cref="EntityType"/> of a lease; rows with another share the table and are no leases.</summary>
    public const string LeaseEntity = "LEASE";

    /// <summary>Ours: N, milliseconds since 1970. KCL preserves attributes that it does not know.</summary>
    public const string StartedAt = "fastConsumerStartedAt";

    /// <summary>Ours: N, milliseconds since 1970: when the stream was created.</summary>
    public const string StreamCreatedAt = "fastConsumerStreamCreatedAt";

    /// <summary>Ours: S, the stream's name. Not KCL's <c>streamName</c>, which is that of tables of many streams.</summary>
    public const string StreamName = "fastConsumerStreamName";

    /// <summary>Ours: S, the FastConsumer worker that took the lease last.</summary>
    public const string TakenBy = "fastConsumerTakenBy";

    /// <summary>Ours: S, the process that took the lease last.</summary>
    public const string Session = "fastConsumerSession";

    /// <summary>Ours: S, the worker that asks the owner for the lease.</summary>
    public const string RequestedBy = "fastConsumerRequestedBy";

    /// <summary>Ours: S, what was rung last.</summary>
    public const string Ring = "fastConsumerRing";

    /// <summary>Ours: N, KB a second. Not <see cref="Throughput"/>, which is a sign of KCL 3.x.</summary>
    public const string PublishedThroughput = "fastConsumerThroughput";

    /// <summary>N, written by the renewals of KCL 3.x.</summary>
    public const string Throughput = "throughputKBps";
}

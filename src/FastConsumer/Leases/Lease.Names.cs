namespace FastConsumer.Leases;

/// <content>The names of the attributes.</content>
public sealed partial record Lease
{
    /// <summary>
    /// The attributes of a lease's row, as KCL names them (read from KCL 1.15.3 to 3.5.1), and ours, which begin with <c>fastConsumer</c>.
    /// </summary>
    public static class Names
    {
        /// <summary>The partition key (S).</summary>
        public const string LeaseKey = "leaseKey";

        /// <summary>N, + 1 with each write of an owner.</summary>
        public const string LeaseCounter = "leaseCounter";

        /// <summary>S; absent where nobody owns the lease.</summary>
        public const string LeaseOwner = "leaseOwner";

        /// <summary>S, the old owner during a hand-over of KCL 3.x. FastConsumer reads and removes it, and never sets it.</summary>
        public const string CheckpointOwner = "checkpointOwner";

        /// <summary>N.</summary>
        public const string OwnerSwitchesSinceCheckpoint = "ownerSwitchesSinceCheckpoint";

        /// <summary>S: a sequence number, TRIM_HORIZON, LATEST, AT_TIMESTAMP or SHARD_END.</summary>
        public const string Checkpoint = "checkpoint";

        /// <summary>N, the last done record of an aggregate.</summary>
        public const string CheckpointSubSequenceNumber = "checkpointSubSequenceNumber";

        /// <summary>S, a checkpoint that KCL has prepared and not made.</summary>
        public const string PendingCheckpoint = "pendingCheckpoint";

        /// <summary>N.</summary>
        public const string PendingCheckpointSubSequenceNumber = "pendingCheckpointSubSequenceNumber";

        /// <summary>B.</summary>
        public const string PendingCheckpointState = "pendingCheckpointState";

        /// <summary>SS, despite its name.</summary>
        public const string ParentShardIds = "parentShardId";

        /// <summary>SS.</summary>
        public const string ChildShardIds = "childShardIds";

        /// <summary>S, a 128-bit number.</summary>
        public const string StartingHashKey = "startingHashKey";

        /// <summary>S, a 128-bit number.</summary>
        public const string EndingHashKey = "endingHashKey";

        /// <summary>S, written at creation from KCL 3.5 on; absent means <see cref="LeaseEntity"/>.</summary>
        public const string EntityType = "entityType";

        /// <summary>The value of <see cref="EntityType"/> of a lease. Rows with another value share the table and are no leases.</summary>
        public const string LeaseEntity = "LEASE";

        /// <summary>N, KB a second, written by the renewals of KCL 3.x only.</summary>
        public const string ThroughputKBps = "throughputKBps";

        /// <summary>Ours: N, milliseconds since 1970: when the application first started at LATEST, or its AT_TIMESTAMP.</summary>
        public const string StartedAt = "fastConsumerStartedAt";

        /// <summary>Ours: N, milliseconds since 1970: when the stream was created.</summary>
        public const string StreamCreatedAt = "fastConsumerStreamCreatedAt";

        /// <summary>Ours: S, the stream's name. KCL's <c>streamName</c> belongs to tables of several streams.</summary>
        public const string StreamName = "fastConsumerStreamName";

        /// <summary>Ours: S, the FastConsumer worker that took the lease last.</summary>
        public const string TakenBy = "fastConsumerTakenBy";

        /// <summary>Ours: S, the process that took the lease last, and the counter of that take: <c>process/epoch</c>.</summary>
        public const string Session = "fastConsumerSession";

        /// <summary>
        /// Ours: S, the owner's lease duration, <c>epoch/milliseconds</c>; it counts only beside a <see cref="Session"/> of the same epoch.
        /// </summary>
        public const string Duration = "fastConsumerDuration";

        /// <summary>Ours: S, the worker that asks the owner for the lease.</summary>
        public const string RequestedBy = "fastConsumerRequestedBy";

        /// <summary>Ours: S, the last notification to the owner.</summary>
        public const string Notification = "fastConsumerRing";

        /// <summary>
        /// Ours: S, the record that the owner fails on, as JSON (<see cref="Operators.FailingRecord"/>); a take or release removes it.
        /// </summary>
        public const string Standing = "fastConsumerStanding";

        /// <summary>Ours: S, what an operator has decided for the owner to do, as JSON; a take or release removes it.</summary>
        public const string Command = "fastConsumerCommand";

        /// <summary>Ours: S, the last decision of an operator and what became of it, as JSON. It stays with the shard.</summary>
        public const string Decision = "fastConsumerDecision";

        /// <summary>Ours: S, since when and by whom the shard is paused, as JSON. It stays with the shard until it is resumed.</summary>
        public const string Paused = "fastConsumerPaused";

        /// <summary>
        /// Ours: S, the last reset of the checkpoint by an operator, as JSON. It stays with the shard: a row that bears it does not follow
        /// the start position of the options.
        /// </summary>
        public const string Reset = "fastConsumerReset";

        /// <summary>
        /// Ours: S, the kind of sink that keeps the position, such as <c>postgresql</c>: the checkpoint follows it. Written with the first
        /// checkpoint that does.
        /// </summary>
        public const string PositionSink = "fcP";

        /// <summary>
        /// Ours: S, the snapshot of the state at the checkpoint, as <see cref="SnapshotHandle"/> says it. Written in the same write as the
        /// checkpoint.
        /// </summary>
        public const string Snapshot = "fcS";

        /// <summary>Ours: SS, the last snapshots of the parents. The first snapshot of the shard's own removes it.</summary>
        public const string Inherits = "fcI";

        /// <summary>
        /// Ours: N, the version of the state. Workers of a lower version leave the row alone. A child's row has the highest of its
        /// parents'.
        /// </summary>
        public const string StateVersion = "fcV";

        /// <summary>
        /// Ours: S, <c>lineage.life</c>: 16 hexadecimal digits that are drawn once for a table in which state is kept, and 8 that are drawn
        /// when the row is made.
        /// </summary>
        public const string Lineage = "fcL";

        /// <summary>
        /// Ours: S, how the shard stands, as its owner says about every ten seconds, with writes that happen anyway; a take or release
        /// removes it. Fields separated by |: the version (1), seconds since 1970, the lag and the time to the first loss in seconds
        /// (- where there is none), records and bytes a second, the handler's part of the time in per cent, the reader's state, and the
        /// numbers of findings, separated by commas.
        /// </summary>
        public const string Report = "fastConsumerReport";

        /// <summary>Ours: N, KB a second. Not <see cref="ThroughputKBps"/>, by which a fleet of KCL 3.x is recognized.</summary>
        public const string Throughput = "fastConsumerThroughput";

        /// <summary>
        /// Ours: the key of a row that is no shard's. While it is there, a savepoint is being restored into the table, and no worker takes
        /// or creates anything.
        /// </summary>
        internal const string RestoreKey = "savepoint-restore";

        /// <summary>What goes with the owner, at a take or release: what it says of itself, and what others wrote for it.</summary>
        internal static IReadOnlyList<string> OfOwner { get; } = [RequestedBy, Notification, Standing, Command, Report];

        /// <summary>A checkpoint that KCL has prepared and not made.</summary>
        internal static IReadOnlyList<string> Pending { get; } =
            [PendingCheckpoint, PendingCheckpointSubSequenceNumber, PendingCheckpointState];
    }
}

using FastConsumer.Kinesis;

namespace FastConsumer.Leases.Core;

internal abstract partial record LeaseCommand
{
    /// <summary>
    /// What somebody should know: for log, health and metrics. Structured; the texts are made where it is carried out. What derives from
    /// <see cref="Condition"/> lasts until the same condition is told with <see cref="Condition.IsOver"/>.
    /// </summary>
    public abstract record Tell : LeaseCommand
    {
        private Tell()
        {
        }

        /// <summary>A lease was taken; its run starts.</summary>
        public sealed record Taken(string Key, long Epoch, CheckpointPosition Position, string From) : Tell;

        /// <summary>For the first time each shard has the lease that it asks for. Told once.</summary>
        public sealed record ShardsFound(IReadOnlyList<Lease> Leases) : Tell;

        /// <summary>A lease was lost.</summary>
        public sealed record LeaseLost(string Key, long Epoch, string Reason) : Tell;

        /// <summary>A lease is being handed off. The receiver is null for nobody, or whoever is found at a stop.</summary>
        public sealed record HandingOff(string Key, long Epoch, LeaseTableState.Hold.Reason Why, string? To) : Tell;

        /// <summary>A lease was released; null for nobody.</summary>
        public sealed record Released(string Key, long Epoch, string? To) : Tell;

        /// <summary>A release did not take effect and is tried again.</summary>
        public sealed record ReleaseRetried(string Key, long Epoch, TimeSpan Wait, Exception? Error) : Tell;

        /// <summary>A lease could not be released in time: it expires.</summary>
        public sealed record ReleaseGivenUp(string Key, long Epoch) : Tell;

        /// <summary>An owner was asked for so many leases.</summary>
        public sealed record Requested(string Owner, int Count) : Tell;

        /// <summary>A lease was created.</summary>
        public sealed record Created(string Key, CheckpointPosition Position) : Tell;

        /// <summary>The leases of finished shards are deleted.</summary>
        public sealed record Deleting(IReadOnlyList<string> Keys) : Tell;

        /// <summary>A renewal or checkpoint did not take effect and is tried again. A throttle is not told each time.</summary>
        public sealed record WriteFailed(string Key, long Epoch, TimeSpan Wait, Exception? Error) : Tell;

        /// <summary>
        /// The table throttles: so many of the held leases wait to be written, the longest for so long. Told at most each 30 s.
        /// </summary>
        public sealed record WritesThrottled(int Waiting, int Held, TimeSpan Longest) : Tell;

        /// <summary>The last checkpoint was not made in time: what was done since the last one runs again.</summary>
        public sealed record FlushFailed(string Key, long Epoch) : Tell;

        /// <summary>It could not be found out who is there while the worker stops: leases are released to nobody.</summary>
        public sealed record SuccessorsUnknown(Exception? Error) : Tell;

        /// <summary>The worker has stopped, and released so many leases: nothing further follows.</summary>
        public sealed record Stopped(int Leases) : Tell;

        /// <summary>The lease loop came late by so much: the process stood still, or its clock jumped.</summary>
        public sealed record StoodStill(TimeSpan Late) : Tell;

        /// <summary>An invariant was violated. The lease is null where all leases are given up for it.</summary>
        public sealed record Violated(string Invariant, string? Key) : Tell;

        /// <summary>What lasts.</summary>
        /// <param name="IsOver">True where it does not last any more.</param>
        public abstract record Condition(bool IsOver) : Tell;

        /// <summary>The table cannot be read, or does not let leases move; tried again after a while.</summary>
        public sealed record TableFailed(Exception? Error, TimeSpan Wait, bool IsOver = false) : Condition(IsOver);

        /// <summary>The stream cannot be listed, or leases for its shards cannot be created; tried again after a while.</summary>
        public sealed record StreamFailed(Exception? Error, TimeSpan Wait, bool IsOver = false) : Condition(IsOver);

        /// <summary>Nothing is taken and nothing created, and no request is answered, until somebody acts.</summary>
        public sealed record Block(Block.Reason Why, string? Key, string? Found, string? Expected, bool IsOver = false) : Condition(IsOver)
        {
            /// <summary>Why.</summary>
            public enum Reason
            {
                /// <summary>The rows are of a KCL application of several streams.</summary>
                SeveralStreams,

                /// <summary>The rows are of a stream of another name.</summary>
                AnotherStream,

                /// <summary>The stream was deleted and created again: the checkpoints mean nothing in it.</summary>
                StreamMadeAgain,

                /// <summary>Rows bear state of two lineages: they come from two tables.</summary>
                SeveralLineages,

                /// <summary>A savepoint is being restored into the table, or was, and not to the end.</summary>
                RestoreUnderWay,

                /// <summary>The store refuses the table: it is gone, or access is denied.</summary>
                Refused,

                /// <summary>The store refuses the table, since a fleet of KCL 3.x runs on it.</summary>
                KclFleetRuns,
            }
        }

        /// <summary>A row cannot be read: its shard and the shards made from it wait.</summary>
        public sealed record Unreadable(string Key, string? Problem, bool IsOver = false) : Condition(IsOver);

        /// <summary>Rows are left alone for what they say of the state: their shards are not read by this worker.</summary>
        /// <param name="Newer">Rows of a higher version of the state than this worker's, comma-separated.</param>
        /// <param name="Version">The highest of these versions.</param>
        /// <param name="Foreign">
        /// Rows without lineage in a table that has state: KCL or an older version has made them. Comma-separated.
        /// </param>
        /// <param name="IsOver">True where there are none any more.</param>
        public sealed record StateLeft(string Newer, int Version, string Foreign, bool IsOver = false) : Condition(IsOver);

        /// <summary>Another process runs with this worker's id and has taken leases from it.</summary>
        public sealed record WorkerIdInUse(string? Session, bool IsOver = false) : Condition(IsOver);

        /// <summary>The listing of the stream has no open shard for these hash keys: nothing follows from it.</summary>
        public sealed record ListingIncomplete(IReadOnlyList<HashKeyRange> Holes, bool IsOver = false) : Condition(IsOver);

        /// <summary>No lease is there for these hash keys although the listing is complete: their records are not read.</summary>
        public sealed record HashKeysUnread(IReadOnlyList<HashKeyRange> Holes, bool IsOver = false) : Condition(IsOver);

        /// <summary>The table's write units do not bear the renewal of so many leases.</summary>
        public sealed record BudgetTooSmall(
            double Units, int Leases, double Needed, TimeSpan Longer, bool IsConfigured, bool IsOver = false) : Condition(IsOver);

        /// <summary>This worker leaves a lease alone for a while, since its run failed.</summary>
        public sealed record BackingOff(string Key, TimeSpan Wait, bool IsOver = false) : Condition(IsOver);

        /// <summary>The run of a lease that was lost has not ended: the shard is not taken here before it has.</summary>
        public sealed record RunNotEnded(string Key, long Epoch, bool IsOver = false) : Condition(IsOver);

        /// <summary>So many leases are free for long, and this worker has all that it may take (MaxLeases).</summary>
        public sealed record AtMaxLeases(int Unread, bool IsOver = false) : Condition(IsOver);
    }
}

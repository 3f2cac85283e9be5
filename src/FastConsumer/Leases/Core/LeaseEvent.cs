using FastConsumer.Kinesis;

namespace FastConsumer.Leases.Core;

/// <summary>What happened: the only input of <c>LeaseMachine.Step</c> beside the state and the time. A closed set.</summary>
internal abstract record LeaseEvent
{
    private LeaseEvent()
    {
    }

    /// <summary>Time has passed; a deadline may be due.</summary>
    public sealed record Tick : LeaseEvent;

    /// <summary>The whole table was read.</summary>
    /// <param name="Rows">Its rows.</param>
    /// <param name="Begun">When the read began.</param>
    /// <param name="Consistency">Only a strong list proves that a row is absent.</param>
    public sealed record TableListed(IReadOnlyList<Lease> Rows, TimeSpan Begun, ReadConsistency Consistency) : LeaseEvent;

    /// <summary>Some rows were read.</summary>
    /// <param name="Keys">The rows that were asked for. A strong read proves that those that are not in <paramref name="Rows"/> are
    /// absent.</param>
    /// <param name="Rows">The rows that are there.</param>
    /// <param name="Begun">When the read began.</param>
    /// <param name="Consistency">What the read may show.</param>
    public sealed record RowsRead(IReadOnlyList<string> Keys, IReadOnlyList<Lease> Rows, TimeSpan Begun, ReadConsistency Consistency)
        : LeaseEvent;

    /// <summary>
    /// A read of the table failed, or was not answered in time (the client gives up after half the lease duration). The keys are those of a
    /// read of some rows; null for a list.
    /// </summary>
    public sealed record ReadFailed(IReadOnlyList<string>? Keys, Exception Error) : LeaseEvent;

    /// <summary>
    /// A batch is handed to the store now: these are the exact writes. A lease of the request that is missing here was left out.
    /// </summary>
    public sealed record Sent(long Request, IReadOnlyList<Outgoing> Writes, TimeSpan At) : LeaseEvent;

    /// <summary>
    /// A request was answered, in the order of its writes: for a batch those of <see cref="Sent"/>, or those of the command where it was
    /// never sent.
    /// Each request is answered once, whatever becomes of it.
    /// </summary>
    public sealed record Answered(long Request, IReadOnlyList<LeaseWrite.Result> Results) : LeaseEvent;

    /// <summary>The stream was listed, or that failed.</summary>
    /// <param name="Shards">Null where it failed.</param>
    /// <param name="CreatedAt">When the stream was created; null where it was not asked.</param>
    /// <param name="AnsweredAt">When it was answered by the service's clock, or by the worker's where the service does not say.</param>
    /// <param name="Begun">When the listing began.</param>
    /// <param name="Error">Why it failed.</param>
    public sealed record StreamListed(
        IReadOnlyList<Shard>? Shards,
        DateTimeOffset? CreatedAt,
        DateTimeOffset AnsweredAt,
        TimeSpan Begun,
        Exception? Error) : LeaseEvent;

    /// <summary>
    /// The loop has caught a violated invariant: the lease is lost and left alone for a while; null, or the third within 5 min, ends all
    /// runs.
    /// </summary>
    /// <param name="Invariant">The invariant.</param>
    /// <param name="Key">The lease; null where it is not about one.</param>
    public sealed record Violated(string Invariant, string? Key) : LeaseEvent;

    /// <summary>
    /// What the table may be asked for a second. The loop asks on its own, each 5 min, where the settings say nothing; null where nothing
    /// is provisioned.
    /// </summary>
    /// <param name="WriteUnits">Write units.</param>
    /// <param name="IsUnknown">True where it cannot be learnt now: what was known stays.</param>
    public sealed record LimitsKnown(double? WriteUnits, bool IsUnknown = false) : LeaseEvent;

    /// <summary>A shard has progress to write, or somebody waits for it.</summary>
    public sealed record CheckpointWanted(string Key, long Epoch, bool IsUrgent) : LeaseEvent;

    /// <summary>No handler of the shard runs any more and its readers have ended.</summary>
    public sealed record Drained(string Key, long Epoch, RunEnd End) : LeaseEvent;

    /// <summary>The run is over: nothing here touches the shard any more.</summary>
    public sealed record Ended(string Key, long Epoch) : LeaseEvent;

    /// <summary>
    /// The run is to be ended and another begun: the lease is taken anew by this worker, with a new epoch.
    /// </summary>
    /// <param name="Key">The lease.</param>
    /// <param name="Epoch">The run.</param>
    /// <param name="Redrive">An operator's command that the next run carries out; null for none.</param>
    public sealed record TakeAnew(string Key, long Epoch, string? Redrive = null) : LeaseEvent;

    /// <summary>
    /// The worker is told to do some things otherwise from now on. What a lease's row or another worker depends on, such as the lease
    /// duration, never changes while it runs.
    /// </summary>
    /// <param name="CheckpointInterval">How often progress is written.</param>
    /// <param name="ShardSyncInterval">How often the stream is listed without a reason.</param>
    /// <param name="TableWriteUnits">Write units a second of the application; null where that is to be found out.</param>
    public sealed record SettingsChanged(TimeSpan CheckpointInterval, TimeSpan ShardSyncInterval, double? TableWriteUnits) : LeaseEvent;

    /// <summary>The worker stops gracefully until then.</summary>
    /// <param name="Now">When the stop began.</param>
    /// <param name="StopTimeout">The time it has.</param>
    /// <param name="ReleaseTime">What is kept of it for releases.</param>
    public sealed record StopWanted(TimeSpan Now, TimeSpan StopTimeout, TimeSpan ReleaseTime) : LeaseEvent;

    /// <summary>One write as it is handed to the store.</summary>
    public sealed record Outgoing(string Key, long Epoch, LeaseWrite Write);

    /// <summary>How a run drained.</summary>
    public abstract record RunEnd
    {
        private RunEnd()
        {
        }

        /// <summary>It was stopped, or its handler was given up.</summary>
        public sealed record Stopped : RunEnd;

        /// <summary>The shard is closed and all of its records are done.</summary>
        public sealed record ShardEnd(IReadOnlyList<ChildShard> Children) : RunEnd;

        /// <summary>Something ended or threw unexpectedly.</summary>
        public sealed record Failed(Exception Cause) : RunEnd;
    }
}

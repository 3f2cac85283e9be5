namespace FastConsumer.Leases;

/// <summary>
/// The table of leases of one application on one stream: ownership and position, nothing else (snapshots of state have a
/// store of their own, <see cref="Checkpoints.ICheckpointStore"/>). Every write is conditional on what the caller has read.
/// </summary>
/// <remarks>
/// A store must settle doubt itself: where an answer was lost or a condition failed, it reads the row back, and reports a
/// write that did take effect as <see cref="LeaseWriteOutcome.Written"/>. Throttling and unreachable servers throw
/// <see cref="LeaseStoreException"/>. At most one write per lease is under way at a time; callers see to it.
/// </remarks>
public interface ILeaseStore : IAsyncDisposable
{
    /// <summary>The table, for messages: kind, name, endpoint.</summary>
    string Description { get; }

    /// <summary>Creates the table or checks that it is there and has the layout, as the options say.</summary>
    /// <exception cref="LeaseStoreException">It is missing or of another shape; the message says how and what to do.</exception>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>All leases. Rows that are not leases are left out.</summary>
    Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken);

    /// <summary>One lease, read consistently; null where there is none.</summary>
    Task<Lease?> GetAsync(string leaseKey, CancellationToken cancellationToken);

    /// <summary>Those of the leases that are there, in any order: cheaper than a list where few are asked for.</summary>
    Task<IReadOnlyList<Lease>> GetManyAsync(IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken);

    /// <summary>Creates a lease unless there is one; true where this call created it.</summary>
    Task<bool> CreateAsync(Lease lease, CancellationToken cancellationToken);

    /// <summary>
    /// Takes a lease that is free, expired or to be stolen: on condition that counter and owners are as observed, sets the owner, adds 1 to
    /// the counter, counts the switch of owners, notes the taker (<see cref="Lease.TakenBy"/>) and its process (<see cref="Lease.Session"/>), and removes requests and rings. Where its answer is
    /// lost, the owner and the next counter are no proof that it took effect: a release to the same worker, or a late renewal of its own, leave the
    /// same. The taker is, where it was another one before.
    /// </summary>
    Task<LeaseWriteResult> TakeAsync(Lease observed, string owner, CancellationToken cancellationToken);

    /// <summary>
    /// Renews leases and writes checkpoints: each update on its own condition (owner, counter, no hand-over), with
    /// counter + 1. Results stand in the order of the updates; a throttled or failed one does not hold up the others. A failed
    /// one comes with a <see cref="LeaseStoreException"/> that says whether it was throttled.
    /// </summary>
    /// <exception cref="ArgumentException">A lease has no owner, or there are two updates of one lease.</exception>
    Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken);

    /// <summary>
    /// Gives a lease up as KCL's evict does: on condition that owner and counter are as held, removes the owner, or sets the successor
    /// in its place, adds 1 to the counter, and removes requests and rings. During a KCL 3.x hand-over only the old owner goes, and the next
    /// one stays, whatever the successor.
    /// </summary>
    Task<LeaseWriteResult> ReleaseAsync(Lease held, string? successor, CancellationToken cancellationToken);

    /// <summary>
    /// Asks the owner to hand a lease over, or takes that back where <paramref name="requester"/> is null: on condition that owners
    /// and request are as observed. Leaves the counter alone, so that it disturbs no write of the owner.
    /// </summary>
    Task<LeaseWriteResult> RequestAsync(Lease observed, string? requester, CancellationToken cancellationToken);

    /// <summary>
    /// Rings at an owner's row: sets <see cref="Lease.Notification"/> on condition that the row still has this owner; true where it has.
    /// Leaves the counter alone. It is a hint, no more: one that is lost costs time only.
    /// </summary>
    Task<bool> RingAsync(string leaseKey, string owner, string ring, CancellationToken cancellationToken);

    /// <summary>Writes what was learnt of the shard's place among others; leaves owner, counter and checkpoint alone.</summary>
    Task UpdateChildrenAsync(string leaseKey, IReadOnlyList<string> childShardIds, CancellationToken cancellationToken);

    /// <summary>Deletes a lease on condition that it is as observed; true where it is gone.</summary>
    Task<bool> DeleteAsync(Lease observed, CancellationToken cancellationToken);
}

/// <summary>One conditional write of an owner: a renewal, with a checkpoint where there is news.</summary>
/// <param name="Held">The lease as this worker last wrote it: owner and counter are the condition.</param>
/// <param name="Checkpoint">The new position; null to renew only.</param>
/// <param name="Throughput">What is published of the shard's throughput, in KB a second; null to leave it as it is. Written with a checkpoint only.</param>
public readonly record struct LeaseUpdate(Lease Held, CheckpointPosition? Checkpoint = null, double? Throughput = null);

/// <summary>What a read may show.</summary>
public enum ReadConsistency
{
    /// <summary>It may lag behind a moment, and costs half.</summary>
    Eventual,

    /// <summary>Every write that was answered before.</summary>
    Strong,
}

/// <summary>What became of a conditional write.</summary>
public enum LeaseWriteOutcome
{
    /// <summary>It took effect.</summary>
    Written,

    /// <summary>The row is not what the condition says: another worker has it, or it is gone.</summary>
    Refused,

    /// <summary>The store could not tell or would not take it now (throttled, unreachable): try again later.</summary>
    Failed,
}

/// <summary>The answer to a conditional write.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Lease">The row after the write, or as it refused it; null where it is gone or unknown.</param>
/// <param name="Error">Why it failed, of <see cref="LeaseWriteOutcome.Failed"/>.</param>
public readonly record struct LeaseWriteResult(LeaseWriteOutcome Outcome, Lease? Lease, Exception? Error = null);

/// <summary>A lease store that cannot do its work: missing, of another shape, denied, throttled or unreachable. The message names the table and the remedy.</summary>
public sealed class LeaseStoreException : Exception
{
    /// <summary>Creates the exception; <paramref name="message"/> is complete.</summary>
    public LeaseStoreException(string message, bool isTransient, Exception? innerException = null)
        : base(message, innerException) => IsTransient = isTransient;

    /// <summary>True where the same call may succeed later without anybody's doing.</summary>
    public bool IsTransient { get; }

    /// <summary>True where the store took it for too much at a time: to be asked less often.</summary>
    public bool IsThrottled { get; init; }

    /// <summary>Which limit it was, in the store's words (DynamoDB's <c>TableWriteProvisionedThroughputExceeded</c> and the like); null where it does not say.</summary>
    public string? ThrottleReason { get; init; }
}

/// <summary>Makes the lease store of one processor. Registered by <c>UseDynamoDb()</c> and its like.</summary>
public interface ILeaseStoreFactory
{
    /// <summary>The kind of store, for messages.</summary>
    string Kind { get; }

    /// <summary>
    /// Identifies the table that <see cref="Create"/> would use: two processors of one host with the same identity clash.
    /// </summary>
    string GetTableIdentity(LeaseStoreContext context);

    /// <summary>Makes the store; it connects on its first use.</summary>
    ILeaseStore Create(LeaseStoreContext context);
}

/// <summary>What a store needs to know of its processor.</summary>
/// <param name="ConsumerName">The name given to AddFastConsumer; empty for the unnamed one. Also the name of its options.</param>
/// <param name="ApplicationName">The application: KCL's name of the lease table.</param>
/// <param name="StreamName">The stream, without account and region.</param>
/// <param name="Services">The host's services.</param>
public sealed record LeaseStoreContext(string ConsumerName, string ApplicationName, string StreamName, IServiceProvider Services)
{
    /// <summary>A name of this process's that no other has, whatever its WorkerId: what a store notes with each take (<see cref="Lease.Session"/>).</summary>
    public string Session { get; init; } = "";
}

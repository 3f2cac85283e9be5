namespace FastConsumer.Leases;

/// <summary>
/// The table of leases of one application on one stream. A store reads rows and writes them on a condition, and knows nothing of what a
/// take, a
/// checkpoint or a release is: a <see cref="LeaseWrite"/> says so attribute by attribute. Thread-safe.
/// </summary>
/// <remarks>
/// A store sends each write once: no retry, for a write whose answer was lost and that is sent again fails its own condition. It reads
/// nothing
/// back and settles no doubt, but says what it knows: <see cref="LeaseWrite.Outcome"/>. Reads may be retried. A call may block its thread;
/// it must end
/// soon after its token is cancelled. <c>FastConsumer.Testing.Leases.LeaseStoreConformance</c> tests a store of your own.
/// </remarks>
public interface ILeaseStore : IAsyncDisposable
{
    /// <summary>The table, for messages: kind, name, endpoint.</summary>
    string Description { get; }

    /// <summary>Creates the table or checks that it is there and has the layout, as the options say.</summary>
    /// <exception cref="LeaseStoreException">It is missing or of another shape; the message says how and what to do.</exception>
    Task PrepareAsync(CancellationToken cancellationToken);

    /// <summary>
    /// All leases, in any order, also those that cannot be read (<see cref="Lease.Problem"/>). Rows that are not leases are left out
    /// (<see cref="Lease.IsLease"/>).
    /// </summary>
    /// <exception cref="LeaseStoreException">They cannot be read.</exception>
    Task<IReadOnlyList<Lease>> ListAsync(ReadConsistency consistency, CancellationToken cancellationToken);

    /// <summary>Those of the leases that are there, in any order: cheaper than a list where few are asked for.</summary>
    /// <exception cref="LeaseStoreException">They cannot be read.</exception>
    Task<IReadOnlyList<Lease>> GetManyAsync(
        IReadOnlyList<string> leaseKeys, ReadConsistency consistency, CancellationToken cancellationToken);

    /// <summary>
    /// Creates the row that <see cref="Lease.ToAttributes"/> says unless there is one, be it a lease or not:
    /// <see cref="LeaseWrite.Outcome.Refused"/>
    /// then. Throws for arguments and cancellation only.
    /// </summary>
    Task<LeaseWrite.Result> CreateAsync(Lease lease, CancellationToken cancellationToken);

    /// <summary>
    /// Creates as <see cref="CreateAsync"/> does, on condition that other rows are there in the same moment. Called only where a table
    /// holds
    /// state: the row of a child shard is created while its parents' rows exist. <see cref="LeaseWrite.Outcome.Refused"/> where one of them
    /// is gone.
    /// </summary>
    /// <param name="lease">The row.</param>
    /// <param name="whileThere">The keys of the other rows; one or two.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="NotSupportedException">
    /// The store does not know how, as the default does not: its tables can hold no state.
    /// </exception>
    Task<LeaseWrite.Result> CreateWhileThereAsync(
        Lease lease, IReadOnlyList<string> whileThere, CancellationToken cancellationToken) =>
        throw new NotSupportedException(
            $"{Description} cannot create a row on condition that others are there ({nameof(CreateWhileThereAsync)}): it can keep no "
                + "leases of processors with [State].");

    /// <summary>
    /// Writes rows, each on its own condition: all or nothing of one write, and one that fails does not hold up the others. The results
    /// stand in
    /// the order of the writes. Throws for arguments and cancellation only; after a cancellation nobody knows which of them took effect.
    /// </summary>
    /// <exception cref="ArgumentException">See <see cref="LeaseWrite.ThrowIfInvalid"/>.</exception>
    Task<IReadOnlyList<LeaseWrite.Result>> WriteAsync(IReadOnlyList<LeaseWrite> writes, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes a row on condition that its counter and both owners are as observed. <see cref="LeaseWrite.Outcome.Refused"/> where they
    /// are not, and
    /// where there is no row. Throws for arguments and cancellation only.
    /// </summary>
    Task<LeaseWrite.Result> DeleteAsync(Lease observed, CancellationToken cancellationToken);
}

/// <summary>What a read may show.</summary>
public enum ReadConsistency
{
    /// <summary>It may lag behind a moment, and costs half.</summary>
    Eventual,

    /// <summary>Every write that was answered before.</summary>
    Strong,
}

/// <summary>
/// A lease store that cannot do its work: missing, of another shape, denied, throttled or unreachable. The message names the table and the
/// remedy.
/// </summary>
public sealed class LeaseStoreException : Exception
{
    /// <summary>Creates the exception; <paramref name="message"/> is complete.</summary>
    public LeaseStoreException(string message, bool isTransient, Exception? innerException = null)
        : base(message, innerException) => IsTransient = isTransient;

    /// <summary>True where the same call may succeed later without anybody's doing.</summary>
    public bool IsTransient { get; }

    /// <summary>True where the store took it for too much at a time: to be asked less often.</summary>
    public bool IsThrottled { get; init; }

    /// <summary>
    /// Which limit it was, in the store's words (DynamoDB's <c>TableWriteProvisionedThroughputExceeded</c> and the like); null where it
    /// does not say.
    /// </summary>
    public string? ThrottleReason { get; init; }

    /// <summary>True where a fleet of KCL 3.x runs on the table.</summary>
    internal bool IsKclFleet { get; init; }
}

/// <summary>Makes the lease store of one processor. Registered by <c>UseDynamoDb()</c> and its like.</summary>
public interface ILeaseStoreFactory
{
    /// <summary>The kind of store, for messages.</summary>
    string Kind { get; }

    /// <summary>
    /// False where leases, and with them fencing tokens, start again with the process, as in memory: then no position can be kept in a sink
    /// (<see cref="IPositionStore"/>), which refuses tokens that are lower than those it has seen.
    /// </summary>
    bool KeepsEpochs => true;

    /// <summary>
    /// Identifies the table that <see cref="Create"/> would use: two processors of one host with the same identity clash.
    /// </summary>
    string GetTableIdentity(LeaseStoreContext context);

    /// <summary>
    /// Names the table in the place of the state, so that a copy of it is told from it. It must stay the same as long as the table does,
    /// whatever way leads to it; the default is <see cref="GetTableIdentity"/>.
    /// </summary>
    string GetTableName(LeaseStoreContext context) => GetTableIdentity(context);

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
    /// <summary>
    /// A name of this process's that no other has, whatever its WorkerId: each take notes it (<see cref="Lease.Session"/>).
    /// </summary>
    public string Session { get; init; } = "";

    /// <summary>
    /// How long a lease of this worker lasts without a write (<c>FastConsumerOptions.LeaseDuration</c>): a request that takes longer is of
    /// no use.
    /// </summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(10);
}

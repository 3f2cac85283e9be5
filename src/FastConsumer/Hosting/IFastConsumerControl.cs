using FastConsumer.Diagnostics;
using FastConsumer.Operators;

namespace FastConsumer.Hosting;

/// <summary>
/// Shows how a consumer stands, and takes decisions about it without a deployment, for dashboards and whoever is on call. In the host's
/// services for the unnamed consumer, and keyed by its name for a named one. Thread-safe.
/// </summary>
/// <remarks>
/// What is decided about a shard stands in the shard's row of the lease table, so it reaches the shard whichever worker holds it, and is
/// fenced by whoever may write the table. Before the host has started, all but GetSnapshot and Acknowledge throw
/// <see cref="InvalidOperationException"/>.
/// </remarks>
public interface IFastConsumerControl
{
    /// <summary>How the workers of this process stand now, and what they have found. Waits for nothing.</summary>
    ConsumerSnapshot GetSnapshot();

    /// <summary>
    /// Says that somebody has seen a finding that nothing else ends: records that were lost to the stream's retention (FCF1018). It is over
    /// then, until it happens again.
    /// </summary>
    /// <param name="findingId">The finding's id, such as <c>FCF1018</c>.</param>
    /// <param name="scope">Where it holds: <see cref="Finding.Scope"/>.</param>
    /// <returns>False where no such finding holds.</returns>
    /// <exception cref="ArgumentException">The finding is one that ends by itself; the message names those that do not.</exception>
    bool Acknowledge(string findingId, string scope);

    /// <summary>
    /// The records that shards of this consumer wait for, of all workers: those in front of which a shard has stopped (FCF3001), and those
    /// that have failed for 10 s (FCF3002).
    /// </summary>
    /// <exception cref="Leases.LeaseStoreException">The lease table cannot be read.</exception>
    Task<IReadOnlyList<FailingRecord>> ListFailingAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Decides what becomes of a record, and waits until that is done: the shard's run ends, and the next one goes on behind the record, or
    /// with it. With lanes, or in a batch, records behind it that were done already may run again, as after a restart.
    /// </summary>
    /// <param name="record">The record, as <see cref="ListFailingAsync"/> has told it.</param>
    /// <param name="decision">What becomes of it.</param>
    /// <param name="by">Who decides, at most 64 bytes of UTF-8: written to the log, the lease's row and the dead letter.</param>
    /// <param name="reason">Why, at most 128 bytes of UTF-8; null to say nothing.</param>
    /// <param name="cancellationToken">Ends the wait; what was written is carried out all the same.</param>
    /// <returns>
    /// What became of it. It is refused (<see cref="DecidedRecord.Refusal"/>) where the shard no longer fails on the record, or has another
    /// owner since.
    /// </returns>
    /// <exception cref="ArgumentException">A text is missing or too long.</exception>
    /// <exception cref="Leases.LeaseStoreException">The lease table cannot be read or written.</exception>
    /// <exception cref="TimeoutException">The shard's owner has not answered within 30 s.</exception>
    Task<DecidedRecord> DecideAsync(
        FailingRecord record, RecordDecision decision, string by, string? reason = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Pauses a shard: what runs is finished and checkpointed, its lease is kept, and nothing of it is read until it is resumed, also after
    /// another worker has taken it. Workers of KCL do not know pauses. The stream goes on dropping records that are older than its
    /// retention. Owners follow within about a second.
    /// </summary>
    /// <param name="shardId">The shard; null for all shards, and those that are made from them.</param>
    /// <param name="by">Who pauses it, at most 64 bytes of UTF-8.</param>
    /// <param name="reason">Why, at most 128 bytes of UTF-8; null to say nothing.</param>
    /// <param name="until">When the pause ends by itself; null for a resume only.</param>
    /// <param name="cancellationToken">Ends the call; what was written holds.</param>
    /// <returns>The shards that are paused now.</returns>
    /// <exception cref="ArgumentException">
    /// No processor of this consumer has a lease for the shard, a text is missing or too long, or <paramref name="until"/> is over.
    /// </exception>
    /// <exception cref="Leases.LeaseStoreException">The lease table cannot be read or written.</exception>
    Task<IReadOnlyList<string>> PauseAsync(
        string? shardId, string by, string? reason = null, DateTimeOffset? until = null, CancellationToken cancellationToken = default);

    /// <summary>Ends the pause of a shard, or of all. Owners follow within about a second.</summary>
    /// <param name="shardId">The shard; null for all.</param>
    /// <param name="by">Who resumes it, at most 64 bytes of UTF-8: written to the log.</param>
    /// <param name="cancellationToken">Ends the call; what was written holds.</param>
    /// <returns>The shards that were paused.</returns>
    /// <exception cref="ArgumentException">A text is missing or too long.</exception>
    /// <exception cref="Leases.LeaseStoreException">The lease table cannot be read or written.</exception>
    Task<IReadOnlyList<string>> ResumeAsync(string? shardId, string by, CancellationToken cancellationToken = default);

    /// <summary>
    /// Hands all leases of this process over, as at a stop, and takes none until <see cref="EndDrain"/>; the process stays up, and the
    /// check <c>fastconsumer-ready</c> is unhealthy meanwhile. Where no other worker is there, nobody reads the shards.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait; the drain goes on.</param>
    /// <returns>Ends when all leases are released, within StopTimeout.</returns>
    Task DrainAsync(CancellationToken cancellationToken = default);

    /// <summary>The workers of this process take their share of leases again. Does nothing where they were not drained.</summary>
    void EndDrain();
}

/// <summary>How a consumer stands at one moment, in this process.</summary>
/// <param name="Workers">Its workers, one for each processor; empty before the start.</param>
/// <param name="Findings">What holds now, the worst first.</param>
public sealed record ConsumerSnapshot(IReadOnlyList<WorkerSnapshot> Workers, IReadOnlyList<Finding> Findings);

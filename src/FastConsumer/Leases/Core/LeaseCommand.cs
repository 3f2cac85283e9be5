using System.Collections.Immutable;
using FastConsumer.Kinesis;

namespace FastConsumer.Leases.Core;

/// <summary>What is to be done: the only output of <c>LeaseMachine.Step</c> beside the new state. A closed set.</summary>
internal abstract partial record LeaseCommand
{
    private LeaseCommand()
    {
    }

    /// <summary>Read the whole table.</summary>
    public sealed record List(ReadConsistency Consistency) : LeaseCommand;

    /// <summary>
    /// Read some rows. Answered by <see cref="LeaseEvent.RowsRead"/> or <see cref="LeaseEvent.ReadFailed"/> with the same keys. The client
    /// reads
    /// nothing back on its own: where a write is in doubt, this is how the row is asked.
    /// </summary>
    public sealed record Poll(IReadOnlyList<string> Keys, ReadConsistency Consistency) : LeaseCommand;

    /// <summary>
    /// Write what these leases have to write, in one request. The client asks the supervisor for each lease's progress just before it hands
    /// the request to the store, makes the write with <see cref="LeaseMachine.Renew"/>, leaves out what that gives no write for, and tells
    /// the exact writes with <see cref="LeaseEvent.Sent"/> before it calls the store, also where none are left: then no answer follows.
    /// </summary>
    public sealed record Send(long Request, IReadOnlyList<Renewal> Leases) : LeaseCommand;

    /// <summary>
    /// Write this, alone. Answered by <see cref="LeaseEvent.Answered"/> with one result; no <see cref="LeaseEvent.Sent"/> is needed, since
    /// the
    /// time of this command counts as the time at which it was sent.
    /// </summary>
    public sealed record WriteOne(long Request, LeaseEvent.Outgoing Write) : LeaseCommand;

    /// <summary>
    /// Tell an owner to list the table: a hint on its notification row, on condition that the row has this owner. Nobody waits for it.
    /// </summary>
    /// <param name="Key">The owner's notification row.</param>
    /// <param name="Owner">The owner.</param>
    /// <param name="Writes">The write, and those to try after it where it is refused, one by one: its row may be another's by now.</param>
    public sealed record Notify(string Key, string Owner, IReadOnlyList<LeaseWrite> Writes) : LeaseCommand;

    /// <summary>
    /// Create these leases, several at a time. Answered by <see cref="LeaseEvent.Answered"/> in their order: Refused where there is one
    /// already.
    /// </summary>
    public sealed record Create(long Request, IReadOnlyList<Lease> Leases) : LeaseCommand
    {
        /// <summary>
        /// By lease, the rows that must be there in the same moment: a creation that was held up while the shard lived, ended and lost its
        /// row must not bring it back. Refused where one is gone.
        /// </summary>
        public IReadOnlyDictionary<string, IReadOnlyList<string>> WhileThere { get; init; } =
            ImmutableDictionary<string, IReadOnlyList<string>>.Empty;
    }

    /// <summary>Delete these leases on condition that they are as seen. Nobody waits for it: what is left over does no harm.</summary>
    public sealed record Delete(IReadOnlyList<Lease> Leases) : LeaseCommand;

    /// <summary>List the stream. Answered by <see cref="LeaseEvent.StreamListed"/>, at the latest after 20 s.</summary>
    /// <param name="WithCreation">True where it is also to be asked when the stream was created.</param>
    public sealed record ListStream(bool WithCreation) : LeaseCommand;

    /// <summary>
    /// Do not hand over a request that still waits, and cancel one that was; nobody waits for its answer any more. It is answered all the
    /// same, be it later: with <see cref="LeaseWrite.Outcome.NotWritten"/> for each of its leases where it was certainly not handed over.
    /// </summary>
    public sealed record Abandon(long Request) : LeaseCommand;

    /// <summary>
    /// Learn what the table may be asked for a second. Answered by <see cref="LeaseEvent.LimitsKnown"/>, where it can be learnt.
    /// </summary>
    public sealed record LearnLimits : LeaseCommand;

    /// <summary>A command to the supervisor about one run.</summary>
    public abstract record ToRun(string Key, long Epoch) : LeaseCommand;

    /// <summary>Run the shard of a lease that was just taken.</summary>
    /// <param name="Key">The lease.</param>
    /// <param name="Epoch">The counter as the lease was taken: the fencing token.</param>
    /// <param name="Taken">The row as the take wrote it.</param>
    /// <param name="RenewedAt">When the take was sent.</param>
    /// <param name="LatestIsNow">True where the lease was created just now, so that LATEST is now.</param>
    /// <param name="HashKeys">The shard's hash keys, as far as known.</param>
    /// <param name="From">Who had it and how it came here, for the log.</param>
    public sealed record Start(
        string Key, long Epoch, Lease Taken, TimeSpan RenewedAt, bool LatestIsNow, HashKeyRange? HashKeys, string From) : ToRun(Key, Epoch)
    {
        /// <summary>
        /// An operator's command about the record that the run before failed on; null for none. Only ever where this take follows that run
        /// directly.
        /// </summary>
        public string? Redrive { get; init; }

        /// <summary>True where a row of a parent bears state.</summary>
        public bool HaveParentsState { get; init; }
    }

    /// <summary>
    /// An operator's command stands in the row. The run answers with <see cref="LeaseEvent.TakeAnew"/>, or writes its refusal with its
    /// next progress.
    /// </summary>
    public sealed record Decide(string Key, long Epoch, string Command) : ToRun(Key, Epoch);

    /// <summary>No further record starts; what runs is finished. Answered by <see cref="LeaseEvent.Drained"/>.</summary>
    public sealed record Stop(string Key, long Epoch, string Why) : ToRun(Key, Epoch);

    /// <summary>Cancel the handler's token.</summary>
    public sealed record CancelHandler(string Key, long Epoch) : ToRun(Key, Epoch);

    /// <summary>Wait for the handler no more. Answered by <see cref="LeaseEvent.Drained"/> where it was not yet.</summary>
    public sealed record GiveUp(string Key, long Epoch) : ToRun(Key, Epoch);

    /// <summary>The last checkpoint is durable, or its time is over: end the run. Answered by <see cref="LeaseEvent.Ended"/>.</summary>
    public sealed record Finish(string Key, long Epoch) : ToRun(Key, Epoch);

    /// <summary>The lease is another's, or may be. Answered by <see cref="LeaseEvent.Ended"/>.</summary>
    public sealed record Lose(string Key, long Epoch, string Reason) : ToRun(Key, Epoch);

    /// <summary>A write took effect. The position is null where it only renewed.</summary>
    public sealed record Wrote(string Key, long Epoch, Lease Row, CheckpointPosition? Position, TimeSpan RenewedAt) : ToRun(Key, Epoch);

    /// <summary>One lease of a <see cref="Send"/>: the row whose owner, counter and session are the condition.</summary>
    public sealed record Renewal(string Key, long Epoch, Lease Row, bool IsRenewalDue);
}

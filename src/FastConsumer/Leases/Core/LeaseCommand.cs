using FastConsumer.Kinesis;

namespace FastConsumer.Leases.Core;

/// <summary>What is to be done: the only output of <c>LeaseMachine.Step</c> beside the new state. A closed set.</summary>
internal abstract record LeaseCommand
{
    private LeaseCommand()
    {
    }

    /// <summary>Read the whole table.</summary>
    public sealed record List(ReadConsistency Consistency) : LeaseCommand;

    /// <summary>Read some rows.</summary>
    public sealed record Poll(IReadOnlyList<string> Keys, ReadConsistency Consistency) : LeaseCommand;

    /// <summary>
    /// Write what these leases have to write, in one request. The client asks the supervisor for each lease's progress just before it hands
    /// the request to the store, and tells the exact writes with <see cref="LeaseEvent.Sent"/>.
    /// </summary>
    public sealed record Send(long Request, IReadOnlyList<Renewal> Leases) : LeaseCommand;

    /// <summary>Write this, alone.</summary>
    public sealed record WriteOne(long Request, LeaseEvent.Outgoing Write) : LeaseCommand;

    /// <summary>Tell an owner to list the table: a hint on its notification row, on condition that the row has this owner.</summary>
    public sealed record Notify(string Key, string Owner) : LeaseCommand;

    /// <summary>Create these leases.</summary>
    public sealed record Create(long Request, IReadOnlyList<Lease> Leases) : LeaseCommand;

    /// <summary>Delete these leases on condition that they are as seen.</summary>
    public sealed record Delete(IReadOnlyList<Lease> Leases) : LeaseCommand;

    /// <summary>List the stream.</summary>
    public sealed record ListStream : LeaseCommand;

    /// <summary>Do not hand over a request that still waits; nobody waits for its answer any more.</summary>
    public sealed record Abandon(long Request) : LeaseCommand;

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
        string Key, long Epoch, Lease Taken, TimeSpan RenewedAt, bool LatestIsNow, HashKeyRange? HashKeys, string From) : ToRun(Key, Epoch);

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

namespace FastConsumer.Leases;

/// <summary>
/// What workers do with leases, as writes of rows with KCL's conditions, one at a time: for tests of a store. Neither a refusal nor a lost
/// answer is believed before the row is read back, since nobody else sets an owner together with the next counter.
/// </summary>
internal static class LeaseOperations
{
    /// <summary>How often what may be written twice is sent.</summary>
    private const int Tries = 3;

    /// <summary>What others wrote for the owner, and its successors have nothing to do with.</summary>
    private static readonly string[] s_calls = [Lease.Names.RequestedBy, Lease.Names.Notification];

    private static readonly string[] s_pending =
        [Lease.Names.PendingCheckpoint, Lease.Names.PendingCheckpointSubSequenceNumber, Lease.Names.PendingCheckpointState];

    /// <summary>One lease, read consistently; null where there is none.</summary>
    public static async Task<Lease?> GetAsync(this ILeaseStore store, string leaseKey, CancellationToken cancellationToken)
    {
        IReadOnlyList<Lease> found = await store.GetManyAsync([leaseKey], ReadConsistency.Strong, cancellationToken);
        return found.Count == 0 ? null : found[0];
    }

    /// <summary>Creates a lease unless there is one; true where this call created it.</summary>
    public static async Task<bool> TryCreateAsync(this ILeaseStore store, Lease lease, CancellationToken cancellationToken)
    {
        // only KCL writes hand-overs and prepared checkpoints
        lease = lease with { CheckpointOwner = null, HasPendingCheckpoint = false };
        LeaseWrite.Result result = await store.CreateAsync(lease, cancellationToken);
        if (result.Outcome != LeaseWrite.Outcome.Unknown)
        {
            return result is { Outcome: LeaseWrite.Outcome.NotWritten, Error: { } error }
                ? throw error
                : result.Outcome == LeaseWrite.Outcome.Written;
        }

        // two workers create the same row from the same shard: whose it is cannot be told and does not matter
        Lease? row = await ReadBackAsync(store, lease.LeaseKey, result.Error!, cancellationToken);
        return row is null ? throw result.Error! : IsAs(lease, row) && row.Checkpoint == lease.Checkpoint;
    }

    /// <summary>
    /// Takes a lease that is free, expired or to be stolen: on condition that counter and owners are as observed, sets the owner, adds 1
    /// to the counter, counts the switch of owners, notes the taker and its process, ends a hand-over, and removes requests and
    /// notifications.
    /// </summary>
    public static Task<LeaseWriteResult> TakeAsync(
        this ILeaseStore store, Lease observed, string owner, string session, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(owner);
        var set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal)
        {
            [Lease.Names.LeaseCounter] = observed.LeaseCounter + 1,
            [Lease.Names.LeaseOwner] = owner,
            [Lease.Names.TakenBy] = owner,
            [Lease.Names.Session] = session,
        };
        if (observed.LeaseOwner is not null && observed.LeaseOwner != owner)
        {
            set[Lease.Names.OwnerSwitchesSinceCheckpoint] = observed.OwnerSwitchesSinceCheckpoint + 1;
        }

        var write = new LeaseWrite
        {
            LeaseKey = observed.LeaseKey,
            If = AsObserved(observed),
            Set = set,
            Remove = [Lease.Names.CheckpointOwner, Lease.Names.Duration, .. s_calls],
        };
        return WriteOneAsync(
            store,
            observed,
            write,
            // a release to this worker and a late renewal of its own leave the same owner and counter: only who took it last tells
            row => row.LeaseOwner == owner && row.CheckpointOwner is null && row.TakenBy == owner && row.Session == session
                && observed.TakenBy != owner,
            cancellationToken);
    }

    /// <summary>
    /// Renews leases and writes checkpoints: each update on its own condition (owner, counter, no hand-over), with counter + 1. Results
    /// stand in
    /// the order of the updates. A failed one comes with a <see cref="LeaseStoreException"/> that says whether it was throttled.
    /// </summary>
    /// <exception cref="ArgumentException">A lease has no owner, or there are two updates of one lease.</exception>
    public static async Task<IReadOnlyList<LeaseWriteResult>> UpdateAsync(
        this ILeaseStore store, IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken)
    {
        foreach (LeaseUpdate update in updates)
        {
            RequireOwner(update.Held, nameof(updates));
        }

        LeaseWriteResult[] results = await UpdateOnceAsync(store, updates, cancellationToken);

        // an earlier write of ours, given up as failed, arrived late: the lease is ours still, and the news goes on top of it
        int[] overtaken = [.. Enumerable.Range(0, updates.Count).Where(i =>
            results[i] is { Outcome: LeaseWriteOutcome.Refused, Lease: { } row } && IsNextOf(updates[i].Held, row))];
        if (overtaken.Length > 0)
        {
            LeaseWriteResult[] onTop =
                await UpdateOnceAsync(store, [.. overtaken.Select(i => updates[i] with { Held = results[i].Lease! })], cancellationToken);
            for (int i = 0; i < overtaken.Length; i++)
            {
                results[overtaken[i]] = onTop[i];
            }
        }

        return results;
    }

    /// <summary>
    /// Gives a lease up as KCL's evict does: on condition that owners and counter are as held, removes the owner, or sets the successor in
    /// its
    /// place, adds 1 to the counter, and removes requests and notifications. During a KCL 3.x hand-over only the old owner goes, and the
    /// next
    /// one stays, whatever the successor.
    /// </summary>
    public static Task<LeaseWriteResult> ReleaseAsync(
        this ILeaseStore store, Lease held, string? successor, CancellationToken cancellationToken)
    {
        RequireOwner(held, nameof(held));
        string? remaining = held.CheckpointOwner is null ? successor : held.LeaseOwner;
        var set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal) { [Lease.Names.LeaseCounter] = held.LeaseCounter + 1 };
        IReadOnlyCollection<string> remove = s_calls;
        if (held.CheckpointOwner is not null)
        {
            remove = [Lease.Names.CheckpointOwner, .. s_calls];
        }
        else if (successor is not null)
        {
            set[Lease.Names.LeaseOwner] = successor;
        }
        else
        {
            // what is nobody's bears nothing of ours but what tells where to start
            remove = [Lease.Names.LeaseOwner, Lease.Names.TakenBy, Lease.Names.Session, Lease.Names.Duration, .. s_calls];
        }

        var write = new LeaseWrite { LeaseKey = held.LeaseKey, If = AsObserved(held), Set = set, Remove = remove };
        return WriteOneAsync(store, held, write, row => row.CheckpointOwner is null && row.LeaseOwner == remaining, cancellationToken);
    }

    /// <summary>
    /// Asks the owner to hand a lease over, or takes that back where <paramref name="requester"/> is null: on condition that owners and
    /// request are
    /// as observed. Leaves the counter alone, so that it disturbs no write of the owner.
    /// </summary>
    public static async Task<LeaseWriteResult> RequestAsync(
        this ILeaseStore store, Lease observed, string? requester, CancellationToken cancellationToken)
    {
        RequireOwner(observed, nameof(observed));
        LeaseWrite write = new()
        {
            LeaseKey = observed.LeaseKey,
            If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal)
            {
                [Lease.Names.LeaseOwner] = observed.LeaseOwner!,
                [Lease.Names.CheckpointOwner] = null,
                [Lease.Names.RequestedBy] = Lease.Value.Optional(observed.RequestedBy),
            },
        };
        write = requester is null
            ? write with { Remove = [Lease.Names.RequestedBy] }
            : write with { Set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal) { [Lease.Names.RequestedBy] = requester } };
        LeaseWriteResult result = (await SettleAsync(store, [(observed, write, static _ => false)], cancellationToken))[0];

        // the counter tells nothing here: the owner goes on writing meanwhile
        return result is { Outcome: not LeaseWriteOutcome.Written, Lease: { Problem: null } row }
            && row.LeaseOwner == observed.LeaseOwner
            && row.CheckpointOwner is null
            && row.RequestedBy == requester
                ? new LeaseWriteResult(LeaseWriteOutcome.Written, row)
                : ThrowIfFailed(result);
    }

    /// <summary>
    /// Notifies an owner on its row, on condition that the row still has this owner; true where it has. Leaves the counter alone. A hint,
    /// no more:
    /// one that is lost costs time only.
    /// </summary>
    public static async Task<bool> RingAsync(
        this ILeaseStore store, string leaseKey, string owner, string ring, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(owner);
        ArgumentException.ThrowIfNullOrEmpty(ring);
        var write = new LeaseWrite
        {
            LeaseKey = leaseKey,
            If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal)
            {
                [Lease.Names.LeaseOwner] = owner,
                [Lease.Names.CheckpointOwner] = null
            },
            Set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal) { [Lease.Names.Notification] = ring },
        };
        return await WriteFreelyAsync(store, write, cancellationToken) == LeaseWrite.Outcome.Written;
    }

    /// <summary>Writes what was learnt of the shard's place among others; leaves owner, counter and checkpoint alone.</summary>
    public static Task UpdateChildrenAsync(
        this ILeaseStore store, string leaseKey, IReadOnlyList<string> childShardIds, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(childShardIds);
        LeaseWrite write = new() { LeaseKey = leaseKey, If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal) };
        return WriteFreelyAsync(
            store,
            childShardIds.Count == 0
                ? write with { Remove = [Lease.Names.ChildShardIds] }
                : write with
                {
                    Set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal)
                    {
                        [Lease.Names.ChildShardIds] = Lease.Value.FromStrings(childShardIds),
                    },
                },
            cancellationToken);
    }

    /// <summary>Deletes a lease on condition that it is as observed; true where it is gone.</summary>
    public static async Task<bool> TryDeleteAsync(this ILeaseStore store, Lease observed, CancellationToken cancellationToken)
    {
        LeaseWrite.Result result = await store.DeleteAsync(observed, cancellationToken);
        switch (result.Outcome)
        {
            case LeaseWrite.Outcome.Written:
                return true;
            case LeaseWrite.Outcome.Refused:
                return result.Row is null && await store.GetAsync(observed.LeaseKey, cancellationToken) is null;
            case LeaseWrite.Outcome.NotWritten:
                throw result.Error!;
        }

        Lease? row = await ReadBackAsync(store, observed.LeaseKey, result.Error!, cancellationToken);
        return row is null || (IsAs(observed, row) ? throw result.Error! : false);
    }

    /// <summary>
    /// True where a row is what this owner's next write leaves, whichever it was, and not that of another process of the same name.
    /// </summary>
    private static bool IsNextOf(Lease held, Lease row) =>
        row.Problem is null
        && row.LeaseCounter == held.LeaseCounter + 1
        && row.LeaseOwner == held.LeaseOwner
        && row.CheckpointOwner is null
        && row.Session == held.Session;

    private static bool IsAs(Lease before, Lease row) =>
        row.LeaseCounter == before.LeaseCounter && row.LeaseOwner == before.LeaseOwner && row.CheckpointOwner == before.CheckpointOwner;

    private static Task<LeaseWriteResult[]> UpdateOnceAsync(
        ILeaseStore store, IReadOnlyList<LeaseUpdate> updates, CancellationToken cancellationToken) => SettleAsync(
            store,
            [.. updates.Select(static update => (update.Held, Update(update), (Func<Lease, bool>)(row =>
                IsNextOf(update.Held, row) && (update.Checkpoint is not { } checkpoint || row.Checkpoint == checkpoint))))],
            cancellationToken);

    private static LeaseWrite Update(LeaseUpdate update)
    {
        Lease held = update.Held;
        var set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal) { [Lease.Names.LeaseCounter] = held.LeaseCounter + 1 };
        if (update.Checkpoint is { } checkpoint)
        {
            set[Lease.Names.Checkpoint] = checkpoint.ToCheckpointString();
            set[Lease.Names.CheckpointSubSequenceNumber] = checkpoint.SubSequenceNumber;
            set[Lease.Names.OwnerSwitchesSinceCheckpoint] = 0;
            if (update.Throughput is { } throughput)
            {
                set[Lease.Names.Throughput] = Lease.ThroughputValue(throughput);
            }
        }

        return new LeaseWrite
        {
            LeaseKey = held.LeaseKey,
            If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal)
            {
                [Lease.Names.LeaseCounter] = held.LeaseCounter,
                [Lease.Names.LeaseOwner] = held.LeaseOwner!,
                [Lease.Names.CheckpointOwner] = null,
            },
            Set = set,
            Remove = update.Checkpoint is not null && held.HasPendingCheckpoint ? s_pending : [],
        };
    }

    private static Dictionary<string, Lease.Value?> AsObserved(Lease observed) => new(StringComparer.Ordinal)
    {
        [Lease.Names.LeaseCounter] = observed.LeaseCounter,
        [Lease.Names.LeaseOwner] = Lease.Value.Optional(observed.LeaseOwner),
        [Lease.Names.CheckpointOwner] = Lease.Value.Optional(observed.CheckpointOwner),
    };

    private static void RequireOwner(Lease held, string parameter)
    {
        if (held.LeaseOwner is null)
        {
            throw new ArgumentException(
                $"The lease '{held.LeaseKey}' has no owner: only what a worker holds can be renewed, released or asked for.", parameter);
        }
    }

    /// <summary>Writes what may be written twice.</summary>
    private static async Task<LeaseWrite.Outcome> WriteFreelyAsync(ILeaseStore store, LeaseWrite write, CancellationToken cancellationToken)
    {
        for (int tried = 1; ; tried++)
        {
            LeaseWrite.Result result = (await store.WriteAsync([write], cancellationToken))[0];
            if (result.Outcome is LeaseWrite.Outcome.Written or LeaseWrite.Outcome.Refused)
            {
                return result.Outcome;
            }

            if (result.Outcome == LeaseWrite.Outcome.NotWritten || tried == Tries)
            {
                throw result.Error!;
            }
        }
    }

    private static async Task<LeaseWriteResult> WriteOneAsync(
        ILeaseStore store, Lease before, LeaseWrite write, Func<Lease, bool> tookEffect, CancellationToken cancellationToken) =>
        ThrowIfFailed((await SettleAsync(store, [(before, write, tookEffect)], cancellationToken))[0]);

    private static LeaseWriteResult ThrowIfFailed(LeaseWriteResult result) =>
        result is { Outcome: LeaseWriteOutcome.Failed, Error: { } error } ? throw error : result;

    /// <summary>Writes, and finds out what became of each write.</summary>
    private static async Task<LeaseWriteResult[]> SettleAsync(
        ILeaseStore store,
        IReadOnlyList<(Lease Before, LeaseWrite Write, Func<Lease, bool> TookEffect)> writes,
        CancellationToken cancellationToken)
    {
        if (writes.Count == 0)
        {
            return [];
        }

        IReadOnlyList<LeaseWrite.Result> answers = await store.WriteAsync(
            [.. writes.Select(static write => write.Write)], cancellationToken);
        if (answers.Count != writes.Count)
        {
            throw new InvalidOperationException($"{store.Description} gave {answers.Count} results for {writes.Count} writes.");
        }

        string[] unseen = [.. writes.Where((_, i) => IsUnseen(answers[i])).Select(static write => write.Write.LeaseKey)];
        Dictionary<string, Lease>? rows = null;
        LeaseStoreException? unreadable = null;
        try
        {
            rows = unseen.Length == 0
                ? []
                : (await store.GetManyAsync(unseen, ReadConsistency.Strong, cancellationToken)).ToDictionary(
                    static row => row.LeaseKey, StringComparer.Ordinal);
        }
        catch (LeaseStoreException e)
        {
            unreadable = e;
        }

        return [.. writes.Select((write, i) => answers[i] switch
        {
            { Outcome: LeaseWrite.Outcome.Written } written => new LeaseWriteResult(
                LeaseWriteOutcome.Written, written.Row ?? write.Write.ApplyTo(write.Before)),
            { Outcome: LeaseWrite.Outcome.NotWritten } thrownBack => new LeaseWriteResult(LeaseWriteOutcome.Failed, null, thrownBack.Error),
            var unseen when IsUnseen(unseen) && rows is null => new LeaseWriteResult(
                LeaseWriteOutcome.Failed, null, Unsettled(unseen.Error, unreadable!)),
            var answer => Settle(write.Before, answer.Row ?? rows!.GetValueOrDefault(write.Write.LeaseKey), write.TookEffect, answer.Error),
        })];

        static bool IsUnseen(LeaseWrite.Result answer) =>
            answer.Outcome == LeaseWrite.Outcome.Unknown || answer is { Outcome: LeaseWrite.Outcome.Refused, Row: null };
    }

    /// <summary>What became of a write, told by the row as it is after it.</summary>
    /// <param name="before">The row as the condition has it.</param>
    /// <param name="row">The row now; null where it is gone.</param>
    /// <param name="tookEffect">Whether a row, whose counter is the next one, is what the write makes of it.</param>
    /// <param name="fault">Why there was no answer; null where the answer was a refusal.</param>
    private static LeaseWriteResult Settle(Lease before, Lease? row, Func<Lease, bool> tookEffect, Exception? fault)
    {
        if (row?.Problem is { } problem)
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Failed, null, fault ?? new LeaseStoreException(problem, isTransient: false));
        }

        if (row is not null && row.LeaseCounter == before.LeaseCounter + 1 && tookEffect(row))
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Written, row);
        }

        return fault is not null && row is not null && IsAs(before, row)
            ? new LeaseWriteResult(LeaseWriteOutcome.Failed, row, fault)
            : new LeaseWriteResult(LeaseWriteOutcome.Refused, row);
    }

    /// <summary>
    /// Why a write's fate is not known where its row cannot be read back: the first fault says more, where there was one.
    /// </summary>
    /// <param name="fault">Why the write was not answered; null where it was refused.</param>
    /// <param name="unreadable">Why the row cannot be read. A throttle of reads is none of writes, which need not slow down for it.</param>
    private static Exception Unsettled(Exception? fault, LeaseStoreException unreadable) =>
        fault ?? (unreadable.IsThrottled
            ? new LeaseStoreException(
                $"A write was refused, and its row could not be read back: {unreadable.Message}", isTransient: true, unreadable)
            : unreadable);

    /// <summary>The row after a write whose answer was lost; where it cannot be read, the write's own fault is the news.</summary>
    private static async Task<Lease?> ReadBackAsync(
        ILeaseStore store, string leaseKey, Exception fault, CancellationToken cancellationToken)
    {
        try
        {
            return await store.GetAsync(leaseKey, cancellationToken);
        }
        catch (LeaseStoreException)
        {
            throw fault;
        }
    }
}

/// <summary>One conditional write of an owner: a renewal, with a checkpoint where there is news.</summary>
/// <param name="Held">The lease as this worker last wrote it: owner and counter are the condition.</param>
/// <param name="Checkpoint">The new position; null to renew only.</param>
/// <param name="Throughput">What is published of the shard's throughput, in KB a second; null to leave it as it is. Written with a
/// checkpoint only.</param>
internal readonly record struct LeaseUpdate(Lease Held, CheckpointPosition? Checkpoint = null, double? Throughput = null);

/// <summary>What became of a conditional write.</summary>
internal enum LeaseWriteOutcome
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
internal readonly record struct LeaseWriteResult(LeaseWriteOutcome Outcome, Lease? Lease, Exception? Error = null);

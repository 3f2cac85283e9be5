using FastConsumer.Operators;

namespace FastConsumer.Leases;

/// <content>
/// What an operator does with a lease itself: release, evict, reset. Each ends in one conditional write that leaves the lease nobody's,
/// with its counter one higher.
/// </content>
/// <remarks>
/// Invariant: no write of an owner undoes it. All writes of owners are conditional on counter, owner and session, and this write changes
/// all three; the owner adopts no row that names no owner. Where the owner writes first, this write is refused, and the row is read again.
/// </remarks>
internal sealed partial class OperatorTable
{
    /// <summary>An owner that renews all the time is written between two renewals.</summary>
    private const int MostTries = 20;

    private static readonly TimeSpan s_usualDuration = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Asks the owner to hand the lease over, and leaves it to nobody: what runs is finished and checkpointed first. The workers share it
    /// anew; that may be the same one. Where the owner does not answer in time, nothing is done.
    /// </summary>
    /// <param name="shardId">The shard.</param>
    /// <param name="requester">The name that asks, in place of a worker's; an id of this call is added.</param>
    /// <param name="cancellationToken">Ends the wait. A request that was written is withdrawn.</param>
    /// <exception cref="LeaseStoreException">The table cannot be read or written.</exception>
    public async Task<FreedLease> ReleaseAsync(string shardId, string requester, CancellationToken cancellationToken)
    {
        requester = Unique(requester);
        Lease? row = await ReadAsync(shardId, cancellationToken);
        if (RefusalOf(shardId, row) is { } refusal)
        {
            return Refused(shardId, row, refusal);
        }

        if (row!.LeaseOwner is null)
        {
            return Refused(shardId, row, $"Nobody holds shard {shardId}.");
        }

        return await AskAsync(row, requester, cancellationToken) is not null
            // where it is null, another worker has it by now
            ? await FreeAsync(new Freeing(row, requester), cancellationToken) ?? Freed(row, row)
            : Refused(
                shardId,
                row,
                $"{row.LeaseOwner} has not handed shard {shardId} over within {PatienceFor(row).TotalSeconds:0.#} s: it hangs, or is gone. "
                    + "'lease evict' takes the lease away.");
    }

    /// <summary>
    /// Takes the lease away from its owner, which hears of it within about a second and cancels its handler. Until then another worker may
    /// work beside it; no checkpoint of the former owner takes effect any more.
    /// </summary>
    /// <param name="shardId">The shard.</param>
    /// <param name="requester">The name that evicts.</param>
    /// <param name="cancellationToken">Ends the call; whether it took effect is not known then.</param>
    /// <exception cref="LeaseStoreException">The table cannot be read or written.</exception>
    public async Task<FreedLease> EvictAsync(string shardId, string requester, CancellationToken cancellationToken)
    {
        Lease? row = await ReadAsync(shardId, cancellationToken);
        return row is null || row.Problem is not null || row.IsFinished
            ? Refused(shardId, row, RefusalOf(shardId, row)!)
            : row.Owner is null ? Refused(shardId, row, $"Nobody holds shard {shardId}.")
            : row.TakenBy is null ? Refused(shardId, row, KclText(row))
            // where it is null, that owner has it no more
            : await FreeAsync(new Freeing(row, requester) { IsForced = true, IsHandoverBroken = true }, cancellationToken)
                ?? Freed(row, row);
    }

    /// <summary>
    /// Sets the checkpoint of a lease. A live owner is asked to hand the lease over first; one that does not answer in time has it taken
    /// away. Position, sub-sequence number and start time change in the one write that leaves the lease nobody's.
    /// </summary>
    /// <param name="shardId">The shard.</param>
    /// <param name="target">Where its records are read from.</param>
    /// <param name="requester">The name that asks, in place of a worker's; an id of this call is added.</param>
    /// <param name="by">Who does it, at most 64 bytes of UTF-8.</param>
    /// <param name="reason">Why, at most 128 bytes of UTF-8; null to say nothing.</param>
    /// <param name="cancellationToken">Ends the wait. A request that was written is withdrawn; the checkpoint is as it was, or set.</param>
    /// <param name="withSink">True where the position in the sink that leads was set before.</param>
    /// <param name="state">What becomes of the state that belongs to the position.</param>
    /// <param name="snapshot">The snapshot that the state goes back to; null where it goes back to none.</param>
    /// <exception cref="LeaseStoreException">The table cannot be read or written.</exception>
    public async Task<FreedLease> ResetAsync(
        string shardId,
        ResetTarget target,
        string requester,
        string by,
        string? reason,
        CancellationToken cancellationToken,
        bool withSink = false,
        StateChoice state = StateChoice.None,
        EarlierSnapshot? snapshot = null)
    {
        Check(by, reason);
        requester = Unique(requester);
        string? lineage = state == StateChoice.Drop ? await LineageAsync(cancellationToken) : null;
        for (int attempt = 1; ; attempt++)
        {
            Lease? row = await ReadAsync(shardId, cancellationToken);
            if ((RefusalOf(shardId, row) ?? (withSink ? null : SinkRefusalOf(row!)) ?? StateRefusalOf(row!, state)) is { } refusal)
            {
                return Refused(shardId, row, refusal);
            }

            if (row!.LeaseOwner is not null)
            {
                await AskAsync(row, requester, cancellationToken);
            }

            var freeing = new Freeing(row, requester)
            {
                IsForced = true,
                Change = current => new CheckpointChange(
                    target,
                    OperatorNotes.Write(new CheckpointReset(
                        by,
                        reason,
                        time.GetUtcNow(),
                        current.Checkpoint.ToString(),
                        target.ToString(),
                        current.FirstStart)),
                    state,
                    lineage is null ? null : $"{lineage}.{NewId()[..8]}",
                    snapshot),
            };
            if (await FreeAsync(freeing, cancellationToken) is { } freed)
            {
                return freed;
            }

            if (attempt == Tries)
            {
                return Refused(shardId, row, $"Shard {shardId} changes its owner all the time: try again.");
            }
        }
    }

    /// <summary>Why a lease is left alone by release and reset; null where it is not.</summary>
    public string? RefusalOf(string shardId, Lease? row) =>
        row is null ? $"There is no lease for shard {shardId} in {store.Description}."
        : row.Problem is { } problem ? problem
        : row.IsFinished ? $"Shard {shardId} is finished (SHARD_END): its lease stays as it is."
        : row.CheckpointOwner is not null
            ? $"KCL 3.x hands shard {shardId} over from {row.CheckpointOwner} to {row.LeaseOwner ?? "nobody"}: try again when that is over."
        : row.LeaseOwner is not null && row.TakenBy is null ? KclText(row)
        : row.IsPassedOn ? $"Shard {shardId} is being handed over to {row.LeaseOwner}: try again when that is over."
        : row.RequestedBy is not null
            ? $"Shard {shardId} is being handed over from {row.LeaseOwner} to {row.RequestedBy}: try again when that is over."
        : null;

    /// <summary>Why a checkpoint is not reset alone: it follows the position in a sink. Null where it does not.</summary>
    public static string? SinkRefusalOf(Lease row) => row.PositionSink is { } sink
        ? $"The position of shard {row.LeaseKey} is kept in a sink ({sink}), and its checkpoint follows. 'position show' tells both; "
            + "'position reset' sets them."
        : null;

    /// <summary>Why a checkpoint is not reset until it is said what becomes of the state; null where nothing has to be said.</summary>
    public static string? StateRefusalOf(Lease row, StateChoice state) =>
        state == StateChoice.None && (row.HasState || row.StateVersion > 0)
            ? $"Shard {row.LeaseKey} has state that belongs to its checkpoint. Say --drop-state to begin without state, or --keep-state to "
                + "go on with it: then records that are read again count twice in it, and those that are left out do not count."
        : state == StateChoice.Keep && row.HasState && row.Snapshot is not null && SnapshotHandle.Parse(row.Snapshot) is null
            ? $"The row of shard {row.LeaseKey} names its state as '{row.Snapshot}', which cannot be read. Say --drop-state to "
                + "begin without."
        : null;

    /// <summary>The lineage that the table's rows bear, those with state first; null where none bears one.</summary>
    private async Task<string?> LineageAsync(CancellationToken cancellationToken) =>
        (await store.ListAsync(ReadConsistency.Strong, cancellationToken))
            .Where(static row => row.Lineage is not null)
            .MaxBy(static row => row.HasState)?.TableLineage;

    /// <summary>So that two calls under one name do not take each other's requests for their own.</summary>
    private string Unique(string requester) => $"{requester}/{NewId()}";

    private static FreedLease Refused(string shardId, Lease? row, string refusal) =>
        new(shardId, row?.LeaseOwner, row?.Checkpoint ?? default, row?.Checkpoint ?? default, refusal);

    private static string KclText(Lease row) =>
        $"{row.Owner}, a worker of KCL, holds shard {row.LeaseKey}: it cannot be asked for anything. Stop the workers of KCL first.";

    private static TimeSpan PatienceFor(Lease row) => (1.25 * (row.Duration ?? s_usualDuration)) + TimeSpan.FromSeconds(1);

    /// <summary>The row as the owner has handed it over; null where it has not within its time.</summary>
    private async Task<Lease?> AskAsync(Lease row, string requester, CancellationToken cancellationToken)
    {
        Lease asked = row;
        for (int attempt = 1; ; attempt++)
        {
            LeaseWrite.Result result = await WriteAsync(
                new LeaseWrite
                {
                    LeaseKey = asked.LeaseKey,
                    If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal)
                    {
                        [Lease.Names.LeaseOwner] = asked.LeaseOwner!,
                        [Lease.Names.CheckpointOwner] = null,
                        [Lease.Names.RequestedBy] = null,
                    },
                    Set = Set(Lease.Names.RequestedBy, requester),
                },
                cancellationToken);
            asked = await ReadAsync(row.LeaseKey, cancellationToken) ?? row;
            if (asked.RequestedBy == requester || asked.LeaseOwner == requester)
            {
                break;
            }

            if (asked.LeaseOwner != row.LeaseOwner || asked.RequestedBy is not null)
            {
                // it has moved: the last write tells what that means
                return null;
            }

            ThrowIfHopeless(asked, result, attempt);
            await Task.Delay(s_lookInterval * attempt, time, cancellationToken);
        }

        return await HandedOverAsync(asked, requester, cancellationToken);
    }

    private async Task<Lease?> HandedOverAsync(Lease asked, string requester, CancellationToken cancellationToken)
    {
        bool isOver = false;
        try
        {
            await NotifyAsync([asked.LeaseOwner], cancellationToken);
            long since = time.GetTimestamp();
            while (time.GetElapsedTime(since) < PatienceFor(asked))
            {
                Lease? now = await ReadAsync(asked.LeaseKey, cancellationToken);
                isOver = now is null || now.RequestedBy != requester;
                if (isOver)
                {
                    return now?.LeaseOwner == requester ? now : null;
                }

                await Task.Delay(s_lookInterval, time, cancellationToken);
            }

            return null;
        }
        finally
        {
            if (!isOver)
            {
                // whoever asked has gone: the owner keeps its lease
                await WriteAsync(
                    new LeaseWrite
                    {
                        LeaseKey = asked.LeaseKey,
                        If = new Dictionary<string, Lease.Value?>(StringComparer.Ordinal) { [Lease.Names.RequestedBy] = requester },
                        Remove = [Lease.Names.RequestedBy],
                    },
                    CancellationToken.None);
            }
        }
    }

    private void ThrowIfHopeless(Lease row, LeaseWrite.Result result, int attempt)
    {
        bool mayPass = result.Outcome == LeaseWrite.Outcome.Refused || result.Error is LeaseStoreException { IsTransient: true };
        if (!mayPass || attempt == MostTries)
        {
            throw new LeaseStoreException(
                $"The lease of shard {row.LeaseKey} in {store.Description} was not written, as far as is known: "
                    + $"{result.Error?.Message ?? "its row changes all the time."} Look at the leases, and try again.",
                isTransient: true,
                result.Error);
        }
    }
}

using FastConsumer.Operators;

namespace FastConsumer.Leases;

/// <content>The one write that leaves a lease to nobody, and how it is told whether it was made.</content>
/// <remarks>
/// Invariant: one call frees a lease once. Where no answer came, the write may have been made, and a worker may have taken the lease since:
/// what that one has is left alone.
/// </remarks>
internal sealed partial class OperatorTable
{
    /// <summary>
    /// Leaves the lease to nobody by one write, with another checkpoint where one is given. Null where another worker has it by now, and
    /// nothing was written.
    /// </summary>
    private async Task<FreedLease?> FreeAsync(Freeing freeing, CancellationToken cancellationToken)
    {
        string shardId = freeing.Seen.LeaseKey;
        (Lease Row, LeaseWrite Write)? doubted = null;
        HashSet<string> notes = new(StringComparer.Ordinal);
        for (int attempt = 1; ; attempt++)
        {
            Lease? row = await ReadAsync(shardId, cancellationToken);
            if (doubted is { } sent && row is not null && row.LeaseCounter > sent.Row.LeaseCounter)
            {
                if (freeing.Change is null ? !freeing.IsMeant(row) : row.Reset is { } note && notes.Contains(note))
                {
                    return await FreedAsync(freeing, sent.Row, sent.Write);
                }

                // somebody else was faster: what was sent is refused
                doubted = null;
            }

            if (row is not null && !freeing.IsMeant(row))
            {
                return null;
            }

            bool mayFree = freeing.MayFree(row) && row is { Problem: null, IsFinished: false, CheckpointOwner: null };
            if (!mayFree && RefusalOf(shardId, row) is { } refusal)
            {
                return Refused(shardId, row, refusal);
            }

            CheckpointChange? change = freeing.Change?.Invoke(row!);
            LeaseWrite write = FreeingWrite(row!, change);
            if (change is { } told)
            {
                notes.Add(told.Note);
            }

            LeaseWrite.Result result = await WriteAsync(write, cancellationToken);
            if (result.Outcome == LeaseWrite.Outcome.Written)
            {
                return await FreedAsync(freeing, row!, write);
            }

            if (result.Outcome == LeaseWrite.Outcome.Unknown)
            {
                doubted ??= (row!, write);
            }

            ThrowIfHopeless(row!, result, attempt);
            await Task.Delay(s_lookInterval * Math.Min(attempt, 4) / 4, time, cancellationToken);
        }

        async Task<FreedLease> FreedAsync(Freeing freeing, Lease row, LeaseWrite write)
        {
            bool wasTakenAway = row.LeaseOwner is not null && row.LeaseOwner != freeing.Requester;
            if (wasTakenAway)
            {
                // it is to hear of it soon: on another row that it holds, if there is one
                await NotifyAsync([row.LeaseOwner], cancellationToken);
            }

            return Freed(freeing.Seen, row, wasTakenAway, write.ApplyTo(row).Checkpoint);
        }
    }

    private static FreedLease Freed(Lease seen, Lease row, bool wasTakenAway = false, CheckpointPosition? to = null) =>
        new(seen.LeaseKey, seen.LeaseOwner, row.Checkpoint, to ?? row.Checkpoint, WasTakenAway: wasTakenAway);

    private static LeaseWrite FreeingWrite(Lease row, CheckpointChange? change)
    {
        Dictionary<string, Lease.Value> set = new(StringComparer.Ordinal) { [Lease.Names.LeaseCounter] = row.LeaseCounter + 1 };
        List<string> remove =
        [
            Lease.Names.LeaseOwner, Lease.Names.TakenBy, Lease.Names.Session, Lease.Names.Duration, .. Lease.Names.OfOwner,
        ];
        if (change is { } moved)
        {
            (ResetTarget target, string note) = (moved.Target, moved.Note);
            set[Lease.Names.Checkpoint] = target.Position.ToCheckpointString();
            set[Lease.Names.CheckpointSubSequenceNumber] = target.Position.SubSequenceNumber;
            set[Lease.Names.OwnerSwitchesSinceCheckpoint] = 0;
            set[Lease.Names.Reset] = note;
            remove.AddRange(Lease.Names.Pending);
            SetState(row, moved, set, remove);
            if (target.Time is { } at)
            {
                set[Lease.Names.StartedAt] = at.ToUnixTimeMilliseconds();
            }
            else
            {
                remove.Add(Lease.Names.StartedAt);
            }
        }

        Dictionary<string, Lease.Value?> condition = new(StringComparer.Ordinal)
        {
            [Lease.Names.LeaseCounter] = row.LeaseCounter,
            [Lease.Names.LeaseOwner] = Lease.Value.Optional(row.LeaseOwner),
            [Lease.Names.Session] = Lease.Value.Optional(row.Session),
            [Lease.Names.CheckpointOwner] = null,
        };
        if (row.Lineage is not null)
        {
            condition[Lease.Names.Lineage] = row.Lineage;
        }

        return new LeaseWrite { LeaseKey = row.LeaseKey, If = condition, Set = set, Remove = remove };
    }

    /// <summary>
    /// The state goes along with the position, or is given up: a worker stops at a position that its state does not belong to.
    /// </summary>
    private static void SetState(
        Lease row, CheckpointChange change, Dictionary<string, Lease.Value> set, List<string> remove)
    {
        CheckpointPosition position = change.Target.Position;
        switch (change.State)
        {
            case StateChoice.Keep when change.Snapshot is { } earlier:
                set[Lease.Names.Snapshot] = earlier.Handle.ToString();
                set[Lease.Names.StateVersion] = earlier.StateVersion;
                break;
            case StateChoice.Keep when SnapshotHandle.Parse(row.Snapshot) is { } handle:
                set[Lease.Names.Snapshot] = (handle with { Stamp = SnapshotHandle.StampOf(position), Seen = null }).ToString();
                break;
            case StateChoice.Keep when row.Inherits.Count > 0:
                set[Lease.Names.Inherits] = Lease.Value.FromStrings(
                    row.Inherits.Select(text => SnapshotHandle.InheritAt(text, position)));
                break;
            case StateChoice.Drop when (row.Lineage ?? change.Lineage) is { } lineage:
                set[Lease.Names.Snapshot] = SnapshotHandle.EmptyAt(position).ToString();
                set[Lease.Names.Lineage] = lineage;
                remove.AddRange([Lease.Names.Inherits, Lease.Names.StateVersion]);
                break;
            case StateChoice.Drop:
                // no row of the table belongs to a state: its first worker with state begins without
                remove.AddRange([Lease.Names.Snapshot, Lease.Names.Inherits, Lease.Names.StateVersion]);
                break;
        }
    }

    /// <param name="Target">The position.</param>
    /// <param name="Note">What the row says of the reset.</param>
    /// <param name="State">What becomes of the state.</param>
    /// <param name="Lineage">The lineage of a row that has none, where its state is dropped.</param>
    /// <param name="Snapshot">The snapshot that the state goes back to.</param>
    private readonly record struct CheckpointChange(
        ResetTarget Target, string Note, StateChoice State, string? Lineage, EarlierSnapshot? Snapshot);

    /// <summary>What is to be freed.</summary>
    /// <param name="Seen">The row of the owner that was asked for it, or that it is to be taken from.</param>
    /// <param name="Requester">The name that asks, in place of a worker's.</param>
    private sealed record Freeing(Lease Seen, string Requester)
    {
        /// <summary>True where it may be taken away from the owner that was seen.</summary>
        public bool IsForced { get; init; }

        /// <summary>True where a hand-over of that owner to another worker is broken off.</summary>
        public bool IsHandoverBroken { get; init; }

        /// <summary>Sets the checkpoint too.</summary>
        public Func<Lease, CheckpointChange>? Change { get; init; }

        /// <summary>True where a row is still what was to be freed: not another worker's, which nobody has asked for it.</summary>
        public bool IsMeant(Lease row) =>
            row.LeaseOwner == Requester
            || (row.LeaseOwner is null
                ? Change is not null
                : IsForced && row.LeaseOwner == Seen.LeaseOwner && row.Session == Seen.Session);

        /// <summary>True where what else refuses it does not count.</summary>
        public bool MayFree(Lease? row) =>
            IsHandoverBroken || row is null || row.RequestedBy == Requester || row.LeaseOwner == Requester;
    }
}

using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>The writes of what this worker holds: renewals and checkpoints, gathered, in doubt, settled.</content>
internal static partial class LeaseMachine
{
    /// <summary>
    /// The write of a lease that is held: its renewal, with what is new. Called by the client as it sends, so that newer progress overtakes
    /// older on the way.
    /// </summary>
    /// <param name="lease">The lease, as <see cref="LeaseCommand.Send"/> names it.</param>
    /// <param name="progress">What its run has to say; null where nothing is known of it (yet, or any more).</param>
    /// <returns>The write; null where there is nothing new and no renewal is due.</returns>
    public static LeaseWrite? Renew(LeaseCommand.Renewal lease, Progress? progress)
    {
        ArgumentNullException.ThrowIfNull(lease);
        Lease row = lease.Row;
        CheckpointPosition? position = progress?.Position;
        string? snapshot = progress?.Snapshot is { } said && said != row.Snapshot ? said : null;
        bool isNews = position > row.Checkpoint || snapshot is not null;
        // what an operator has given up is no state: its marks go with the first checkpoint of a worker without any
        bool leavesState = isNews && snapshot is null && row is { HasState: true, StateVersion: 0 } && progress!.Value.StateVersion == 0;
        if (isNews && snapshot is null && row.HasState && !leavesState)
        {
            throw new InvariantViolation(
                "a position moves only together with the state that belongs to it",
                row.LeaseKey,
                $"{position} was to be written without a snapshot, and the row has {row.Snapshot ?? "its parents' state"}.");
        }

        // a shard that has run dry, or has had nothing yet, says so by a checkpoint where it stands
        bool isPublished = progress?.Throughput is not null && !row.IsFinished;
        bool hasMoved = progress is { } told && told.Standing != row.Standing;
        bool isDecided = progress?.Decision is { } decided && decided != row.Decision;
        if (!isNews && !isPublished && !hasMoved && !isDecided && !lease.IsRenewalDue)
        {
            return null;
        }

        Dictionary<string, Lease.Value> set = new(StringComparer.Ordinal) { [Lease.Names.LeaseCounter] = row.LeaseCounter + 1 };
        if (progress?.Report is { } report && report != row.Report && HasRoomFor(report, row))
        {
            // it comes along, and is no reason to write
            set[Lease.Names.Report] = report;
        }

        if (!isNews && !isPublished && !hasMoved && !isDecided)
        {
            return Write(row, set);
        }

        CheckpointPosition checkpoint = position > row.Checkpoint ? position.Value : row.Checkpoint;
        if (snapshot is not null && SnapshotHandle.Parse(snapshot)?.Stamp != SnapshotHandle.StampOf(checkpoint))
        {
            throw new InvariantViolation(
                "a position moves only together with the state that belongs to it",
                row.LeaseKey,
                $"The snapshot {snapshot} does not belong to {checkpoint}, with which it was to be written.");
        }

        set[Lease.Names.Checkpoint] = checkpoint.ToCheckpointString();
        set[Lease.Names.CheckpointSubSequenceNumber] = checkpoint.SubSequenceNumber;
        List<string> remove = row.HasPendingCheckpoint ? [.. Lease.Names.Pending] : [];
        if (isNews && progress!.Value.Sink is { } sink && sink != row.PositionSink)
        {
            set[Lease.Names.PositionSink] = sink;
        }
        else if (isNews && progress!.Value.Sink is null && row.PositionSink is not null)
        {
            remove.Add(Lease.Names.PositionSink);
        }

        if (leavesState)
        {
            remove.AddRange([Lease.Names.Snapshot, Lease.Names.Inherits]);
        }

        if (snapshot is not null)
        {
            set[Lease.Names.Snapshot] = snapshot;
            if (progress!.Value.StateVersion != row.StateVersion)
            {
                set[Lease.Names.StateVersion] = progress.Value.StateVersion;
            }

            if (row.Inherits.Count > 0)
            {
                remove.Add(Lease.Names.Inherits);
            }
        }

        if (isNews || isPublished)
        {
            set[Lease.Names.OwnerSwitchesSinceCheckpoint] = 0;
        }

        if (isPublished)
        {
            set[Lease.Names.Throughput] = Lease.ThroughputValue(progress!.Value.Throughput!.Value);
        }

        if (hasMoved && progress!.Value.Standing is { } standing)
        {
            set[Lease.Names.Standing] = standing;
        }
        else if (hasMoved)
        {
            remove.Add(Lease.Names.Standing);
        }

        if (isDecided)
        {
            // it takes the command's place
            set[Lease.Names.Decision] = progress!.Value.Decision!;
            if (row.Command is not null)
            {
                remove.Add(Lease.Names.Command);
            }
        }

        return remove.Count > 0 ? Write(row, set) with { Remove = remove } : Write(row, set);
    }

    /// <summary>What a run has to say in its lease's row.</summary>
    /// <param name="Position">The position that is done; null for none. One that is not beyond the row's is none.</param>
    /// <param name="Throughput">What is published of the shard's throughput, in KB a second; null to leave it as it is.</param>
    /// <param name="Standing">The record that it fails on; null for none.</param>
    /// <param name="Decision">What became of an operator's command; null for nothing.</param>
    /// <param name="Report">How the shard stands; null to leave what is there.</param>
    /// <param name="Sink">The sink that leads the position; null for none.</param>
    /// <param name="Snapshot">The state at <paramref name="Position"/>, as the row names it; null where there is none.</param>
    /// <param name="StateVersion">The version of the state, where there is a snapshot.</param>
    public readonly record struct Progress(
        CheckpointPosition? Position,
        double? Throughput,
        string? Standing = null,
        string? Decision = null,
        string? Report = null,
        string? Sink = null,
        string? Snapshot = null,
        int StateVersion = 0);

    /// <summary>A write of a row of up to 1,024 bytes costs one unit; what else the write sets has the rest.</summary>
    private const int MostBytesWithReport = 1_000;

    /// <summary>True where the row stays so small that a report makes its writes no dearer.</summary>
    private static bool HasRoomFor(string report, Lease row) =>
        row.SizeWithout(Lease.Names.Report) + Lease.Names.Report.Length + report.Length <= MostBytesWithReport;

    private static readonly TimeSpan s_longestGather = TimeSpan.FromSeconds(1);

    /// <summary>Somebody waits for an urgent write, and others may be about to: at a stop, every shard writes at once.</summary>
    private static readonly TimeSpan s_urgentGather = TimeSpan.FromMilliseconds(5);

    /// <summary>What a last checkpoint is given to be answered.</summary>
    private static readonly TimeSpan s_lastCheckpoint = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_longestRetry = TimeSpan.FromSeconds(5);

    /// <summary>A line for each write that a table throttles would be many, at the worst time.</summary>
    private static readonly TimeSpan s_tellInterval = TimeSpan.FromSeconds(30);

    /// <summary>Some throttles are how the pace is found: what they put off for so long is worth a line.</summary>
    private static readonly TimeSpan s_longWait = TimeSpan.FromSeconds(3);

    /// <summary>More writes than this in doubt on one counter there cannot be before the lease is lost.</summary>
    private const int MostAttempts = 100;

    /// <summary>A write on condition that the row is as this worker wrote it last.</summary>
    private static LeaseWrite Write(Lease row, IReadOnlyDictionary<string, Lease.Value> set)
    {
        Dictionary<string, Lease.Value?> condition = new(StringComparer.Ordinal)
        {
            [Lease.Names.LeaseCounter] = row.LeaseCounter,
            [Lease.Names.LeaseOwner] = Lease.Value.Optional(row.LeaseOwner),
            [Lease.Names.Session] = Lease.Value.Optional(row.Session),
            [Lease.Names.CheckpointOwner] = Lease.Value.Optional(row.CheckpointOwner),
        };
        if (row.Lineage is not null)
        {
            // a row that was deleted and made anew has counters and sessions that were there before
            condition[Lease.Names.Lineage] = row.Lineage;
        }

        return new LeaseWrite { LeaseKey = row.LeaseKey, If = condition, Set = set };
    }

    /// <summary>The row that a write makes of another.</summary>
    private static Lease After(Lease row, LeaseWrite write)
    {
        Dictionary<string, Lease.Value> attributes = new(row.ToAttributes(), StringComparer.Ordinal);
        foreach ((string name, Lease.Value value) in write.Set)
        {
            attributes[name] = value;
        }

        foreach (string name in write.Remove)
        {
            attributes.Remove(name);
        }

        return Lease.Read(row.LeaseKey, attributes);
    }

    /// <summary>The position that a write checkpoints; null where it only renews.</summary>
    private static CheckpointPosition? PositionOf(LeaseWrite write) =>
        write.Set.TryGetValue(Lease.Names.Checkpoint, out Lease.Value checkpoint)
        ? CheckpointPosition.Parse(checkpoint.Text!, write.Set[Lease.Names.CheckpointSubSequenceNumber].WholeNumber ?? 0)
        : null;

    /// <summary>True where owner, session and counter are the same: no write of an owner lies between the two.</summary>
    private static bool IsAs(Lease row, Lease before) =>
        row.LeaseCounter == before.LeaseCounter
        && row.LeaseOwner == before.LeaseOwner
        && row.CheckpointOwner == before.CheckpointOwner
        && row.Session == before.Session
        && IsOfLife(row, before);

    /// <summary>True where a row is not one that was made anew since. One that had no lineage may have got one.</summary>
    private static bool IsOfLife(Lease row, Lease before) => before.Lineage is null || row.Lineage == before.Lineage;

    private sealed partial class Turn
    {
        /// <summary>Writes wait a moment for company: the fewer requests, the more shards.</summary>
        private TimeSpan Gather => Min(Min(_settings.CheckpointInterval / 5, D / 10), s_longestGather);

        /// <summary>
        /// Half of the duration; less where the budget is so small that leases which are all due at once could not all be written in time:
        /// then they go in turn.
        /// </summary>
        private TimeSpan RenewalAge
        {
            get
            {
                TimeSpan half = D / 2;
                if (_budget.Pace is not double pace)
                {
                    return half;
                }

                TimeSpan left = (0.8 * D) - TimeSpan.FromSeconds(_held / pace);
                return left >= half ? half : left <= half / 2 ? half / 2 : left;
            }
        }

        private int CountOf(RequestKind kind) => _requests.Values.Count(request => request.Kind == kind && !request.IsAbandoned);

        private TimeSpan NextBatchAt
        {
            get
            {
                if (_sendTimes.Count == 0 || CountOf(RequestKind.Batch) >= BatchesAtOnce)
                {
                    return TimeSpan.MaxValue;
                }

                TimeSpan company = _sendTimes.Count >= BatchSize ? TimeSpan.MinValue : _sendTimes.Min.At;
                return Max(company, Min(_budget.NextAt, LastCheckpointsBy));
            }
        }

        /// <summary>At a stop, what waits for its last checkpoint is sent before its time is over, whatever the pace is.</summary>
        private TimeSpan LastCheckpointsBy => _mode != Mode.Running && _stop is { } stop
            && _sendOrder.Any(due => _leases[due.Key].Hold is Hold.HandingOff { Step: Hold.Stage.Flushing })
            ? stop.FlushEnd - s_lastCheckpoint
            : TimeSpan.MaxValue;

        /// <summary>
        /// Sends what has waited long enough. The lease that was renewed longest ago goes first; what somebody waits for passes only those
        /// that are not much older. So no flood of writes costs a lease that the budget can bear.
        /// </summary>
        private void SendBatches()
        {
            while (NextBatchAt <= _now)
            {
                List<Entry> batch = [];
                foreach (Due due in _sendOrder)
                {
                    Entry entry = _leases[due.Key];
                    // what removes attributes fits into no batch
                    bool isAlone = entry.Own is { Waiting.HasCheckpoint: true, Row: var row }
                        && (row.HasPendingCheckpoint || row.Standing is not null || row.Command is not null
                            || row.Inherits.Count > 0
                            || (row.Snapshot is not null && !KeepsState)
                            || (row.PositionSink is not null && !_settings.IsLedBySink));
                    if (batch.Count == 0 || !isAlone)
                    {
                        batch.Add(entry);
                    }

                    if (batch.Count >= Math.Min(BatchSize, _budget.MostAtOnce) || (isAlone && batch.Count == 1))
                    {
                        break;
                    }
                }

                Send(batch);
            }
        }

        private void Send(List<Entry> batch)
        {
            long request = _nextRequest++;
            TimeSpan age = RenewalAge;
            List<LeaseCommand.Renewal> renewals = [];
            foreach (Entry entry in batch)
            {
                Own own = entry.Own!;
                Require(
                    entry.IsHeld && own.InFlight is null,
                    "a lease has one write in flight", entry.Key, $"Request {own.InFlight?.Request} is not answered.");
                Wants wants = own.Waiting!;
                renewals.Add(new LeaseCommand.Renewal(entry.Key, own.Epoch, own.Row, !wants.HasCheckpoint || _now - own.RenewedAt >= age));
                Put(entry, own with { Waiting = null, InFlight = new Flight(request, _now, wants, null) });
            }

            _requests = _requests.Add(
                request,
                new Request(RequestKind.Batch, [.. renewals.Select(static lease => new Due(TimeSpan.Zero, lease.Key, lease.Epoch))], _now));
            _budget = _budget.Spend(renewals.Count, _now);
            Do(new LeaseCommand.Send(request, renewals));
        }

        /// <summary>A lease is to be written; what waits already becomes part of it.</summary>
        /// <param name="own">The lease.</param>
        /// <param name="hasCheckpoint">True where there may be progress.</param>
        /// <param name="isUrgent">True where somebody waits for it.</param>
        /// <param name="isRenewal">True where the lease is to be renewed now, whatever has failed before.</param>
        private Own Want(Own own, bool hasCheckpoint, bool isUrgent, bool isRenewal = false)
        {
            // no write waits for company once its lease is so old that an answer that never comes would cost it
            TimeSpan sendBy = Max(own.RenewedAt + (0.6 * D), _now + s_urgentGather);
            TimeSpan sendAt = isUrgent ? _now + s_urgentGather : Min(_now + Gather, sendBy);
            Wants? before = own.Waiting;
            return own with
            {
                Waiting = new Wants(
                    hasCheckpoint || before?.HasCheckpoint == true,
                    isUrgent || before?.IsUrgent == true,
                    before is null ? sendAt : Min(sendAt, before.SendAt),
                    isRenewal ? _now : Max(before?.NotBefore ?? _now, own.RetryAt)),
                WaitsSince = own.WaitsSince ?? _now,
            };
        }

        private void CheckpointWanted(LeaseEvent.CheckpointWanted wanted)
        {
            if (Find(wanted.Key) is { IsHeld: true } entry && IsOfRun(entry, wanted.Epoch))
            {
                Put(entry, Want(entry.Own!, hasCheckpoint: true, wanted.IsUrgent));
            }
        }

        /// <summary>True where an event is about the run of now. Those of another change nothing.</summary>
        private bool IsOfRun(Entry entry, long epoch) => IsOff(Rules.EpochsDiffer)
            || (entry.Own?.Epoch ?? (entry.Hold as Hold.Lost)?.Epoch) == epoch;

        /// <summary>A batch is on its way: from now on each of its writes may have taken effect.</summary>
        private void Sent(LeaseEvent.Sent sent)
        {
            if (!_requests.TryGetValue(sent.Request, out Request? request))
            {
                return;
            }

            Dictionary<string, LeaseEvent.Outgoing> writes = sent.Writes.ToDictionary(static write => write.Key, StringComparer.Ordinal);
            foreach (Due lease in request.Leases)
            {
                if (Find(lease.Key) is not { Own: { } own } entry || !IsOfRun(entry, lease.Epoch))
                {
                    continue;
                }

                bool isAwaited = own.InFlight?.Request == sent.Request;
                if (!writes.TryGetValue(lease.Key, out LeaseEvent.Outgoing? write))
                {
                    if (isAwaited)
                    {
                        LeftOut(entry, own);
                    }

                    continue;
                }

                CheckpointPosition? position = PositionOf(write.Write);
                Require(
                    !(position < own.Row.Checkpoint),
                    "a checkpoint never goes back", lease.Key, $"{position} is before {own.Row.Checkpoint}.");
                if (write.Write.If[Lease.Names.LeaseCounter] != own.Row.LeaseCounter)
                {
                    // the row has moved on since: it will be refused
                    continue;
                }

                Own next = own with
                {
                    Attempts = own.Attempts.Add(new Attempt(sent.Request, write.Write, sent.At)),
                    InFlight = isAwaited ? own.InFlight! with { SentAt = sent.At } : own.InFlight,
                };
                Put(entry, next);
                if (isAwaited && position is null)
                {
                    // it only renews: nothing was left to write
                    NothingNew(Find(lease.Key)!);
                }
            }

            _requests = writes.Count == 0
                ? _requests.Remove(sent.Request)
                : _requests.SetItem(
                    sent.Request,
                    request with { Leases = [.. sent.Writes.Select(static write => new Due(TimeSpan.Zero, write.Key, write.Epoch))] });
            _budget = _budget.Spend(writes.Count, _now);
        }

        /// <summary>The client found nothing to write.</summary>
        private void LeftOut(Entry entry, Own own)
        {
            Put(entry, own with
            {
                InFlight = null,
                CheckpointAt = _now + _settings.CheckpointInterval,
                WaitsSince = own.Waiting is null ? null : own.WaitsSince,
            });
            NothingNew(Find(entry.Key)!);
        }

        /// <summary>A batch was answered.</summary>
        private void BatchAnswered(long number, Request request, IReadOnlyList<LeaseWrite.Result> results)
        {
            _budget = _budget.Answered(
                results.Count(static result => result.Outcome == LeaseWrite.Outcome.Written),
                results.Count(static result => IsThrottle(result.Error)),
                _now);
            for (int i = 0; i < request.Leases.Length && i < results.Count; i++)
            {
                Due lease = request.Leases[i];
                if (Find(lease.Key) is { Own: { } own } entry && IsOfRun(entry, lease.Epoch))
                {
                    OwnWriteAnswered(entry, own, number, results[i]);
                }
            }
        }

        private void OwnWriteAnswered(Entry entry, Own own, long number, LeaseWrite.Result result)
        {
            Attempt? attempt = own.Attempts.Find(attempt => attempt.Request == number);
            Wants? wants = own.InFlight?.Request == number ? own.InFlight.Wants : null;
            own = wants is null ? own : own with { InFlight = null };
            if (attempt is null)
            {
                // never sent, or another one of ours took effect meanwhile: what it was for is still to be done
                Put(entry, wants is null ? own : Again(own, wants, result));
                return;
            }

            switch (result.Outcome)
            {
                case LeaseWrite.Outcome.Written:
                    TimeSpan renewedAt = IsOff(Rules.AgeFromSending) ? _now : attempt.SentAt;
                    Wrote(entry, own, result.Row ?? After(own.Row, attempt.Write), attempt, renewedAt);
                    break;
                case LeaseWrite.Outcome.NotWritten:
                    own = IsOff(Rules.ThrottleIsNoDoubt) ? own : own with { Attempts = own.Attempts.Remove(attempt) };
                    Put(entry, wants is null ? own : Again(own, wants, result));
                    break;
                case LeaseWrite.Outcome.Unknown:
                    Put(entry, (wants is null ? own : Again(own, wants, result)) with { ReadAt = _now });
                    if (result.Row is { } row)
                    {
                        RowOfOursSeen(Find(entry.Key)!, row, begun: null);
                    }

                    break;
                case LeaseWrite.Outcome.Refused:
                    own = own with { Attempts = own.Attempts.Remove(attempt) };
                    Put(entry, wants is null ? own : Again(own, wants, result) with { ReadAt = result.Row is null ? _now : own.ReadAt });
                    if (result.Row is { } refusing)
                    {
                        RowOfOursSeen(Find(entry.Key)!, refusing, begun: null);
                    }

                    break;
            }
        }

        /// <summary>What did not take effect, or may not have, is wanted again.</summary>
        private Own Again(Own own, Wants wants, LeaseWrite.Result result)
        {
            bool isSettled = result.Outcome == LeaseWrite.Outcome.Refused;
            TimeSpan wait = isSettled ? TimeSpan.Zero : Backoff(s_firstRetry, s_longestRetry, own.Failures);
            if (!isSettled)
            {
                bool isThrottled = IsThrottle(result.Error);
                own = own with { Failures = own.Failures + 1, IsThrottled = isThrottled, RetryAt = _now + wait };
                if (!isThrottled)
                {
                    Do(new LeaseCommand.Tell.WriteFailed(own.Row.LeaseKey, own.Epoch, wait, result.Error));
                }
            }

            return Want(own, wants.HasCheckpoint, wants.IsUrgent);
        }

        /// <summary>A write took effect: all others on the same counter have not.</summary>
        private void Wrote(Entry entry, Own own, Lease row, Attempt attempt, TimeSpan renewedAt)
        {
            CheckpointPosition? position = PositionOf(attempt.Write);
            Own next = own with
            {
                Row = row,
                RenewedAt = Max(renewedAt, own.RenewedAt),
                Attempts = [],
                Failures = 0,
                IsThrottled = false,
                RetryAt = TimeSpan.MinValue,
                ReadAt = null,
                WaitsSince = own.Waiting is null ? null : own.WaitsSince,
                CheckpointAt = position is null && own.CheckpointAt != TimeSpan.MaxValue
                    ? own.CheckpointAt
                    : _now + _settings.CheckpointInterval,
            };
            Put(entry with { Row = row }, next);
            Do(new LeaseCommand.Wrote(entry.Key, own.Epoch, row, position, next.RenewedAt));
            if (position is not null)
            {
                Flushed(Find(entry.Key)!);
            }
        }

        private void RowOfOursSeen(Entry entry, Lease? row, TimeSpan? begun)
        {
            if (entry.Hold is Hold.Releasing)
            {
                ReleasingRowSeen(entry, row, begun);
            }
            else
            {
                OwnRowSeen(entry, row, begun);
            }
        }

        /// <summary>
        /// The row of a lease that is held, as a list or a poll shows it, or as the answer to a write does. It is what it was, what an
        /// attempt of ours has made of it, an older one, or another's.
        /// </summary>
        /// <param name="entry">The lease.</param>
        /// <param name="row">The row; null where it is gone for certain.</param>
        /// <param name="begun">When the read began that shows it, which may lag behind; null for the answer to a write.</param>
        private void OwnRowSeen(Entry entry, Lease? row, TimeSpan? begun)
        {
            Own own = entry.Own!;
            if (row is null)
            {
                Lose(entry, "the lease's row was deleted");
                return;
            }

            if (row.Problem is not null)
            {
                // nobody knows what it says: in doubt until it can be read, or until the lease has not been renewed for too long
                return;
            }

            if (IsAs(row, own.Row))
            {
                Put(entry with { Row = row });
                return;
            }

            if (row.LeaseCounter < own.Row.LeaseCounter && begun is not null && !IsOff(Rules.StaleRows))
            {
                // read with delay, or set back by hand: a write tells
                AskByRenewal(entry, begun.Value);
                return;
            }

            Attempt? made = IsOff(Rules.ExactAdoption) && row.LeaseCounter == own.Row.LeaseCounter + 1 && row.LeaseOwner == Me
                ? own.Attempts.FirstOrDefault()
                : own.Attempts.Find(attempt => Makes(attempt, own.Row, row));
            if (made is null)
            {
                Meet(row);
                Lose(entry with { Row = row }, ReasonOf(own.Row, row));
                return;
            }

            if (begun is not null && own.InFlight?.Request == made.Request)
            {
                // its answer is on the way
                return;
            }

            Wrote(entry, own, row, made, made.SentAt);
        }

        /// <summary>A read that began long after the last renewal does not show it: the next renewal comes at once.</summary>
        private void AskByRenewal(Entry entry, TimeSpan begun)
        {
            if (entry.IsHeld && entry.Own is { InFlight: null } own && begun - own.RenewedAt > D / 4)
            {
                Put(entry, Want(own, hasCheckpoint: false, isUrgent: true));
            }
        }

        /// <summary>True where a row is exactly what a write of ours leaves of the one before.</summary>
        private bool Makes(Attempt attempt, Lease before, Lease row)
        {
            CheckpointPosition position = PositionOf(attempt.Write) ?? before.Checkpoint;
            string? snapshot = attempt.Write.Set.TryGetValue(Lease.Names.Snapshot, out Lease.Value set) ? set.Text
                : attempt.Write.Remove.Contains(Lease.Names.Snapshot) ? null
                : before.Snapshot;
            return row.LeaseCounter == before.LeaseCounter + 1
                && row.LeaseOwner == before.LeaseOwner
                && row.CheckpointOwner == before.CheckpointOwner
                && row.Session == before.Session
                && IsOfLife(row, before)
                && (row.Checkpoint == position || IsOff(Rules.SettlesByPosition))
                && (row.Snapshot == snapshot || IsOff(Rules.SettlesBySnapshot));
        }

        private string ReasonOf(Lease own, Lease row) =>
            row.CheckpointOwner is not null ? $"KCL 3.x hands it over to {row.LeaseOwner ?? "nobody"}"
            : row.LeaseOwner is null ? "it was released by somebody else"
            : row.LeaseOwner != Me ? $"{row.LeaseOwner} has taken it"
            : row.Session != own.Session ? $"another process with the worker id '{Me}' has taken it"
            : !IsOfLife(row, own) ? "its row was deleted and made anew, or was given another lineage"
            : row.LeaseCounter == own.LeaseCounter + 1 ? "somebody else has written it, with the counter of this worker's next write"
            : $"its counter is {row.LeaseCounter} instead of {own.LeaseCounter}: somebody else has written it";

        /// <summary>Others may own it: nothing is written any more, and what runs here is told.</summary>
        private void Lose(Entry entry, string reason)
        {
            Own own = entry.Own!;
            Abandon(own);
            if (entry.IsHeld)
            {
                Do(new LeaseCommand.Lose(entry.Key, own.Epoch, reason));
                Do(new LeaseCommand.Tell.LeaseLost(entry.Key, own.Epoch, reason));
                Put(entry with { Hold = new Hold.Lost(own.Epoch, reason, Min(_now + (2 * D), _stop?.End ?? TimeSpan.MaxValue)) });
            }
            else
            {
                // nothing runs any more
                Put(entry with { Hold = Hold.NotHeld.Settled });
            }
        }

        /// <summary>Nobody waits for what is under way any more.</summary>
        private void Abandon(Own own)
        {
            if (own.InFlight is { } flight && _requests.TryGetValue(flight.Request, out Request? request)
                && request.Kind != RequestKind.Batch)
            {
                Abandon(flight.Request);
            }
        }

        private void Abandon(long number)
        {
            if (_requests.TryGetValue(number, out Request? request) && !request.IsAbandoned)
            {
                _requests = _requests.SetItem(number, request with { IsAbandoned = true });
                Do(new LeaseCommand.Abandon(number));
            }
        }

        /// <summary>A lease that is held is due for something.</summary>
        private void HeldIsDue(Entry entry, Hold.Holding holding)
        {
            Own own = holding.Own;
            if (_now - own.RenewedAt >= Lasts * D && !IsOff(Rules.Expires))
            {
                Lose(entry, $"it could not be renewed for {D.TotalSeconds:0.###} s");
                return;
            }

            if (own.InFlight is { } flight && _now >= (flight.SentAt ?? flight.At) + (D / 5))
            {
                // the same goes again at once, on the same condition, beside the question what became of it: one of them at most takes
                // effect
                Abandon(flight.Request);
                own = own with { InFlight = null, ReadAt = flight.SentAt is null ? own.ReadAt : _now };
                own = Want(own, flight.Wants.HasCheckpoint, isUrgent: true, isRenewal: true);
                Do(new LeaseCommand.Tell.WriteFailed(entry.Key, own.Epoch, TimeSpan.Zero, null));
            }

            if (own.ReadAt <= _now)
            {
                _toRead.Add(entry.Key);
                own = own with { ReadAt = own.Attempts.IsEmpty ? null : _now + (D / 5) };
            }

            if (own.InFlight is null && own.Waiting?.HasCheckpoint != true && own.CheckpointAt <= _now)
            {
                own = Want(own with { CheckpointAt = TimeSpan.MaxValue }, hasCheckpoint: true, isUrgent: false);
            }

            Put(entry, own);
            if (holding is Hold.HandingOff)
            {
                PhaseIsDue(Find(entry.Key)!);
            }
        }
    }
}

using System.Collections.Immutable;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>How a worker gets its share: what it takes, what it asks others for, and what it withdraws.</content>
internal static partial class LeaseMachine
{
    /// <summary>What a shard weighs by itself, in KB a second: what yields nothing still costs its polls.</summary>
    private const double BaseWeight = 10;

    private const double WeightSlack = 0.1;

    /// <summary>An owner drains within the lease duration; a bit later it is stuck.</summary>
    private const double AnswerTime = 1.25;

    /// <summary>
    /// What nobody has taken for so many durations is left over: this worker's own back-off keeps nobody from its records.
    /// </summary>
    private const int FreeForLong = 3;

    /// <summary>A lease that is taken longer after its creation than this starts at the time that it bears.</summary>
    private static readonly TimeSpan s_latestLasts = TimeSpan.FromSeconds(3);

    private sealed partial class Turn
    {
        /// <summary>True where this worker may have the lease by what its row says, whoever has written it last.</summary>
        private bool IsToTake(Entry entry) => IsGivenToUs(entry) || IsOurs(entry.Row) || IsFormers(entry.Row) || IsFree(entry);

        /// <summary>True where it was released to this worker, which has not written it yet.</summary>
        private bool IsGivenToUs(Entry entry) => entry.Row.LeaseOwner == Me && entry.Row.IsPassedOn && !HasMoved(entry);

        /// <summary>
        /// True where this worker leaves it alone: its run failed here, or a write that was given up may still take effect.
        /// </summary>
        private bool IsBarred(Entry entry)
        {
            if (entry.Hold is Hold.NotHeld { Unsettled: { } unsettled } && !IsTake(unsettled) && _now - unsettled.SentAt < 2 * D)
            {
                return true;
            }

            if (AreHashKeysAwaited(entry))
            {
                return true;
            }

            return entry.Barred is { } bar && _now < bar.Until && (bar.IsViolation || !IsFreeFor(entry, FreeForLong * D));
        }

        /// <summary>True where nobody has taken it for so long although everybody could.</summary>
        private bool IsFreeFor(Entry entry, TimeSpan time) =>
            IsFree(entry) && entry.Seen is { } seen
            && seen.Still >= time + (entry.Row.Owner is null ? TimeSpan.Zero : DurationOf(entry.Row));

        private static bool IsTake(Attempt attempt) => attempt.Write.Set.ContainsKey(Lease.Names.TakenBy);

        /// <summary>
        /// What this worker is to do to get its share; true where it takes or asks for something. A lease that is wound up here is neither
        /// held nor free.
        /// </summary>
        private bool Balance()
        {
            if (_scan.Blocked is not null || !IsLineageSettled)
            {
                return false;
            }

            HashSet<string> asking = [.. _requests.Values
                .Where(static request => request is { Kind: RequestKind.Ask, IsAbandoned: false })
                .Select(static request => request.Leases[0].Key)];
            List<Lease> all = [.. _leases.Values.Select(entry => RowInPlan(entry, asking))];
            IReadOnlyList<Lease> runnable =
            [
                .. (IsOff(Rules.ParentsFirst) ? all.Where(static lease => !lease.IsFinished) : LeasePlan.Runnable(all))
                    .Where(lease => lease.Problem is null && MayRun(lease) && IsInPlan(_leases[lease.LeaseKey])),
            ];
            _stream = _stream with { Missing = _stream.Missing.RemoveAll(_leases.ContainsKey) };
            _scan = _scan with { Runnable = runnable.Count };
            SetShare();
            if (CreatesFirstLeases)
            {
                return false;
            }

            var view = new LeasePlan.View(
                Me,
                lease => _leases[lease.LeaseKey] is { IsHeld: true } or { Hold: Hold.Taking },
                lease => IsToTake(_leases[lease.LeaseKey]))
            {
                IsGiven = lease => lease.IsPassedOn && !HasMoved(_leases[lease.LeaseKey]),
                IsOverdue = lease => IsOverdue(_leases[lease.LeaseKey]),
                IsBarred = lease => IsBarred(_leases[lease.LeaseKey]),
                IsLeftOver = lease => IsFreeFor(_leases[lease.LeaseKey], D),
                MaxLeases = IsOff(Rules.MaxLeases) ? int.MaxValue : _settings.MaxLeases ?? int.MaxValue,
                Beyond = IsOff(Rules.Share) ? 2 : 0,
            };
            if (_settings.BalanceByThroughput)
            {
                Func<Lease, double> throughput = LeasePlan.Throughputs(all);
                view = view with { Weigh = lease => BaseWeight + throughput(lease), Slack = WeightSlack };
            }

            LeasePlan.Moves moves = LeasePlan.Balance(runnable, view, _chance);
            CheckLevels(runnable, view, moves, asking);
            _scan = _scan with
            {
                ToTake = [.. moves.Take.Select(lease => (lease.LeaseKey, lease.LeaseCounter, Origin(_leases[lease.LeaseKey])))],
                ToWithdraw = [.. moves.Withdraw.Select(static lease => lease.LeaseKey)],
                ToAsk = _now < _scan.LimitsBy
                    ? []
                    : [.. moves.Request.Take(MovesAtOnce(runnable.Count)).Select(static lease => lease.LeaseKey)],
                AreHashKeysAwaited = _leases.Values.Any(AreHashKeysAwaited),
                HasReached = _scan.HasReached || moves.Take.Count > 0 || moves.Request.Count > 0,
                IsListWanted = _scan.IsListWanted || (_now < _scan.LimitsBy && moves.Request.Count > 0),
            };
            TellUnread(moves.Unread);
            PassOn(runnable, moves.Take);
            return moves.Take.Count > 0;
        }

        /// <summary>
        /// True while the leases of a first start are created. A share cannot be told before they are there: takes would collide, and
        /// use up the write units that creations need. It ends when a worker has taken a lease, or when the creation fails or takes long.
        /// </summary>
        private bool CreatesFirstLeases =>
            _stream.Creating is not null && _leases.Values.All(static entry => entry.Row.LeaseCounter == 0);

        /// <summary>
        /// What was given to this worker and does not fit, or is left alone here, is nobody's at once instead of expiring.
        /// </summary>
        private void PassOn(IReadOnlyList<Lease> runnable, IReadOnlyList<Lease> taken)
        {
            List<Entry> given = [.. runnable.Select(lease => _leases[lease.LeaseKey])
                .Concat(_leases.Values.Where(entry => entry.Row is { Problem: null, IsFinished: false } row && !MayRun(row)))
                .Where(static entry => entry.Row.IsPassedOn)];
            if (given.Any(entry => entry.Row.LeaseOwner == Me))
            {
                HashSet<string> keys = [.. taken.Select(static lease => lease.LeaseKey)];
                foreach (Entry entry in given.Where(entry => entry.Hold is Hold.NotHeld && IsGivenToUs(entry)).ToList())
                {
                    if (!keys.Contains(entry.Key))
                    {
                        ReleaseUnheld(entry);
                    }
                }
            }
        }

        /// <summary>A row as the plan sees it: a request that is under way counts as made.</summary>
        private Lease RowInPlan(Entry entry, HashSet<string> asking)
        {
            Lease row = entry.Row;
            if (IsOff(Rules.RequesterCounts) && row.RequestedBy is not null)
            {
                return row with { RequestedBy = null };
            }

            bool isAsking = row.RequestedBy is null && entry.Hold is Hold.NotHeld && asking.Contains(entry.Key);
            return isAsking ? row with { RequestedBy = Me } : row;
        }

        private bool IsInPlan(Entry entry) => entry.IsHeld || entry.Hold is Hold.NotHeld or Hold.Taking
            || (entry.Hold is Hold.Lost && IsOff(Rules.FormerRunEnds));

        private void TellUnread(int unread)
        {
            if (unread != _scan.Unread)
            {
                _scan = _scan with { Unread = unread };
                Do(new LeaseCommand.Tell.AtMaxLeases(unread, IsOver: unread == 0));
            }
        }

        /// <summary>Each request and each steal brings owner and taker closer to each other; so they come to rest.</summary>
        private void CheckLevels(IReadOnlyList<Lease> runnable, LeasePlan.View view, LeasePlan.Moves moves, HashSet<string> asking)
        {
            List<Lease> steals = [.. moves.Take.Where(lease => !view.IsGiven(lease) && !view.IsFree(lease))];
            if (moves.Request.Count == 0 && steals.Count == 0)
            {
                return;
            }

            Dictionary<string, double> destined = new(StringComparer.Ordinal) { [Me] = 0 };
            Dictionary<string, double> held = new(StringComparer.Ordinal) { [Me] = 0 };
            foreach (Lease lease in runnable)
            {
                Entry entry = _leases[lease.LeaseKey];
                bool isMine = view.IsMine(lease);
                string? owner = isMine ? Me : view.IsFree(lease) && !view.IsGiven(lease) ? null : lease.Owner;
                if (owner is not null)
                {
                    // as it stands in the rows: the withdrawals of this plan come first
                    Lease row = asking.Contains(lease.LeaseKey) ? lease : entry.Row;
                    string? requester = (isMine || lease.IsHeldByFastConsumer) && !moves.Withdraw.Contains(lease) ? row.RequestedBy : null;
                    Add(destined, requester ?? owner, view.Weigh(lease));
                    Add(held, owner, view.Weigh(lease));
                }
            }

            foreach (Lease lease in moves.Request)
            {
                RequireLess(destined, lease, lease.Owner!);
                Require(_leases[lease.LeaseKey].Row.RequestedBy is null, "a lease counts once", lease.LeaseKey, "It is asked for twice.");
            }

            foreach (Lease lease in steals)
            {
                RequireLess(lease.RequestedBy == Me ? held : destined, lease, lease.Owner!);
            }

            void RequireLess(Dictionary<string, double> loads, Lease lease, string owner)
            {
                double weight = view.Weigh(lease);
                double from = loads.GetValueOrDefault(owner);
                double to = loads[Me];
                Require(
                    Square(from - weight) + Square(to + weight) < Square(from) + Square(to),
                    "each request or steal levels", key: null,
                        $"{lease.LeaseKey} is moved from {owner}, which has {from}, to one that has {to}.");
                Add(loads, owner, -weight);
                Add(loads, Me, weight);
            }

            static void Add(Dictionary<string, double> loads, string worker, double weight) =>
                loads[worker] = loads.GetValueOrDefault(worker) + weight;

            static double Square(double load) => load * load;
        }

        /// <summary>Whose it was and why it may be taken, for the log.</summary>
        private string Origin(Entry entry)
        {
            Lease row = entry.Row;
            return row.Owner is null ? "nobody"
                : IsGivenToUs(entry) ? $"{row.TakenBy}, which released it to this worker"
                : IsOurs(row) ? "this process, by a take whose answer was late"
                : IsFormers(row) ? "this worker's former process"
                : IsFree(entry) ? $"{row.Owner}, which has not renewed it for {entry.Seen!.Still.TotalSeconds:0.#} s"
                : row.RequestedBy == Me ? $"{row.Owner}, which has not answered the request"
                : $"{row.Owner}, which has more";
        }

        /// <summary>What the table bears is known, or that it cannot be known now: what has waited for it is asked for.</summary>
        private void LimitsKnown(LeaseEvent.LimitsKnown limits)
        {
            bool isAwaited = _now < _scan.LimitsBy;
            _scan = _scan with { LimitsBy = TimeSpan.MinValue };
            if (_settings.TableWriteUnits is null && !limits.IsUnknown)
            {
                _budget = _budget.WithTableUnits(limits.WriteUnits);
            }

            if (isAwaited && _scan.ListedAt is not null && _mode == Mode.Running)
            {
                Balance();
            }
        }

        /// <summary>Every lease is written at least twice in its duration.</summary>
        private double UnitsToHold(int leases) => leases / (D / 2).TotalSeconds;

        /// <summary>
        /// As many leases as may be moved at a time: a request, a release and a take write three units, and what leases need to be renewed
        /// is not for them.
        /// </summary>
        private int MovesAtOnce(int leases) =>
            _budget.TableUnits is double units ? (int)Math.Clamp((units - UnitsToHold(leases)) / 3, 1, int.MaxValue) : int.MaxValue;

        /// <summary>
        /// This worker's part of the table's units: what it holds of the leases that may run, and of those that are still to be created.
        /// </summary>
        private void SetShare()
        {
            int leases = _scan.Runnable + _stream.Missing.Length;
            // more than they need: of what a table throttles some has to be sent again
            _budget = _budget.WithShare(_held, leases, 1.5 * UnitsToHold(_held));
            double needed = UnitsToHold(leases);
            // some leases more or less do not tell and end it in turn
            bool isTooSmall = _budget.TableUnits is double units && units < needed * (_scan.IsBudgetTold ? 1.1 : 1);
            if (isTooSmall != _scan.IsBudgetTold)
            {
                _scan = _scan with { IsBudgetTold = isTooSmall };
                double bears = _budget.TableUnits ?? needed;
                Do(new LeaseCommand.Tell.BudgetTooSmall(
                    bears, leases, needed, TimeSpan.FromSeconds(2 * leases / bears), _settings.TableWriteUnits is not null, !isTooSmall));
            }
        }

        /// <summary>Sends what the last plan asks for, some at a time.</summary>
        private void SendSingles()
        {
            SendReleases();
            while (!_scan.ToTake.IsEmpty && CountOf(RequestKind.Take) < SinglesAtOnce)
            {
                (string key, long counter, string from) = _scan.ToTake[0];
                _scan = _scan with { ToTake = _scan.ToTake.RemoveAt(0) };
                bool isFree = Find(key) is { } entry
                    && (entry.Hold is Hold.NotHeld || (entry.Hold is Hold.Lost && IsOff(Rules.FormerRunEnds)));
                if (isFree && _leases[key].Row is { Problem: null } row && row.LeaseCounter == counter && MayRun(row))
                {
                    TakeLease(_leases[key], from);
                }
                else
                {
                    // it has moved since
                    WantList();
                }
            }

            while (!_scan.ToWithdraw.IsEmpty && CountOf(RequestKind.Withdraw) < SinglesAtOnce)
            {
                string key = _scan.ToWithdraw[0];
                _scan = _scan with { ToWithdraw = _scan.ToWithdraw.RemoveAt(0) };
                if (Find(key) is { Row: { RequestedBy: { } requester, LeaseOwner: not null } row } && requester == Me)
                {
                    WriteOne(RequestKind.Withdraw, key, epoch: 0, RequestOf(row, requester: null), row);
                }
            }

            while (!_scan.ToAsk.IsEmpty && CountOf(RequestKind.Ask) < SinglesAtOnce)
            {
                string key = _scan.ToAsk[0];
                _scan = _scan with { ToAsk = _scan.ToAsk.RemoveAt(0) };
                if (Find(key) is { Hold: Hold.NotHeld, Row: { RequestedBy: null, IsHeldByFastConsumer: true } row })
                {
                    WriteOne(RequestKind.Ask, key, epoch: 0, RequestOf(row, Me), row);
                }
            }

            if (!_scan.ToNotify.IsEmpty && _scan.ToAsk.IsEmpty && CountOf(RequestKind.Ask) == 0)
            {
                foreach (string owner in _scan.ToNotify)
                {
                    Do(new LeaseCommand.Tell.Requested(owner,
                        _leases.Values.Count(entry => entry.Asked is not null && entry.Row.LeaseOwner == owner)));
                    Notify(owner);
                }

                _scan = _scan with { ToNotify = _scan.ToNotify.Clear() };
            }

            AbandonLate();
        }

        private long WriteOne(RequestKind kind, string key, long epoch, LeaseWrite write, Lease? row = null)
        {
            long request = _nextRequest++;
            _requests = _requests.Add(request, new Request(kind, [new Due(TimeSpan.Zero, key, epoch)], _now, row));
            Do(new LeaseCommand.WriteOne(request, new LeaseEvent.Outgoing(key, epoch, write)));
            return request;
        }

        /// <summary>Requests of other owners' rows, of which no lease's state tells, are not waited for either.</summary>
        private void AbandonLate()
        {
            foreach ((long number, Request request) in _requests)
            {
                if (request is
                    {
                        Kind: RequestKind.Ask or RequestKind.Withdraw or RequestKind.NameChildren or RequestKind.Adopt,
                        IsAbandoned: false,
                    }
                    && _now - request.At >= D / 2)
                {
                    Abandon(number);
                    WantList();
                }
            }
        }

        /// <summary>Takes a lease, on condition that its row is as it was seen.</summary>
        private void TakeLease(Entry entry, string from)
        {
            Lease row = entry.Row;
            Require(entry.Hold is Hold.NotHeld, "no take while a former run lasts here", entry.Key, $"It is {entry.Hold.GetType().Name}.");
            Require(
                IsOff(Rules.ParentsFirst)
                || !row.ParentShardIds.Any(parent => Find(parent) is { } known && !(known.Row.IsFinished && known.Row.Problem is null)),
                "no take before all leased parents are finished", entry.Key, "A parent is not.");
            long epoch = row.LeaseCounter + 1;
            Dictionary<string, Lease.Value> set = new(StringComparer.Ordinal)
            {
                [Lease.Names.LeaseCounter] = epoch,
                [Lease.Names.LeaseOwner] = Me,
                [Lease.Names.TakenBy] = Me,
                [Lease.Names.Session] = Lease.SessionOf(_settings.Session, epoch),
                [Lease.Names.Duration] = Lease.DurationValue(epoch, D),
            };
            if (row.LeaseOwner is not null && row.LeaseOwner != Me)
            {
                set[Lease.Names.OwnerSwitchesSinceCheckpoint] = row.OwnerSwitchesSinceCheckpoint + 1;
            }

            if (Corrected(row) is var corrected && (corrected.Checkpoint, corrected.StartedAt) != (row.Checkpoint, row.StartedAt))
            {
                set[Lease.Names.Checkpoint] = corrected.Checkpoint.ToCheckpointString();
                set[Lease.Names.CheckpointSubSequenceNumber] = corrected.Checkpoint.SubSequenceNumber;
                set[Lease.Names.StartedAt] = corrected.StartedAt!.Value.ToUnixTimeMilliseconds();
            }

            // a take ends a hand-over, as KCL 3.x has it, and what others wrote for the owner before
            LeaseWrite write = Write(row, set) with
            {
                Remove = [Lease.Names.CheckpointOwner, .. Lease.Names.OfOwner],
            };
            TimeSpan first = entry.Hold is Hold.NotHeld { Unsettled: { } unsettled } && IsTake(unsettled)
                && CounterOf(unsettled.Write) == row.LeaseCounter
                ? unsettled.SentAt
                : _now;
            long request = WriteOne(RequestKind.Take, entry.Key, epoch, write);
            Put(entry with { Hold = new Hold.Taking(new Attempt(request, write, _now), first, from, IsInDoubt: false, TimeSpan.MaxValue) });
        }

        /// <summary>
        /// A row at AT_TIMESTAMP has no progress: it follows a start position that was corrected since it was created. Not where a parent
        /// has a lease, for then the shard goes on where its parent ends, and a later time would leave records out; not where an operator
        /// has set it; and not where the position belongs to a state.
        /// </summary>
        private Lease Corrected(Lease row)
        {
            if (row.Checkpoint.Kind != CheckpointKind.AtTimestamp
                || row.Reset is not null
                || row.HasState
                || row.ParentShardIds.Any(parent => Find(parent) is not null))
            {
                return row;
            }

            DateTimeOffset? time = _settings.Start.Kind switch
            {
                CheckpointKind.AtTimestamp => _settings.StartTimestamp,
                CheckpointKind.Latest => _settings.LatestAt,
                _ => row.StartedAt,
            };
            return time is null ? row : row with { Checkpoint = _settings.Start, StartedAt = time };
        }

        /// <summary>
        /// A request that the row's owner is to answer, or its withdrawal. The counter stays: no write of the owner is disturbed.
        /// </summary>
        private static LeaseWrite RequestOf(Lease row, string? requester)
        {
            Dictionary<string, Lease.Value?> condition = OwnedBy(row.LeaseOwner!);
            condition[Lease.Names.RequestedBy] = Lease.Value.Optional(row.RequestedBy);
            var write = new LeaseWrite { LeaseKey = row.LeaseKey, If = condition };
            if (requester is null)
            {
                return write with { Remove = [Lease.Names.RequestedBy] };
            }

            return write with
            {
                Set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal) { [Lease.Names.RequestedBy] = requester },
            };
        }

        /// <summary>A request was answered.</summary>
        private void Answered(LeaseEvent.Answered answered)
        {
            if (!_requests.TryGetValue(answered.Request, out Request? request))
            {
                return;
            }

            _requests = _requests.Remove(answered.Request);
            if (request.Kind == RequestKind.Batch)
            {
                BatchAnswered(answered.Request, request, answered.Results);
                return;
            }

            if (request.Kind == RequestKind.Create)
            {
                CreateAnswered(answered.Request, request.At, answered.Results);
                return;
            }

            LeaseWrite.Result result = answered.Results.Count > 0 ? answered.Results[0]
                : new LeaseWrite.Result(LeaseWrite.Outcome.NotWritten);
            Entry? entry = Find(request.Leases[0].Key);
            switch (request.Kind)
            {
                case RequestKind.Take when entry is not null:
                    TakeAnswered(entry, answered.Request, result);
                    break;
                case RequestKind.Release when entry is not null:
                    ReleaseAnswered(entry, answered.Request, result);
                    break;
                case RequestKind.Ask when entry is not null:
                    AskAnswered(entry, request.Row!, result);
                    break;
                case RequestKind.Withdraw when entry is not null:
                    WithdrawAnswered(entry, request.Row!, result);
                    break;
                case RequestKind.Adopt:
                    Adopted(result);
                    break;
            }
        }

        private void TakeAnswered(Entry entry, long number, LeaseWrite.Result result)
        {
            if (entry.Hold is not Hold.Taking taking || taking.Attempt.Request != number)
            {
                // it was given up: the table tells what became of it
                WantList();
                return;
            }

            switch (result.Outcome)
            {
                case LeaseWrite.Outcome.Written:
                    TimeSpan renewedAt = IsOff(Rules.AgeFromSending) ? _now : taking.Attempt.SentAt;
                    Taken(entry, taking, result.Row ?? After(entry.Row, taking.Attempt.Write), renewedAt);
                    return;
                case LeaseWrite.Outcome.Refused when result.Row is { } row:
                    TakingRowSeen(entry, taking with { IsInDoubt = true }, row, _now, isStrong: true);
                    break;
                case LeaseWrite.Outcome.Refused:
                    // another row under this key, or none
                    Put(entry with { Hold = Hold.NotHeld.Settled });
                    _toRead.Add(entry.Key);
                    break;
                case LeaseWrite.Outcome.NotWritten:
                    Put(entry with { Hold = Hold.NotHeld.Settled });
                    break;
                default:
                    Doubt(entry, taking);
                    break;
            }

            WantList();
            if (result.Error is { } error)
            {
                FailMoves(error);
            }
        }

        /// <summary>Nobody knows what became of a take: its row tells.</summary>
        private void Doubt(Entry entry, Hold.Taking taking)
        {
            if (IsOff(Rules.TakeInDoubt))
            {
                Put(entry with { Hold = Hold.NotHeld.Settled });
                return;
            }

            _toRead.Add(entry.Key);
            Put(entry with { Hold = taking with { IsInDoubt = true, ReadAt = _now + (D / 5) } });
        }

        private void TakeIsDue(Entry entry, Hold.Taking taking)
        {
            if (!taking.IsInDoubt)
            {
                Abandon(taking.Attempt.Request);
                Doubt(entry, taking);
                WantList();
            }
            else if (_now >= taking.First + (Lasts * D))
            {
                // what is found now is too old to be used: it is taken anew
                Put(entry with { Hold = new Hold.NotHeld(taking.Attempt with { SentAt = taking.First }) });
                WantList();
            }
            else
            {
                _toRead.Add(entry.Key);
                Put(entry with { Hold = taking with { ReadAt = _now + (D / 5) } });
            }
        }

        /// <summary>The row of a lease that is being taken. While the answer is awaited it tells nothing: the answer does.</summary>
        private void TakingRowSeen(Entry entry, Hold.Taking taking, Lease row, TimeSpan begun, bool isStrong)
        {
            if (!taking.IsInDoubt || row.Problem is not null)
            {
                return;
            }

            Lease before = entry.Row;
            if (row.LeaseCounter == before.LeaseCounter + 1 && IsOurs(row)
                && row.Session == Lease.SessionOf(_settings.Session, row.LeaseCounter))
            {
                // it was this take, or an earlier one on the same counter
                Taken(entry, taking, row, taking.First);
            }
            else if (IsAs(row, before))
            {
                if (isStrong && begun >= taking.Attempt.SentAt)
                {
                    // it may still come: the next take on this counter counts from here
                    Put(entry with { Hold = new Hold.NotHeld(taking.Attempt with { SentAt = taking.First }) });
                    WantList();
                }
            }
            else if (row.LeaseCounter > before.LeaseCounter || isStrong)
            {
                Put(Observed(entry with { Hold = Hold.NotHeld.Settled }, row, begun, isStrong, []));
                WantList();
            }
        }

        /// <summary>The take has taken effect.</summary>
        private void Taken(Entry entry, Hold.Taking taking, Lease row, TimeSpan renewedAt)
        {
            var own = new Own(row, row.LeaseCounter, renewedAt)
            {
                CheckpointAt = _now + _settings.CheckpointInterval,
                Paused = row.Paused,
            };
            if (_now - renewedAt >= Lasts * D)
            {
                // nobody knows how much of it is left: others may have it, or it is taken again
                Put(entry with { Row = row, Hold = Hold.NotHeld.Settled });
                WantList();
                return;
            }

            if (entry.Barred is { } bar && !bar.IsViolation)
            {
                Do(new LeaseCommand.Tell.BackingOff(entry.Key, TimeSpan.Zero, IsOver: true));
            }

            // what was seen of others ends here: when the lease is given back to one of them, that is no sign of its life
            string? redrive = entry.Redrive is { } accepted
                && taking.Attempt.Write.If.GetValueOrDefault(Lease.Names.Session)?.Text
                    == Lease.SessionOf(_settings.Session, accepted.Epoch)
                ? accepted.Command
                : null;
            entry = entry with { Row = row, Asked = null, Seen = null, Redrive = null };
            if (_mode != Mode.Running || _scan.Blocked is not null)
            {
                BeginRelease(entry, own, to: null);
                return;
            }

            bool isLatestNow = _stream.CreatedHere.TryGetValue(entry.Key, out TimeSpan created) && row.LeaseCounter == 1
                && _now - created < s_latestLasts;
            _stream = _stream with { CreatedHere = _stream.CreatedHere.Remove(entry.Key) };
            Put(entry with { Hold = new Hold.Owned(own) });
            Do(new LeaseCommand.Tell.Taken(entry.Key, own.Epoch, row.Checkpoint, taking.From));
            Do(new LeaseCommand.Start(entry.Key, own.Epoch, row, renewedAt, isLatestNow, HashKeysOf(entry), taking.From)
            {
                Redrive = redrive,
                HaveParentsState = row.ParentShardIds.Any(parent => Find(parent)?.Row.HasState == true),
            });
            SetShare();
        }

        /// <summary>
        /// What the table says of requests is what counts: some were answered since, and some may be of this worker's former life.
        /// </summary>
        private void RequestsListed(TimeSpan begun)
        {
            foreach (Entry entry in _leases.Values
                .Where(entry => entry.Asked is not null || (entry.Row.RequestedBy == Me && entry.Hold is Hold.NotHeld)).ToList())
            {
                bool isAsked = entry.Row is { Problem: null, IsHeldByFastConsumer: true } row && row.RequestedBy == Me
                    && row.LeaseOwner != Me;
                if (isAsked && entry.Asked is null)
                {
                    Put(entry with { Asked = new Asking(_now, 0) });
                }
                else if (!isAsked && entry.Asked is { } asked && begun >= asked.At)
                {
                    Put(entry with { Asked = null });
                }
            }
        }

        private void AskAnswered(Entry entry, Lease row, LeaseWrite.Result result)
        {
            bool isAsked = result.Outcome == LeaseWrite.Outcome.Written
                || (result is { Outcome: LeaseWrite.Outcome.Refused, Row: { } now } && now.LeaseOwner == row.LeaseOwner
                    && now.RequestedBy == Me);
            Lease? next = result.Row ?? (isAsked ? entry.Row with { RequestedBy = Me } : null);
            if (entry.Hold is Hold.NotHeld && isAsked)
            {
                Put(entry with { Row = Newer(entry.Row, next), Asked = new Asking(_now, 0) });
                _scan = _scan with { ToNotify = _scan.ToNotify.Add(row.LeaseOwner!) };
            }
            else if (entry.Hold is Hold.NotHeld && next is not null)
            {
                Put(entry with { Row = Newer(entry.Row, next) });
            }

            if (result.Error is { } error && !isAsked)
            {
                FailMoves(error);
            }
        }

        private void WithdrawAnswered(Entry entry, Lease row, LeaseWrite.Result result)
        {
            bool isWithdrawn = result.Outcome == LeaseWrite.Outcome.Written
                || (result is { Outcome: LeaseWrite.Outcome.Refused, Row: { } now } && now.RequestedBy != Me);
            if (isWithdrawn && entry.Hold is Hold.NotHeld)
            {
                Put(entry with { Asked = null, Row = Newer(entry.Row, result.Row ?? entry.Row with { RequestedBy = null }) });
                if (_mode == Mode.TakingBack && Find(entry.Key)!.Row is { } given && given.LeaseOwner == Me && given.IsPassedOn)
                {
                    // it was answered before it could be withdrawn
                    ReleaseUnheld(Find(entry.Key)!);
                }
            }
            else if (result.Error is { } error)
            {
                FailMoves(error);
            }
        }

        /// <summary>True where its owner has had its time to hand it over: a notification is a hint only, so also that of a list.</summary>
        private bool IsOverdue(Entry entry) => entry.Asked is { } asked
            && _now - asked.At >= (AnswerTime * DurationOf(entry.Row)) + ListInterval;

        private TimeSpan NextNotificationAt(Entry entry) => entry.Asked switch
        {
            { Notified: 0 } asked => asked.At + (DurationOf(entry.Row) / 4),
            { Notified: 1 } asked => asked.At + (DurationOf(entry.Row) / 2),
            _ => TimeSpan.MaxValue,
        };

        /// <summary>The owner does not answer: it is notified again.</summary>
        private void NotifyAgain(Entry entry)
        {
            if (entry.Asked is { } asked && NextNotificationAt(entry) <= _now)
            {
                Put(entry with { Asked = asked with { Notified = asked.Notified + 1 } });
                if (_mode == Mode.Running && entry.Row.LeaseOwner is { } owner)
                {
                    Notify(owner);
                }
            }
        }
    }
}

using System.Collections.Immutable;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>
/// The end of a lease here: it is asked for, its shard ends or fails, the worker stops; the last checkpoint, the release.
/// </content>
internal static partial class LeaseMachine
{
    private static readonly TimeSpan s_firstReleaseRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestReleaseRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_firstBar = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestBar = TimeSpan.FromMinutes(5);

    /// <summary>So long a release at a stop waits for the list that tells who is there.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private sealed partial class Turn
    {
        /// <summary>
        /// Somebody asks for a lease: its handlers have 0.64 D until they are cancelled, and 0.72 until they are given up.
        /// </summary>
        private StopTimes RequestTimes => StopTimes.From(_now, D, 0.2 * D);

        private void BeginHandOff(Entry entry, Hold.Reason why, string? to, StopTimes times)
        {
            Own own = entry.Own!;
            Do(new LeaseCommand.Tell.HandingOff(entry.Key, own.Epoch, why, to));
            Do(new LeaseCommand.Stop(entry.Key, own.Epoch, why.ToString()));
            Put(entry with { Hold = new Hold.HandingOff(own, why, to, Hold.Stage.Draining, times.Earlier(_stop), End: null, _now) });
        }

        /// <summary>What others ask for is handed off, unless it is not known whose the leases are.</summary>
        private bool HandOffRequested()
        {
            bool any = false;
            foreach (Entry entry in _leases.Values.Where(static entry => entry.IsHeld && entry.Row.RequestedBy is not null).ToList())
            {
                if (entry.Hold is Hold.Owned owned && IsRequest(owned.Own, entry.Row) && _mode == Mode.Running && _scan.Blocked is null)
                {
                    _scan = _scan with { Askers = _scan.Askers.SetItem(entry.Row.RequestedBy!, _now) };
                    BeginHandOff(entry, Hold.Reason.Requested, entry.Row.RequestedBy, RequestTimes);
                    any = true;
                }
            }

            return any;
        }

        /// <summary>A request that is gone before the release is sent: the lease goes to nobody, for whoever needs it.</summary>
        private void Withdrawn(TimeSpan begun)
        {
            if (IsOff(Rules.WithdrawnGoesToNobody))
            {
                return;
            }

            foreach (Entry entry in _leases.Values
                .Where(static entry => entry.Hold is Hold.HandingOff { Why: Hold.Reason.Requested, To: not null }).ToList())
            {
                var handingOff = (Hold.HandingOff)entry.Hold;
                if (entry.Row.RequestedBy is null && IsOurs(entry.Row) && begun > handingOff.Since)
                {
                    Put(entry with { Hold = handingOff with { To = null } });
                }
            }
        }

        /// <summary>True where the row is that of this take, and bears somebody else's request.</summary>
        private bool IsRequest(Own own, Lease row) => row.RequestedBy is not null && row.RequestedBy != Me && row.LeaseOwner == Me
            && row.Session == own.Row.Session;

        private static TimeSpan NextPhaseAt(Hold.HandingOff handingOff) => handingOff.Step switch
        {
            Hold.Stage.Draining => handingOff.Times.Cancel,
            Hold.Stage.Cancelled => handingOff.Times.GiveUp,
            Hold.Stage.GivenUp or Hold.Stage.Flushing => handingOff.Times.FlushEnd,
            _ => handingOff.Times.End,
        };

        /// <summary>A phase of a hand-off is over.</summary>
        private void PhaseIsDue(Entry entry)
        {
            if (entry.Hold is not Hold.HandingOff handingOff || NextPhaseAt(handingOff) > _now)
            {
                return;
            }

            long epoch = handingOff.Own.Epoch;
            switch (handingOff.Step)
            {
                case Hold.Stage.Draining:
                    Do(new LeaseCommand.CancelHandler(entry.Key, epoch));
                    Put(entry with { Hold = handingOff with { Step = Hold.Stage.Cancelled } });
                    PhaseIsDue(Find(entry.Key)!);
                    break;
                case Hold.Stage.Cancelled:
                    Do(new LeaseCommand.GiveUp(entry.Key, epoch));
                    Put(entry with { Hold = handingOff with { Step = Hold.Stage.GivenUp } });
                    PhaseIsDue(Find(entry.Key)!);
                    break;
                case Hold.Stage.GivenUp or Hold.Stage.Flushing:
                    Do(new LeaseCommand.Tell.FlushFailed(entry.Key, epoch));
                    Finish(entry);
                    break;
                default:
                    // nobody may touch the row while something here still touches the shard: it expires
                    Lose(entry, "its run has not ended in time");
                    break;
            }
        }

        private void Drained(LeaseEvent.Drained drained)
        {
            if (Find(drained.Key) is not { IsHeld: true } entry || !IsOfRun(entry, drained.Epoch))
            {
                return;
            }

            Hold.HandingOff handingOff;
            if (entry.Hold is Hold.Owned owned)
            {
                Hold.Reason why = drained.End is LeaseEvent.RunEnd.ShardEnd ? Hold.Reason.ShardEnd : Hold.Reason.Failed;
                Do(new LeaseCommand.Tell.HandingOff(entry.Key, owned.Own.Epoch, why, To: null));
                handingOff = new Hold.HandingOff(owned.Own, why, To: null, Hold.Stage.Flushing, StopTimes.Never.Earlier(_stop), drained.End,
                    _now);
            }
            else if (entry.Hold is Hold.HandingOff { Step: not (Hold.Stage.Flushing or Hold.Stage.Finishing) } before)
            {
                // a shard that has ended is nobody's any more
                string? to = drained.End is LeaseEvent.RunEnd.ShardEnd ? null : before.To;
                Hold.Reason why = drained.End is LeaseEvent.RunEnd.Stopped ? before.Why
                    : drained.End is LeaseEvent.RunEnd.ShardEnd ? Hold.Reason.ShardEnd
                    : before.Why == Hold.Reason.TakeAnew ? Hold.Reason.Failed
                    : before.Why;
                handingOff = before with { Step = Hold.Stage.Flushing, End = drained.End, To = to, Why = why };
            }
            else
            {
                return;
            }

            if (drained.End is LeaseEvent.RunEnd.Failed)
            {
                entry = BackOff(entry);
            }

            Put(entry with { Hold = handingOff with { Own = Want(handingOff.Own, hasCheckpoint: true, isUrgent: true) } });
            if (IsOff(Rules.FlushFirst))
            {
                Finish(Find(entry.Key)!);
            }
        }

        /// <summary>The run failed: others are to have it, and this worker leaves it alone for a while, each time for longer.</summary>
        private Entry BackOff(Entry entry)
        {
            // what has gone well for long has been mended
            TimeSpan wait = entry.Barred is { } before && _now - before.Until < s_longestBar
                ? Min(2 * before.Wait, s_longestBar)
                : s_firstBar;
            Do(new LeaseCommand.Tell.BackingOff(entry.Key, wait));
            return entry with { Barred = new Bar(_now + wait, wait, IsViolation: false) };
        }

        /// <summary>
        /// A last checkpoint may still be followed by newer progress, of a handler that was given up: until there is none.
        /// </summary>
        private void Flushed(Entry entry)
        {
            if (entry.Hold is Hold.HandingOff { Step: Hold.Stage.Flushing } handingOff)
            {
                if (handingOff.Own.Row.IsFinished)
                {
                    Finish(entry);
                }
                else
                {
                    Put(entry, Want(handingOff.Own, hasCheckpoint: true, isUrgent: true));
                }
            }
        }

        /// <summary>The client found nothing new to write.</summary>
        private void NothingNew(Entry entry)
        {
            if (entry.Hold is Hold.HandingOff { Step: Hold.Stage.Flushing })
            {
                Finish(entry);
            }
        }

        private void Finish(Entry entry)
        {
            var handingOff = (Hold.HandingOff)entry.Hold;
            Do(new LeaseCommand.Finish(entry.Key, handingOff.Own.Epoch));
            if (handingOff.Own.Row.IsFinished)
            {
                // for KCL's eyes: FastConsumer itself finds children in the listing
                NameChildren(entry.Key, handingOff.End);
                _stream = _stream with { IsWanted = true, WantsCreation = true };
                WantList();
            }

            StopTimes times = handingOff.Times.End == TimeSpan.MaxValue
                ? handingOff.Times with { End = _now + (2 * D) }
                : handingOff.Times with { End = Max(handingOff.Times.End, _now + s_patience) };
            Put(entry with { Hold = handingOff with { Step = Hold.Stage.Finishing, Times = times } });
            if (IsOff(Rules.RunEndsFirst))
            {
                BeginRelease(Find(entry.Key)!, handingOff.Own, handingOff.To);
            }
        }

        private void NameChildren(string key, LeaseEvent.RunEnd? end)
        {
            if (end is not LeaseEvent.RunEnd.ShardEnd { Children: { Count: > 0 } children })
            {
                return;
            }

            var write = new LeaseWrite
            {
                LeaseKey = key,
                If = ImmutableDictionary<string, Lease.Value?>.Empty,
                Set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal)
                {
                    [Lease.Names.ChildShardIds] = Lease.Value.FromStrings(children.Select(static child => child.ShardId)),
                },
            };
            WriteOne(RequestKind.NameChildren, key, epoch: 0, write);
        }

        private void Ended(LeaseEvent.Ended ended)
        {
            if (Find(ended.Key) is not { } entry || !IsOfRun(entry, ended.Epoch))
            {
                return;
            }

            switch (entry.Hold)
            {
                case Hold.Lost lost:
                    if (lost.IsTold)
                    {
                        Do(new LeaseCommand.Tell.RunNotEnded(entry.Key, lost.Epoch, IsOver: true));
                    }

                    Put(entry with { Hold = Hold.NotHeld.Settled });
                    WantList();
                    break;
                case Hold.HandingOff { Why: Hold.Reason.TakeAnew, Step: Hold.Stage.Finishing, Own: { InFlight: null } own }
                    when _mode == Mode.Running:
                    Put(entry with { Hold = Hold.NotHeld.Settled, Row = own.Row });
                    TakeLease(Find(entry.Key)!, "this worker, which takes it anew");
                    break;
                case Hold.HandingOff { Why: Hold.Reason.TakeAnew, Own: var asked }
                    when _mode == Mode.Running && entry.Row.RequestedBy is { } requester && requester != Me:
                    // all others count it for whoever has asked: taken by nobody it would stay until it expires
                    BeginRelease(entry, asked, requester);
                    break;
                case Hold.HandingOff { Why: Hold.Reason.TakeAnew } when _mode == Mode.Running:
                    // a write is under way: the next list shows the row as this worker's own
                    Put(entry with { Hold = Hold.NotHeld.Settled });
                    WantList();
                    break;
                case Hold.HandingOff { Step: Hold.Stage.Finishing } handingOff:
                    BeginRelease(entry, handingOff.Own, handingOff.Why == Hold.Reason.Failed ? null : handingOff.To);
                    break;
                case Hold.Owned or Hold.HandingOff:
                    // it ended without a word: what is not checkpointed runs again
                    BeginRelease(BackOff(entry), entry.Own!, to: null);
                    break;
            }
        }

        /// <summary>Nothing here touches the shard any more: the row is given up.</summary>
        private void BeginRelease(Entry entry, Own own, string? to)
        {
            bool isStop = _mode != Mode.Running && _scan.Blocked is null && !own.Row.IsFinished;
            string? receiver = own.Row.IsFinished || IsGone(to) ? null : to;
            Put(entry with
            {
                Hold = new Hold.Releasing(
                    own with { Waiting = null, CheckpointAt = TimeSpan.MaxValue },
                    receiver,
                    _stop?.End ?? (_now + D),
                    _now,
                    Tries: 0,
                    AwaitsSuccessor: isStop && receiver is null),
            });
            LookAt(Find(entry.Key)!);
        }

        private void ReleaseIsDue(Entry entry, Hold.Releasing releasing)
        {
            Own own = releasing.Own;
            if (_now >= releasing.Until)
            {
                Do(new LeaseCommand.Tell.ReleaseGivenUp(entry.Key, own.Epoch));
                Abandon(own);
                _toRelease = _toRelease.Remove(entry.Key);
                Put(entry with { Hold = new Hold.NotHeld(own.Attempts.LastOrDefault()) });
                return;
            }

            if (own.InFlight is { } flight && _now >= flight.At + (D / 5))
            {
                Abandon(flight.Request);
                own = own with { InFlight = null, ReadAt = _now };
                releasing = releasing with { Own = own, SendAt = _now };
            }

            if (own.ReadAt <= _now)
            {
                _toRead.Add(entry.Key);
                own = own with { ReadAt = own.Attempts.IsEmpty ? null : _now + (D / 5) };
                releasing = releasing with { Own = own };
            }

            if (own.InFlight is null && releasing.SendAt <= _now)
            {
                if (releasing.AwaitsSuccessor && !_scan.KnowsSuccessors && _now < SuccessorsBy)
                {
                    releasing = releasing with { SendAt = SuccessorsBy };
                }
                else
                {
                    releasing = releasing with
                    {
                        AwaitsSuccessor = false,
                        To = releasing.AwaitsSuccessor ? NextSuccessor() : IsGone(releasing.To) ? null : releasing.To,
                        SendAt = TimeSpan.MaxValue,
                    };
                    _toRelease = _toRelease.Add(entry.Key);
                }
            }

            Put(entry with { Hold = releasing });
        }

        /// <summary>Releases those whose turn it is.</summary>
        private void SendReleases()
        {
            while (!_toRelease.IsEmpty && CountOf(RequestKind.Release) < ReleasesAtOnce)
            {
                string key = _toRelease.Min!;
                _toRelease = _toRelease.Remove(key);
                if (Find(key) is { Hold: Hold.Releasing { Own.InFlight: null } releasing } entry)
                {
                    LeaseWrite write = ReleaseOf(releasing.Own.Row, releasing.To);
                    long request = WriteOne(RequestKind.Release, key, releasing.Own.Epoch, write);
                    var flight = new Flight(request, _now, new Wants(false, true, _now, _now), _now);
                    var attempt = new Attempt(request, write, _now);
                    Own own = releasing.Own with { InFlight = flight, Attempts = releasing.Own.Attempts.Add(attempt) };
                    Put(entry with { Hold = releasing with { Own = own, Tries = releasing.Tries + 1 } });
                }
            }
        }

        /// <summary>
        /// KCL's evict, or an assignment to the successor. What is nobody's bears nothing of ours but what tells where to start.
        /// </summary>
        private static LeaseWrite ReleaseOf(Lease row, string? to)
        {
            Dictionary<string, Lease.Value> set = new(StringComparer.Ordinal) { [Lease.Names.LeaseCounter] = row.LeaseCounter + 1 };
            List<string> remove = [.. Lease.Names.OfOwner];
            if (row.CheckpointOwner is not null)
            {
                // during a hand-over of KCL 3.x only the old owner goes, and the next one stays
                remove.Add(Lease.Names.CheckpointOwner);
            }
            else if (to is not null)
            {
                set[Lease.Names.LeaseOwner] = to;
            }
            else
            {
                remove.AddRange([Lease.Names.LeaseOwner, Lease.Names.TakenBy, Lease.Names.Session, Lease.Names.Duration]);
            }

            return Write(row, set) with { Remove = remove };
        }

        private void ReleaseAnswered(Entry entry, long number, LeaseWrite.Result result)
        {
            if (entry.Hold is not Hold.Releasing releasing)
            {
                // it was given up: the row may be taken again once this is settled
                if (entry.Hold is Hold.NotHeld { Unsettled: { } unsettled } && unsettled.Request == number
                    && result.Outcome != LeaseWrite.Outcome.Unknown)
                {
                    Put(entry with { Hold = Hold.NotHeld.Settled, Row = Newer(entry.Row, result.Row) });
                }

                return;
            }

            Own own = releasing.Own;
            Attempt? attempt = own.Attempts.Find(attempt => attempt.Request == number);
            own = own.InFlight?.Request == number ? own with { InFlight = null } : own;
            if (attempt is not null && result.Outcome == LeaseWrite.Outcome.Written)
            {
                Released(entry, own, result.Row ?? After(own.Row, attempt.Write));
                return;
            }

            if (attempt is not null && result.Outcome is LeaseWrite.Outcome.NotWritten or LeaseWrite.Outcome.Refused)
            {
                own = own with { Attempts = own.Attempts.Remove(attempt) };
            }

            if (own.InFlight is not null)
            {
                Put(entry, own);
                return;
            }

            TimeSpan wait = Backoff(s_firstReleaseRetry, s_longestReleaseRetry, releasing.Tries - 1);
            Do(new LeaseCommand.Tell.ReleaseRetried(entry.Key, own.Epoch, wait, result.Error));
            bool isInDoubt = result.Outcome == LeaseWrite.Outcome.Unknown
                || (result.Outcome == LeaseWrite.Outcome.Refused && result.Row is null);
            Put(entry with { Hold = releasing with { Own = own with { ReadAt = isInDoubt ? _now : own.ReadAt }, SendAt = _now + wait } });
            if (result.Row is { } row)
            {
                ReleasingRowSeen(Find(entry.Key)!, row, begun: null);
            }
        }

        /// <summary>The row of a lease that is being released: not this worker's any more, or to be released as it is now.</summary>
        private void ReleasingRowSeen(Entry entry, Lease? row, TimeSpan? begun)
        {
            var releasing = (Hold.Releasing)entry.Hold;
            Own own = releasing.Own;
            if (row is null)
            {
                Put(entry with { Hold = Hold.NotHeld.Settled });
                return;
            }

            if (row.Problem is not null || (row.LeaseCounter < own.Row.LeaseCounter && begun is not null))
            {
                return;
            }

            if (!IsStillOurs(own, row))
            {
                // an earlier release whose answer was lost has done it, or somebody else has it
                Released(entry, own, row);
            }
            else if (row.LeaseCounter != own.Row.LeaseCounter)
            {
                // a write of before has taken effect
                Put(entry with { Row = row }, own with { Row = row, Attempts = [], ReadAt = null });
            }
            else
            {
                Put(entry with { Row = row });
            }
        }

        /// <summary>
        /// True where the row still is as this worker holds it; what was given to it bears the giver's session, and its own name.
        /// </summary>
        private static bool IsStillOurs(Own own, Lease row) =>
            row.LeaseOwner == own.Row.LeaseOwner && row.CheckpointOwner == own.Row.CheckpointOwner && row.Session == own.Row.Session;

        private void Released(Entry entry, Own own, Lease row)
        {
            _toRelease = _toRelease.Remove(entry.Key);
            _released++;
            string? to = row.LeaseOwner;
            Do(new LeaseCommand.Tell.Released(entry.Key, own.Epoch, to));
            // known from here on: neither its former owner nor its next one has written this counter
            var seen = new Sight(row.LeaseCounter, row.Owner, WorkerOf(row), _now, _now, HasMoved: false, IsTaken: !row.IsPassedOn);
            Put(entry with { Hold = Hold.NotHeld.Settled, Row = row, Asked = null, Seen = seen });
            if (_mode != Mode.Running && to is not null && to != Me && row.TakenBy == Me)
            {
                _scan = _scan with { Given = _scan.Given.SetItem(entry.Key, to) };
                if (!_scan.Notified.Contains(to))
                {
                    _scan = _scan with { Notified = _scan.Notified.Add(to) };
                    Notify(to);
                }
            }
        }

        private void TakeAnew(LeaseEvent.TakeAnew anew)
        {
            if (Find(anew.Key) is { Hold: Hold.Owned } entry && IsOfRun(entry, anew.Epoch))
            {
                BeginHandOff(
                    entry with { Redrive = anew.Redrive is { } command ? (anew.Epoch, command) : null },
                    Hold.Reason.TakeAnew,
                    to: null,
                    RequestTimes);
            }
        }

        /// <summary>
        /// What operators have written to the rows of leases that are held: a command is passed to the run, and a pause or its end begins a
        /// new one.
        /// </summary>
        private bool NotesRead()
        {
            bool any = false;
            foreach (Entry entry in _leases.Values.Where(static entry => entry.Hold is Hold.Owned).ToList())
            {
                Own own = entry.Own!;
                Lease row = entry.Row;
                if (row.Session != own.Row.Session || row.LeaseOwner != Me || _scan.Blocked is not null
                    || (row.Command == own.Command && row.Paused == own.Paused))
                {
                    continue;
                }

                bool isCommand = row.Command is not null && row.Command != own.Command;
                bool isPaused = row.Paused != own.Paused;
                Put(entry, own with
                {
                    Row = own.Row with { Command = row.Command, Paused = row.Paused },
                    Command = row.Command,
                    Paused = row.Paused,
                });
                if (isPaused)
                {
                    any = true;
                    BeginHandOff(Find(entry.Key)!, Hold.Reason.TakeAnew, to: null, RequestTimes);
                }
                else if (isCommand)
                {
                    Do(new LeaseCommand.Decide(entry.Key, own.Epoch, row.Command!));
                }
            }

            return any;
        }
    }
}

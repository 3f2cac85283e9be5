using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>
/// The stop of the worker: who its leases go to, and what it takes back at the end. And what happens where an invariant is violated.
/// </content>
internal static partial class LeaseMachine
{
    private static readonly TimeSpan s_violationsCount = TimeSpan.FromMinutes(5);
    private const int MostViolations = 3;

    private sealed partial class Turn
    {
        private TimeSpan SuccessorsBy => _stopBegan is { } begun ? begun + s_patience : TimeSpan.MinValue;

        private TimeSpan NextStopAt => _mode is Mode.Stopping or Mode.TakingBack && _stop is { } stop ? stop.End : TimeSpan.MaxValue;

        private void StopWanted(LeaseEvent.StopWanted wanted)
        {
            StopTimes times = StopTimes.From(wanted.Now, wanted.StopTimeout, wanted.ReleaseTime).Earlier(_stop);
            _stop = times;
            if (_mode == Mode.Running)
            {
                _mode = Mode.Stopping;
                _stopBegan = _now;
                _released = 0;
                _scan = _scan with { ToTake = [], ToAsk = [], ToWithdraw = [], ToNotify = _scan.ToNotify.Clear(), QuickLists = QuickLists };
                if (_busy > 0)
                {
                    WantList();
                }
            }

            foreach (Entry entry in _leases.Values.Where(static entry => entry.Hold is not Hold.NotHeld).ToList())
            {
                switch (entry.Hold)
                {
                    case Hold.Owned:
                        BeginHandOff(entry, Hold.Reason.Stop, to: null, times);
                        break;
                    case Hold.HandingOff handingOff:
                        Put(entry with { Hold = handingOff with { Times = handingOff.Times.Earlier(times) } });
                        break;
                    case Hold.Releasing releasing:
                        Put(entry with { Hold = releasing with { Until = Min(releasing.Until, times.End) } });
                        break;
                    case Hold.Lost lost:
                        Put(entry with { Hold = lost with { Until = Min(lost.Until, times.End) } });
                        break;
                }
            }
        }

        /// <summary>What a stop waits for: that nothing is held; then the last look at the table.</summary>
        private void AdvanceStop()
        {
            if (_mode == Mode.Stopping && (_busy == 0 || _now >= _stop!.End))
            {
                // others may stop at the same moment, also where this worker knows of none
                bool looksBack = _now < _stop!.End && (_scan.KnowsSuccessors || _scan.HasReached) && _scan.Blocked is null;
                NotifyLast();
                if (looksBack)
                {
                    _mode = Mode.TakingBack;
                    _scan = _scan with { IsStrongWanted = true, TakeBackSince = _now };
                }
                else
                {
                    Stopped();
                }
            }

            if (_mode == Mode.TakingBack
                && (_now >= _stop!.End
                    || (_scan.TakeBackSince is null && _busy == 0 && _scan.ToWithdraw.IsEmpty && CountOf(RequestKind.Withdraw) == 0)))
            {
                Stopped();
            }
        }

        private void Stopped()
        {
            _mode = Mode.Stopped;
            Do(new LeaseCommand.Tell.Stopped(_released));
        }

        /// <summary>Each successor that has got more than its first lease is notified once more, when it has got all.</summary>
        private void NotifyLast()
        {
            foreach (string successor in _scan.Given.Values.GroupBy(static to => to).Where(static given => given.Count() > 1)
                .Select(static given => given.Key).Order(StringComparer.Ordinal))
            {
                Notify(successor);
            }
        }

        /// <summary>Who is there to have this worker's leases: those that were seen writing within their lease duration.</summary>
        private void FindSuccessors()
        {
            _scan = _scan with { KnowsSuccessors = true };
            if (_scan.Blocked is null)
            {
                var successors = _scan.Successors.ToBuilder();
                foreach (IGrouping<string, Entry> owned in _leases.Values
                    .Where(entry => entry.Row is { Problem: null, IsHeldByFastConsumer: true, IsFinished: false }
                        && entry.Row.LeaseOwner != Me)
                    .GroupBy(static entry => entry.Row.LeaseOwner!, StringComparer.Ordinal))
                {
                    if (owned.Any(IsLive))
                    {
                        successors[owned.Key] = owned.Count();
                    }
                }

                _scan = _scan with { Successors = successors.ToImmutable() };
            }

            ReleaseWaiting();
        }

        private void ReleaseWaiting()
        {
            foreach (Entry entry in _leases.Values.Where(static entry => entry.Hold is Hold.Releasing { AwaitsSuccessor: true }).ToList())
            {
                var releasing = (Hold.Releasing)entry.Hold;
                Put(entry with { Hold = releasing with { SendAt = _now } });
            }
        }

        /// <summary>The live worker that has fewest; null for whoever takes it first.</summary>
        private string? NextSuccessor()
        {
            if (_scan.Successors.IsEmpty)
            {
                return null;
            }

            string next = _scan.Successors.MinBy(static pair => pair.Value).Key;
            _scan = _scan with { Successors = _scan.Successors.SetItem(next, _scan.Successors[next] + 1) };
            return next;
        }

        /// <summary>
        /// Nothing is held any more, and this is the table: what was given to one that holds nothing any more, or to this worker by one of
        /// them, is released to nobody, so that it need not expire; and so is what this worker had taken when the stop cut the answer off.
        /// Each lists after its own last release, so of two that stop one sees what the other left. What this worker has asked for it needs
        /// no more.
        /// </summary>
        private void TakeBack()
        {
            _scan = _scan with { TakeBackSince = null };
            HashSet<string> holders = [.. _leases.Values
                .Where(static entry => entry.Row is { Problem: null, IsHeldByFastConsumer: true, IsFinished: false })
                .Select(static entry => entry.Row.LeaseOwner!)];
            foreach (Entry entry in _leases.Values.Where(static entry => entry.Row.Problem is null && entry.Hold is Hold.NotHeld).ToList())
            {
                Lease row = entry.Row;
                bool isOurs = row.LeaseOwner == Me
                    && (row.IsPassedOn || IsOurs(row) || (IsOff(Rules.NamesakesKeep) && row.LeaseOwner == Me));
                bool isLeft = _scan.Given.TryGetValue(entry.Key, out string? to) && row.LeaseOwner == to && row.TakenBy == Me
                    && IsOurSession(row.Session)
                    && !holders.Contains(to);
                if (isOurs || isLeft)
                {
                    ReleaseUnheld(entry);
                }
                else if (row.RequestedBy == Me && row.IsHeldByFastConsumer)
                {
                    _scan = _scan with { ToWithdraw = _scan.ToWithdraw.Add(entry.Key) };
                }
            }
        }

        /// <summary>Releases a row that nothing here has run for, to nobody.</summary>
        private void ReleaseUnheld(Entry entry)
        {
            Put(entry with
            {
                Hold = new Hold.Releasing(
                    new Own(entry.Row, entry.Row.LeaseCounter, _now), To: null, _stop?.End ?? (_now + D), _now, Tries: 0,
                        AwaitsSuccessor: false),
            });
            LookAt(Find(entry.Key)!);
        }

        /// <summary>
        /// The loop has caught a violation: the lease is given up and left alone, or all are where it may be about more than one.
        /// </summary>
        private void Violated(LeaseEvent.Violated violated)
        {
            _violations = _violations.RemoveAll(at => _now - at > s_violationsCount).Add(_now);
            Entry? entry = violated.Key is null ? null : Find(violated.Key);
            if (entry is null || _violations.Count >= MostViolations)
            {
                Do(new LeaseCommand.Tell.Violated(violated.Invariant, Key: null));
                foreach (Entry each in _leases.Values.ToList())
                {
                    GiveUp(each, violated.Invariant);
                }

                _violations = [];
                _requests = _requests.Clear();
                _scan = _scan with { IsStrongWanted = true, ToTake = [], ToAsk = [], ToWithdraw = [] };
                _stream = _stream with { Creating = null, ListingSince = null, IsWanted = true };
                return;
            }

            Do(new LeaseCommand.Tell.Violated(violated.Invariant, entry.Key));
            TimeSpan wait = entry.Barred is { IsViolation: true } before ? Min(2 * before.Wait, s_longestBar) : D;
            GiveUp(entry with { Barred = new Bar(_now + wait, wait, IsViolation: true) }, violated.Invariant);
        }

        private void GiveUp(Entry entry, string invariant)
        {
            switch (entry.Hold)
            {
                case Hold.Owned or Hold.HandingOff:
                    Lose(entry, $"an invariant was violated: {invariant}");
                    break;
                case Hold.Releasing releasing:
                    _toRelease = _toRelease.Remove(entry.Key);
                    Put(entry with { Hold = new Hold.NotHeld(releasing.Own.Attempts.LastOrDefault()) });
                    break;
                case Hold.Taking taking:
                    Put(entry with { Hold = new Hold.NotHeld(taking.Attempt) });
                    break;
                default:
                    Put(entry);
                    break;
            }
        }
    }
}

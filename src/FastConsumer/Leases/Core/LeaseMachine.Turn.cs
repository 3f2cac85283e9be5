using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>One step, as it is put together.</content>
internal static partial class LeaseMachine
{
    /// <summary>
    /// One step while it is made: the parts of the state as they become, and the commands so far. Lives for one call of <see cref="Step"/>,
    /// and is seen by nobody else.
    /// </summary>
    private sealed partial class Turn
    {
        private readonly LeaseTableState _before;
        private readonly TimeSpan _now;
        private readonly LeasePlan.Chance _chance;
        private readonly ImmutableSortedDictionary<string, Entry>.Builder _leases;
        private readonly ImmutableSortedSet<Due>.Builder _deadlines;
        private readonly ImmutableSortedSet<Due>.Builder _sendOrder;
        private readonly ImmutableSortedSet<Due>.Builder _sendTimes;
        private readonly List<LeaseCommand> _commands = [];
        private readonly List<string> _toRead = [];
        private ImmutableSortedDictionary<string, Worker> _workers;
        private ImmutableSortedDictionary<long, Request> _requests;
        private Settings _settings;
        private Scan _scan;
        private StreamView _stream;
        private WorkerIds _ids;
        private WriteBudget _budget;
        private Mode _mode;
        private StopTimes? _stop;
        private TimeSpan? _stopBegan;
        private ImmutableList<TimeSpan> _violations;
        private ImmutableSortedSet<string> _toRelease;
        private long _nextRequest;
        private int _released;
        private int _held;
        private int _busy;

        public Turn(LeaseTableState state, TimeSpan now)
        {
            _before = state;
            _now = now;
            _settings = state.Configuration;
            _chance = new LeasePlan.Chance(state.Random);
            _leases = state.Leases.ToBuilder();
            _deadlines = state.Deadlines.ToBuilder();
            _sendOrder = state.SendOrder.ToBuilder();
            _sendTimes = state.SendTimes.ToBuilder();
            _workers = state.Workers;
            _requests = state.Requests;
            _scan = state.Table;
            _stream = state.Stream;
            _ids = state.Ids;
            _budget = state.Budget;
            _mode = state.Phase;
            _stop = state.Stop;
            _stopBegan = state.StopBegan;
            _violations = state.Violations;
            _toRelease = state.ToRelease;
            _nextRequest = state.NextRequest;
            _released = state.Released;
            _held = state.Held;
            _busy = state.Busy;
        }

        private string Me => _settings.WorkerId;

        /// <summary>This worker's lease duration.</summary>
        private TimeSpan D => _settings.LeaseDuration;

        public (LeaseTableState State, ImmutableArray<LeaseCommand> Commands) End() => (
            _before with
            {
                Configuration = _settings,
                Phase = _mode,
                Stop = _stop,
                StopBegan = _stopBegan,
                Leases = _leases.ToImmutable(),
                Deadlines = _deadlines.ToImmutable(),
                SendOrder = _sendOrder.ToImmutable(),
                SendTimes = _sendTimes.ToImmutable(),
                Workers = _workers,
                Requests = _requests,
                Table = _scan,
                Stream = _stream,
                Ids = _ids,
                Budget = _budget,
                Violations = _violations,
                ToRelease = _toRelease,
                NextRequest = _nextRequest,
                Released = _released,
                Held = _held,
                Busy = _busy,
                Random = _chance.Seed,
            },
            [.. _commands]);

        /// <summary>What has happened.</summary>
        public void Take(LeaseEvent e)
        {
            switch (e)
            {
                case LeaseEvent.Tick:
                    break;
                case LeaseEvent.TableListed listed:
                    Listed(listed);
                    break;
                case LeaseEvent.RowsRead read:
                    RowsRead(read);
                    break;
                case LeaseEvent.ReadFailed failed:
                    ReadFailed(failed.Keys, failed.Error);
                    break;
                case LeaseEvent.Sent sent:
                    Sent(sent);
                    break;
                case LeaseEvent.Answered answered:
                    Answered(answered);
                    break;
                case LeaseEvent.StreamListed stream:
                    StreamListed(stream);
                    break;
                case LeaseEvent.LimitsKnown limits:
                    LimitsKnown(limits);
                    break;
                case LeaseEvent.CheckpointWanted wanted:
                    CheckpointWanted(wanted);
                    break;
                case LeaseEvent.Drained drained:
                    Drained(drained);
                    break;
                case LeaseEvent.Ended ended:
                    Ended(ended);
                    break;
                case LeaseEvent.TakeAnew anew:
                    TakeAnew(anew);
                    break;
                case LeaseEvent.SettingsChanged changed:
                    SettingsChanged(changed);
                    break;
                case LeaseEvent.StopWanted stop:
                    StopWanted(stop);
                    break;
                case LeaseEvent.Violated violated:
                    Violated(violated);
                    break;
                default:
                    throw new ArgumentException($"{e.GetType().Name} is no event of leases.", nameof(e));
            }
        }

        /// <summary>What is due: losses first, so that nothing is sent for a lease that is no longer this worker's.</summary>
        public void Advance()
        {
            while (_deadlines.Count > 0 && _deadlines.Min.At <= _now)
            {
                Due due = _deadlines.Min;
                LookAt(_leases[due.Key]);
                Require(
                    _deadlines.Count == 0 || _deadlines.Min != due,
                    "every wait has a deadline", due.Key, $"What was due at {due.At} is still due after it was done.");
            }

            if (_scan.NextRound <= _now)
            {
                _scan = _scan with { NextRound = _now + (D / 20) };
                Round();
            }

            AdvanceStop();
            SendSingles();
            SendBatches();
            ReadTable();
            FollowStream();
        }

        /// <summary>The earliest time at which <see cref="Advance"/> has something to do.</summary>
        public TimeSpan NextDeadline() => new[]
        {
            _deadlines.Count > 0 ? _deadlines.Min.At : TimeSpan.MaxValue,
            _scan.NextRound,
            NextBatchAt,
            NextListAt,
            NextPollAt,
            NextStreamAt,
            NextStopAt,
        }.Min();

        private void Do(LeaseCommand command) => _commands.Add(command);

        private Entry? Find(string key) => _leases.TryGetValue(key, out Entry? entry) ? entry : null;

        /// <summary>Takes over what became of a lease, and when it is to be looked at again.</summary>
        private void Put(Entry entry)
        {
            if (_leases.TryGetValue(entry.Key, out Entry? before))
            {
                Leave(before);
            }

            Check(entry);
            _held += entry.IsHeld ? 1 : 0;
            _busy += entry.Hold is Hold.NotHeld ? 0 : 1;
            entry = entry with { Deadline = DeadlineOf(entry), Queued = QueuedOf(entry) };
            _leases[entry.Key] = entry;
            if (entry.Deadline != TimeSpan.MaxValue)
            {
                _deadlines.Add(new Due(entry.Deadline, entry.Key));
            }

            if (entry.Queued is { } queued)
            {
                _sendOrder.Add(new Due(queued.Order, entry.Key));
                _sendTimes.Add(new Due(queued.SendAt, entry.Key));
            }
        }

        private void Drop(Entry entry)
        {
            Leave(entry);
            _leases.Remove(entry.Key);
        }

        private void Leave(Entry before)
        {
            _held -= before.IsHeld ? 1 : 0;
            _busy -= before.Hold is Hold.NotHeld ? 0 : 1;
            if (before.Deadline != TimeSpan.MaxValue)
            {
                _deadlines.Remove(new Due(before.Deadline, before.Key));
            }

            if (before.Queued is { } queued)
            {
                _sendOrder.Remove(new Due(queued.Order, before.Key));
                _sendTimes.Remove(new Due(queued.SendAt, before.Key));
            }
        }

        private void Put(Entry entry, Own own) => Put(entry with { Hold = ((Hold.Holding)entry.Hold) with { Own = own } });

        /// <summary>When a lease has to be looked at again.</summary>
        private TimeSpan DeadlineOf(Entry entry)
        {
            TimeSpan due = TimeSpan.MaxValue;
            void At(TimeSpan time) => due = time < due ? time : due;
            switch (entry.Hold)
            {
                case Hold.NotHeld:
                    At(NextNotificationAt(entry));
                    break;
                case Hold.Taking taking:
                    At(taking.IsInDoubt ? taking.ReadAt : taking.Attempt.SentAt + (D / 2));
                    At(taking.IsInDoubt ? taking.First + (Lasts * D) : TimeSpan.MaxValue);
                    break;
                case Hold.Lost lost:
                    At(lost.Until);
                    break;
                case Hold.Releasing releasing:
                    At(releasing.Until);
                    At(releasing.Own.InFlight is { } flight ? flight.At + (D / 5) : releasing.SendAt);
                    At(releasing.Own.ReadAt ?? TimeSpan.MaxValue);
                    break;
                case Hold.Holding holding:
                    Own own = holding.Own;
                    At(_settings.Without.HasFlag(Rules.Expires) ? TimeSpan.MaxValue : own.RenewedAt + (Lasts * D));
                    At(own.InFlight is { } write ? (write.SentAt ?? write.At) + (D / 5) : TimeSpan.MaxValue);
                    At(own.InFlight is null && own.Waiting?.HasCheckpoint != true ? own.CheckpointAt : TimeSpan.MaxValue);
                    At(own.InFlight is null && own.Waiting is { } waiting
                        && waiting.NotBefore > _now ? waiting.NotBefore : TimeSpan.MaxValue);
                    At(own.ReadAt ?? TimeSpan.MaxValue);
                    At(holding is Hold.HandingOff handingOff ? NextPhaseAt(handingOff) : TimeSpan.MaxValue);
                    break;
            }

            return due;
        }

        /// <summary>Where a lease stands among those that wait for a write; null where it does not wait, or not yet.</summary>
        private (TimeSpan Order, TimeSpan SendAt)? QueuedOf(Entry entry) =>
            entry is { IsHeld: true, Own: { Waiting: { } waiting } own } && waiting.NotBefore <= _now
                && (own.InFlight is null || IsOff(Rules.OneWrite))
                ? (own.RenewedAt - (waiting.IsUrgent ? D / 5 : TimeSpan.Zero), waiting.SendAt)
                : null;

        /// <summary>A lease is due: what has expired comes first.</summary>
        private void LookAt(Entry entry)
        {
            switch (entry.Hold)
            {
                case Hold.NotHeld:
                    NotifyAgain(entry);
                    break;
                case Hold.Taking taking:
                    TakeIsDue(entry, taking);
                    break;
                case Hold.Releasing releasing:
                    ReleaseIsDue(entry, releasing);
                    break;
                case Hold.Lost lost:
                    Do(new LeaseCommand.Tell.RunNotEnded(entry.Key, lost.Epoch));
                    Put(entry with { Hold = lost with { Until = TimeSpan.MaxValue, IsTold = true } });
                    break;
                case Hold.Holding holding:
                    HeldIsDue(entry, holding);
                    break;
            }
        }

        /// <summary>All that is held, each twentieth of the duration: what has to be renewed, and what is told of all together.</summary>
        private void Round()
        {
            if (_held == 0)
            {
                return;
            }

            TimeSpan age = RenewalAge;
            int waiting = 0;
            bool isThrottled = false;
            TimeSpan longest = TimeSpan.Zero;
            foreach (Entry entry in _leases.Values.Where(static entry => entry.IsHeld).ToList())
            {
                Own own = entry.Own!;
                if (own.InFlight is null && _now - own.RenewedAt >= age)
                {
                    Put(entry, Want(own, hasCheckpoint: false, isUrgent: false, isRenewal: true));
                }

                if (own.WaitsSince is { } since && _now - since >= s_longWait)
                {
                    waiting++;
                    isThrottled |= own.IsThrottled;
                    longest = _now - since > longest ? _now - since : longest;
                }
            }

            if (isThrottled && !(_scan.ThrottlesToldAt is { } told && _now - told < s_tellInterval))
            {
                _scan = _scan with { ThrottlesToldAt = _now };
                Do(new LeaseCommand.Tell.WritesThrottled(waiting, _held, longest));
            }
        }

        /// <summary>A jittered wait: between half of the bound and the bound, which doubles with each failure.</summary>
        private TimeSpan Backoff(TimeSpan first, TimeSpan most, int failures)
        {
            double bound = Math.Min(most.Ticks, first.Ticks * Math.Pow(2, Math.Min(failures, 30)));
            return TimeSpan.FromTicks((long)(bound * (0.5 + (_chance.NextDouble() / 2))));
        }

        private bool IsOff(Rules rule) => _settings.Without.HasFlag(rule);

        private static bool IsThrottle(Exception? error) => error is LeaseStoreException { IsThrottled: true };

        private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

        private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;

        /// <summary>What must hold of a lease, whatever has happened.</summary>
        private void Check(Entry entry)
        {
            if (entry.IsHeld && entry.Own is { } own && !IsOff(Rules.Expires))
            {
                Require(
                    own.Row.LeaseOwner == Me && own.Row.CheckpointOwner is null,
                    "a held lease's row bears its owner", entry.Key, $"The row as it was written is {own.Row.LeaseOwner}'s.");
                Require(
                    own.Attempts.Count <= MostAttempts,
                    "every wait has a deadline", entry.Key, $"{own.Attempts.Count} writes are in doubt.");
            }
        }

        private static void Require([DoesNotReturnIf(false)] bool holds, string invariant, string? key, string message)
        {
            if (!holds)
            {
                throw new InvariantViolation(invariant, key, key is null ? $"{invariant}: {message}"
                    : $"{invariant}; lease {key}: {message}");
            }
        }
    }
}

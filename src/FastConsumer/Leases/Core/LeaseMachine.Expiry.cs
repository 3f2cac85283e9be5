using System.Collections.Immutable;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>
/// Which leases have expired, by this worker's own clock: a lease expires when its counter has stood still for its owner's lease duration.
/// No two clocks are ever compared. This only decides when a take is tried: every take is conditional on the counter.
/// </content>
internal static partial class LeaseMachine
{
    /// <summary>A live worker lets no lease stand still for so much of its duration.</summary>
    private const double Suspicious = 0.7;

    /// <summary>
    /// A notification row that stands still for so long is a reason to list the table: its owner renews at half of the duration and waits a
    /// tenth for company at most. Earlier than <see cref="Suspicious"/>, so that all rows have stood still long enough soon after that row
    /// has expired.
    /// </summary>
    private const double ListAfter = 0.6;

    /// <summary>
    /// What was passed on is its receiver's for so much of the duration, whoever holds the receiver for dead: who passed it on has seen its
    /// request, which is a sign of life that others may have missed.
    /// </summary>
    private const double PassedOnFor = 0.25;

    /// <summary>What a worker that does not say its lease duration is granted at least: KCL's default, and ours.</summary>
    private static readonly TimeSpan s_unsaidDuration = TimeSpan.FromSeconds(10);

    private sealed partial class Turn
    {
        /// <summary>
        /// How long a row's counter stands still until it has expired: what its owner says, while the row is as that owner's take left it.
        /// KCL keeps the attribute of the owner before, so a row that was passed on to nobody known as ours is granted more.
        /// </summary>
        private TimeSpan DurationOf(Lease row) =>
            IsOff(Rules.OwnersDuration) ? D
            : row.Duration is { } said && (row.LeaseOwner == row.TakenBy || IsFastConsumer(row.LeaseOwner)) ? said
            : Max(D, s_unsaidDuration);

        private bool IsFastConsumer(string? name) =>
            name is not null && (name == Me || _workers.Any(worker => IsNamed(worker.Key, name) && worker.Value.IsFastConsumer));

        /// <summary>True for a worker that is known to show no sign of life, by all processes that bear its name.</summary>
        private bool IsGone(string? name) =>
            name is not null
            && !(_scan.Askers.TryGetValue(name, out TimeSpan asked) && _now - asked < D)
            && _workers.Any(worker => IsNamed(worker.Key, name) && worker.Value.IsDead)
            && !_workers.Any(worker => IsNamed(worker.Key, name) && !worker.Value.IsDead && worker.Value.IsFastConsumer);

        /// <summary>
        /// Who holds a row: two processes may have been given one name, and that one of them is silent tells nothing of the other. Where
        /// the row does not say the process, the name alone.
        /// </summary>
        private static string? WorkerOf(Lease row) =>
            row is { IsHeldByFastConsumer: true, Session: { } session } ? $"{row.LeaseOwner}\n{Lease.ProcessOf(session)}" : row.Owner;

        private static bool IsNamed(string worker, string name) =>
            worker.StartsWith(name, StringComparison.Ordinal) && (worker.Length == name.Length || worker[name.Length] == '\n');

        /// <summary>True where nobody owns it, or its owner has shown no sign of life for its lease duration.</summary>
        private bool IsFree(Entry entry)
        {
            Lease row = entry.Row;
            return row.Problem is null
                && (row.Owner is null
                    || (entry.Seen is { } seen && seen.Counter == row.LeaseCounter && seen.Owner == row.Owner
                        && (seen.Still >= DurationOf(row) || (IsOfDead(row) && !IsFreshlyPassedOn(row, seen)))));
        }

        /// <summary>True where it was passed on so lately that its receiver may not have come to take it yet.</summary>
        private bool IsFreshlyPassedOn(Lease row, Sight seen) => row.IsPassedOn && seen.Still < PassedOnFor * DurationOf(row);

        private bool IsOfDead(Lease row) =>
            row.IsPassedOn ? IsGone(row.Owner) : _workers.TryGetValue(WorkerOf(row)!, out Worker? known) && known.IsDead;

        /// <summary>True where its owner was seen to write it.</summary>
        private static bool HasMoved(Entry entry) => entry.Seen is { HasMoved: true } seen && seen.Owner == entry.Row.Owner;

        /// <summary>True where its owner was seen to write it within its lease duration.</summary>
        private bool IsLive(Entry entry) => HasMoved(entry) && _now - entry.Seen!.Since < DurationOf(entry.Row);

        /// <summary>
        /// How long a worker has shown no sign of life, told by its notification row and by such rows that were taken from it when they had
        /// stood still: whoever finds a worker dead first takes its row, and to the others the silence until then still tells the same.
        /// </summary>
        private TimeSpan SilenceOf(Entry notificationRow)
        {
            if (notificationRow.Seen is not { } seen)
            {
                return TimeSpan.Zero;
            }

            TimeSpan since = WorkerOf(notificationRow.Row) is { } worker && _workers.TryGetValue(worker, out Worker? known)
                && known.SilentSince is { } silent
                ? Min(silent, seen.Since)
                : seen.Since;
            return seen.Until > since ? seen.Until - since : TimeSpan.Zero;
        }

        /// <summary>
        /// The notification row of each worker: of the leases it holds, the one with the smallest key. A row that was given to a worker
        /// that has not taken it yet is none: it is not polled.
        /// </summary>
        private Dictionary<string, Entry> NotificationRows()
        {
            Dictionary<string, Entry> rows = new(StringComparer.Ordinal);
            foreach (Entry entry in _leases.Values)
            {
                if (entry.Row is { Problem: null, IsFinished: false } && WorkerOf(entry.Row) is { } owner
                    && (!rows.TryGetValue(owner, out Entry? before)
                        || (entry.Row.IsHeldByFastConsumer && !before.Row.IsHeldByFastConsumer)))
                {
                    rows[owner] = entry;
                }
            }

            return rows;
        }

        /// <summary>Takes in rows as a read shows them: the newest row of each lease, and since when it looks like that.</summary>
        /// <param name="rows">The rows.</param>
        /// <param name="begun">When the read began.</param>
        /// <param name="isStrong">True where the read was consistent.</param>
        private void Observe(IReadOnlyList<Lease> rows, TimeSpan begun, bool isStrong)
        {
            HashSet<string> alive = new(StringComparer.Ordinal);
            foreach (Lease row in rows)
            {
                Entry? entry = TellProblem(Find(row.LeaseKey), row);
                if (entry?.Hold is Hold.Holding)
                {
                    RowOfOursSeen(entry, row, begun);
                }
                else if (entry?.Hold is Hold.Taking taking)
                {
                    TakingRowSeen(entry, taking, row, begun, isStrong);
                }
                else
                {
                    Put(Observed(entry, row, begun, isStrong, alive));
                }
            }

            // last, since one read may show a row that was taken and a lease that its former owner took later
            foreach (string worker in alive)
            {
                if (_workers.TryGetValue(worker, out Worker? known) && (known.SilentSince is not null || known.IsDead))
                {
                    _workers = _workers.SetItem(worker, known with { SilentSince = null, IsDead = false });
                }
            }
        }

        private Entry Observed(Entry? entry, Lease row, TimeSpan begun, bool isStrong, HashSet<string> alive)
        {
            Sight? seen = entry?.Seen;
            TimeSpan since = IsOff(Rules.StillnessByReads) ? begun : _now;
            if (row.Problem is not null)
            {
                return entry is null ? new Entry(row.LeaseKey) { Row = row } : entry with { Row = row };
            }

            if (seen is null && entry is { Row: { Problem: null } known } && row.LeaseCounter < known.LeaseCounter
                && !IsOff(Rules.StaleRows))
            {
                // this worker had the lease until now and knows its row better than a read with delay: a take of what that shows would have
                // the epoch of a former run
                seen = new Sight(
                    known.LeaseCounter, known.Owner, WorkerOf(known), _now, _now, HasMoved: false, IsTaken: false);
            }

            if (seen is null || row.LeaseCounter > seen.Counter)
            {
                Changed(seen, row, alive);
                bool hasMoved = seen is not null && seen.Owner == row.Owner;
                seen = new Sight(row.LeaseCounter, row.Owner, WorkerOf(row), since, begun, hasMoved, IsTaken: !row.IsPassedOn);
            }
            else if ((seen.Counter != row.LeaseCounter || seen.Owner != row.Owner) && begun - seen.Since >= DurationOf(row))
            {
                // not merely read with delay: another row under the same key, or written by hand
                seen = new Sight(row.LeaseCounter, row.Owner, WorkerOf(row), since, begun, HasMoved: false, IsTaken: !row.IsPassedOn);
            }
            else if (seen.Counter == row.LeaseCounter && begun > seen.Until)
            {
                seen = seen with { Until = begun };
            }

            if (entry is null)
            {
                return new Entry(row.LeaseKey) { Row = row, Seen = seen };
            }

            bool isNewer = row.LeaseCounter >= entry.Row.LeaseCounter
                || entry.Row.Problem is not null
                || seen.Counter == row.LeaseCounter
                || (isStrong && begun >= seen.Since)
                || IsOff(Rules.StaleRows);
            bool isSettled = entry.Hold is Hold.NotHeld { Unsettled: { } unsettled } && row.LeaseCounter > CounterOf(unsettled.Write);
            return entry with { Row = isNewer ? row : entry.Row, Seen = seen, Hold = isSettled ? Hold.NotHeld.Settled : entry.Hold };
        }

        /// <summary>A counter has moved: what that tells of its owner, and of the one before.</summary>
        private void Changed(Sight? before, Lease row, HashSet<string> alive)
        {
            string? worker = WorkerOf(row);
            // a lease that was passed on to a worker tells nothing of that worker before it takes it
            if (worker is not null && (before?.Owner == row.Owner || row.TakenBy is null || row.TakenBy == row.Owner))
            {
                alive.Add(worker);
                Worker known = _workers.GetValueOrDefault(worker) ?? Worker.Unknown;
                if (before?.Worker != worker && known.TookAt != _now)
                {
                    _workers = _workers.SetItem(worker, known with { TookAt = _now });
                }
            }

            if (before is not { Worker: { } former, IsTaken: true } || former == worker)
            {
                return;
            }

            if (row.Owner is null || (row.TakenBy == before.Owner && row.IsPassedOn))
            {
                // its own release
                alive.Add(former);
            }
            else if (before.Still >= Suspicious * DurationOf(row))
            {
                // the row may have been read with delay: its owner may have been seen to take another since
                Worker known = _workers.GetValueOrDefault(former) ?? Worker.Unknown;
                TimeSpan silent = known.TookAt is { } took ? Max(before.Since, took) : before.Since;
                _workers = _workers.SetItem(
                    former,
                    known with { SilentSince = known.SilentSince is { } since ? Min(since, silent) : silent });
            }
        }

        /// <summary>
        /// After a list: who is dead. The worker's notification row has expired, or was taken when it had long stood still, and each of its
        /// rows has stood still for so long that a worker which only stood still itself has lost it too: neither a stuck row nor a pause
        /// costs a live worker the others.
        /// </summary>
        private void FindDead()
        {
            HashSet<string> owners = new(StringComparer.Ordinal);
            HashSet<string> fastConsumers = new(StringComparer.Ordinal);
            HashSet<string> alive = new(StringComparer.Ordinal);
            HashSet<string> receivers = new(StringComparer.Ordinal);
            foreach (Entry entry in _leases.Values)
            {
                if (WorkerOf(entry.Row) is not { } owner)
                {
                    continue;
                }

                owners.Add(owner);
                if (entry.Row.IsPassedOn)
                {
                    receivers.Add(entry.Row.Owner!);
                }

                if (entry.Row.IsHeldByFastConsumer)
                {
                    fastConsumers.Add(owner);
                }

                if (!entry.Row.IsFinished && entry.Row.Problem is null
                    && !(entry.Seen is { } seen && seen.Still >= Lasts * DurationOf(entry.Row)) && !IsOff(Rules.DeadByAllRows))
                {
                    alive.Add(owner);
                }
            }

            var workers = ImmutableSortedDictionary.CreateBuilder<string, Worker>(StringComparer.Ordinal);
            Dictionary<string, Entry> rows = NotificationRows();
            foreach (string owner in owners)
            {
                Worker known = _workers.GetValueOrDefault(owner) ?? Worker.Unknown;
                bool isDead = !IsNamed(owner, Me) && !alive.Contains(owner) && rows.TryGetValue(owner, out Entry? row)
                    && SilenceOf(row) >= DurationOf(row.Row);
                Worker next = known with { IsDead = isDead, IsFastConsumer = fastConsumers.Contains(owner) };
                workers[owner] = next == known ? known : next;
            }

            // when others have taken all that a dead worker held, what was passed on to it since still has to be known as a dead worker's
            foreach ((string worker, Worker known) in _workers)
            {
                if (known.IsDead && !owners.Contains(worker) && receivers.Any(name => IsNamed(worker, name)))
                {
                    workers[worker] = known;
                }
            }

            _workers = workers.ToImmutable();
            _scan = _scan with
            {
                Askers = _scan.Askers.RemoveRange(_scan.Askers.Where(asker => _now - asker.Value >= D).Select(static asker => asker.Key)),
            };
        }

        /// <summary>A row that cannot be read is named, once.</summary>
        private Entry? TellProblem(Entry? entry, Lease row)
        {
            string? told = entry?.Unreadable ?? entry?.Row.Problem;
            if (row.Problem == told)
            {
                return entry;
            }

            Do(new LeaseCommand.Tell.Unreadable(row.LeaseKey, row.Problem, IsOver: row.Problem is null));
            if (entry?.Hold is not Hold.Holding)
            {
                return entry;
            }

            Put(entry with { Unreadable = row.Problem });
            return Find(row.LeaseKey);
        }

        private static long CounterOf(LeaseWrite write) => write.If[Lease.Names.LeaseCounter]!.Value.WholeNumber!.Value;

        private static Lease Newer(Lease one, Lease? other) => other is null || other.LeaseCounter < one.LeaseCounter ? one : other;
    }
}

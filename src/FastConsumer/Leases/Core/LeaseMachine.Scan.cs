using System.Collections.Immutable;
using System.Globalization;
using static FastConsumer.Leases.Core.LeaseTableState;

namespace FastConsumer.Leases.Core;

/// <content>
/// When the table is listed and its rows are polled. A list is paced by what it costs, so a small table is listed often and a large one
/// seldom; polls of single rows make up for it.
/// </content>
internal static partial class LeaseMachine
{
    /// <summary>How often a worker reads its notification row.</summary>
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(750);

    /// <summary>What regular lists may cost a worker, in leases a second: 2.5 read units of 8 KB, and half a KB a lease.</summary>
    private const double LeasesPerSecond = 40;

    /// <summary>What lists asked for by others may cost for a moment.</summary>
    private const double UrgentLeasesPerSecond = 1600;

    private static readonly TimeSpan s_shortestGap = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan s_quickGap = TimeSpan.FromMilliseconds(5);

    /// <summary>
    /// So many lists of a start, and of a stop, follow each other at once. A start needs one that finds nothing, one before leases are
    /// created and one after it; a stop needs one before leases are passed on and one after it.
    /// </summary>
    internal const int QuickLists = 3;

    private static readonly TimeSpan s_longestInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_longestRead = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_firstReadRetry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_longestReadRetry = TimeSpan.FromSeconds(10);

    /// <summary>A table that throttles answers, and has units again within the second.</summary>
    private static readonly TimeSpan s_throttledReadRetry = TimeSpan.FromSeconds(2);

    /// <summary>Rows of others that a worker polls while it waits for them.</summary>
    private const int MostAwaited = 4;

    /// <summary>Notification rows of others that a worker watches: what grows with the square of the fleet has a bound.</summary>
    private const int MostWatched = 9;

    /// <summary>Rows that are asked for in one request: DynamoDB's limit.</summary>
    private const int MostPolled = 100;

    /// <summary>A notification row that was read with delay may be another worker's by now: then the next are tried.</summary>
    private const int NotificationTries = 3;

    private sealed partial class Turn
    {
        /// <summary>The time between two regular lists, before jitter.</summary>
        private TimeSpan ListInterval =>
            Max(Min(D / 5, TimeSpan.FromSeconds(5)),
                Min(TimeSpan.FromSeconds(_scan.Leases / LeasesPerSecond), Min(2 * D, s_longestInterval)));

        /// <summary>
        /// True where regular lists come too seldom to tell in time that a worker is dead: then its notification row is watched.
        /// </summary>
        private bool WatchesOthers => ListInterval > D / 4;

        private void WantList() => _scan = _scan with { IsListWanted = true };

        private bool IsListing => _mode is not Mode.Stopped;

        private TimeSpan NextListAt
        {
            get
            {
                if (!IsListing)
                {
                    return TimeSpan.MaxValue;
                }

                if (_scan.ListingSince is { } since)
                {
                    return since + Max(D, s_longestRead);
                }

                TimeSpan gap = Max(
                    _scan.QuickLists > 0 ? s_quickGap : s_shortestGap,
                    Min(TimeSpan.FromSeconds(_scan.Leases / UrgentLeasesPerSecond), s_pollInterval));
                TimeSpan wanted = _scan.ListedAt is not { } listedAt ? TimeSpan.MinValue
                    : _scan.IsListWanted || _scan.IsStrongWanted ? listedAt + gap
                    : Min(_scan.ListAt, _scan.ExpiryAt);
                return Max(wanted, _scan.NotBefore);
            }
        }

        private TimeSpan NextPollAt => _mode != Mode.Running || _scan.ListedAt is null ? TimeSpan.MaxValue
            : _scan.Polling is not null ? _scan.PollingSince + Max(D, s_longestRead)
            : Max(Min(_scan.PolledAt + s_pollInterval, NextWatchAt), _scan.NotBefore);

        /// <summary>
        /// Notification rows are watched each quarter of the duration, and when one begins to be suspect or is about to expire.
        /// </summary>
        private TimeSpan NextWatchAt
        {
            get
            {
                if (_scan.Watched.IsEmpty)
                {
                    return TimeSpan.MaxValue;
                }

                TimeSpan next = _scan.WatchedAt + (D / 4);
                foreach ((string key, string _) in _scan.Watched)
                {
                    if (Find(key) is { Seen: { } seen } entry)
                    {
                        TimeSpan since = seen.Until - SilenceOf(entry);
                        foreach (TimeSpan mark in new[] { ListAfter * DurationOf(entry.Row), DurationOf(entry.Row) })
                        {
                            // marks that were passed at the last look already are no news
                            next = since + mark > _scan.WatchedAt ? Min(next, since + mark) : next;
                        }
                    }
                }

                return next;
            }
        }

        /// <summary>Begins what is to be read.</summary>
        private void ReadTable()
        {
            if (NextListAt <= _now)
            {
                if (_scan.ListingSince is not null)
                {
                    ReadFailed(keys: null, error: null);
                }
                else
                {
                    bool isStrong = _scan.IsStrongWanted || _scan.ListedAt is null;
                    _scan = _scan with
                    {
                        ListingSince = _now,
                        IsListingStrong = isStrong,
                        IsListWanted = false,
                        IsStrongWanted = false,
                        QuickLists = Math.Max(0, _scan.QuickLists - 1),
                        AnswersNotification = _scan.IsNotified,
                        IsNotified = false,
                    };
                    Do(new LeaseCommand.List(isStrong ? ReadConsistency.Strong : ReadConsistency.Eventual));
                }
            }

            if (NextPollAt <= _now)
            {
                Poll();
            }

            foreach (string[] keys in _toRead.Distinct(StringComparer.Ordinal).Chunk(MostPolled))
            {
                Do(new LeaseCommand.Poll(keys, ReadConsistency.Strong));
            }

            _toRead.Clear();
        }

        private void Poll()
        {
            if (_scan.Polling is not null)
            {
                _scan = _scan with { Polling = null, PolledAt = _now };
                return;
            }

            bool isPollDue = _scan.PolledAt + s_pollInterval <= _now;
            // a little early, where that saves a request of its own before the next poll
            bool watches = NextWatchAt <= _now
                || (isPollDue && !_scan.Watched.IsEmpty && _now - _scan.WatchedAt > (D / 4) - s_pollInterval);
            Entry? own = _leases.Values.FirstOrDefault(static entry => entry.IsHeld);
            List<string> keys = own is null ? [] : [own.Key];
            keys.AddRange(Awaited(isIdle: own is null));
            if (watches)
            {
                keys.AddRange(_scan.Watched.Select(static row => row.Key));
            }

            keys = [.. keys.Distinct(StringComparer.Ordinal)];
            _scan = _scan with
            {
                PolledAt = _now,
                WatchedAt = watches ? _now : _scan.WatchedAt,
                Polling = keys.Count == 0 ? null : [.. keys],
                PollingSince = _now,
                PollWatches = watches,
            };
            if (keys.Count > 0)
            {
                Do(new LeaseCommand.Poll(keys, ReadConsistency.Eventual));
            }
        }

        /// <summary>Some of the rows that this worker has asked for, or would take if they came free because it has none.</summary>
        private IEnumerable<string> Awaited(bool isIdle)
        {
            List<Entry> awaited = [.. _leases.Values
                .Where(entry => entry.Hold is Hold.NotHeld && (entry.Asked is not null || (isIdle && IsOthers(entry))))];
            return _chance.Shuffled(awaited).OrderBy(static entry => entry.Asked is null).Take(MostAwaited)
                .Select(static entry => entry.Key);
        }

        /// <summary>True for a lease that another worker has, as far as is known.</summary>
        private bool IsOthers(Entry entry) =>
            entry.Row is { Problem: null, IsFinished: false, Owner: { } owner } && owner != Me && entry.Hold is Hold.NotHeld
                && !IsFree(entry);

        /// <summary>What is looked at until the next list follows from this one.</summary>
        private void Watch()
        {
            if (!WatchesOthers)
            {
                TimeSpan expiry = _now + (2 * D);
                foreach (Entry entry in _leases.Values.Where(IsOthers))
                {
                    expiry = entry.Seen is { } seen ? Min(expiry, seen.Since + DurationOf(entry.Row)) : expiry;
                }

                _scan = _scan with { Watched = [], ExpiryAt = Max(Min(expiry, PassedOnUntil), _now + s_shortestGap) };
                return;
            }

            // each watches those behind it in the order of names, so that every worker is watched by as many
            Dictionary<string, Entry> notificationRows = NotificationRows();
            List<(string Key, string Owner)> rows = [.. notificationRows
                .Where(row => IsOthers(row.Value))
                .OrderBy(static row => row.Key, StringComparer.Ordinal)
                .Select(static row => (row.Value.Key, row.Value.Row.Owner!))];
            int next = Math.Max(0, rows.FindIndex(row => string.CompareOrdinal(row.Owner, Me) > 0));
            _scan = _scan with
            {
                Watched = [.. rows.Skip(next).Concat(rows.Take(next)).Take(MostWatched)],
                ExpiryAt = Max(Min(DeathAt(notificationRows), PassedOnUntil), _now + s_shortestGap),
            };
        }

        /// <summary>Until when dead workers have their time to take what was passed on to them: then a list finds all of it free.</summary>
        private TimeSpan PassedOnUntil => _leases.Values
            .Where(entry => entry is { Row.IsPassedOn: true, Seen: not null } && IsOthers(entry) && IsOfDead(entry.Row))
            .Select(entry => entry.Seen!.Since + (PassedOnFor * DurationOf(entry.Row)))
            .DefaultIfEmpty(TimeSpan.MaxValue).Max();

        /// <summary>
        /// When a list can first tell that a worker whose notification row stands still is dead: also where that row itself has expired,
        /// since the worker's others have not.
        /// </summary>
        /// <param name="notificationRows">Each worker's notification row.</param>
        private TimeSpan DeathAt(Dictionary<string, Entry> notificationRows)
        {
            Dictionary<string, TimeSpan> deaths = new(StringComparer.Ordinal);
            foreach ((string worker, Entry row) in notificationRows)
            {
                TimeSpan silence = SilenceOf(row);
                if (row is { Hold: Hold.NotHeld, Seen: { } last } && silence >= ListAfter * DurationOf(row.Row) && !IsNamed(worker, Me)
                    && _workers.GetValueOrDefault(worker)?.IsDead != true)
                {
                    deaths[worker] = last.Until - silence + DurationOf(row.Row);
                }
            }

            if (deaths.Count == 0)
            {
                return TimeSpan.MaxValue;
            }

            foreach (Entry entry in _leases.Values)
            {
                if (entry.Row is { Problem: null, IsFinished: false, Owner: not null } row && entry.Seen is { } seen
                    && WorkerOf(row) is { } worker && deaths.TryGetValue(worker, out TimeSpan death))
                {
                    deaths[worker] = Max(death, seen.Since + (Lasts * DurationOf(entry.Row)));
                }
            }

            return deaths.Values.Min();
        }

        /// <summary>The whole table was read.</summary>
        private void Listed(LeaseEvent.TableListed listed)
        {
            if (_scan.ListingSince is null || listed.Begun < _scan.ListBegun || _mode == Mode.Stopped)
            {
                // given up: another one follows, or has come
                return;
            }

            bool isStrong = listed.Consistency == ReadConsistency.Strong;
            bool answers = _scan.AnswersNotification;
            bool hasMoved = !(_scan.MoveFailedAt >= _scan.ListedAt);
            _scan = _scan with
            {
                ListingSince = null,
                ListedAt = _now,
                ListBegun = listed.Begun,
                Leases = listed.Rows.Count,
                AnswersNotification = false,
            };
            _scan = _scan with { ListAt = _now + (ListInterval * (0.9 + (_chance.NextDouble() / 5))) };
            if (hasMoved)
            {
                TableAnswers();
            }

            Observe(listed.Rows, listed.Begun, isStrong);
            Absent(listed.Rows, listed.Begun, isStrong);
            RequestsListed(listed.Begun);
            FindDead();
            IdsListed();
            FindBlock();
            _scan = _scan with { Heard = Heard() };
            if (_mode == Mode.Stopping && !_scan.KnowsSuccessors)
            {
                FindSuccessors();
            }

            if (_mode == Mode.TakingBack && isStrong && listed.Begun >= _scan.TakeBackSince)
            {
                TakeBack();
            }

            Withdrawn(listed.Begun);
            if (_mode == Mode.Running)
            {
                bool any = HandOffRequested() | NotesRead();
                FollowLineage(isStrong);
                StreamIsDue();
                CreationListed(isStrong, listed.Begun);
                any |= Balance();
                if (answers && !any)
                {
                    // the list may lag behind the notification: once more
                    WantList();
                }
            }

            Watch();
        }

        private void TableAnswers()
        {
            if (_scan.Failures > 0)
            {
                _scan = _scan with { Failures = 0, NotBefore = TimeSpan.MinValue };
                Do(new LeaseCommand.Tell.TableFailed(Error: null, TimeSpan.Zero, IsOver: true));
            }
        }

        /// <summary>Rows that were not in a list: gone where the list is consistent, else asked for.</summary>
        private void Absent(IReadOnlyList<Lease> rows, TimeSpan begun, bool isStrong)
        {
            if (rows.Count == _leases.Count)
            {
                return;
            }

            HashSet<string> there = new(rows.Select(static row => row.LeaseKey), StringComparer.Ordinal);
            foreach (string key in _leases.Keys.Where(key => !there.Contains(key)).ToList())
            {
                if (isStrong)
                {
                    Gone(key, begun);
                }
                else if (Find(key) is { IsHeld: true } held)
                {
                    AskByRenewal(held, begun);
                }
                else
                {
                    _toRead.Add(key);
                }
            }
        }

        /// <summary>A row was not there when a consistent read began.</summary>
        private void Gone(string key, TimeSpan begun)
        {
            switch (Find(key))
            {
                case { Hold: Hold.NotHeld } entry:
                    if (entry.Row.Problem is not null)
                    {
                        Do(new LeaseCommand.Tell.Unreadable(key, Problem: null, IsOver: true));
                    }

                    Drop(entry);
                    break;
                case { Hold: Hold.Taking { IsInDoubt: true } taking } entry when begun >= taking.Attempt.SentAt:
                    Put(entry with { Hold = Hold.NotHeld.Settled });
                    break;
                case { Hold: Hold.Holding holding } entry when begun > holding.Own.RenewedAt:
                    RowOfOursSeen(entry, row: null, begun);
                    break;
            }
        }

        /// <summary>Notifications on this worker's rows up to this list are answered by it.</summary>
        private ImmutableSortedDictionary<string, string?> Heard()
        {
            var heard = ImmutableSortedDictionary.CreateBuilder<string, string?>(StringComparer.Ordinal);
            foreach (Entry entry in _leases.Values.Where(entry => entry.Row.LeaseOwner == Me && entry.Row.Notification is not null))
            {
                heard[entry.Key] = entry.Row.Notification;
            }

            return heard.ToImmutable();
        }

        /// <summary>Some rows were read: because of a doubt, or between two lists.</summary>
        private void RowsRead(LeaseEvent.RowsRead read)
        {
            bool isStrong = read.Consistency == ReadConsistency.Strong;
            bool isPoll = _scan.Polling is { } polling && !isStrong && polling.SequenceEqual(read.Keys, StringComparer.Ordinal);
            Dictionary<string, string?> ownersBefore = isPoll
                ? read.Keys.ToDictionary(static key => key, key => Find(key)?.Row.Owner, StringComparer.Ordinal)
                : [];
            Observe(read.Rows, read.Begun, isStrong);
            if (isStrong)
            {
                HashSet<string> there = new(read.Rows.Select(static row => row.LeaseKey), StringComparer.Ordinal);
                foreach (string key in read.Keys.Where(key => !there.Contains(key)))
                {
                    Gone(key, read.Begun);
                }
            }

            if (!isPoll)
            {
                return;
            }

            bool watched = _scan.PollWatches;
            _scan = _scan with { Polling = null };
            foreach (Lease row in read.Rows)
            {
                Entry? entry = Find(row.LeaseKey);
                if (row.LeaseOwner == Me && row.Notification is not null && _scan.Heard.GetValueOrDefault(row.LeaseKey) != row.Notification)
                {
                    _scan = _scan with { IsNotified = true };
                    WantList();
                }
                else if (entry?.Hold is Hold.NotHeld && ownersBefore.GetValueOrDefault(row.LeaseKey) != row.Owner)
                {
                    WantList();
                }
            }

            // a notification row that has another owner now was left by its worker, or taken from it
            if (watched && _scan.Watched.Any(row => Find(row.Key) is not { } entry || entry.Row.Owner != row.Owner || IsToBeListed(entry)))
            {
                WantList();
            }
        }

        /// <summary>
        /// A notification row that stands still longer than a live worker lets it is a reason to list, so that the worker's other leases
        /// are seen to stand still too; and so is one that has expired.
        /// </summary>
        private bool IsToBeListed(Entry notificationRow)
        {
            TimeSpan silence = SilenceOf(notificationRow);
            TimeSpan duration = DurationOf(notificationRow.Row);
            return silence >= duration || (silence >= ListAfter * duration && _now - _scan.ListedAt > 0.25 * duration);
        }

        /// <summary>The table could not be read. The error is null where nothing was answered at all.</summary>
        private void ReadFailed(IReadOnlyList<string>? keys, Exception? error)
        {
            bool isList = keys is null && _scan.ListingSince is not null;
            bool isPoll = keys is not null && _scan.Polling is { } polling && polling.SequenceEqual(keys, StringComparer.Ordinal);
            if (!isList && !isPoll)
            {
                // a read of rows in doubt: they are asked for again as long as they are
                return;
            }

            TimeSpan wait = FailTable(error);
            if (isPoll)
            {
                _scan = _scan with { Polling = null };
                return;
            }

            _scan = _scan with
            {
                ListingSince = null,
                IsListWanted = true,
                IsStrongWanted = _scan.IsStrongWanted || _scan.IsListingStrong,
                IsNotified = _scan.IsNotified || _scan.AnswersNotification,
                ToTake = [],
                ToAsk = [],
                ToWithdraw = [],
            };
            if (error is LeaseStoreException { IsTransient: false } refused)
            {
                LeaseCommand.Tell.Block.Reason why = refused.IsKclFleet
                    ? LeaseCommand.Tell.Block.Reason.KclFleetRuns
                    : LeaseCommand.Tell.Block.Reason.Refused;
                Block(new LeaseCommand.Tell.Block(why, Key: null, refused.Message, Expected: null));
            }

            if (_mode != Mode.Running && (!_scan.KnowsSuccessors || _scan.TakeBackSince is not null))
            {
                // released to nobody, then: whoever comes first takes them
                Do(new LeaseCommand.Tell.SuccessorsUnknown(error));
                _scan = _scan with { KnowsSuccessors = true, TakeBackSince = null };
                ReleaseWaiting();
            }
        }

        /// <summary>Leases do not move: the rest waits too, since where the table throttles its units are for the renewals now.</summary>
        private void FailMoves(Exception error)
        {
            _scan = _scan with { ToTake = [], ToAsk = [], MoveFailedAt = _now };
            WantList();
            FailTable(error);
        }

        /// <summary>The table does not let itself be read, or leases do not move: the next list waits.</summary>
        private TimeSpan FailTable(Exception? error)
        {
            if (_now < _scan.NotBefore)
            {
                // what fails together is one failure
                return _scan.NotBefore - _now;
            }

            TimeSpan wait = Backoff(s_firstReadRetry, IsThrottle(error) ? s_throttledReadRetry : s_longestReadRetry, _scan.Failures);
            _scan = _scan with { Failures = _scan.Failures + 1, NotBefore = _now + wait };
            Do(new LeaseCommand.Tell.TableFailed(error, wait));
            return wait;
        }

        private void Block(LeaseCommand.Tell.Block? block)
        {
            if (block == _scan.Blocked)
            {
                return;
            }

            Do(block ?? _scan.Blocked! with { IsOver = true });
            _scan = _scan with { Blocked = block, ToTake = [], ToAsk = [] };
        }

        /// <summary>
        /// A worker is told to list the table: what is wanted stands in the rows, so a notification that is lost costs time and nothing
        /// else.
        /// </summary>
        private void Notify(string worker)
        {
            List<Lease> rows = [.. _leases.Values
                .Where(entry => entry.Row is { Problem: null, IsHeldByFastConsumer: true, IsFinished: false } row
                    && row.LeaseOwner == worker)
                .Take(NotificationTries)
                .Select(static entry => entry.Row)];
            if (rows.Count == 0)
            {
                return;
            }

            string notification = string.Create(CultureInfo.InvariantCulture, $"{Me}/{_chance.NextUInt64():x}");
            Do(new LeaseCommand.Notify(rows[0].LeaseKey, worker, [.. rows.Select(row => new LeaseWrite
            {
                LeaseKey = row.LeaseKey,
                If = OwnedBy(worker),
                Set = new Dictionary<string, Lease.Value>(StringComparer.Ordinal) { [Lease.Names.Notification] = notification },
            })]));
        }

        private static Dictionary<string, Lease.Value?> OwnedBy(string worker) => new(StringComparer.Ordinal)
        {
            [Lease.Names.LeaseOwner] = worker,
            [Lease.Names.CheckpointOwner] = null,
        };
    }
}

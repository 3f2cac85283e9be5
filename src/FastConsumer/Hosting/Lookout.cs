using FastConsumer.Leases;

namespace FastConsumer.Hosting;

/// <summary>
/// What a worker keeps an eye on between two lists of the table, in glances at single rows: its own bell, what it waits for, and, where lists
/// come seldom, whether others live.
/// </summary>
internal sealed class Lookout
{
    /// <summary>Rows of others that a worker glances at while it waits for them.</summary>
    private const int MostAwaited = 4;

    /// <summary>Bells of others that a worker watches: what grows with the square of the fleet has a bound.</summary>
    private const int MostWatched = 9;

    private readonly WorkerParts _parts;
    private readonly ILeaseStore _store;
    private readonly ShardRuns _runs;
    private readonly LeaseObserver _observer;
    private readonly Doorbell _bell;
    private readonly TableLooks _looks;
    private readonly LeaseRequests _requests;
    private readonly Random _random;
    private List<Lease> _others = [];
    private List<Lease> _watched = [];
    private TimeSpan _untilExpiry = Timeout.InfiniteTimeSpan;
    private long _listedAt;
    private long _watchedAt;
    private bool _isRung;

    public Lookout(WorkerParts parts, ILeaseStore store, ShardRuns runs, LeaseObserver observer, Doorbell bell, TableLooks looks, LeaseRequests requests, Random random)
    {
        _parts = parts;
        _store = store;
        _runs = runs;
        _observer = observer;
        _bell = bell;
        _looks = looks;
        _requests = requests;
        _random = random;
    }

    /// <summary>True where the table is to be listed now.</summary>
    public bool IsListDue => _looks.UntilList == TimeSpan.Zero || UntilExpiry == TimeSpan.Zero;

    /// <summary>The time until something is to be looked at.</summary>
    public TimeSpan UntilNext
    {
        get
        {
            TimeSpan next = new[] { _looks.UntilList, _looks.UntilGlance, UntilWatch, UntilExpiry ?? TimeSpan.MaxValue }.Min();
            // timers know whole milliseconds: what is rounded down wakes too early, again and again
            return TimeSpan.FromMilliseconds(Math.Ceiling(next.TotalMilliseconds));
        }
    }

    private string Me => _parts.Settings.WorkerId;

    private TimeSpan LeaseDuration => _parts.Settings.LeaseDuration;

    private TimeSpan Suspect => LeaseObserver.Suspicious * LeaseDuration;

    /// <summary>Where lists alone tell of the dead, one is due when the next lease would expire.</summary>
    private TimeSpan? UntilExpiry
    {
        get
        {
            if (_untilExpiry == Timeout.InfiniteTimeSpan)
            {
                return null;
            }

            TimeSpan left = _untilExpiry - _parts.Time.GetElapsedTime(_listedAt);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>Bells are watched each quarter of the lease duration, and when one begins to be suspect or is about to expire.</summary>
    private TimeSpan UntilWatch
    {
        get
        {
            if (_watched.Count == 0)
            {
                return TimeSpan.MaxValue;
            }

            TimeSpan sinceWatch = _parts.Time.GetElapsedTime(_watchedAt);
            TimeSpan next = (LeaseDuration / 4) - sinceWatch;
            foreach (Lease bell in _watched)
            {
                TimeSpan still = _observer.SilentFor(bell) ?? TimeSpan.Zero;
                foreach (TimeSpan mark in new[] { Suspect, LeaseDuration })
                {
                    // marks that were passed at the last watch already are no news
                    TimeSpan left = mark - still;
                    next = left + sinceWatch > TimeSpan.Zero && left < next ? left : next;
                }
            }

            return next > TimeSpan.Zero ? next : TimeSpan.Zero;
        }
    }

    /// <summary>True where this worker's bell has been rung since the last call: the list that begins now answers it.</summary>
    public bool TakeRing()
    {
        bool isRung = _isRung;
        _isRung = false;
        return isRung;
    }

    /// <summary>What is looked at until the next list follows from this one.</summary>
    public void Listed(IReadOnlyList<Lease> leases)
    {
        _others = [.. leases.Where(lease => lease.Owner is not null && lease.Owner != Me && !lease.IsFinished && !_observer.IsFree(lease))];
        // each watches those behind it in the order of names, so that every worker is watched by as many
        List<Lease> bells = [.. Doorbell.BellsOf(_others).OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => pair.Value)];
        int next = bells.FindIndex(bell => string.CompareOrdinal(bell.Owner, Me) > 0);
        _watched = _looks.WatchesBells ? [.. bells.Skip(Math.Max(0, next)).Concat(bells.Take(Math.Max(0, next))).Take(MostWatched)] : [];
        _listedAt = _parts.Time.GetTimestamp();
        _untilExpiry = _looks.WatchesBells
            ? Timeout.InfiniteTimeSpan
            : _others.Select(lease => LeaseDuration - (_observer.StillFor(lease.LeaseKey) ?? TimeSpan.Zero)).Append(2 * LeaseDuration).Min();
    }

    /// <summary>Looks at what is due, and asks for a list where it has changed.</summary>
    public async Task GlanceAsync(CancellationToken cancellationToken)
    {
        bool isGlanceDue = _looks.UntilGlance == TimeSpan.Zero;
        // a little early, where that saves a request of its own before the next glance
        bool watches = UntilWatch == TimeSpan.Zero
            || (isGlanceDue && _watched.Count > 0 && _parts.Time.GetElapsedTime(_watchedAt) > (LeaseDuration / 4) - TableLooks.GlanceInterval);
        if (!isGlanceDue && !watches)
        {
            return;
        }

        _looks.Glanced();
        string? bell = _runs.Held.Min(StringComparer.Ordinal);
        List<string> keys = bell is null ? [] : [bell];
        List<Lease> awaited = Awaited(bell is null);
        keys.AddRange(awaited.Select(static lease => lease.LeaseKey));
        if (watches)
        {
            _watchedAt = _parts.Time.GetTimestamp();
            keys.AddRange(_watched.Select(static lease => lease.LeaseKey));
        }

        if (keys.Count == 0)
        {
            return;
        }

        long begun = _parts.Time.GetTimestamp();
        IReadOnlyList<Lease> rows =
            [.. (await _store.GetManyAsync(keys, ReadConsistency.Eventual, cancellationToken)).Where(static row => row.Problem is null)];
        _observer.Glance(rows, begun);
        foreach (Lease row in rows)
        {
            if (row.LeaseKey == bell && _bell.IsRung(row))
            {
                _isRung = true;
                _looks.RequestList();
            }
            else if (awaited.Exists(lease => lease.LeaseKey == row.LeaseKey && lease.Owner != row.Owner))
            {
                _looks.RequestList();
            }
        }

        // a bell that has another owner now was left by its worker, or taken from it
        if (watches && _watched.Exists(bell => IsToBeListed(bell) || !rows.Any(row => row.LeaseKey == bell.LeaseKey && row.Owner == bell.Owner)))
        {
            _looks.RequestList();
        }
    }

    /// <summary>Some of the rows that this worker has asked for, or would take if they came free because it has none.</summary>
    private List<Lease> Awaited(bool isIdle)
    {
        Lease[] candidates = [.. _others.Where(lease => isIdle || _requests.Awaits(lease))];
        _random.Shuffle(candidates);
        return [.. candidates.OrderBy(lease => !_requests.Awaits(lease)).Take(MostAwaited)];
    }

    /// <summary>
    /// A bell that stands still longer than a live worker lets it is a reason to list, so that the worker's other leases are seen to stand
    /// still too; and so is one that has expired.
    /// </summary>
    private bool IsToBeListed(Lease bell)
    {
        TimeSpan still = _observer.SilentFor(bell) ?? TimeSpan.Zero;
        TimeSpan sinceList = _looks.ListedAt is { } listedAt ? _parts.Time.GetElapsedTime(listedAt) : TimeSpan.MaxValue;
        return still >= LeaseDuration || (still >= Suspect && sinceList > 0.25 * LeaseDuration);
    }
}

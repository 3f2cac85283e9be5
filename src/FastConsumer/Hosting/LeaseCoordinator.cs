using System.Runtime.ExceptionServices;
using FastConsumer.Diagnostics;
using FastConsumer.Leases;
using FastConsumer.Timing;

namespace FastConsumer.Hosting;

/// <summary>
/// One worker's part in sharing the leases: looks at the table as often as it can afford, takes what is its own to take, asks others for
/// what it lacks, and hands over what it is asked for. It only decides; <see cref="ShardRuns"/> does.
/// </summary>
internal sealed class LeaseCoordinator
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_maximumRetry = TimeSpan.FromSeconds(10);

    /// <summary>A table that throttles answers, and has units again within the second.</summary>
    private static readonly TimeSpan s_throttledRetry = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_limitsInterval = TimeSpan.FromMinutes(5);

    /// <summary>What a shard weighs by itself, in KB a second.</summary>
    private const double BaseWeight = 10;

    private const double WeightSlack = 0.1;

    /// <summary>Takes and requests under way at a time.</summary>
    private const int Parallelism = 16;

    /// <summary>Rows of others that a worker glances at while it waits for them.</summary>
    private const int MostAwaited = 4;

    /// <summary>Bells of others that a worker watches: what grows with the square of the fleet has a bound.</summary>
    private const int MostWatched = 9;

    private readonly WorkerParts _parts;
    private readonly ILeaseStore _store;
    private readonly ShardRuns _runs;
    private readonly ShardSync _sync;
    private readonly LeaseObserver _observer;
    private readonly Doorbell _bell;
    private readonly TableLooks _looks;
    private readonly WriteBudget _budget;
    private readonly Random _random;
    private readonly Dictionary<string, long> _askedAt = new(StringComparer.Ordinal);
    private readonly TakenRows _takenRows = new();
    private List<Lease> _others = [];
    private List<Lease> _watched = [];
    private TimeSpan _untilExpiry = Timeout.InfiniteTimeSpan;
    private long _lookedAt;
    private long _watchedAt;
    private bool _answersRing;
    private long? _limitsAskedAt;
    private double? _foundUnits;
    private bool _warnedOfBudget;

    public LeaseCoordinator(WorkerParts parts, ILeaseStore store, ShardRuns runs, ShardSync sync, LeaseObserver observer, Doorbell bell, TableLooks looks, WriteBudget budget)
    {
        _parts = parts;
        _store = store;
        _runs = runs;
        _sync = sync;
        _observer = observer;
        _bell = bell;
        _looks = looks;
        _budget = budget;
        _random = parts.Random.Create();
    }

    /// <summary>True where this worker has taken leases or asked for some: when it stops, some may be on their way, or its own without its knowledge.</summary>
    public bool HasReached { get; private set; }

    private WorkerSettings Settings => _parts.Settings;

    private string Me => Settings.WorkerId;

    private string Place => $"{Settings.Stream.Name}/{Settings.ProcessorName}";

    /// <summary>An owner drains within the lease duration; a bit later it is stuck.</summary>
    private TimeSpan AnswerTime => 1.25 * Settings.LeaseDuration;

    /// <summary>Coordinates until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var backoff = new Backoff(s_firstRetry, s_maximumRetry, _random);
        var throttled = new Backoff(s_firstRetry, s_throttledRetry, _random);
        while (true)
        {
            TimeSpan wait;
            bool isFailed = false;
            try
            {
                if (IsListDue)
                {
                    await ListAsync(cancellationToken);
                    backoff.Reset();
                    throttled.Reset();
                    _parts.Health.Clear(Place);
                }
                else
                {
                    await GlanceAsync(cancellationToken);
                }

                wait = UntilNext();
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                wait = (e is LeaseStoreException { IsThrottled: true } ? throttled : backoff).Next();
                isFailed = true;
                _parts.Health.Report(Place, ConditionSeverity.Degraded, $"{Settings.ProcessorName} cannot coordinate its leases: {e.Message}");
                ConsumerLog.CoordinationFailed(_parts.Log, $"Listing shards and leases of {Settings.Stream.Name}", wait, e);
            }

            // a back-off is not cut short: each lease that is lost meanwhile would start another try, and so lengthen the next wait
            await (isFailed ? Task.Delay(wait, _parts.Time, cancellationToken) : _runs.Wake.WaitAsync(wait, _parts.Time, cancellationToken));
        }
    }

    private bool IsListDue => _looks.UntilList == TimeSpan.Zero || UntilExpiry == TimeSpan.Zero;

    /// <summary>Where lists alone tell of the dead, one is due when the next lease would expire.</summary>
    private TimeSpan? UntilExpiry
    {
        get
        {
            if (_untilExpiry == Timeout.InfiniteTimeSpan)
            {
                return null;
            }

            TimeSpan left = _untilExpiry - _parts.Time.GetElapsedTime(_lookedAt);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    private TimeSpan UntilNext()
    {
        TimeSpan next = _looks.UntilList;
        if (UntilExpiry is { } expiry && expiry < next)
        {
            next = expiry;
        }

        next = _looks.UntilGlance is var glance && glance < next ? glance : next;
        next = UntilWatch < next ? UntilWatch : next;
        // timers know whole milliseconds: what is rounded down wakes too early, again and again
        return TimeSpan.FromMilliseconds(Math.Ceiling(next.TotalMilliseconds));
    }

    private async Task ListAsync(CancellationToken cancellationToken)
    {
        await LearnLimitsAsync(cancellationToken);
        bool isFirst = _looks.ListedAt is null;
        bool answersRing = _answersRing;
        _answersRing = false;
        _looks.ListBegins();
        IReadOnlyList<Lease> leases;
        try
        {
            leases = await _store.ListAsync(isFirst ? ReadConsistency.Strong : ReadConsistency.Eventual, cancellationToken);
            StreamIdentity.Require(leases, Settings.Stream.Name, _sync.StreamCreatedAt, _store.Description);
            leases = await _sync.SyncAsync(leases, cancellationToken);
        }
        catch
        {
            _looks.RequestList();
            throw;
        }

        _looks.Listed(leases.Count);
        _observer.Observe(leases);
        _bell.Heard(leases);
        bool hasAnswered = HandOver(leases);
        hasAnswered |= await MoveAsync(leases, cancellationToken);
        Look(leases);
        if (answersRing && !hasAnswered)
        {
            // the list may lag behind the ring: once more
            _looks.RequestList();
        }
    }

    /// <summary>Where the options give no budget, what the table has provisioned is one. It may change at any time.</summary>
    private async Task LearnLimitsAsync(CancellationToken cancellationToken)
    {
        if (_store is not IMeteredLeaseStore metered
            || Settings.LeaseTableWriteUnits is not null
            || (_limitsAskedAt is { } askedAt && _parts.Time.GetElapsedTime(askedAt) < s_limitsInterval))
        {
            return;
        }

        _limitsAskedAt = _parts.Time.GetTimestamp();
        try
        {
            _foundUnits = (await metered.DescribeThroughputAsync(cancellationToken)).WriteUnits;
            _budget.SetTableUnits(_foundUnits);
        }
        catch (LeaseStoreException e)
        {
            ConsumerLog.LimitsUnknown(_parts.Log, _store.Description, e);
        }
    }

    /// <summary>Hands over what others have asked for; true where there was something.</summary>
    private bool HandOver(IReadOnlyList<Lease> leases)
    {
        bool any = false;
        foreach (Lease lease in leases.Where(lease => lease.LeaseOwner == Me && lease.RequestedBy is not null && lease.RequestedBy != Me))
        {
            any |= _runs.HandOver(lease.LeaseKey, lease.RequestedBy!);
        }

        return any;
    }

    /// <summary>Takes leases and asks for some; true where it took one.</summary>
    private async Task<bool> MoveAsync(IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        // A shard that is being wound up here is neither held nor free.
        IReadOnlyList<Lease> runnable = [.. LeasePlan.Runnable(leases).Where(lease => _runs.Holds(lease.LeaseKey) || !_runs.IsRunning(lease.LeaseKey))];
        NoteRequests(runnable);
        var view = new LeaseView(Me, lease => _runs.Holds(lease.LeaseKey), lease => lease.Owner == Me || _observer.IsFree(lease))
        {
            IsGiven = lease => lease.IsPassedOn && !_observer.HasMoved(lease),
            IsOverdue = lease => _askedAt.TryGetValue(lease.LeaseKey, out long asked) && _parts.Time.GetElapsedTime(asked) >= AnswerTime,
        };
        if (Settings.LeaseBalancing == LeaseBalancing.Throughput)
        {
            // what yields nothing still costs its polls
            Func<Lease, double> throughput = LeasePlan.Throughputs(leases);
            view = view with { Weigh = lease => BaseWeight + throughput(lease), Slack = WeightSlack };
        }

        LeaseMoves moves = LeasePlan.Balance(runnable, view, _random);
        bool hasTaken = false;
        HasReached |= moves.Take.Count > 0;
        foreach (Lease[] some in moves.Take.Chunk(Parallelism))
        {
            (Lease Observed, LeaseWriteResult Result, long Started)[] takes = await Task.WhenAll(some.Select(lease => TakeAsync(lease, cancellationToken)));
            foreach ((Lease observed, LeaseWriteResult result, long started) in takes)
            {
                // an answer that came too late for the lease is of no use: others may have it, or it is taken again after the next list
                if (_takenRows.IsNew(observed, result) && result.Lease is { } mine && _parts.Time.GetElapsedTime(started) < LeaseRenewer.LastsFor(Settings.LeaseDuration))
                {
                    hasTaken = true;
                    _askedAt.Remove(mine.LeaseKey);
                    _runs.Start(mine, started, _sync.TakeFirstStart(mine));
                }
                else
                {
                    // somebody was faster, or it is not known what is left of the lease: it is to be seen
                    _looks.RequestList();
                }
            }

            if (Array.Find(takes, static take => take.Result.Error is not null).Result.Error is { } error)
            {
                ExceptionDispatchInfo.Throw(error);
            }
        }

        _sync.ForgetFirstStarts();
        await WithdrawAsync(moves.Withdraw, cancellationToken);
        await RequestAsync(moves.Request, leases, cancellationToken);
        _budget.SetShare(_runs.HeldCount, runnable.Count, UnitsToHold(_runs.HeldCount));
        WarnOfSmallBudget(runnable.Count);
        return hasTaken;
    }

    /// <summary>Throws nothing: those that were taken beside it must run.</summary>
    private async Task<(Lease Observed, LeaseWriteResult Result, long Started)> TakeAsync(Lease lease, CancellationToken cancellationToken)
    {
        long started = _parts.Time.GetTimestamp();
        try
        {
            return (lease, await _store.TakeAsync(lease, Me, cancellationToken), started);
        }
        catch (Exception e)
        {
            return (lease, new LeaseWriteResult(LeaseWriteOutcome.Failed, null, e), started);
        }
    }

    /// <summary>Which leases this worker waits for, and since when.</summary>
    private void NoteRequests(IReadOnlyList<Lease> leases)
    {
        HashSet<string> asked = [.. leases.Where(lease => lease.RequestedBy == Me && lease.IsHeldByFastConsumer && lease.LeaseOwner != Me).Select(static lease => lease.LeaseKey)];
        foreach (string answered in _askedAt.Keys.Where(key => !asked.Contains(key)).ToList())
        {
            _askedAt.Remove(answered);
        }

        foreach (string key in asked)
        {
            _askedAt.TryAdd(key, _parts.Time.GetTimestamp());
        }
    }

    private async Task WithdrawAsync(IReadOnlyList<Lease> unneeded, CancellationToken cancellationToken)
    {
        foreach (Lease[] some in unneeded.Chunk(Parallelism))
        {
            await Task.WhenAll(some.Select(lease => _store.RequestAsync(lease, requester: null, cancellationToken)));
        }

        foreach (Lease lease in unneeded)
        {
            _askedAt.Remove(lease.LeaseKey);
        }
    }

    private async Task RequestAsync(IReadOnlyList<Lease> wanted, IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        HasReached |= wanted.Count > 0;
        foreach (Lease[] some in wanted.Chunk(Parallelism))
        {
            LeaseWriteResult[] results = await Task.WhenAll(some.Select(lease => _store.RequestAsync(lease, Me, cancellationToken)));
            for (int i = 0; i < some.Length; i++)
            {
                if (results[i].Outcome == LeaseWriteOutcome.Written)
                {
                    _askedAt[some[i].LeaseKey] = _parts.Time.GetTimestamp();
                }
            }
        }

        foreach (IGrouping<string?, Lease> owned in wanted.Where(lease => _askedAt.ContainsKey(lease.LeaseKey)).GroupBy(static lease => lease.LeaseOwner, StringComparer.Ordinal))
        {
            ConsumerLog.LeasesRequested(_parts.Log, Me, owned.Count(), owned.Key!);
            try
            {
                await _bell.RingAsync(owned.Key!, leases, cancellationToken);
            }
            catch (LeaseStoreException e)
            {
                // it lists the table before long anyway
                ConsumerLog.RingFailed(_parts.Log, Me, owned.Key!, e);
            }
        }
    }

    /// <summary>What to look at until the next list.</summary>
    private void Look(IReadOnlyList<Lease> leases)
    {
        _others = [.. leases.Where(lease => lease.Owner is not null && lease.Owner != Me && !lease.IsFinished && !_observer.IsFree(lease))];
        // each watches those behind it in the order of names, so that every worker is watched by as many
        List<Lease> bells = [.. Doorbell.BellsOf(_others).OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => pair.Value)];
        int next = bells.FindIndex(bell => string.CompareOrdinal(bell.Owner, Me) > 0);
        _watched = _looks.WatchesBells ? [.. bells.Skip(Math.Max(0, next)).Concat(bells.Take(Math.Max(0, next))).Take(MostWatched)] : [];
        _lookedAt = _parts.Time.GetTimestamp();
        _untilExpiry = _looks.WatchesBells
            ? Timeout.InfiniteTimeSpan
            : _others.Select(lease => Settings.LeaseDuration - (_observer.StillFor(lease.LeaseKey) ?? TimeSpan.Zero)).Append(2 * Settings.LeaseDuration).Min();
    }

    private async Task GlanceAsync(CancellationToken cancellationToken)
    {
        bool isGlanceDue = _looks.UntilGlance == TimeSpan.Zero;
        // a little early, where that saves a request of its own before the next glance
        bool watches = UntilWatch == TimeSpan.Zero
            || (isGlanceDue && _watched.Count > 0 && _parts.Time.GetElapsedTime(_watchedAt) > (Settings.LeaseDuration / 4) - TableLooks.GlanceInterval);
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

        IReadOnlyList<Lease> rows = await _store.GetManyAsync(keys, ReadConsistency.Eventual, cancellationToken);
        _observer.Glance(rows);
        foreach (Lease row in rows)
        {
            if (row.LeaseKey == bell && _bell.IsRung(row))
            {
                _answersRing = true;
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
        Lease[] candidates = [.. _others.Where(lease => isIdle || _askedAt.ContainsKey(lease.LeaseKey))];
        _random.Shuffle(candidates);
        return [.. candidates.OrderBy(lease => !_askedAt.ContainsKey(lease.LeaseKey)).Take(MostAwaited)];
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
            TimeSpan next = (Settings.LeaseDuration / 4) - sinceWatch;
            foreach (Lease bell in _watched)
            {
                TimeSpan still = _observer.SilentFor(bell) ?? TimeSpan.Zero;
                foreach (TimeSpan mark in new[] { Suspect, Settings.LeaseDuration })
                {
                    // marks that were passed at the last watch already are no news
                    TimeSpan left = mark - still;
                    next = left + sinceWatch > TimeSpan.Zero && left < next ? left : next;
                }
            }

            return next > TimeSpan.Zero ? next : TimeSpan.Zero;
        }
    }

    private TimeSpan Suspect => LeaseObserver.Suspicious * Settings.LeaseDuration;

    /// <summary>
    /// A bell that stands still longer than a live worker lets it is a reason to list, so that the worker's other leases are seen to stand
    /// still too; and so is one that has expired.
    /// </summary>
    private bool IsToBeListed(Lease bell)
    {
        TimeSpan still = _observer.SilentFor(bell) ?? TimeSpan.Zero;
        TimeSpan sinceList = _looks.ListedAt is { } listedAt ? _parts.Time.GetElapsedTime(listedAt) : TimeSpan.MaxValue;
        return still >= Settings.LeaseDuration || (still >= Suspect && sinceList > 0.25 * Settings.LeaseDuration);
    }

    /// <summary>Every lease is written at least twice in its duration.</summary>
    private double UnitsToHold(int leases) => leases / (Settings.LeaseDuration / 2).TotalSeconds;

    /// <summary>A budget below what leases need costs leases.</summary>
    private void WarnOfSmallBudget(int leases)
    {
        double needed = UnitsToHold(leases);
        if ((Settings.LeaseTableWriteUnits ?? _foundUnits) is not double units || units >= needed || _warnedOfBudget)
        {
            return;
        }

        _warnedOfBudget = true;
        TimeSpan longer = TimeSpan.FromSeconds(2 * leases / units);
        if (Settings.LeaseTableWriteUnits is null)
        {
            ConsumerLog.TableTooSmall(_parts.Log, units, leases, Settings.LeaseDuration, needed, longer);
        }
        else
        {
            ConsumerLog.BudgetTooSmall(_parts.Log, units, leases, Settings.LeaseDuration, needed, longer);
        }
    }
}

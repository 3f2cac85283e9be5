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

    /// <summary>What a shard weighs by itself, in KB a second.</summary>
    private const double BaseWeight = 10;

    private const double WeightSlack = 0.1;

    private readonly WorkerParts _parts;
    private readonly ILeaseStore _store;
    private readonly ShardRuns _runs;
    private readonly ShardSync _sync;
    private readonly LeaseObserver _observer;
    private readonly Doorbell _bell;
    private readonly TableLooks _looks;
    private readonly Namesakes _namesakes;
    private readonly TableShare _share;
    private readonly UnreadableRows _unreadable;
    private readonly LeaseRequests _requests;
    private readonly Lookout _lookout;
    private readonly Random _random;
    private readonly ThrottleNotice _throttles;
    private readonly TakenRows _takenRows = new();
    private bool _hasTried;

    public LeaseCoordinator(WorkerParts parts, ILeaseStore store, ShardRuns runs, ShardSync sync, LeaseObserver observer, Doorbell bell, TableLooks looks, Namesakes namesakes, WriteBudget budget)
    {
        _parts = parts;
        _store = store;
        _runs = runs;
        _sync = sync;
        _observer = observer;
        _bell = bell;
        _looks = looks;
        _namesakes = namesakes;
        _random = parts.Random.Create();
        _throttles = new ThrottleNotice(parts);
        _share = new TableShare(parts, store, budget);
        _unreadable = new UnreadableRows(parts, store.Description);
        _requests = new LeaseRequests(parts, store, bell);
        _lookout = new Lookout(parts, store, runs, observer, bell, looks, _requests, _random);
        sync.ListingOver = () =>
        {
            looks.RequestList();
            runs.Wake.Set();
        };
    }

    /// <summary>True where this worker has taken leases or asked for some: when it stops, some may be on their way, or its own without its knowledge.</summary>
    public bool HasReached => _hasTried || _requests.HasAsked;

    private WorkerSettings Settings => _parts.Settings;

    private string Me => Settings.WorkerId;

    private string Place => $"{Settings.Stream.Name}/{Settings.ProcessorName}";

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
                if (_lookout.IsListDue)
                {
                    await ListAsync(cancellationToken);
                    backoff.Reset();
                    throttled.Reset();
                    _parts.Health.Clear(Place);
                }
                else
                {
                    await _lookout.GlanceAsync(cancellationToken);
                }

                wait = _lookout.UntilNext;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                wait = (e is LeaseStoreException { IsThrottled: true } ? throttled : backoff).Next();
                isFailed = true;
                _parts.Health.Report(Place, ConditionSeverity.Degraded, $"{Settings.ProcessorName} cannot coordinate its leases: {e.Message}");
                if (!_throttles.Tells(e, wait))
                {
                    ConsumerLog.CoordinationFailed(_parts.Log, $"Listing shards and leases of {Settings.Stream.Name}", wait, e);
                }
            }

            // a back-off is not cut short: each lease that is lost meanwhile would start another try, and so lengthen the next wait
            await (isFailed ? Task.Delay(wait, _parts.Time, cancellationToken) : _runs.Wake.WaitAsync(wait, _parts.Time, cancellationToken));
        }
    }

    private async Task ListAsync(CancellationToken cancellationToken)
    {
        try
        {
            await PassAsync(cancellationToken);
        }
        finally
        {
            // however it ends: what it created and did not take starts when it was created
            _sync.ForgetFirstStarts();
        }
    }

    private async Task PassAsync(CancellationToken cancellationToken)
    {
        await _share.LearnAsync(cancellationToken);
        bool isFirst = _looks.ListedAt is null;
        bool answersRing = _lookout.TakeRing();
        _looks.ListBegins();
        long begun = _parts.Time.GetTimestamp();
        IReadOnlyList<Lease> leases;
        try
        {
            leases = await _store.ListAsync(isFirst ? ReadConsistency.Strong : ReadConsistency.Eventual, cancellationToken);
            await RequireOwnStreamAsync(leases, cancellationToken);
            leases = await _sync.SyncAsync(leases, cancellationToken);
            // others may have created some meanwhile, and the stream may have been created again
            await RequireOwnStreamAsync(leases, cancellationToken);
        }
        catch
        {
            _looks.RequestList();
            throw;
        }

        _looks.Listed(leases.Count);
        _unreadable.Report(leases);
        // nobody writes a row that cannot be read; it only keeps its shard's descendants waiting
        IReadOnlyList<Lease> all = leases;
        leases = [.. leases.Where(static lease => lease.Problem is null)];
        _observer.Observe(leases, begun);
        _bell.Heard(leases);
        _namesakes.Listed(leases, _observer.IsFree);
        bool hasAnswered = HandOver(leases);
        try
        {
            hasAnswered |= await MoveAsync(all, cancellationToken);
        }
        catch
        {
            // what is left is to be done after the next list, which need not wait for its regular time
            _looks.RequestList();
            throw;
        }
        finally
        {
            _lookout.Listed(leases);
        }

        if (answersRing && !hasAnswered)
        {
            // the list may lag behind the ring: once more
            _looks.RequestList();
        }
    }

    private async Task RequireOwnStreamAsync(IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        if (StreamIdentity.FirstForeign(leases, Settings.Stream.Name, _sync.StreamCreatedAt) is not null)
        {
            // others may know better which stream it is
            await _sync.DescribeAsync(cancellationToken);
        }

        StreamIdentity.Require(leases, Settings.Stream.Name, _sync.StreamCreatedAt, _store.Description);
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
        _requests.Listed(runnable);
        var view = new LeaseView(Me, lease => _runs.Holds(lease.LeaseKey), lease => (lease.Owner == Me && (lease.IsPassedOn || _namesakes.IsMine(lease))) || _observer.IsFree(lease))
        {
            IsGiven = lease => lease.IsPassedOn && !_observer.HasMoved(lease),
            IsOverdue = _requests.IsOverdue,
        };
        if (Settings.LeaseBalancing == LeaseBalancing.Throughput)
        {
            // what yields nothing still costs its polls
            Func<Lease, double> throughput = LeasePlan.Throughputs(leases);
            view = view with { Weigh = lease => BaseWeight + throughput(lease), Slack = WeightSlack };
        }

        LeaseMoves moves = LeasePlan.Balance(runnable, view, _random);
        bool hasTaken = await TakeAllAsync(moves.Take, runnable.Count, cancellationToken);
        await _requests.WithdrawAsync(moves.Withdraw, cancellationToken);
        await _requests.AskAsync(
            [.. moves.Request.Take(_share.MovesAtOnce(runnable.Count))], [.. leases.Where(static lease => lease.Problem is null)], cancellationToken);
        return hasTaken;
    }

    private async Task<bool> TakeAllAsync(IReadOnlyList<Lease> leases, int runnable, CancellationToken cancellationToken)
    {
        bool hasTaken = false;
        _share.Set(_runs.HeldCount, runnable);
        _hasTried |= leases.Count > 0;
        foreach (Lease[] some in leases.Chunk(LeaseRequests.Parallelism))
        {
            (Lease Observed, LeaseWriteResult Result, long Started)[] takes = await Task.WhenAll(some.Select(lease => TakeAsync(lease, cancellationToken)));
            foreach ((Lease observed, LeaseWriteResult result, long started) in takes)
            {
                // an answer that came too late for the lease is of no use: others may have it, or it is taken again after the next list
                if (_takenRows.IsNew(observed, result) && result.Lease is { } mine && _parts.Time.GetElapsedTime(started) < LeaseRenewer.LastsFor(Settings.LeaseDuration))
                {
                    hasTaken = true;
                    _requests.Taken(mine);
                    _namesakes.Took(mine);
                    _runs.Start(mine, started, _sync.TakeFirstStart(mine));
                }
                else
                {
                    // somebody was faster, or it is not known what is left of the lease: it is to be seen
                    _looks.RequestList();
                }
            }

            // at once: what was taken needs its part of the table's units to be renewed, whatever becomes of the rest
            _share.Set(_runs.HeldCount, runnable);
            if (Array.Find(takes, static take => take.Result.Error is not null).Result.Error is { } error)
            {
                ExceptionDispatchInfo.Throw(error);
            }
        }

        return hasTaken;
    }

    /// <summary>Throws nothing: those that were taken beside it must run.</summary>
    private async Task<(Lease Observed, LeaseWriteResult Result, long Started)> TakeAsync(Lease lease, CancellationToken cancellationToken)
    {
        long started = _parts.Time.GetTimestamp();
        try
        {
            return (lease, await _store.TakeAsync(lease, Me, _parts.Session, cancellationToken), started);
        }
        catch (Exception e)
        {
            return (lease, new LeaseWriteResult(LeaseWriteOutcome.Failed, null, e), started);
        }
    }
}

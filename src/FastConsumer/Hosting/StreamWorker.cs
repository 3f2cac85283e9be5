using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Reading;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Hosting;

/// <summary>
/// One processor's worker: finds the stream's shards, takes its share of their leases, runs a <see cref="ShardConsumer"/> for each, and
/// releases all of them at the end. What fails on the way is said and tried again; it gives up nothing by itself.
/// </summary>
internal sealed class StreamWorker : IAsyncDisposable
{
    /// <summary>The token of a lease's first owner: leases are created with counter 0.</summary>
    private const long FirstToken = 1;

    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_maximumRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_afterFailure = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_firstReleaseRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_maximumReleaseRetry = TimeSpan.FromSeconds(1);

    private readonly WorkerParts _parts;
    private readonly ILeaseStore _store;
    private readonly StopPhases _phases;
    private readonly AsyncSignal _wake = new();
    private readonly ConcurrentDictionary<string, HeldLease> _held = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, HashKeyRange> _hashKeyRanges = new(StringComparer.Ordinal);
    private readonly HashSet<string> _createdHere = new(StringComparer.Ordinal);
    private readonly LeaseObserver _observer;
    private readonly WriteBudget _budget;
    private readonly LeaseWriter _writer;
    private readonly Random _random;
    private readonly ILogger _log;
    private volatile bool _syncRequested = true;
    private long _syncedAt;
    private DateTimeOffset _streamCreatedAt;
    private int _released;
    private bool _warnedOfBudget;
    private Task? _run;

    public StreamWorker(WorkerParts parts, ILeaseStore store)
    {
        _parts = parts;
        _store = store;
        _log = parts.Log;
        _random = parts.Random.Create();
        _phases = new StopPhases(parts.Time);
        _observer = new LeaseObserver(parts.Settings.LeaseDuration, parts.Time);
        _budget = new WriteBudget(parts.Settings.LeaseTableWriteUnits, parts.Time);
        // an answer that takes longer than this is of no use: the lease is to be renewed again before it expires
        _writer = new LeaseWriter(store, _budget, LeaseWriter.DefaultGatherTime, parts.Settings.LeaseDuration / 4, parts.Time);
    }

    private WorkerSettings Settings => _parts.Settings;

    private string Place => $"{Settings.Stream.Name}/{Settings.ProcessorName}";

    /// <summary>How often the lease table is read.</summary>
    private TimeSpan TakeInterval
    {
        get
        {
            TimeSpan interval = Settings.LeaseDuration / 5;
            return interval < TimeSpan.FromSeconds(5) ? interval : TimeSpan.FromSeconds(5);
        }
    }

    /// <summary>Starts the worker in the background.</summary>
    public void Start() => _run = ApartTask.StartOn(_parts.Scheduler, RunAsync);

    /// <summary>Stops gracefully within the stop timeout; <paramref name="hurry"/> is the host's own patience.</summary>
    public async Task StopAsync(CancellationToken hurry)
    {
        if (_run is null)
        {
            return;
        }

        _phases.Begin(Settings.StopTimeout);
        await using CancellationTokenRegistration drain = _phases.CancelHandlers.UnsafeRegister(
            static state =>
            {
                var worker = (StreamWorker)state!;
                if (!worker._running.IsEmpty)
                {
                    ConsumerLog.DrainTimedOut(worker._log, worker.Settings.ProcessorName, StopPhases.DrainTime(worker.Settings.StopTimeout));
                }
            },
            this);
        await _run.WaitAsync(hurry);
        ConsumerLog.Stopped(_log, Settings.ProcessorName, _released);
    }

    public async ValueTask DisposeAsync()
    {
        if (_run is { IsCompleted: false } run)
        {
            // without a stop, or with one that the host did not wait for: nothing of it may go on behind the host's back
            _phases.Abort();
            await run.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }

        await _store.DisposeAsync();
        _parts.Client.Dispose();
        _phases.Dispose();
    }

    private async Task RunAsync()
    {
        using var renewalEnd = new CancellationTokenSource();
        Task renewal = Task.CompletedTask;
        try
        {
            await PrepareAsync(_phases.Stop);
            var renewer = new LeaseRenewer(_held, Settings.LeaseDuration, _parts.Time, _log);
            renewal = renewer.RunAsync(renewalEnd.Token);
            await CoordinateAsync(_phases.Stop);
        }
        catch (Exception) when (_phases.Stop.IsCancellationRequested)
        {
            // the stop begins: whatever the call under way made of its cancelled token
        }
        finally
        {
            // leases are renewed until the last shard is done with its own
            await Task.WhenAll(_running.Values);
            await renewalEnd.CancelApartAsync();
            await renewal;
        }
    }

    /// <summary>Waits until stream and lease table are there and answer.</summary>
    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        var backoff = new Backoff(s_firstRetry, s_maximumRetry, _random);
        while (true)
        {
            try
            {
                StreamDescriptionSummary stream = await _parts.Client.DescribeStreamSummaryAsync(Settings.Stream, cancellationToken);
                if (stream.StreamStatus is "CREATING" or "DELETING")
                {
                    throw new KinesisException($"Stream {Settings.Stream} is {stream.StreamStatus}; it is read once it is ACTIVE.", KinesisErrorKind.ResourceInUse);
                }

                _streamCreatedAt = stream.StreamCreationTimestamp;
                await _store.PrepareAsync(cancellationToken);
                if (_parts.FanOut is { } fanOut)
                {
                    await fanOut.PrepareAsync(cancellationToken);
                }

                _parts.Health.Clear(Place);
                ConsumerLog.Started(_log, Settings.ProcessorName, Settings.Stream.ToString(), _parts.Client.EndpointDescription, Settings.WorkerId, Settings.ApplicationName, _store.Description);
                return;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                TimeSpan wait = backoff.Next();
                _parts.Health.Report(Place, ConditionSeverity.Unhealthy, $"{Settings.ProcessorName} cannot start on stream {Settings.Stream}: {e.Message}");
                ConsumerLog.StartFailed(_log, Settings.ProcessorName, Settings.Stream.ToString(), wait, e);
                await Task.Delay(wait, _parts.Time, cancellationToken);
            }
        }
    }

    private async Task CoordinateAsync(CancellationToken cancellationToken)
    {
        var backoff = new Backoff(s_firstRetry, s_maximumRetry, _random);
        while (true)
        {
            TimeSpan wait = TakeInterval * (0.9 + (_random.NextDouble() / 5));
            bool isFailed = false;
            try
            {
                IReadOnlyList<Lease> leases = await _store.ListAsync(cancellationToken);
                StreamIdentity.Require(leases, Settings.Stream.Name, _streamCreatedAt, _store.Description);
                if (await SyncShardsAsync(leases, cancellationToken))
                {
                    leases = await _store.ListAsync(cancellationToken);
                }

                await TakeAsync(leases, cancellationToken);
                backoff.Reset();
                _parts.Health.Clear(Place);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                wait = backoff.Next();
                isFailed = true;
                _parts.Health.Report(Place, ConditionSeverity.Degraded, $"{Settings.ProcessorName} cannot coordinate its leases: {e.Message}");
                ConsumerLog.CoordinationFailed(_log, $"Listing shards and leases of {Settings.Stream.Name}", wait, e);
            }

            // a back-off is not cut short: each lease that is lost meanwhile would start another try, and so lengthen the next wait
            await (isFailed ? Task.Delay(wait, _parts.Time, cancellationToken) : _wake.WaitAsync(wait, _parts.Time, cancellationToken));
        }
    }

    /// <summary>Creates the leases that the stream's shards ask for; true where it created some.</summary>
    private async Task<bool> SyncShardsAsync(IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        if (!_syncRequested && leases.Count > 0 && _parts.Time.GetElapsedTime(_syncedAt) < Settings.ShardSyncInterval)
        {
            return false;
        }

        _syncRequested = false;
        try
        {
            DateTimeOffset startedAt = Settings.StartPosition == StartPosition.AtTimestamp ? Settings.StartTimestamp!.Value : _parts.Time.GetUtcNow();
            List<Shard> shards = await ShardListing.ListAllAsync(_parts.Client, Settings.Stream, cancellationToken);
            List<ShardNode> nodes = [.. shards.Select(static shard => new ShardNode(shard.ShardId, shard.ParentIds(), shard.EndingSequenceNumber is not null, shard.HashKeyRange))];
            shards.ForEach(shard => _hashKeyRanges[shard.ShardId] = shard.HashKeyRange);
            IReadOnlyList<Lease> missing = LeasePlan.Missing(nodes, leases, Settings.Start, startedAt);
            foreach (Lease lease in missing)
            {
                if (await _store.CreateAsync(lease with { StreamCreatedAt = _streamCreatedAt }, cancellationToken))
                {
                    if (lease.StartedAt == startedAt)
                    {
                        _createdHere.Add(lease.LeaseKey);
                    }

                    ConsumerLog.LeaseCreated(_log, lease.LeaseKey, lease.Checkpoint);
                }
            }

            _syncedAt = _parts.Time.GetTimestamp();
            return missing.Count > 0;
        }
        catch
        {
            _syncRequested = true;
            throw;
        }
    }

    private async Task TakeAsync(IReadOnlyList<Lease> leases, CancellationToken cancellationToken)
    {
        _observer.Observe(leases);
        // A shard that is being wound up here is neither held nor free.
        IReadOnlyList<Lease> runnable = [.. LeasePlan.Runnable(leases).Where(lease => _held.ContainsKey(lease.LeaseKey) || !_running.ContainsKey(lease.LeaseKey))];
        IReadOnlyList<Lease> chosen = LeasePlan.ToTake(
            runnable,
            lease => _held.ContainsKey(lease.LeaseKey),
            lease => lease.Owner == Settings.WorkerId || _observer.IsFree(lease),
            _random);
        foreach (Lease lease in chosen)
        {
            long started = _parts.Time.GetTimestamp();
            LeaseWriteResult taken = await _store.TakeAsync(lease, Settings.WorkerId, cancellationToken);
            // an answer that came too late for the lease is of no use: others may have it, or it is taken again in the next round
            if (taken is { Outcome: LeaseWriteOutcome.Written, Lease: { } mine } && _parts.Time.GetElapsedTime(started) < LeaseRenewer.LastsFor(Settings.LeaseDuration))
            {
                Run(new HeldLease(_store, _writer, mine, started, _parts.Time));
            }
        }

        // taken later, or by another worker in between, LATEST is no longer now
        _createdHere.Clear();
        _budget.SetShare(_held.Count, runnable.Count, UnitsToHold(_held.Count));
        WarnOfSmallBudget(runnable.Count);
    }

    /// <summary>Every lease is written at least twice in its duration.</summary>
    private double UnitsToHold(int leases) => leases / (Settings.LeaseDuration / 2).TotalSeconds;

    /// <summary>A budget below what leases need costs leases.</summary>
    private void WarnOfSmallBudget(int leases)
    {
        double needed = UnitsToHold(leases);
        if (Settings.LeaseTableWriteUnits is double units && units < needed && !_warnedOfBudget)
        {
            _warnedOfBudget = true;
            ConsumerLog.BudgetTooSmall(_log, units, leases, Settings.LeaseDuration, needed, TimeSpan.FromSeconds(2 * leases / units));
        }
    }

    private void Run(HeldLease lease)
    {
        ConsumerLog.LeaseTaken(_log, lease.Owner, lease.Key, lease.Current.Checkpoint, lease.FencingToken);
        _held[lease.Key] = lease;
        // another worker may have taken it, and read, between its creation and this take: then LATEST is not now any more
        bool isFirstStart = _createdHere.Remove(lease.Key) && lease.FencingToken == FirstToken;
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[lease.Key] = RunShardAsync(lease, isFirstStart, registered.Task);
        registered.SetResult();
    }

    private async Task RunShardAsync(HeldLease lease, bool isFirstStart, Task registered)
    {
        await registered;
        var tags = new ShardTags(Settings.ApplicationName, Settings.Stream.Name, lease.Key);
        string place = $"{Settings.ApplicationName}/{Settings.Stream.Name}/{lease.Key}";
        _parts.Health.Clear(place);
        _parts.Metrics.LeaseTaken(tags);
        try
        {
            // the listing's word comes first: leases of KCL before 2.3 have no range, and a table may be older than its stream
            HashKeyRange? range = _hashKeyRanges.GetValueOrDefault(lease.Key) ?? lease.Current.HashKeyRange;
            var consumer = new ShardConsumer(_parts, lease, isFirstStart, range);
            ShardOutcome outcome = await consumer.RunAsync(_phases);
            if (outcome == ShardOutcome.Lost)
            {
                ConsumerLog.LeaseLost(_log, lease.Owner, lease.Key, lease.LossReason!);
                return;
            }

            if (outcome == ShardOutcome.Ended)
            {
                _syncRequested = true;
                await NameChildrenAsync(lease.Key, consumer.Children);
            }
        }
        catch (Exception e)
        {
            ConsumerLog.ShardFailed(_log, Settings.ProcessorName, lease.Key, e);
            _parts.Health.Report(place, ConditionSeverity.Unhealthy, $"{Settings.ProcessorName} cannot run shard {lease.Key}: {e.Message}");
            await Task.Delay(s_afterFailure, _parts.Time, _phases.Stop).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            // released only now, when nothing here touches the shard any more
            _held.TryRemove(lease.Key, out _);
            await ReleaseAsync(lease);
            _parts.Metrics.LeaseGone(tags);
            _running.TryRemove(lease.Key, out _);
            _wake.Set();
        }
    }

    /// <summary>For KCL's eyes only: FastConsumer itself finds children in the listing, so a failure here holds up nothing.</summary>
    private async Task NameChildrenAsync(string shardId, IReadOnlyList<ChildShard> children)
    {
        try
        {
            await _store.UpdateChildrenAsync(shardId, [.. children.Select(static child => child.ShardId)], _phases.EndRelease);
        }
        catch (Exception e)
        {
            ConsumerLog.ChildrenNotNamed(_log, shardId, e);
        }
    }

    private async Task ReleaseAsync(HeldLease lease)
    {
        if (lease.Lost.IsCancellationRequested)
        {
            return;
        }

        var backoff = new Backoff(s_firstReleaseRetry, s_maximumReleaseRetry, _parts.Random.Create());
        // outside of a stop a release that takes longer than the lease is of no use to anybody
        using var inTime = new CancellationTokenSource(Settings.LeaseDuration, _parts.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(inTime.Token, _phases.EndRelease);
        try
        {
            while (true)
            {
                LeaseWriteResult result = await TryReleaseAsync(lease, either.Token);
                if (result.Outcome == LeaseWriteOutcome.Written)
                {
                    Interlocked.Increment(ref _released);
                    ConsumerLog.LeaseReleased(_log, lease.Owner, lease.Key);
                    return;
                }

                TimeSpan wait = backoff.Next();
                ConsumerLog.ReleaseRetried(_log, lease.Owner, lease.Key, wait, result.Error);
                await Task.Delay(wait, _parts.Time, either.Token);
            }
        }
        catch (Exception) when (either.IsCancellationRequested)
        {
            ConsumerLog.ReleaseFailed(_log, lease.Owner, lease.Key);
        }
    }

    private static async Task<LeaseWriteResult> TryReleaseAsync(HeldLease lease, CancellationToken cancellationToken)
    {
        try
        {
            return await lease.ReleaseAsync(cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Failed, null, e);
        }
    }
}

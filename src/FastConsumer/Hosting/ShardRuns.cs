using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using FastConsumer.Leases;
using FastConsumer.Reading;
using FastConsumer.Timing;

namespace FastConsumer.Hosting;

/// <summary>The shards that this worker runs, each from the take of its lease to the release. Thread-safe.</summary>
internal sealed class ShardRuns
{
    private static readonly TimeSpan s_afterFailure = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_firstReleaseRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_maximumReleaseRetry = TimeSpan.FromSeconds(1);

    private readonly WorkerParts _parts;
    private readonly ILeaseStore _store;
    private readonly LeaseWriter _writer;
    private readonly ShardSync _sync;
    private readonly TableLooks _looks;
    private readonly Succession _succession;
    private readonly Namesakes _namesakes;
    private readonly StopPhases _phases;
    private readonly ConcurrentDictionary<string, ShardRun> _running = new(StringComparer.Ordinal);
    private int _released;

    public ShardRuns(WorkerParts parts, ILeaseStore store, LeaseWriter writer, ShardSync sync, TableLooks looks, Succession succession, Namesakes namesakes, StopPhases phases)
    {
        _parts = parts;
        _store = store;
        _writer = writer;
        _sync = sync;
        _looks = looks;
        _succession = succession;
        _namesakes = namesakes;
        _phases = phases;
    }

    /// <summary>Set when there is something new to coordinate.</summary>
    public AsyncSignal Wake { get; } = new();

    /// <summary>The leases that are held and to be renewed, and those that were lost until their shards are wound up.</summary>
    public ConcurrentDictionary<string, HeldLease> Leases { get; } = new(StringComparer.Ordinal);

    public IEnumerable<string> Held => Leases.Values.Where(static lease => !lease.Lost.IsCancellationRequested).Select(static lease => lease.Key);

    public int HeldCount => Held.Count();

    public bool IsEmpty => _running.IsEmpty;

    /// <summary>What the shards that run now yield.</summary>
    public IEnumerable<(string ShardId, ThroughputMeter Intake)> Intakes => _running.Select(static pair => (pair.Key, pair.Value.Intake));

    /// <summary>Leases released so far.</summary>
    public int Released => _released;

    /// <summary>Ends when every shard that runs now is over.</summary>
    public Task Completion => Task.WhenAll(_running.Values.Select(static run => run.Task));

    public bool Holds(string leaseKey) => Leases.TryGetValue(leaseKey, out HeldLease? lease) && !lease.Lost.IsCancellationRequested;

    /// <summary>True also while the shard of a lease that is held no more is wound up.</summary>
    public bool IsRunning(string leaseKey) => _running.ContainsKey(leaseKey);

    /// <summary>Runs the shard of a lease that was just taken.</summary>
    /// <param name="taken">The lease as taken.</param>
    /// <param name="takeStarted">The timestamp before the take.</param>
    /// <param name="isFirstStart">True where LATEST is now.</param>
    public void Start(Lease taken, long takeStarted, bool isFirstStart)
    {
        var lease = new HeldLease(_store, _writer, taken, takeStarted, _parts.Time);
        ConsumerLog.LeaseTaken(_parts.Log, lease.Owner, lease.Key, taken.Checkpoint, lease.FencingToken);
        Leases[lease.Key] = lease;
        var run = new ShardRun(lease, new StopPhases(_parts.Time, _phases), new ThroughputMeter(_parts.Time));
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[lease.Key] = run;
        run.Task = RunAsync(run, isFirstStart, registered.Task);
        registered.SetResult();
    }

    /// <summary>
    /// Stops one shard as the worker's stop does, and releases its lease to who asked for it. False where it is not held, or stops already.
    /// </summary>
    public bool HandOver(string leaseKey, string successor)
    {
        if (!Holds(leaseKey) || !_running.TryGetValue(leaseKey, out ShardRun? run) || run.Phases.Stop.IsCancellationRequested)
        {
            return false;
        }

        ConsumerLog.HandingOver(_parts.Log, run.Lease.Owner, leaseKey, successor);
        run.Successor = successor;
        run.Phases.Begin(_parts.Settings.LeaseDuration, 0.2 * _parts.Settings.LeaseDuration);
        return true;
    }

    private async Task RunAsync(ShardRun run, bool isFirstStart, Task registered)
    {
        await registered;
        HeldLease lease = run.Lease;
        var tags = new ShardTags(_parts.Settings.ApplicationName, _parts.Settings.Stream.Name, lease.Key);
        string place = $"{_parts.Settings.ApplicationName}/{_parts.Settings.Stream.Name}/{lease.Key}";
        _parts.Health.Clear(place);
        _parts.Metrics.LeaseTaken(tags);
        try
        {
            // the listing's word comes first: leases of KCL before 2.3 have no range, and a table may be older than its stream
            var consumer = new ShardConsumer(_parts, lease, isFirstStart, _sync.HashKeyRangeOf(lease.Key) ?? lease.Current.HashKeyRange, run.Intake);
            ShardOutcome outcome = await consumer.RunAsync(run.Phases);
            if (outcome == ShardOutcome.Lost)
            {
                ConsumerLog.LeaseLost(_parts.Log, lease.Owner, lease.Key, lease.LossReason!);
                return;
            }

            if (outcome == ShardOutcome.Ended)
            {
                _sync.Request();
                _looks.RequestList();
                await NameChildrenAsync(lease.Key, consumer.Children);
            }
        }
        catch (Exception e)
        {
            ConsumerLog.ShardFailed(_parts.Log, _parts.Settings.ProcessorName, lease.Key, e);
            _parts.Health.Report(place, ConditionSeverity.Unhealthy, $"{_parts.Settings.ProcessorName} cannot run shard {lease.Key}: {e.Message}");
            await Task.Delay(s_afterFailure, _parts.Time, run.Phases.Stop).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            _looks.RequestList();
        }
        finally
        {
            // released only now, when nothing here touches the shard any more
            Leases.TryRemove(lease.Key, out _);
            await ReleaseAsync(run);
            if (lease.Namesake is { } other)
            {
                _namesakes.Found(other);
            }

            run.Phases.Detach();
            _parts.Metrics.LeaseGone(tags);
            _running.TryRemove(lease.Key, out _);
            Wake.Set();
        }
    }

    /// <summary>For KCL's eyes only: FastConsumer itself finds children in the listing, so a failure here holds up nothing.</summary>
    private async Task NameChildrenAsync(string shardId, IReadOnlyList<Kinesis.ChildShard> children)
    {
        try
        {
            await _store.UpdateChildrenAsync(shardId, [.. children.Select(static child => child.ShardId)], _phases.EndRelease);
        }
        catch (Exception e)
        {
            ConsumerLog.ChildrenNotNamed(_parts.Log, shardId, e);
        }
    }

    private async Task ReleaseAsync(ShardRun run)
    {
        HeldLease lease = run.Lease;
        if (lease.Lost.IsCancellationRequested)
        {
            return;
        }

        var backoff = new Backoff(s_firstReleaseRetry, s_maximumReleaseRetry, _parts.Random.Create());
        // outside of a stop a release that takes longer than the lease is of no use to anybody
        using var inTime = new CancellationTokenSource(_parts.Settings.LeaseDuration, _parts.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(inTime.Token, _phases.EndRelease);
        try
        {
            // a finished lease is nobody's any more
            string? successor = lease.Current.IsFinished ? null
                : run.Successor ?? (_phases.Stop.IsCancellationRequested ? await _succession.NextAsync() : null);
            while (true)
            {
                LeaseWriteResult result = await TryReleaseAsync(lease, successor, either.Token);
                if (result.Outcome == LeaseWriteOutcome.Written)
                {
                    Interlocked.Increment(ref _released);
                    ConsumerLog.LeaseReleased(_parts.Log, lease.Owner, lease.Key, successor ?? "nobody");
                    if (_phases.Stop.IsCancellationRequested && successor is not null && result.Lease?.LeaseOwner == successor)
                    {
                        _succession.Released(result.Lease);
                    }

                    return;
                }

                TimeSpan wait = backoff.Next();
                // a throttle needs no stack
                ConsumerLog.ReleaseRetried(
                    _parts.Log, lease.Owner, lease.Key, result.Error?.Message ?? "the lease was not found as it was left", wait, result.Error is LeaseStoreException { IsThrottled: true } ? null : result.Error);
                await Task.Delay(wait, _parts.Time, either.Token);
            }
        }
        catch (Exception) when (either.IsCancellationRequested)
        {
            ConsumerLog.ReleaseFailed(_parts.Log, lease.Owner, lease.Key);
        }
    }

    private static async Task<LeaseWriteResult> TryReleaseAsync(HeldLease lease, string? successor, CancellationToken cancellationToken)
    {
        try
        {
            return await lease.ReleaseAsync(successor, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Failed, null, e);
        }
    }

    private sealed class ShardRun(HeldLease lease, StopPhases phases, ThroughputMeter intake)
    {
        public HeldLease Lease { get; } = lease;

        public StopPhases Phases { get; } = phases;

        public ThroughputMeter Intake { get; } = intake;

        /// <summary>Who asked for the lease.</summary>
        public volatile string? Successor;

        public Task Task { get; set; } = Task.CompletedTask;
    }
}

using System.Collections.Concurrent;
using FastConsumer.Diagnostics;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Reading;
using FastConsumer.Supervision;
using FastConsumer.Timing;

namespace FastConsumer.Hosting;

/// <summary>
/// The shards that this worker runs, each from the take of its lease to the release. TEMPORARY: drives <see cref="ShardSupervisor"/> from
/// <see cref="HeldLease"/> and <see cref="StopPhases"/>, with the checkpoints of the former checkpointer, until the lease loop does.
/// Thread-safe.
/// </summary>
internal sealed class ShardRuns : IDisposable
{
    private static readonly TimeSpan s_firstBackoff = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_maximumBackoff = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_firstWriteRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_maximumWriteRetry = TimeSpan.FromSeconds(5);
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
    private readonly ShardSupervisor _supervisor;
    private readonly ConcurrentDictionary<string, ShardRun> _running = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Barred> _barred = new(StringComparer.Ordinal);
    private int _released;

    public ShardRuns(
        WorkerParts parts,
        ILeaseStore store,
        LeaseWriter writer,
        ShardSync sync,
        TableLooks looks,
        Succession succession,
        Namesakes namesakes,
        StopPhases phases)
    {
        _parts = parts;
        _store = store;
        _writer = writer;
        _sync = sync;
        _looks = looks;
        _succession = succession;
        _namesakes = namesakes;
        _phases = phases;
        _supervisor = new ShardSupervisor(parts.ForShards() with { SinceTableThrottle = () => writer.SinceThrottle }, Post);
        _supervisor.StartLooking();
    }

    /// <summary>Set when there is something new to coordinate.</summary>
    public AsyncSignal Wake { get; } = new();

    /// <summary>The leases that are held and to be renewed, and those that were lost until their shards are wound up.</summary>
    public ConcurrentDictionary<string, HeldLease> Leases { get; } = new(StringComparer.Ordinal);

    public IEnumerable<string> Held => Leases.Values.Where(static lease => !lease.Lost.IsCancellationRequested).Select(static lease => lease.Key);

    public int HeldCount => Held.Count();

    public bool IsEmpty => _running.IsEmpty;

    /// <summary>What the shards that run now yield.</summary>
    public IEnumerable<(string ShardId, ShardIntake Intake)> Intakes => _supervisor.Intakes;

    /// <summary>Leases released so far.</summary>
    public int Released => _released;

    /// <summary>Ends when every shard that runs now is over.</summary>
    public Task Completion => Task.WhenAll(_running.Values.Select(static run => run.Task));

    public void Dispose() => _supervisor.Dispose();

    public bool Holds(string leaseKey) => Leases.TryGetValue(leaseKey, out HeldLease? lease) && !lease.Lost.IsCancellationRequested;

    /// <summary>True also while the shard of a lease that is held no more is wound up.</summary>
    public bool IsRunning(string leaseKey) => _running.ContainsKey(leaseKey);

    /// <summary>
    /// True where this worker leaves a shard that failed here to others: until its back-off is over, or nobody took it for three lease
    /// durations.
    /// </summary>
    public bool IsBarred(Lease lease)
    {
        if (!_barred.TryGetValue(lease.LeaseKey, out Barred? barred))
        {
            return false;
        }

        if (lease.Owner is not null)
        {
            // another has it: what this worker had to say of it is over
            _parts.Health.Clear(Place(lease.LeaseKey));
            return false;
        }

        TimeSpan since = _parts.Time.GetElapsedTime(barred.FailedAt);
        return since < barred.Wait && since < 3 * _parts.Settings.LeaseDuration;
    }

    /// <summary>Runs the shard of a lease that was just taken.</summary>
    /// <param name="taken">The lease as taken.</param>
    /// <param name="takeStarted">The timestamp before the take.</param>
    /// <param name="isFirstStart">True where LATEST is now.</param>
    /// <param name="from">From whom and why, for the log.</param>
    public void Start(Lease taken, long takeStarted, bool isFirstStart, string from)
    {
        var lease = new HeldLease(_store, _writer, taken, takeStarted, _parts.Time);
        Leases[lease.Key] = lease;
        var run = new ShardRun(lease, new StopPhases(_parts.Time, _phases));
        lease.Renewed = renewedAt => Execute(new LeaseCommand.Wrote(lease.Key, lease.FencingToken, lease.Current, null, At(renewedAt)));
        var registered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[lease.Key] = run;
        // the listing's word comes first: leases of KCL before 2.3 have no range, and a table may be older than its stream
        run.Task = RunAsync(
            run,
            new LeaseCommand.Start(
                lease.Key, lease.FencingToken, taken, At(takeStarted), isFirstStart, _sync.HashKeyRangeOf(lease.Key) ?? taken.HashKeyRange,
                    from),
            registered.Task);
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

    private string Place(string leaseKey) => $"{_parts.Settings.ApplicationName}/{_parts.Settings.Stream.Name}/{leaseKey}";

    private TimeSpan At(long timestamp) => _parts.Time.GetElapsedTime(0, timestamp);

    private void Execute(LeaseCommand command) => _supervisor.Execute(command);

    private void Post(LeaseEvent happened)
    {
        switch (happened)
        {
            case LeaseEvent.CheckpointWanted wanted when _running.TryGetValue(wanted.Key, out ShardRun? run):
                run.IsUrgent |= wanted.IsUrgent;
                run.Wanted.Set();
                break;
            case LeaseEvent.Drained drained when _running.TryGetValue(drained.Key, out ShardRun? run):
                run.Drained.TrySetResult(drained.End);
                break;
            case LeaseEvent.Ended ended when _running.TryGetValue(ended.Key, out ShardRun? run):
                run.Ended.TrySetResult();
                break;
        }
    }

    private async Task RunAsync(ShardRun run, LeaseCommand.Start start, Task registered)
    {
        await registered;
        HeldLease lease = run.Lease;
        (string key, long epoch) = (lease.Key, lease.FencingToken);
        Execute(start);
        long startedAt = _parts.Time.GetTimestamp();
        List<CancellationTokenRegistration> orders =
        [
            On(() => new LeaseCommand.Stop(key, epoch, "it is told to"), run.Phases.Stop),
            On(() => new LeaseCommand.CancelHandler(key, epoch), run.Phases.CancelHandlers),
            On(() => new LeaseCommand.GiveUp(key, epoch), run.Phases.GiveUp),
            On(() => new LeaseCommand.GiveUp(key, epoch), run.Phases.EndFlush),
            On(() => new LeaseCommand.GiveUp(key, epoch), run.Phases.EndRelease),
            On(() => new LeaseCommand.Lose(key, epoch, lease.LossReason!), lease.Lost),
        ];
        try
        {
            using var writingEnd = CancellationTokenSource.CreateLinkedTokenSource(run.Phases.EndFlush);
            Task writing = WriteAsync(run, writingEnd.Token);
            await Task.WhenAny(run.Drained.Task, run.Ended.Task);
            await writingEnd.CancelApartAsync();
            await writing;
            if (!lease.Lost.IsCancellationRequested)
            {
                LeaseEvent.RunEnd end = await run.Drained.Task;
                Bar(key, end, startedAt);
                bool isDurable = await FlushAsync(run, run.Phases.EndFlush);
                if (!lease.Lost.IsCancellationRequested)
                {
                    Execute(new LeaseCommand.Finish(key, epoch));
                }

                await run.Ended.Task;
                if (end is LeaseEvent.RunEnd.ShardEnd ended && isDurable && !lease.Lost.IsCancellationRequested)
                {
                    _sync.Request();
                    _looks.RequestList();
                    await NameChildrenAsync(key, ended.Children);
                }
            }

            await run.Ended.Task;
        }
        finally
        {
            // released only now, when nothing here touches the shard any more
            orders.ForEach(static order => order.Unregister());
            Leases.TryRemove(key, out _);
            await ReleaseAsync(run);
            if (lease.Namesake is { } other)
            {
                _namesakes.Found(other);
            }

            run.Phases.Detach();
            _running.TryRemove(key, out _);
            Wake.Set();
        }
    }

    private CancellationTokenRegistration On(Func<LeaseCommand> command, CancellationToken token) => token.UnsafeRegister(_ =>
        Execute(command()), null);

    /// <summary>After a failure the shard is left to others, for longer each time; one that had run for long begins anew.</summary>
    private void Bar(string key, LeaseEvent.RunEnd end, long startedAt)
    {
        if (end is not LeaseEvent.RunEnd.Failed)
        {
            _barred.TryRemove(key, out _);
            return;
        }

        bool hadRunLong = _parts.Time.GetElapsedTime(startedAt) >= s_maximumBackoff;
        Backoff backoff = !hadRunLong && _barred.TryGetValue(key, out Barred? before)
            ? before.Backoff
            : new Backoff(s_firstBackoff, s_maximumBackoff, _parts.Random.Create());
        _barred[key] = new Barred(backoff, backoff.Next(), _parts.Time.GetTimestamp());
    }

    /// <summary>Writes the checkpoints that are wanted until cancelled or the lease is lost. The newest position wins.</summary>
    private async Task WriteAsync(ShardRun run, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(s_firstWriteRetry, s_maximumWriteRetry, _parts.Random.Create());
        TimeSpan wait = Timeout.InfiniteTimeSpan;
        try
        {
            while (true)
            {
                await run.Wanted.WaitAsync(wait, _parts.Time, cancellationToken);
                LeaseWriteResult result = await WriteOnceAsync(run, run.IsUrgent, cancellationToken);
                if (result.Outcome == LeaseWriteOutcome.Refused)
                {
                    return;
                }

                if (result.Outcome == LeaseWriteOutcome.Written)
                {
                    backoff.Reset();
                    wait = Timeout.InfiniteTimeSpan;
                    continue;
                }

                wait = backoff.Next();
                if (result.Error is not LeaseStoreException { IsThrottled: true })
                {
                    // of throttles the renewer tells, for all shards together
                    ConsumerLog.CheckpointFailed(_parts.Log, run.Lease.Key, PositionOf(run), wait, result.Error);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // the last checkpoint is the flush's
        }
    }

    /// <summary>Writes until everything done is durable; false where the time is over first or the lease is lost.</summary>
    private async Task<bool> FlushAsync(ShardRun run, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(s_firstWriteRetry, s_maximumWriteRetry, _parts.Random.Create());
        while (true)
        {
            try
            {
                LeaseWriteResult result = await WriteOnceAsync(run, isUrgent: true, cancellationToken);
                if (result.Outcome != LeaseWriteOutcome.Failed)
                {
                    return result.Outcome == LeaseWriteOutcome.Written;
                }

                await Task.Delay(backoff.Next(), _parts.Time, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                ConsumerLog.FlushFailed(_parts.Log, run.Lease.Key, PositionOf(run), run.Durable);
                return false;
            }
        }
    }

    private CheckpointPosition PositionOf(ShardRun run) => _supervisor.ProgressOf(run.Lease.Key,
        run.Lease.FencingToken)?.Position ?? run.Durable;

    private async Task<LeaseWriteResult> WriteOnceAsync(ShardRun run, bool isUrgent, CancellationToken cancellationToken)
    {
        (string key, long epoch) = (run.Lease.Key, run.Lease.FencingToken);
        if (_supervisor.ProgressOf(key, epoch) is not { } now
            || (now.Position <= run.Durable && (now.Throughput is null || run.Durable.Kind == CheckpointKind.ShardEnd)))
        {
            return new LeaseWriteResult(LeaseWriteOutcome.Written, run.Lease.Current);
        }

        long sent = 0;
        LeaseWriteResult result = await run.Lease.WriteAsync(
            () =>
            {
                now = _supervisor.ProgressOf(key, epoch) ?? now;
                sent = _parts.Time.GetTimestamp();
                return new LeaseNews(now.Position, now.Throughput);
            },
            isUrgent,
            cancellationToken);
        if (result.Outcome == LeaseWriteOutcome.Written)
        {
            run.Durable = now.Position > run.Durable ? now.Position : run.Durable;
            run.IsUrgent = false;
            Execute(new LeaseCommand.Wrote(key, epoch, run.Lease.Current, now.Position, At(sent)));
        }

        return result;
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
                    _parts.Log,
                    lease.Owner,
                    lease.Key,
                    result.Error?.Message ?? "the lease was not found as it was left",
                    wait,
                    result.Error is LeaseStoreException { IsThrottled: true } ? null : result.Error);
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

    private sealed record Barred(Backoff Backoff, TimeSpan Wait, long FailedAt);

    private sealed class ShardRun(HeldLease lease, StopPhases phases)
    {
        public HeldLease Lease { get; } = lease;

        public StopPhases Phases { get; } = phases;

        public AsyncSignal Wanted { get; } = new();

        public TaskCompletionSource<LeaseEvent.RunEnd> Drained { get; } = new(Options);

        public TaskCompletionSource Ended { get; } = new(Options);

        public CheckpointPosition Durable { get; set; } = lease.Current.Checkpoint;

        /// <summary>Who asked for the lease.</summary>
        public volatile string? Successor;

        /// <summary>Somebody waits for the next checkpoint.</summary>
        public volatile bool IsUrgent;

        public Task Task { get; set; } = Task.CompletedTask;

        private static TaskCreationOptions Options => ApartTask.Completion().Task.CreationOptions;
    }
}

using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Operators;
using FastConsumer.Supervision;
using FastConsumer.Timing;

namespace FastConsumer.Monitoring;

/// <summary>
/// Watches one worker: tells metrics how it stands, samples its shards each ten seconds, and judges by the samples what is wrong. It
/// changes nothing of what it watches.
/// </summary>
internal sealed class WorkerMonitor : IObservedWorker
{
    /// <summary>The stream's retention may be changed at any time; a description costs one of 20 calls a second of the account.</summary>
    private static readonly TimeSpan s_retentionInterval = TimeSpan.FromMinutes(10);

    /// <summary>Ten minutes.</summary>
    private const int LossSamples = 61;

    private static readonly TimeSpan s_clockTolerance = TimeSpan.FromSeconds(5);

    /// <summary>The gauges of one collection are told from one snapshot.</summary>
    private static readonly TimeSpan s_snapshotLasts = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Dictionary<ShardTelemetry, ShardWatch> _watches = [];
    private readonly ShardParts _parts;
    private readonly ShardSupervisor _supervisor;
    private readonly ILeaseStore _store;
    private readonly string _workerId;
    private readonly Func<LeaseTableState?> _leases;
    private readonly SampledRules _rules;
    private readonly HotShardWatch _hotShards;
    private readonly string _scope;
    private TimeSpan? _retention;
    private readonly Queue<long> _lost = new([0]);
    private LeaseTableCounts? _tableBefore;
    private WorkerSnapshot? _snapshot;
    private long _snapshotAt;

    /// <param name="parts">What the shards share.</param>
    /// <param name="supervisor">Runs the shards.</param>
    /// <param name="store">The lease table.</param>
    /// <param name="workerId">The worker's name in it.</param>
    /// <param name="leases">What the worker knows of the table; null before it has begun to share leases.</param>
    /// <param name="limits">When a lag is a finding.</param>
    public WorkerMonitor(
        ShardParts parts,
        ShardSupervisor supervisor,
        ILeaseStore store,
        string workerId,
        Func<LeaseTableState?> leases,
        LagLimits limits)
    {
        _parts = parts;
        _supervisor = supervisor;
        _store = store;
        _workerId = workerId;
        _leases = leases;
        _rules = new SampledRules(
            parts.Findings,
            limits,
            () => supervisor.Parts.Limit,
            () => supervisor.Parts.CheckpointInterval,
            parts.LeaseDuration);
        _hotShards = new HotShardWatch(parts.Findings, parts.Time, parts.Log);
        _scope = parts.Scope;
    }

    /// <inheritdoc/>
    public bool NamesShards => _parts.NamesShards;

    /// <inheritdoc/>
    public WorkerSnapshot Observe()
    {
        lock (_lock)
        {
            if (_snapshot is null || _parts.Time.GetElapsedTime(_snapshotAt) >= s_snapshotLasts)
            {
                _snapshot = Snapshot();
                _snapshotAt = _parts.Time.GetTimestamp();
            }

            return _snapshot;
        }
    }

    /// <summary>The stream has described itself.</summary>
    public void Described(StreamDescriptionSummary stream)
    {
        lock (_lock)
        {
            _retention = TimeSpan.FromHours(stream.RetentionPeriodHours);
        }
    }

    /// <summary>Watches from the start of the worker on, until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _parts.Metrics.Add(this);
        try
        {
            // an interval of its own for each worker, so that those that started together do not ask together
            ulong hash = Fnv1a.Mix(_workerId.Aggregate(Fnv1a.Start, static (hash, letter) => Fnv1a.Add(hash, letter)));
            TimeSpan describeEach = s_retentionInterval * (0.8 + (0.4 * hash / ulong.MaxValue));
            long describedAt = _parts.Time.GetTimestamp();
            Task describing = Task.CompletedTask;
            long hotAt = describedAt;
            while (true)
            {
                await Task.Delay(LagHistory.Interval, _parts.Time, cancellationToken);
                if (_retention is not null && describing.IsCompleted && _parts.Time.GetElapsedTime(describedAt) >= describeEach)
                {
                    // samples do not wait for it: they are to be ten seconds apart
                    describedAt = _parts.Time.GetTimestamp();
                    describing = DescribeAsync(cancellationToken);
                }

                try
                {
                    if (_parts.Time.GetElapsedTime(hotAt) >= HotShardWatch.Interval)
                    {
                        hotAt = _parts.Time.GetTimestamp();
                        _hotShards.Look(_supervisor.Intakes);
                    }

                    Sample();
                    _parts.Findings.Look(_parts.Log);
                }
                catch (Exception e)
                {
                    // the next look may succeed, and nobody else looks
                    ConsumerLog.LookFailed(_parts.Log, _parts.ProcessorName, e);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // the worker has stopped
        }
        finally
        {
            _parts.Metrics.Remove(this);
            Forget(static _ => true);
            _parts.Findings.ClearScope(
                _scope, FindingRules.ClockOff, FindingRules.TableThrottled, FindingRules.FellBackToPolling, FindingRules.LeasesLost);
        }
    }

    /// <summary>Takes a sample of each shard, and judges by it.</summary>
    internal void Sample()
    {
        IReadOnlyList<(ShardTelemetry Shard, ShardSnapshot Now)> shards = _supervisor.Shards;
        HashSet<ShardTelemetry> there = [.. shards.Select(static shard => shard.Shard)];
        Forget(watch => !there.Contains(watch.Shard));
        foreach ((ShardTelemetry shard, ShardSnapshot now) in shards)
        {
            ShardWatch watch;
            lock (_lock)
            {
                if (!_watches.TryGetValue(shard, out watch!))
                {
                    _watches[shard] = watch = new ShardWatch(shard);
                }
            }

            watch.Sample(now);
            _rules.Judge(watch, _retention);
        }

        JudgeWorker();
        Report();
    }

    /// <summary>Shards say in their rows how they stand, for those who see no more of them than the table.</summary>
    private void Report()
    {
        IReadOnlyList<Finding> findings = _parts.Findings.Current;
        foreach (ShardWatch watch in _watches.Values)
        {
            if (watch.Now is { } now)
            {
                ShardCounts minute = watch.LastMinute;
                double seconds = watch.LastMinuteLasts.TotalSeconds;
                watch.Shard.Report = new ShardReport
                {
                    At = now.Taken,
                    Lag = now.Lag,
                    LossIn = _retention is { } retention ? SampledRules.LossIn(watch.Lag, retention) : null,
                    RecordsPerSecond = minute.Done / seconds,
                    BytesPerSecond = minute.Bytes / seconds,
                    Handling = watch.PartOfMinute(ShardState.Handling, ShardState.Retrying),
                    State = now.State,
                    Findings = [.. findings.Where(finding => IsOf(finding.Scope, watch.Shard.Scope)).Select(static finding => finding.Id)
                        .Distinct(StringComparer.Ordinal)],
                }.Write();
            }
        }

        static bool IsOf(string scope, string shard) =>
            scope.StartsWith(shard, StringComparison.Ordinal) && (scope.Length == shard.Length || scope[shard.Length] == '/');
    }

    private void JudgeWorker()
    {
        TimeSpan offset = _parts.ClockOffset;
        Set(offset.Duration() >= s_clockTolerance, FindingRules.ClockOff,
            () => $"The service's clock is {offset.TotalSeconds:F0} s {(offset > TimeSpan.Zero ? "ahead of" : "behind")} this machine's.",
            new FindingFigure("offset", offset.TotalSeconds, "s"));
        Set(_parts.FanOut is { HasFallenBack: true }, FindingRules.FellBackToPolling,
            () => $"{_parts.ProcessorName} polls {_parts.Stream.Name}, since enhanced fan-out was refused (FastConsumer:FanOutFallback).");
        LeaseTableCounts? table = Table();
        long throttled = table is not null && _tableBefore is not null ? table.Throttled - _tableBefore.Throttled : 0;
        _tableBefore = table;
        if (_lost.Count == LossSamples)
        {
            _lost.Dequeue();
        }

        _lost.Enqueue(_supervisor.LeasesLost);
        long lost = _lost.Last() - _lost.Peek();
        Set(lost > 0, FindingRules.LeasesLost,
            () => $"{_workerId} has lost {lost} leases within ten minutes.", new FindingFigure("lost", lost, "{lease}"));
        Set(throttled > 0, FindingRules.TableThrottled,
            () => $"The {_store.Description} throttled {throttled} requests of this worker within ten seconds.",
            new FindingFigure("throttled", throttled, "{request}"));
    }

    private void Set(bool holds, FindingRule rule, Func<string> message, params FindingFigure[] figures) =>
        _parts.Findings.Set(holds, rule, _scope, message, figures);

    private void Forget(Func<ShardWatch, bool> isGone)
    {
        List<ShardWatch> gone;
        lock (_lock)
        {
            gone = [.. _watches.Values.Where(isGone)];
            gone.ForEach(watch => _watches.Remove(watch.Shard));
        }

        gone.ForEach(_rules.Forget);
    }

    private async Task DescribeAsync(CancellationToken cancellationToken)
    {
        try
        {
            Described(await ApartTask.OnPool(() => _parts.Client.DescribeStreamSummaryAsync(_parts.Stream, cancellationToken)));
        }
        catch (KinesisException)
        {
            // the retention that was known stays; what forbids the call is told by those that cannot do without it
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // the worker has stopped
        }
        catch (Exception e)
        {
            ConsumerLog.LookFailed(_parts.Log, _parts.ProcessorName, e);
        }
    }

    /// <summary>Under the lock.</summary>
    private WorkerSnapshot Snapshot()
    {
        List<TimeSpan> losses = [];
        foreach (ShardWatch watch in _watches.Values)
        {
            if (_retention is { } retention && SampledRules.LossIn(watch.Lag, retention) is { } lossIn)
            {
                losses.Add(lossIn);
            }
        }

        return new WorkerSnapshot
        {
            ApplicationName = _parts.ApplicationName,
            StreamName = _parts.Stream.Name,
            ProcessorName = _parts.ProcessorName,
            WorkerId = _workerId,
            Shards = [.. _supervisor.Shards.Select(static shard => shard.Now)],
            Retention = _retention,
            LossIn = losses.Count == 0 ? null : losses.Min(),
            UnreadShards = _leases()?.Unread ?? 0,
            LongestSinceRenewal = _supervisor.LongestSinceRenewal,
            BufferUsed = _parts.Budget.Used,
            BufferLimit = _parts.Budget.Capacity,
            TimeByState = _supervisor.TimeByState(),
            LeaseTable = Table(),
        };
    }

    private LeaseTableCounts? Table() => _store is IMeteredLeaseStore { Use: var use }
        ? new LeaseTableCounts(use.Requests, use.WriteUnits, use.ReadUnits, use.Throttled)
        : null;
}

using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Leases.Loop;
using FastConsumer.Monitoring;
using FastConsumer.Reading;
using FastConsumer.Supervision;
using FastConsumer.Timing;

namespace FastConsumer.Hosting;

/// <summary>
/// One processor's worker, from start to stop. It only puts the parts together: <see cref="LeaseLoop"/> decides about leases,
/// <see cref="LeaseTableClient"/> reads and writes their table, <see cref="ShardSupervisor"/> runs the shards.
/// </summary>
internal sealed class StreamWorker : IAsyncDisposable
{
    /// <summary>A store that blocks its caller keeps up no other call.</summary>
    private const int TableThreads = 16;

    /// <summary>A loop that makes no turn for so long stands still, however short a lease lasts.</summary>
    private static readonly TimeSpan s_longestTurn = TimeSpan.FromSeconds(30);

    /// <summary>Runs that were lost or given up before the last lease was released end within a moment of that.</summary>
    private static readonly TimeSpan s_runsEndIn = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_firstRestart = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestRestart = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly WorkerParts _parts;
    private readonly ILeaseStore _store;
    private readonly HandlerScheduler? _tableThreads;
    private readonly ShardSupervisor _supervisor;
    private readonly LeaseTableClient _client;
    private readonly LeaseReport _report;
    private readonly WorkerMonitor _monitor;
    private readonly SegmentSweeper? _sweeper;
    private readonly Lazy<OperatorTable> _operator;
    private volatile WorkerSettings _settings;
    private volatile StreamDescriptionSummary? _description;
    private LeaseLoop? _loop;
    private LeaseEvent.StopWanted? _stopWanted;
    private TaskCompletionSource _handedOver = ApartTask.Completion();
    private TaskCompletionSource? _drain;
    private bool _isAbandoned;
    private bool _isDrainTold;
    private Task? _run;

    public StreamWorker(WorkerParts parts, ILeaseStore store)
    {
        _parts = parts = parts.Guarded();
        _settings = parts.Settings;
        _store = store;
        bool hasThreads = parts.Scheduler == TaskScheduler.Default;
        _operator = new Lazy<OperatorTable>(() => new OperatorTable(store, Settings.ProcessorName, parts.Time, parts.Random.Create()));
        _tableThreads = hasThreads ? new HandlerScheduler("FastConsumer lease table", TableThreads) : null;
        TaskScheduler tableScheduler = _tableThreads ?? parts.Scheduler;
        ShardParts shards = ShardPartsOf(parts);
        _supervisor = new ShardSupervisor(shards, Post);
        _monitor = new WorkerMonitor(
            shards,
            _supervisor,
            store,
            Settings.WorkerId,
            () => Volatile.Read(ref _loop)?.State,
            new LagLimits(Settings.Lag.DegradedAt, Settings.Lag.UnhealthyAt, Settings.Lag.UnhealthyBeforeLoss));
        _sweeper = parts.Checkpoints is null ? null : new SegmentSweeper(parts, store, () => Leases, () => _supervisor.Parts);
        _report = new LeaseReport(
            LeaseSettings,
            Settings.ApplicationName,
            Settings.ProcessorName,
            store.Description,
            StartText,
            parts.Findings,
            parts.Log,
            parts.Time,
            _supervisor.Control,
            shards.CreateTelemetry("").LeaseHandedOver);
        _client = new LeaseTableClient(store, parts.Client, Settings.Stream, Settings.LeaseDuration, parts.Time, tableScheduler)
        {
            Post = Post,
            ProgressOf = _supervisor.ProgressOf,
            Failed = _report.Failed,
        };
    }

    /// <summary>The processor's name.</summary>
    public string ProcessorName => Settings.ProcessorName;

    /// <summary>How long ago the lease loop began its last turn; null before the first, and once it has ended.</summary>
    public TimeSpan? SinceTurn => Volatile.Read(ref _loop) is { Completion.IsCompleted: false } loop ? loop.SinceTurn : null;

    /// <summary>False where the lease loop stands still, so that leases are not renewed and only a restart helps.</summary>
    public bool IsAlive
    {
        get
        {
            TimeSpan longest = Settings.LeaseDuration > s_longestTurn ? Settings.LeaseDuration : s_longestTurn;
            return SinceTurn is not { } since || since < longest;
        }
    }

    /// <summary>True once the lease table was listed, until the stop or a drain begins.</summary>
    public bool IsReady => _stopWanted is null && _drain is null && Volatile.Read(ref _loop)?.State.Table.ListedAt is not null;

    /// <summary>True from the begin of a drain to its end.</summary>
    public bool IsDraining => _drain is not null;

    /// <summary>The lease table as messages name it.</summary>
    public string LeaseTable => _store.Description;

    /// <summary>
    /// What the worker knows of the lease table, with the rows as they were read or written last; null before it shares leases.
    /// </summary>
    public LeaseTableState? Leases => Volatile.Read(ref _loop)?.State;

    /// <summary>How long ago the table was listed; null before the first list.</summary>
    public TimeSpan? SinceListed => Leases?.Table.ListedAt is { } at ? Now - at : null;

    /// <summary>The shards that run here, and how they stand now.</summary>
    public IReadOnlyList<(ShardTelemetry Shard, ShardSnapshot Now)> Shards => _supervisor.Shards;

    /// <summary>
    /// The shard that a hash key belongs to now, as far as the worker knows, and who holds it. Of a shard that this worker holds, its state
    /// too, unless that is not there yet. Never waits.
    /// </summary>
    public HeldState FindState(UInt128 hashKey)
    {
        if (Leases is not { } table)
        {
            return default;
        }

        // those that have the hash key are one another's descendants, and shard ids count up: a child comes behind its parents. So it is
        // the first that is not finished, or the child of the last one, which has no row yet
        LeaseTableState.Entry? shard = null;
        foreach (LeaseTableState.Entry entry in table.Leases.Values)
        {
            if (entry.Row is { Problem: null, HashKeyRange: { } range } row && range.Contains(hashKey))
            {
                shard = entry;
                if (!row.IsFinished)
                {
                    break;
                }
            }
        }

        return shard is null ? default
            : shard.Row.IsFinished ? new HeldState(shard.Key, null, false, null)
            : shard.IsHeld ? new HeldState(shard.Key, Settings.WorkerId, true, _supervisor.ReadableStateOf(shard.Key))
            : shard.Hold is LeaseTableState.Hold.Taking ? new HeldState(shard.Key, Settings.WorkerId, true, null)
            : new HeldState(shard.Key, OwnerOf(shard), false, null);
    }

    /// <summary>How it stands now.</summary>
    public WorkerSnapshot Snapshot() => _monitor.Observe();

    /// <summary>What operators do by way of the lease table.</summary>
    public OperatorTable Operator => _operator.Value;

    /// <summary>The settings of now.</summary>
    public WorkerSettings Settings => _settings;

    private TimeSpan Now => _parts.Time.GetElapsedTime(0);

    private LeaseTableState.Settings LeaseSettings => new()
    {
        WorkerId = Settings.WorkerId,
        Session = _parts.Session,
        StreamName = Settings.Stream.Name,
        LeaseDuration = Settings.LeaseDuration,
        CheckpointInterval = Settings.CheckpointInterval,
        ShardSyncInterval = Settings.ShardSyncInterval,
        Start = Settings.Start,
        StartTimestamp = Settings.StartTimestamp,
        MaxLeases = Settings.MaxLeases,
        // keys of a state are divided by them
        AwaitsHashKeys = (Settings.Deaggregate && Settings.ForeignRecords != ForeignRecords.Deliver) || _parts.Processor.StateVersion > 0,
        StateVersion = _parts.Processor.StateVersion,
        BalanceByThroughput = Settings.LeaseBalancing == LeaseBalancing.Throughput,
        TableWriteUnits = Settings.LeaseTableWriteUnits,
        IsLedBySink = _parts.Positions is not null,
    };

    private string StartText => Settings.StartPosition == StartPosition.AtTimestamp
        ? $"AtTimestamp {Settings.StartTimestamp:O}"
        : Settings.StartPosition.ToString();

    /// <summary>Starts the worker in the background.</summary>
    public void Start() => _run = ApartTask.StartOn(_parts.Scheduler, RunAsync);

    /// <summary>Stops gracefully within the stop timeout; <paramref name="hurry"/> is the host's own patience.</summary>
    public async Task StopAsync(CancellationToken hurry)
    {
        if (_run is null)
        {
            return;
        }

        BeginStop(Settings.StopTimeout, FastConsumerOptions.ReleaseTime);
        await _run.WaitAsync(hurry);
    }

    /// <summary>
    /// Hands all leases over as a stop does, and takes none until <see cref="EndDrain"/>. Ends when all are released.
    /// </summary>
    public Task DrainAsync()
    {
        lock (_lock)
        {
            if (_drain is null)
            {
                _drain = ApartTask.Completion();
                _handedOver = ApartTask.Completion();
                _loop?.Post(StopNow(Settings.StopTimeout, FastConsumerOptions.ReleaseTime));
            }

            return _handedOver.Task;
        }
    }

    /// <summary>Leases are taken again.</summary>
    public void EndDrain()
    {
        lock (_lock)
        {
            _drain?.TrySetResult();
            _drain = null;
        }
    }

    /// <summary>
    /// Takes over settings that differ from <see cref="Settings"/> only in what may change at run time. The lease loop, and runs that begin
    /// from now on, go by them at once; those that run go on as they are until <see cref="RestartRunsAsync"/>.
    /// </summary>
    public void Change(WorkerSettings settings)
    {
        lock (_lock)
        {
            _settings = settings;
            _supervisor.Change(ShardPartsOf(_parts with { Settings = settings }));
            // a loop that begins later begins with them
            _loop?.Post(new LeaseEvent.SettingsChanged(
                settings.CheckpointInterval, settings.ShardSyncInterval, settings.LeaseTableWriteUnits));
        }
    }

    /// <summary>True where runs have settings of before.</summary>
    public bool HasOutdatedRuns => _supervisor.HasOutdatedRuns;

    /// <summary>
    /// Begins runs anew that have settings of before, one after the other. Does nothing where there are none. One caller at a time.
    /// </summary>
    /// <param name="isSuperseded">True where settings have changed again.</param>
    /// <param name="cancellationToken">Ends it; so does a stop.</param>
    /// <exception cref="OperationCanceledException">It was cancelled, or the worker stops.</exception>
    public async Task RestartRunsAsync(Func<bool> isSuperseded, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        await _supervisor.RestartAsync(IsHeld, isSuperseded, either.Token);
    }

    /// <summary>For tests: ends as a crash does. Nothing further is written, and the leases stay in their table as they are.</summary>
    public void Abandon()
    {
        lock (_lock)
        {
            _isAbandoned = true;
            _loop?.Abandon();
        }

        _stop.Cancel();
        _client.End();
        _supervisor.LoseAll("its worker was abandoned, as by a crash");
    }

    public async ValueTask DisposeAsync()
    {
        if (_run is { IsCompleted: false } run)
        {
            // without a stop, or with one that the host did not wait for: nothing of it may go on behind the host's back
            BeginStop(FastConsumerOptions.ReleaseTime, FastConsumerOptions.ReleaseTime / 2);
            _supervisor.CancelAll();
            await run.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }

        _client.End();
        _supervisor.Dispose();
        await _store.DisposeAsync();
        _parts.Client.Dispose();
        _tableThreads?.Dispose();
    }

    private async Task RunAsync()
    {
        using IDisposable? scope = ((GuardedLogger)_parts.Log).OpenScope();
        using var monitorEnd = new CancellationTokenSource();
        // it calls loggers and meter listeners, which may block
        Task monitoring = ApartTask.StartOn(_supervisor.Control, () => _monitor.RunAsync(monitorEnd.Token));
        if (await PrepareAsync() is { } stream)
        {
            _description = stream;
            _monitor.Described(stream);
            _supervisor.StartLooking();
            Task sweeping = _sweeper is null
                ? Task.CompletedTask
                : ApartTask.StartOn(_supervisor.Control, () => _sweeper.RunAsync(_stop.Token));
            await ShareLeasesAsync(stream);
            if (!sweeping.IsCompleted)
            {
                // a store that ignores the end of its call does not hold up the stop
                await ApartTask.WaitAsync(sweeping, s_runsEndIn, _parts.Time, CancellationToken.None);
            }
        }
        else
        {
            _report.Write(new LeaseCommand.Tell.Stopped(0));
        }

        _handedOver.TrySetResult();
        await monitorEnd.CancelApartAsync();
        await monitoring;
        await _report.FlushAsync();
    }

    /// <summary>What must be there before leases are shared; null where the worker stops before it is.</summary>
    private async Task<StreamDescriptionSummary?> PrepareAsync()
    {
        try
        {
            return await new StartPreparation(_parts, _store).RunAsync(_stop.Token);
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // it has nothing to release: whatever the call under way made of its cancelled token
            return null;
        }
    }

    /// <summary>
    /// Runs the lease loop to the end of the stop. One whose state cannot be carried on is begun anew, from what the table says.
    /// </summary>
    private async Task ShareLeasesAsync(StreamDescriptionSummary stream)
    {
        DateTimeOffset? latestAt = ShardListing.Before(stream.AnsweredAt, _parts.Time);
        var backoff = new Backoff(s_firstRestart, s_longestRestart, _parts.Random.Create());
        while (true)
        {
            ulong seed = (ulong)_parts.Random.Create().NextInt64();
            LeaseLoop loop;
            lock (_lock)
            {
                LeaseTableState state = LeaseTableState.Create(
                    LeaseSettings with { LatestAt = latestAt }, stream.StreamCreationTimestamp, seed, Now);
                loop = new LeaseLoop(state, _parts.Time, Execute);
                _loop = loop;
                if (_stopWanted is not null || _drain is not null)
                {
                    loop.Post(_stopWanted ?? StopNow(Settings.StopTimeout, FastConsumerOptions.ReleaseTime));
                }

                if (_isAbandoned)
                {
                    loop.Abandon();
                }
            }

            loop.Start(_parts.Scheduler, $"FastConsumer leases of {Settings.ProcessorName}");
            try
            {
                await loop.Completion;
                if (_isAbandoned)
                {
                    // the loop no longer hears of the runs, and nothing of them may go on behind the host's back
                    await _supervisor.EndedAsync();
                }

                // what the last runs hold is returned; one whose handler ignores its end is not waited for
                using var waited = new CancellationTokenSource();
                await Task.WhenAny(_supervisor.EndedAsync(), ApartTask.DelayAsync(s_runsEndIn, _parts.Time, waited.Token));
                await waited.CancelApartAsync();
                if (!await DrainedAsync())
                {
                    return;
                }
            }
            catch (Exception e)
            {
                _report.Write(new LeaseCommand.Tell.Violated(e.ToString(), null));
                _supervisor.LoseAll("the worker's leases could not be carried on");
                await _supervisor.EndedAsync();
                await ApartTask.DelayAsync(backoff.Next(), _parts.Time, _stop.Token);
            }
        }
    }

    /// <summary>Where the leases were handed over for a drain, waits for its end: true where leases are to be taken again.</summary>
    private async Task<bool> DrainedAsync()
    {
        Task drain;
        lock (_lock)
        {
            if (_stopWanted is not null || _isAbandoned)
            {
                return false;
            }

            drain = _drain?.Task ?? Task.CompletedTask;
            _handedOver.TrySetResult();
        }

        await drain.WaitAsync(_stop.Token)
            .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        return !_stop.IsCancellationRequested;
    }

    private LeaseEvent.StopWanted StopNow(TimeSpan stopTimeout, TimeSpan releaseTime) => new(Now, stopTimeout, releaseTime);

    private void BeginStop(TimeSpan stopTimeout, TimeSpan releaseTime)
    {
        LeaseEvent.StopWanted wanted = StopNow(stopTimeout, releaseTime);
        lock (_lock)
        {
            _stopWanted = wanted;
            _loop?.Post(wanted);
        }

        _stop.Cancel();
    }

    private void Post(LeaseEvent e) => Volatile.Read(ref _loop)?.Post(e);

    private ShardParts ShardPartsOf(WorkerParts parts) => parts.ForShards() with
    {
        SinceTableThrottle = SinceTableThrottle,
        Description = () => _description,
    };

    /// <summary>True where the lease is this worker's, and it neither hands it over nor stops.</summary>
    private bool IsHeld(string key) => Volatile.Read(ref _loop)?.State is { Phase: LeaseTableState.Mode.Running } state
        && state.Leases.TryGetValue(key, out LeaseTableState.Entry? entry) && entry.Hold is LeaseTableState.Hold.Owned;

    /// <summary>Another worker that holds a lease and lives, by what was read of the table last; null where there is none.</summary>
    private string? OwnerOf(LeaseTableState.Entry shard) =>
        shard.Row is { Owner: { } owner } row && owner != Settings.WorkerId
            && !(shard.Seen is { } seen && seen.Owner == owner && seen.Still >= (row.Duration ?? Settings.LeaseDuration))
            ? owner
            : null;

    private TimeSpan? SinceTableThrottle() => Volatile.Read(ref _loop)?.State.Budget.ThrottledAt is { } at ? Now - at : null;

    /// <summary>Hands a command to whoever carries it out; called by the lease loop, so it returns at once.</summary>
    private void Execute(LeaseCommand command)
    {
        switch (command)
        {
            case LeaseCommand.Tell tell:
                _report.Write(tell);
                break;
            case LeaseCommand.CancelHandler when _stopWanted is not null && !_isDrainTold:
                _isDrainTold = true;
                _report.DrainTimedOut(0.8 * (Settings.StopTimeout - FastConsumerOptions.ReleaseTime));
                _supervisor.Execute(command);
                break;
            case LeaseCommand.ToRun:
                _supervisor.Execute(command);
                break;
            default:
                _client.Execute(command);
                break;
        }
    }
}

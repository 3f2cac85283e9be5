using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Hosting;

/// <summary>
/// One processor's worker from start to stop: waits for stream and table, lets <see cref="LeaseCoordinator"/> get its share of the leases and
/// <see cref="ShardRuns"/> run them, and passes all of them on at the end. What fails on the way is said and tried again; it gives
/// up nothing by itself.
/// </summary>
internal sealed class StreamWorker : IAsyncDisposable
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_maximumRetry = TimeSpan.FromSeconds(30);

    private readonly WorkerParts _parts;
    private readonly ILeaseStore _store;
    private readonly StopPhases _phases;
    private readonly ShardSync _sync;
    private readonly ShardRuns _runs;
    private readonly Succession _succession;
    private readonly LeaseCoordinator _coordinator;
    private readonly WriteBudget _budget;
    private readonly Random _random;
    private readonly ILogger _log;
    private Task? _run;

    public StreamWorker(WorkerParts parts, ILeaseStore store)
    {
        parts = parts.Guarded();
        _parts = parts;
        _store = store;
        _log = parts.Log;
        _random = parts.Random.Create();
        _phases = new StopPhases(parts.Time);
        var observer = new LeaseObserver(parts.Settings.LeaseDuration, parts.Time);
        _sync = new ShardSync(parts, store, observer);
        var namesakes = new Namesakes(parts);
        var bell = new Doorbell(store, parts.Settings.WorkerId, parts.Random.Create());
        var looks = new TableLooks(parts.Settings.LeaseDuration, parts.Time, parts.Random.Create());
        _budget = new WriteBudget(parts.Settings.LeaseTableWriteUnits, parts.Time);
        var writer = new LeaseWriter(store, _budget, LeaseWriterTimes.For(parts.Settings.LeaseDuration, parts.Settings.CheckpointInterval), parts.Time);
        _succession = new Succession(parts, store, observer, bell, namesakes, _phases.EndRelease);
        _runs = new ShardRuns(parts, store, writer, _sync, looks, _succession, namesakes, _phases);
        _coordinator = new LeaseCoordinator(parts, store, _runs, _sync, observer, bell, looks, namesakes, _budget);
    }

    private WorkerSettings Settings => _parts.Settings;

    private string Place => $"{Settings.Stream.Name}/{Settings.ProcessorName}";

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
                if (!worker._runs.IsEmpty)
                {
                    // apart: a logger that blocks must not hold up the cancellation that follows
                    _ = ApartTask.StartOn(worker._parts.Scheduler, () => ConsumerLog.DrainTimedOut(
                        worker._log, worker.Settings.ProcessorName, StopPhases.DrainTime(worker.Settings.StopTimeout)));
                }
            },
            this);
        await _run.WaitAsync(hurry);
        ConsumerLog.Stopped(_log, Settings.ProcessorName, _runs.Released);
    }

    /// <summary>For tests: ends as a crash does. Nothing further is written, and the leases stay in their table as they are.</summary>
    public void Abandon()
    {
        foreach (HeldLease lease in _runs.Leases.Values)
        {
            lease.MarkLost("its worker was abandoned, as by a crash.");
        }

        _phases.Abort();
    }

    public async ValueTask DisposeAsync()
    {
        if (_run is { IsCompleted: false } run)
        {
            // without a stop, or with one that the host did not wait for: nothing of it may go on behind the host's back
            _phases.Abort();
            await run.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }

        _runs.Dispose();
        await _store.DisposeAsync();
        _parts.Client.Dispose();
        _phases.Dispose();
    }

    private async Task RunAsync()
    {
        using var renewalEnd = new CancellationTokenSource();
        Task renewal = Task.CompletedTask;
        Task watch = Task.CompletedTask;
        try
        {
            await PrepareAsync(_phases.Stop);
            var renewer = new LeaseRenewer(_runs.Leases, Settings.LeaseDuration, _budget, _parts.Time, _log);
            renewal = renewer.RunAsync(renewalEnd.Token);
            watch = new HotShardWatch(Settings, _parts.Metrics, _parts.Time, _log).RunAsync(() => _runs.Intakes, renewalEnd.Token);
            await _coordinator.RunAsync(_phases.Stop);
        }
        catch (Exception) when (_phases.Stop.IsCancellationRequested)
        {
            // the stop begins: whatever the call under way made of its cancelled token
        }
        finally
        {
            Task succession = _runs.IsEmpty ? Task.CompletedTask : _succession.BeginAsync();
            // leases are renewed until the last shard is done with its own
            await _runs.Completion;
            await renewalEnd.CancelApartAsync();
            await renewal;
            await succession;
            await _succession.EndAsync(_coordinator.HasReached);
            await _sync.EndAsync();
            await watch;
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

                _sync.Described(stream.StreamCreationTimestamp);
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
}

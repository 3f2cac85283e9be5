using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Processors;
using FastConsumer.Reading;
using FastConsumer.Timing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Hosting;

/// <summary>How a shard's consumer ended.</summary>
internal enum ShardOutcome
{
    /// <summary>A stop; the lease can be released.</summary>
    Stopped,

    /// <summary>The shard is done, and SHARD_END is durable.</summary>
    Ended,

    /// <summary>Another worker owns the shard, or may.</summary>
    Lost,
}

/// <summary>
/// One shard while this worker owns it: reader, lane, handlers and checkpoints put together, from the take of the lease to
/// the moment it may be released.
/// </summary>
internal sealed class ShardConsumer
{
    private const int PagesAhead = 2;

    private readonly WorkerParts _parts;
    private readonly HeldLease _lease;
    private readonly bool _isFirstStart;
    private readonly HashKeyRange? _hashKeyRange;
    private readonly ThroughputMeter _intake;
    private readonly ShardContext _context;
    private readonly ShardTags _tags;
    private readonly ILogger _log;
    private Task _lastCall = Task.CompletedTask;

    public ShardConsumer(WorkerParts parts, HeldLease lease, bool isFirstStart, HashKeyRange? hashKeyRange, ThroughputMeter intake)
    {
        _parts = parts;
        _lease = lease;
        _isFirstStart = isFirstStart;
        _hashKeyRange = hashKeyRange;
        _intake = intake;
        _log = parts.Log;
        _context = new ShardContext(parts.Settings.ProcessorName, parts.Settings.ApplicationName, parts.Settings.Stream.Name, lease.Key, lease.FencingToken);
        _tags = new ShardTags(parts.Settings.ApplicationName, parts.Settings.Stream.Name, lease.Key);
    }

    /// <summary>The shard's children, after <see cref="ShardOutcome.Ended"/>.</summary>
    public IReadOnlyList<ChildShard> Children { get; private set; } = [];

    /// <summary>Runs the shard to its end, a stop, or the loss of the lease.</summary>
    public async Task<ShardOutcome> RunAsync(StopPhases phases)
    {
        using var aborted = CancellationTokenSource.CreateLinkedTokenSource(_lease.Lost, phases.CancelHandlers);
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(phases.Stop, aborted.Token);
        using var checkpointsEnd = CancellationTokenSource.CreateLinkedTokenSource(phases.EndFlush);

        AsyncServiceScope scope = _parts.Services.CreateAsyncScope();
        ShardPipeline pipeline;
        try
        {
            pipeline = _parts.Processor.CreatePipeline(scope.ServiceProvider);
        }
        catch
        {
            await LastCallAsync("DisposeAsync", scope.DisposeAsync, CancellationToken.None);
            throw;
        }

        var checkpointer = new ShardCheckpointer(_lease, _parts.Settings.CheckpointInterval, _parts.Time, _parts.Random.Create(), _parts.Metrics, _tags, _log)
        {
            Gauge = _parts.Settings.LeaseBalancing == LeaseBalancing.Throughput ? new ThroughputGauge(_lease.Current.Throughput, _parts.Time) : null,
        };
        ShardProgress progress = checkpointer.Progress;
        // whoever owns the shard now reads it already: a handler that ignores the loss is waited for no longer than a hand-over takes
        using var givenUp = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _parts.Time);
        await using CancellationTokenRegistration onGiveUp = phases.GiveUp.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), givenUp);
        await using CancellationTokenRegistration onLost = _lease.Lost.UnsafeRegister(
            _ =>
            {
                progress.Close(LostException());
                givenUp.CancelAfter(_parts.Settings.LeaseDuration);
            },
            null);

        Channel<ReadItem> pages = Channel.CreateBounded<ReadItem>(new BoundedChannelOptions(PagesAhead) { SingleReader = true, SingleWriter = true });
        // the shard's own, for its life cycle and its only lane; further lanes have theirs
        List<FailurePolicy> policies = [];
        FailurePolicy failures = CreatePolicy(policies, lane: null);
        Lane lane = CreateLane(pipeline, progress, policies);
        var dispatcher = new ShardDispatcher(_context, pipeline, lane, progress, failures, _parts.Time);

        using var readingEnd = CancellationTokenSource.CreateLinkedTokenSource(stopped.Token);
        Task reading = CreateReader().RunAsync(pages.Writer, readingEnd.Token);
        Task checkpoints = checkpointer.RunAsync(checkpointsEnd.Token);
        // on a thread of its own choice: a handler that blocks its thread must not hold up the stop
        Task<DispatchEnd> dispatching = ApartTask.Start(() => DispatchAsync(dispatcher, lane, progress, pages.Reader, readingEnd, stopped.Token, aborted.Token));
        bool ended = false;
        bool handlersEnded = false;
        ExceptionDispatchInfo? failure = null;
        try
        {
            ended = await dispatching.WaitAsync(givenUp.Token) == DispatchEnd.ShardEnded;
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            // what runs was cancelled, or ignores that it was: what is done counts
        }
        catch (LeaseLostException)
        {
            // a handler has let the loss through
        }
        catch (Exception e) when (aborted.IsCancellationRequested)
        {
            ConsumerLog.FailedWhileEnding(_log, _context.ProcessorName, _context.ShardId, e);
        }
        catch (Exception e)
        {
            failure = ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            await stopped.CancelApartAsync();
            await checkpointsEnd.CancelApartAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            await checkpoints;
            ReturnUnread(pages.Reader);
            _ = progress.Done;
            handlersEnded = dispatching.IsCompleted;
            if (handlersEnded)
            {
                progress.Dispose();
                lane.Release();
            }
            else
            {
                // it keeps its memory and its services until it ends, if ever
                ConsumerLog.HandlerGivenUp(_log, _context.ProcessorName, _context.ShardId);
                _ = EndLateAsync(dispatching, progress, lane, pipeline, scope);
            }

            policies.ForEach(static policy => policy.Clear());
        }

        try
        {
            return await EndAsync(pipeline, dispatcher, checkpointer, ended, handlersEnded, failure, phases);
        }
        finally
        {
            if (!handlersEnded)
            {
                // EndLateAsync does
            }
            else if (_lastCall.IsCompleted)
            {
                CancellationToken giveUp = phases.EndFlush.IsCancellationRequested ? phases.EndRelease : phases.EndFlush;
                await LastCallAsync("DisposeAsync", scope.DisposeAsync, giveUp, _parts.Settings.LeaseDuration);
            }
            else
            {
                _ = DisposeLateAsync(scope);
            }
        }
    }

    private async Task<DispatchEnd> DispatchAsync(ShardDispatcher dispatcher, Lane lane, ShardProgress progress, ChannelReader<ReadItem> pages, CancellationTokenSource readingEnd, CancellationToken stop, CancellationToken abort)
    {
        try
        {
            return await dispatcher.RunAsync(pages, stop, abort);
        }
        catch (ShardStoppedException)
        {
            // The lease is kept: another worker would meet the same record. The shard waits for a restart.
            await readingEnd.CancelApartAsync();
            ReturnUnread(pages);
            // and holds nothing of what the other shards need meanwhile
            _ = progress.Done;
            progress.RequestCheckpoint();
            progress.Dispose();
            lane.Release();
            await Task.Delay(Timeout.InfiniteTimeSpan, _parts.Time, stop).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            return DispatchEnd.Stopped;
        }
    }

    private async Task EndLateAsync(Task dispatching, ShardProgress progress, Lane lane, ShardPipeline pipeline, AsyncServiceScope scope)
    {
        await dispatching.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        progress.Dispose();
        lane.Release();
        if (_lease.Lost.IsCancellationRequested)
        {
            await LeaseLostAsync(pipeline, CancellationToken.None);
        }

        await DisposeLateAsync(scope);
    }

    private async Task DisposeLateAsync(AsyncServiceScope scope)
    {
        await _lastCall.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        await LastCallAsync("DisposeAsync", scope.DisposeAsync, CancellationToken.None);
    }

    private static void ReturnUnread(ChannelReader<ReadItem> pages)
    {
        while (pages.TryRead(out ReadItem item))
        {
            item.Page?.Dispose();
        }
    }

    private async Task<ShardOutcome> EndAsync(ShardPipeline pipeline, ShardDispatcher dispatcher, ShardCheckpointer checkpointer, bool ended, bool handlersEnded, ExceptionDispatchInfo? failure, StopPhases phases)
    {
        if (_lease.Lost.IsCancellationRequested)
        {
            if (handlersEnded)
            {
                await LeaseLostAsync(pipeline, phases.EndFlush);
            }

            return ShardOutcome.Lost;
        }

        if (!ended && handlersEnded && failure is null)
        {
            await LastCallAsync("OnStopping", () => pipeline.StoppingAsync(_context, phases.CancelHandlers), phases.GiveUp);
        }

        bool durable = await checkpointer.FlushAsync(phases.EndFlush);
        checkpointer.Progress.Close(new OperationCanceledException($"Shard {_lease.Key} has stopped; no further checkpoint is written."));
        if (_lease.Lost.IsCancellationRequested)
        {
            if (handlersEnded)
            {
                await LeaseLostAsync(pipeline, phases.EndFlush);
            }

            return ShardOutcome.Lost;
        }

        failure?.Throw();
        if (ended && durable)
        {
            Children = dispatcher.Children;
            return ShardOutcome.Ended;
        }

        return ShardOutcome.Stopped;
    }

    /// <summary>
    /// Whoever owns the shard now reads it already, and it may be this worker that is to have it next: the call is cancelled and waited for as a
    /// handler is.
    /// </summary>
    private async Task LeaseLostAsync(ShardPipeline pipeline, CancellationToken giveUp)
    {
        using var late = new CancellationTokenSource(0.9 * _parts.Settings.LeaseDuration, _parts.Time);
        using var cancelled = CancellationTokenSource.CreateLinkedTokenSource(late.Token, giveUp);
        await LastCallAsync("OnLeaseLost", () => pipeline.LeaseLostAsync(_context, cancelled.Token), giveUp, _parts.Settings.LeaseDuration);
    }

    /// <summary>A life-cycle call after which nothing is repeated: its failure is said, and so that it does not return in time, and what comes after it goes on.</summary>
    private async Task LastCallAsync(string method, Func<ValueTask> call, CancellationToken giveUp, TimeSpan? patience = null)
    {
        using var late = new CancellationTokenSource(patience ?? Timeout.InfiniteTimeSpan, _parts.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, giveUp);
        _lastCall = ApartTask.Start(() => call().AsTask());
        try
        {
            await _lastCall.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!_lastCall.IsCompleted)
        {
            ConsumerLog.LastCallGivenUp(_log, _context.ProcessorName, method, _context.ShardId);
        }
        catch (Exception e)
        {
            ConsumerLog.LastCallFailed(_log, _context.ProcessorName, method, _context.ShardId, e);
        }
    }

    private LeaseLostException LostException() =>
        new(_lease.Key, $"{_lease.Owner} lost shard {_lease.Key} of {_context.StreamName}: {_lease.LossReason}");

    private Lane CreateLane(ShardPipeline pipeline, ShardProgress progress, List<FailurePolicy> failures)
    {
        int lanes = _parts.Processor.Order == RecordOrder.Shard ? 1 : _parts.Processor.Lanes;
        int records = _parts.Settings.CheckpointRecords;
        switch (pipeline)
        {
            case RecordPipeline record when lanes > 1:
                int recordsPerLane = records == 0 ? 0 : Math.Max(1, records / lanes);
                RecordLane[] parallel = [.. Enumerable.Range(0, lanes).Select(lane =>
                    new RecordLane(record, CreateCursor(progress, recordsPerLane), progress, CreatePolicy(failures, lane), _parts.Metrics, _tags))];
                return new ParallelLanes(parallel, _parts.Processor.Order, progress, _parts.Metrics, _tags);
            case RecordPipeline record:
                return new RecordLane(record, CreateCursor(progress, records), progress, failures[0], _parts.Metrics, _tags);
            case BatchPipeline batch:
                return new BatchLane(batch, CreateCursor(progress, records), progress, failures[0], _context, records, _parts.Time, _parts.Metrics, _tags);
            default:
                throw new InvalidOperationException($"{pipeline.GetType()} is no pipeline of the source generator.");
        }
    }

    private RecordCursor CreateCursor(ShardProgress progress, int recordsPerCheckpoint) => new(_context, progress, recordsPerCheckpoint, _parts.Time);

    private FailurePolicy CreatePolicy(List<FailurePolicy> all, int? lane)
    {
        var backoff = new Backoff(_parts.Settings.RetryInitialBackoff, _parts.Settings.RetryMaxBackoff, _parts.Random.Create());
        var policy = new FailurePolicy(_context, backoff, _parts.Time, _parts.Metrics, _parts.Health, _log, _parts.DeadLetters, lane);
        all.Add(policy);
        return policy;
    }

    private IShardReader CreateReader()
    {
        var settings = new ShardReaderSettings(
            _parts.Settings.Stream,
            _tags,
            _lease.Current.Checkpoint,
            _lease.Current.StartedAt ?? (_lease.Current.Checkpoint.Kind == CheckpointKind.AtTimestamp ? _parts.Settings.StartTimestamp : null),
            _isFirstStart,
            _parts.Settings.Limit,
            _parts.Settings.IdlePollInterval,
            _parts.Settings.Deaggregate,
            _hashKeyRange,
            _parts.Settings.IgnoreReadQuota,
            _parts.StreamKey,
            _intake,
            () => _lease.SinceTableThrottle,
            _parts.Settings.ForeignRecords,
            _parts.Listings,
            _parts.Spread);
        var position = new ShardPosition(settings);
        ByteBudget.Account budget = _parts.Budget.OpenAccount();
        var polling = new ShardReader(_parts.Client, settings, position, budget, _parts.Time, _parts.Random.Create(), _parts.Metrics, _parts.Health, _log);
        return _parts.FanOut is { HasFallenBack: false } consumer
            ? new FanOutReader(_parts.Client, settings, consumer, position, polling, budget, _parts.Time, _parts.Random.Create(), _parts.Metrics, _parts.Health, _log)
            : polling;
    }
}

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;
using FastConsumer.Operators;
using FastConsumer.Processors;
using FastConsumer.Reading;
using FastConsumer.Timing;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Supervision;

internal sealed partial class ShardSupervisor
{
    /// <summary>
    /// One shard while this worker owns it, from the take of its lease to the moment when nothing here touches the shard any more. It
    /// serves the shard until it is stopped, ended, lost or failed; says what is done; waits until that is durable; and winds up.
    /// </summary>
    [SuppressMessage("Design", "CA1001",
        Justification = "Commands may come at any time, so its sources are never disposed; they hold neither timers nor handles.")]
    private sealed partial class ShardRun
    {
        private const int PagesAhead = 2;

        /// <summary>So many owners without a checkpoint between them are no accident.</summary>
        private const int ManySwitches = 3;

        /// <summary>A reader that is cancelled ends soon, also where nothing else is waited for any more.</summary>
        private static readonly TimeSpan s_readerEndsIn = TimeSpan.FromSeconds(1);

        private readonly ShardSupervisor _owner;
        private readonly ShardParts _parts;
        private readonly LeaseCommand.Start _start;
        private readonly ShardContext _context;
        private readonly GuardedLogger _log;
        private readonly HeldUntil _held;
        private readonly ThroughputGauge? _gauge;
        private readonly CancellationTokenSource _stop = new();

        // the only one that handlers see: it is cancelled where their callbacks may block and throw
        private readonly CancellationTokenSource _abort = new();
        private readonly TaskCompletionSource _finish = ApartTask.Completion();
        private readonly TaskCompletionSource _lost = ApartTask.Completion();
        private volatile TaskCompletionSource _patience = ApartTask.Completion();
        private volatile FailurePolicy[] _policies = [];
        private volatile ShardProgress? _progress;
        private volatile Lane? _lane;
        private volatile string? _lossReason;
        private volatile bool _isStopping;
        private volatile Channel<ReadItem>? _pages;
        private long _renewedAt;
        private double? _published;

        // where the run begins: the lease's checkpoint, or the position of the sink that leads it
        private CheckpointPosition _checkpoint;
        /// <summary>What its processor is made from; null where none was made, for a paused shard has none.</summary>
        private AsyncServiceScope? _scope;
        private ShardPipeline? _pipeline;

        /// <summary>The state that readers see; null before it is restored, and where there are none.</summary>
        private volatile ProcessorState? _readable;
        private bool _isUserCodeOver = true;
        private Task _lastCall = Task.CompletedTask;

        public ShardRun(ShardSupervisor owner, LeaseCommand.Start start)
        {
            _owner = owner;
            _parts = owner._parts;
            _start = start;
            _context = new ShardContext(_parts.ProcessorName, _parts.ApplicationName, _parts.Stream.Name, start.Key, start.Epoch)
            {
                StreamCreated = _parts.Description()?.StreamCreationTimestamp,
            };
            Telemetry = _parts.CreateTelemetry(start.Key);
            _renewedAt = start.RenewedAt.Ticks;
            _checkpoint = start.Taken.Checkpoint;
            _log = _parts.Log.ForShard(start.Key);
            Intake = new ThroughputMeter(_parts.Time);
            _held = new HeldUntil(_parts.Time);
            _held.MoveTo(start.RenewedAt + (Lasts * _parts.LeaseDuration));
            _published = start.Taken.Throughput;
            _gauge = _parts.MeasuresThroughput ? new ThroughputGauge(_published, _parts.Time) : null;
        }

        public long Epoch => _start.Epoch;

        /// <summary>Ends with the run.</summary>
        public Task Ended { get; set; } = Task.CompletedTask;

        public ShardTelemetry Telemetry { get; }

        /// <summary>True where it began with other settings than runs that begin now.</summary>
        public bool IsOutdated => _parts.OfRuns != _owner._parts.OfRuns;

        /// <summary>True where an operator has paused the shard: nothing of it is read.</summary>
        public bool IsPaused => _isPaused;

        /// <summary>True once its processor is there, or it is paused.</summary>
        public bool HasBegun => _lane is not null || _isPaused;

        public ThroughputMeter Intake { get; }

        /// <summary>
        /// The state that readers see: null until it is restored, and from the moment on when the lease may be another's.
        /// </summary>
        public ProcessorState? Readable => IsLost || _held.IsOver ? null : _readable;

        /// <inheritdoc cref="ProgressOf"/>
        public LeaseMachine.Progress? Progress
        {
            get
            {
                // asked once: position and handle are of one snapshot
                ShardCheckpoint.Snapshot? snapshot = _checkpoints?.Sealed;
                return _progress is { } progress ? Say(DoneOf(progress, snapshot), Measure(progress), snapshot)
                    : _isPaused ? Say(_start.Taken.Checkpoint, null, null)
                    : null;
            }
        }

        private string Key => _start.Key;

        private string Scope => Telemetry.Scope;

        private bool IsLost => _lossReason is not null;

        public void Stop()
        {
            _isStopping = true;
            _stopAsked.TrySetResult();
            _lane?.RequestStop();
            _ = ApartTask.StartOn(_owner._control, () => _parts.Guard.Cancel(_stop));
        }

        public void CancelHandler()
        {
            Stop();
            _ = ApartTask.StartOn(_owner._control, () => _parts.Guard.Cancel(_abort));
        }

        public void GiveUp() => _patience.TrySetResult();

        public void Finish() => _finish.TrySetResult();

        public void Lose(string reason)
        {
            if (Interlocked.CompareExchange(ref _lossReason, reason, null) is not null)
            {
                return;
            }

            _progress?.Close(LostException());
            _pipeline?.State?.Close();
            _ = _outputsEnd.CancelApartAsync();
            Interlocked.Increment(ref _owner._leasesLost);
            _owner.Tell(Telemetry.LeaseLost);
            CancelHandler();
            _lost.TrySetResult();
            // whoever owns the shard now reads it already: a handler that ignores the loss is waited for no longer than a hand-over takes
            TaskCompletionSource patience = _patience;
            _ = ApartTask.StartOn(_owner._control, async () =>
            {
                await Task.Delay(_parts.LeaseDuration, _parts.Time);
                patience.TrySetResult();
            });
        }

        public void Wrote(LeaseCommand.Wrote wrote)
        {
            _held.MoveTo(wrote.RenewedAt + (Lasts * _parts.LeaseDuration));
            Volatile.Write(ref _renewedAt, wrote.RenewedAt.Ticks);
            _nextWrite.TrySetResult();
            if (_checkpoints?.Settle(wrote.Row) is { } snapshot)
            {
                _progress?.MadeDurable(snapshot.Position, snapshot.Runs);
            }

            if (wrote.Position is not { } position)
            {
                return;
            }

            _progress?.MadeDurable(position);
            if (position > _start.Taken.Checkpoint)
            {
                _parts.Findings.Clear(FindingRules.ShardKillsOwners, Scope);
            }

            if (_gauge is not null && wrote.Row.Throughput is { } throughput)
            {
                lock (_gauge)
                {
                    if (throughput != _published)
                    {
                        _published = throughput;
                        _gauge.Published(throughput);
                    }
                }
            }

            _owner.Tell(() =>
            {
                Telemetry.Checkpointed();
                ConsumerLog.Checkpointed(_log, Key, position);
            });
        }

        /// <summary>Looks for calls that hang. One caller at a time.</summary>
        public void Look()
        {
            FailurePolicy[] policies = _policies;
            for (int lane = 0; lane < policies.Length; lane++)
            {
                HungCall? hung = policies[lane].Calls.Look(_parts.HungCallAfter, _parts.Time, out HungCall? returned);
                string scope = policies.Length > 1 ? $"{Scope}/lane {lane}" : Scope;
                if (returned is not null)
                {
                    _parts.Findings.Clear(FindingRules.HandlerHangs, scope);
                    _owner.Tell(() => ConsumerLog.CallReturned(_log, _parts.ProcessorName, returned.Method, Key, returned.Running));
                }

                if (hung is not null)
                {
                    string record = hung.Position is { } position ? position.ToString() : "(none)";
                    _parts.Findings.Raise(
                        FindingRules.HandlerHangs,
                        scope,
                        $"{_parts.ProcessorName}: {hung.Method} of shard {Key} has not returned for {hung.Running:hh\\:mm\\:ss}, at "
                            + $"record {record}. The shard waits for it and keeps its lease.",
                        [new FindingFigure("running", hung.Running.TotalSeconds, "s")]);
                    if (hung.IsNew)
                    {
                        _owner.Tell(() => ConsumerLog.CallHangs(_log, _parts.ProcessorName, hung.Method, Key, hung.Running, record));
                    }
                }
            }
        }

        /// <summary>From the start to <see cref="LeaseEvent.Ended"/>. Throws nothing.</summary>
        public async Task RunAsync()
        {
            using IDisposable? scope = _log.OpenScope();
            using Activity? span = Tracing.Internals.StartActivity("shard.run");
            span?.SetTag("messaging.destination.name", _parts.Stream.Name).SetTag("messaging.destination.partition.id", Key);
            // the run lasts for days: what it does are no parts of this span
            Activity.Current = null;
            _parts.Findings.Clear(FindingRules.ShardCannotRun, Scope);
            if (_start.Taken.OwnerSwitchesSinceCheckpoint >= ManySwitches)
            {
                _parts.Findings.Raise(
                    FindingRules.ShardKillsOwners,
                    Scope,
                    $"Shard {Key} of {_parts.Stream.Name} has had {_start.Taken.OwnerSwitchesSinceCheckpoint} owners since its last "
                        + "checkpoint. One of its next records may end the process that handles it.",
                    [new FindingFigure("owners", _start.Taken.OwnerSwitchesSinceCheckpoint, "{worker}")]);
            }

            ConsumerLog.LeaseTaken(_log, _start.Taken.LeaseOwner ?? "", Key, _start.Taken.Checkpoint, Epoch, _start.From);
            Telemetry.LeaseTaken();
            try
            {
                LeaseEvent.RunEnd end;
                try
                {
                    end = await ServeAsync();
                }
                catch (Exception e)
                {
                    end = Failed(e);
                }

                if (!IsLost)
                {
                    _owner._post(new LeaseEvent.Drained(Key, Epoch, end));
                }

                await Task.WhenAny(_finish.Task, _lost.Task);
                if (_checkpoints is { } checkpoint && !IsLost)
                {
                    await ApartTask.WaitAsync(ForgetLastAsync(checkpoint), s_forgetIsAwaited, _parts.Time, CancellationToken.None);
                }

                await WindUpAsync();
            }
            catch (Exception e)
            {
                Failed(e);
            }
            finally
            {
                EndLooks();
                _ = _outputsEnd.CancelApartAsync();
                _parts.Findings.Clear(FindingRules.ShardKillsOwners, Scope);
                _owner.Remove(this);
                _owner._post(new LeaseEvent.Ended(Key, Epoch));
                _begun?.Leave();
            }
        }

        /// <summary>Runs the shard until a stop, its end, a failure, or the loss of the lease.</summary>
        private async Task<LeaseEvent.RunEnd> ServeAsync()
        {
            TakeOverRedrive();
            if (OperatorNotes.ReadPause(_start.Taken.Paused) is { } pause && !(pause.Until <= _parts.Time.GetUtcNow()))
            {
                await PausedAsync(pause);
                return new LeaseEvent.RunEnd.Stopped();
            }

            List<FailurePolicy> policies = [];
            FailurePolicy failures = CreatePolicy(policies, lane: null);
            _policies = [.. policies];
            AsyncServiceScope scope = _parts.Services.CreateAsyncScope();
            _scope = scope;
            failures.Calls.Enter("the constructor");
            Task<ShardPipeline> creating = ApartTask.StartOn(_owner._handlers, () =>
                Task.FromResult(_parts.CreatePipeline(scope.ServiceProvider)));
            if (!await EndsAsync(creating))
            {
                GivenUp();
                _ = EndLateAsync(creating, () => { });
                return new LeaseEvent.RunEnd.Stopped();
            }

            failures.Calls.Leave();
            if (creating.IsFaulted)
            {
                return NotCreated(creating.Exception.InnerException!);
            }

            ShardPipeline pipeline = _pipeline = await creating;
            if (pipeline.Transactions is { } transactions)
            {
                Task<bool> taking = ApartTask.StartOn(_owner._handlers, () => TakeSinkPositionAsync(transactions, failures));
                if (!await EndsAsync(taking))
                {
                    GivenUp();
                    _ = EndLateAsync(taking, failures.Clear);
                    return new LeaseEvent.RunEnd.Stopped();
                }

                failures.Clear();
                if (!taking.IsCompletedSuccessfully)
                {
                    Exception refused = taking.Exception?.InnerException ?? new TaskCanceledException(taking);
                    return _abort.IsCancellationRequested ? new LeaseEvent.RunEnd.Stopped() : await FailedAsync(refused);
                }

                if (!await taking)
                {
                    return new LeaseEvent.RunEnd.Stopped();
                }
            }

            else if (pipeline.State is { } state)
            {
                if (_parts.KeepsCuts)
                {
                    state.KeepCuts(Key, Epoch, _parts.Time);
                }

                state.Divide(pipeline is RecordPipeline && _parts.Lanes > 1 ? _parts.Lanes * ParallelLanes.BucketsPerLaneWithState : 1);
                Task<bool> restoring = ApartTask.StartOn(_owner._control, () => RestoreAsync(state, failures));
                if (!await EndsAsync(restoring))
                {
                    GivenUp();
                    _ = EndLateAsync(restoring, failures.Clear);
                    return new LeaseEvent.RunEnd.Stopped();
                }

                failures.Clear();
                if (!restoring.IsCompletedSuccessfully)
                {
                    Exception refused = restoring.Exception?.InnerException ?? new TaskCanceledException(restoring);
                    return _abort.IsCancellationRequested ? new LeaseEvent.RunEnd.Stopped() : await FailedAsync(refused);
                }

                if (!await restoring)
                {
                    return new LeaseEvent.RunEnd.Stopped();
                }

                if (_parts.KeepsCuts)
                {
                    state.KeepRestored(_checkpoint, _checkpoints!.RestoredTime);
                    _readable = state;
                }
            }

            else if (_start.Taken.PositionSink is { } sink)
            {
                ConsumerLog.SinkLeft(_log, _parts.ProcessorName, Key, sink, _checkpoint);
            }

            var progress = new ShardProgress(_checkpoint, _checkpoints is null ? WantCheckpoint : _stateWanted.Set, _parts.Time)
            {
                Refusal = pipeline.Transactions is not null ? IShardCheckpoints.RefusedInTransaction : null,
                State = pipeline.State,
                StreamTime = _checkpoints?.RestoredTime ?? 0,
                Restored = _checkpoints?.RestoredRuns ?? DoneRuns.None,
            };
            _progress = progress;
            Lane lane = CreateLane(pipeline, progress, policies);
            _policies = [.. policies];
            _lane = lane;
            _owner._moved.Set();
            if (IsLost)
            {
                progress.Close(LostException());
            }

            var pages = Channel.CreateBounded<ReadItem>(new BoundedChannelOptions(PagesAhead) { SingleReader = true, SingleWriter = true });
            _pages = pages;
            var dispatcher = new ShardDispatcher(_context, pipeline, lane, progress, failures, _parts.Time)
            {
                WhenRoom = _checkpoints?.Outputs is { } sinks ? sinks.WhenRoomAsync : null,
            };
            using var readingEnd = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            Task reading = ApartTask.StartOn(_owner._control, () => CreateReader().RunAsync(pages.Writer, readingEnd.Token));
            Task<DispatchEnd> dispatching = ApartTask.StartOn(
                _owner._handlers, () => DispatchAsync(dispatcher, lane, progress, pages.Reader, readingEnd));
            if (_checkpoints is { } checkpoints)
            {
                if (checkpoints.Outputs is { } outputs)
                {
                    _writing = ApartTask.StartOn(_owner._control, () => WriteOutputsAsync(outputs, progress));
                }

                _keeping = ApartTask.StartOn(_owner._control, () => KeepStateAsync(checkpoints, progress));
            }

            await EndsAsync(dispatching);
            (bool isEnded, Exception? failure) = Outcome(dispatching);
            // the last checkpoint says up to when the shard is done, and the pages of what is not will be gone then
            _stoppedAt ??= OldestUndone;
            _ = ApartTask.StartOn(_owner._control, () => _parts.Guard.Cancel(_stop));
            bool isReaderOver = await EndsAsync(reading) || await EndsWithinAsync(reading, s_readerEndsIn);
            if (isReaderOver)
            {
                ReturnUnread(pages.Reader);
            }

            _ = progress.Done;
            _isUserCodeOver = dispatching.IsCompleted;
            if (_isUserCodeOver && isReaderOver)
            {
                progress.Dispose();
                lane.Release();
            }
            else
            {
                // it keeps its memory and its services until it ends, if ever
                GivenUp();
                _ = EndLateAsync(Task.WhenAll(dispatching, reading), () =>
                {
                    ReturnUnread(pages.Reader);
                    progress.Dispose();
                    lane.Release();
                });
            }

            policies.ForEach(static policy => policy.Clear());
            if (!isEnded && failure is null && _isUserCodeOver && !IsLost)
            {
                await LastCallAsync("OnStopping", () => pipeline.StoppingAsync(_context, _abort.Token).AsTask(), Timeout.InfiniteTimeSpan);
            }

            if (_checkpoints is not null)
            {
                await SealLastAsync(_checkpoints, progress);
                if (_notCheckpointed is { } untold && !_isStopping)
                {
                    // also where that came behind the last record: the last checkpoint is missing
                    failure ??= untold;
                }
            }

            if (failure is not null)
            {
                return await FailedAsync(failure);
            }

            if (isEnded)
            {
                return new LeaseEvent.RunEnd.ShardEnd(dispatcher.Children);
            }

            return new LeaseEvent.RunEnd.Stopped();
        }

        /// <summary>What became of the dispatch; where it has not ended, it was given up.</summary>
        private (bool IsEnded, Exception? Failure) Outcome(Task<DispatchEnd> dispatching)
        {
            if (!dispatching.IsCompleted)
            {
                return (false, null);
            }

            if (dispatching.IsCompletedSuccessfully)
            {
                return dispatching.Result == DispatchEnd.ShardEnded && _notCheckpointed is null ? (true, null)
                    : _isStopping ? (false, null)
                    : _notCheckpointed is { } untold ? (false, untold)
                    : (false, new InvalidOperationException($"The reader of shard {Key} ended before the shard, and nobody stopped it."));
            }

            Exception error = dispatching.Exception?.InnerException ?? new TaskCanceledException(dispatching);
            if ((error is OperationCanceledException && _isStopping)
                || (IsLost && (error is LeaseLostException || _pipeline?.State is { IsClosed: true })))
            {
                // what runs was cancelled, or has let the loss through: what is done counts
                return (false, null);
            }

            if (_abort.IsCancellationRequested)
            {
                ConsumerLog.FailedWhileEnding(_log, _parts.ProcessorName, Key, error);
                return (false, null);
            }

            return (false, error);
        }

        private async Task<DispatchEnd> DispatchAsync(
            ShardDispatcher dispatcher, Lane lane, ShardProgress progress, ChannelReader<ReadItem> pages,
                CancellationTokenSource readingEnd)
        {
            try
            {
                return await dispatcher.RunAsync(pages, _stop.Token, _abort.Token);
            }
            catch (ShardStoppedException)
            {
                // The lease is kept: another worker would meet the same record. The shard waits for a restart.
                Telemetry.Time.Enter(ShardState.Stopped);
                _stoppedAt = OldestUndone;
                await readingEnd.CancelApartAsync();
                ReturnUnread(pages);
                // and holds nothing of what the other shards need meanwhile
                _ = progress.Done;
                progress.RequestCheckpoint();
                progress.Dispose();
                lane.Release();
                await ApartTask.DelayAsync(Timeout.InfiniteTimeSpan, _parts.Time, _stop.Token);
                return DispatchEnd.Stopped;
            }
        }

        /// <summary>The last checkpoint is durable, its time is over, or the lease is lost.</summary>
        private async Task WindUpAsync()
        {
            _progress?.Close(IsLost ? LostException()
                : new OperationCanceledException($"Shard {Key} has stopped; no further checkpoint is written."));
            // who is given up from now on is another
            _patience = ApartTask.Completion();
            if (!_isUserCodeOver)
            {
                // EndLateAsync goes on when it is
                return;
            }

            if (IsLost && _pipeline is not null)
            {
                await LeaseLostAsync(_pipeline);
            }

            if (_lastCall.IsCompleted)
            {
                await DisposeAsync(_parts.LeaseDuration);
            }
            else
            {
                _ = DisposeLateAsync();
            }
        }

        /// <summary>
        /// Whoever owns the shard now reads it already, and it may be this worker that is to have it next: the call is cancelled and waited
        /// for as a handler is.
        /// </summary>
        private Task LeaseLostAsync(ShardPipeline pipeline)
        {
            var cancelled = new CancellationTokenSource();
            return LastCallAsync("OnLeaseLost", () => pipeline.LeaseLostAsync(_context, cancelled.Token).AsTask(), _parts.LeaseDuration,
                cancelled);
        }

        /// <summary>
        /// A life-cycle call after which nothing is repeated: its failure is said, and so that it does not return in time, and what comes
        /// after it goes on.
        /// </summary>
        private async Task LastCallAsync(string method, Func<Task> call, TimeSpan patience, CancellationTokenSource? cancelled = null)
        {
            _lastCall = ApartTask.StartOn(_owner._handlers, call);
            if (cancelled is not null && !await EndsWithinAsync(_lastCall, Lasts * patience))
            {
                _ = ApartTask.StartOn(_owner._control, () => _parts.Guard.Cancel(cancelled));
                patience *= 1 - Lasts;
            }

            if (!await EndsWithinAsync(_lastCall, patience))
            {
                ConsumerLog.LastCallGivenUp(_log, _parts.ProcessorName, method, Key);
            }
            else if (!_lastCall.IsCompletedSuccessfully)
            {
                ConsumerLog.LastCallFailed(
                    _log, _parts.ProcessorName, method, Key, _lastCall.Exception?.InnerException ?? new TaskCanceledException(_lastCall));
            }
        }

        private void GivenUp()
        {
            _isUserCodeOver = false;
            // what it still changes belongs to nobody
            _pipeline?.State?.Close();
            ConsumerLog.HandlerGivenUp(_log, _parts.ProcessorName, Key);
            _parts.Findings.Raise(
                FindingRules.CancellationIgnored,
                Scope,
                $"A handler of {_parts.ProcessorName} for shard {Key} goes on although its token was cancelled. Another worker may read "
                    + "the shard already, so that two run until it returns.");
        }

        /// <summary>What was given up has ended after all.</summary>
        private async Task EndLateAsync(Task userCode, Action release)
        {
            await userCode.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            _parts.Findings.Clear(FindingRules.CancellationIgnored, Scope);
            release();
            if (IsLost && _pipeline is not null)
            {
                await LeaseLostAsync(_pipeline);
            }

            await DisposeLateAsync();
        }

        private async Task DisposeLateAsync()
        {
            await _lastCall.ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
            await DisposeAsync(Timeout.InfiniteTimeSpan);
        }

        private Task DisposeAsync(TimeSpan patience) => _scope is { } scope
            ? LastCallAsync("DisposeAsync", () => scope.DisposeAsync().AsTask(), patience)
            : Task.CompletedTask;

        private LeaseEvent.RunEnd.Failed Failed(Exception error)
        {
            ConsumerLog.ShardFailed(_log, _parts.ProcessorName, Key, error);
            _parts.Findings.Raise(
                FindingRules.ShardCannotRun,
                Scope,
                $"{_parts.ProcessorName} cannot run shard {Key}: {error.GetType().Name}. Its lease is released, and this worker leaves it "
                    + "to others for a while.");
            return new LeaseEvent.RunEnd.Failed(error);
        }

        private LeaseEvent.RunEnd.Failed NotCreated(Exception error)
        {
            ConsumerLog.ProcessorNotCreated(_log, _parts.ProcessorName, Key, error);
            _parts.Findings.Raise(
                FindingRules.ShardCannotRun,
                Scope,
                $"{_parts.ProcessorName} could not be created for shard {Key}: {error.GetType().Name}: {error.Message} Correct its "
                    + "constructor or the services that it needs. The lease is released, and this worker leaves it to others for a while.");
            return new LeaseEvent.RunEnd.Failed(error);
        }

        private void EndLooks()
        {
            for (int lane = 0; lane < _policies.Length; lane++)
            {
                _parts.Findings.Clear(FindingRules.HandlerHangs, _policies.Length > 1 ? $"{Scope}/lane {lane}" : Scope);
            }
        }

        private void WantCheckpoint() => WantCheckpoint(_progress is { IsAwaited: true });

        private void WantCheckpoint(bool isUrgent) => _owner._post(new LeaseEvent.CheckpointWanted(Key, Epoch, isUrgent));

        private double? Measure(ShardProgress progress)
        {
            if (_gauge is null)
            {
                return null;
            }

            lock (_gauge)
            {
                return _gauge.Measure(progress.DoneBytes);
            }
        }

        /// <summary>True where a task ends before it is given up.</summary>
        private Task<bool> EndsAsync(Task task) => EndsWithinAsync(task, Timeout.InfiniteTimeSpan);

        private async Task<bool> EndsWithinAsync(Task task, TimeSpan time)
        {
            if (!task.IsCompleted)
            {
                // a reader that has its second has it although everything else was given up
                Task patience = time == s_readerEndsIn ? new TaskCompletionSource().Task : _patience.Task;
                using var ended = new CancellationTokenSource();
                await Task.WhenAny(task, patience, ApartTask.DelayAsync(time, _parts.Time, ended.Token));
                await ended.CancelApartAsync();
            }

            return task.IsCompleted;
        }

        private LeaseLostException LostException() =>
            new(Key, $"{_start.Taken.LeaseOwner} lost shard {Key} of {_context.StreamName}: {_lossReason}");

        private static void ReturnUnread(ChannelReader<ReadItem> pages)
        {
            while (pages.TryRead(out ReadItem item))
            {
                item.Page?.Dispose();
            }
        }

        private Lane CreateLane(ShardPipeline pipeline, ShardProgress progress, List<FailurePolicy> failures)
        {
            int records = _parts.CheckpointRecords;
            switch (pipeline)
            {
                case RecordPipeline { Transactions: not null } when _parts.Lanes > 1:
                    throw new InvalidOperationException(
                        $"{_parts.ProcessorName} takes transactions, of which a shard has one at a time, and has {_parts.Lanes} lanes.");
                case RecordPipeline record when _parts.Lanes > 1 || _checkpoints is { RestoredRuns.Count: > 0 }:
                    // one lane has several behind it where records are to be left out
                    int recordsPerLane = records == 0 ? 0 : Math.Max(1, records / _parts.Lanes);
                    RecordLane[] parallel = [.. Enumerable.Range(0, _parts.Lanes).Select(lane => new RecordLane(
                        record, CreateCursor(progress, recordsPerLane), progress, CreatePolicy(failures, lane), _parts.Time, Telemetry,
                        CreateSpans()))];
                    return new ParallelLanes(parallel, _parts.Order, progress, Telemetry, record.State?.StripeCount) { Redrive = _redrive };
                case RecordPipeline record:
                    return new RecordLane(record, CreateCursor(progress, records), progress, failures[0], _parts.Time, Telemetry,
                        CreateSpans());
                case BatchPipeline batch:
                    return new BatchLane(
                        batch, CreateCursor(progress, records), progress, failures[0], _context, records, _parts.Time, Telemetry,
                            _parts.Guard, CreateSpans());
                default:
                    throw new InvalidOperationException($"{pipeline.GetType()} is no pipeline of the source generator.");
            }
        }

        private RecordCursor CreateCursor(ShardProgress progress, int recordsPerCheckpoint) =>
            new(_context, progress, recordsPerCheckpoint, _parts.Time, _held, _parts.Guard);

        private ProcessSpans? CreateSpans() =>
            _parts.NoTelemetry ? null : new ProcessSpans(_context, _parts.TraceContexts, _parts.TracesRecords);

        private FailurePolicy CreatePolicy(List<FailurePolicy> all, int? lane)
        {
            var backoff = new Backoff(_parts.RetryInitialBackoff, _parts.RetryMaxBackoff, _parts.CreateRandom());
            Action? stopHost = _parts.StopHost is { } stop ? () => _owner.Tell(stop) : null;
            var policy = new FailurePolicy(
                _context, backoff, _parts.Time, Telemetry, _parts.Findings, _log, _parts.DeadLetters, lane, stopHost, _held,
                () => WantCheckpoint(isUrgent: true))
            {
                Redrive = _redrive,
            };
            all.Add(policy);
            return policy;
        }

        private IShardReader CreateReader()
        {
            Lease taken = _start.Taken;
            var settings = new ShardReaderSettings(
                _parts.Stream,
                Telemetry,
                _checkpoint,
                taken.StartedAt ?? (_checkpoint.Kind == CheckpointKind.AtTimestamp ? _parts.StartTimestamp : null),
                _start.LatestIsNow,
                _parts.Limit,
                _parts.IdlePollInterval,
                _parts.Deaggregate,
                _start.HashKeys,
                _parts.IgnoreReadQuota,
                _parts.StreamKey,
                _parts.NoTelemetry ? null : Intake,
                _parts.SinceTableThrottle,
                _parts.ForeignRecords,
                _parts.Listings,
                _parts.Spread);
            var position = new ShardPosition(settings);
            ByteBudget.Account budget = _parts.Budget.OpenAccount();
            var polling = new ShardReader(
                _parts.Client, settings, position, budget, _parts.Time, _parts.CreateRandom(), _parts.Findings, _log);
            return _parts.FanOut is { HasFallenBack: false } consumer
                ? new FanOutReader(
                    _parts.Client, settings, consumer, position, polling, budget, _parts.Time, _parts.CreateRandom(), _parts.Findings,
                    _log)
                : polling;
        }
    }
}

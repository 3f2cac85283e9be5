using System.Globalization;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Operators;
using FastConsumer.Processors;
using FastConsumer.State.Format;
using FastConsumer.Timing;

namespace FastConsumer.Supervision;

internal sealed partial class ShardSupervisor
{
    /// <content>
    /// A shard whose processor keeps state. The run begins with the snapshot that the lease's row leads to. From then on the lease's
    /// position moves only together with a snapshot that is durable: the one that was sealed last is what the row is to say.
    /// </content>
    private sealed partial class ShardRun
    {
        /// <summary>The objects that a last checkpoint supersedes are deleted within this time, or are left over.</summary>
        private static readonly TimeSpan s_forgetsWithin = TimeSpan.FromSeconds(2);

        /// <summary>The next owner waits for the end of the run: that is not put off for longer.</summary>
        private static readonly TimeSpan s_forgetIsAwaited = TimeSpan.FromMilliseconds(200);

        /// <summary>An idle shard says so once in this part of the retention.</summary>
        private const double SeenParts = 0.1;

        /// <summary>
        /// A checkpoint waits for others no longer than such a part of the time between two, and of the time that it may take.
        /// </summary>
        private const int PatienceParts = 20;

        private readonly AsyncSignal _stateWanted = new();
        private readonly CancellationTokenSource _stateEnd = new();
        private volatile ShardCheckpoint? _checkpoints;

        // the same from before its restore on, which may end behind the run
        private volatile ShardCheckpoint? _begun;
        private Task _keeping = Task.CompletedTask;
        private TimeSpan _retention;

        /// <summary>Why the run ends: more checkpoints have failed than may, or a sink of outputs refuses this owner.</summary>
        private volatile Exception? _notCheckpointed;

        /// <summary>Ends a last checkpoint whose time is over.</summary>
        private readonly CancellationTokenSource _abandoned = new();

        /// <summary>Reads the state that the run begins with; false where a stop comes first.</summary>
        private async Task<bool> RestoreAsync(ProcessorState state, FailurePolicy failures)
        {
            CheckpointPlace place = _parts.Checkpoints
                ?? throw new InvalidOperationException($"{_parts.ProcessorName} keeps state, and there is no store for it.");
            StreamDescriptionSummary stream = _parts.Description()
                ?? throw new InvalidOperationException($"Stream {_parts.Stream} was not described.");
            HashKeyRange range = _start.HashKeys
                ?? throw new InvalidOperationException($"The hash keys of shard {Key} are not known: its stream could not be listed.");
            ShardOutputs? outputs = CreateOutputs(state);
            var checkpoint = new ShardCheckpoint(
                state, place, About(stream, range), _start.Taken, Epoch, _parts.Checkpointing, _parts.AllowNonRestoredState)
            {
                Outputs = outputs,
            };
            _begun = checkpoint;
            TimeSpan retention = TimeSpan.FromHours(stream.RetentionPeriodHours);
            long since = _parts.Time.GetTimestamp();
            if (!await failures.RunAsync(
                "the checkpoint store",
                () => checkpoint.RestoreAsync(_start.HaveParentsState, _parts.ServiceTime, retention, _abort.Token),
                _stop.Token,
                _abort.Token))
            {
                return false;
            }

            if (outputs is not null && !await TakeOutputsAsync(outputs, checkpoint, stream, failures))
            {
                return false;
            }

            TimeSpan took = _parts.Time.GetElapsedTime(since);
            _ = _owner.Tell(() => ConsumerLog.StateRestored(
                _log, _parts.ProcessorName, Key, _checkpoint, checkpoint.RestoredFrom, checkpoint.RestoredBytes, took));
            foreach (string dropped in checkpoint.Dropped)
            {
                _ = _owner.Tell(() => ConsumerLog.StateDropped(_log, _parts.ProcessorName, dropped, Key));
            }

            state.WatchKeys(range, hashKey => _ = _owner.Tell(() => ConsumerLog.StateKeyOutside(
                _log, _parts.ProcessorName, Key, hashKey)));
            _retention = retention;
            _checkpoints = checkpoint;
            if (_redrive is { } redrive && (redrive.Position <= _checkpoint || checkpoint.RestoredRuns.Contains(redrive.Position)))
            {
                // a try that was under way when it was decided has succeeded: its effects are in the state
                _redrive = null;
                _decision = OperatorNotes.Write(redrive.Command.Decided("The record is done: its handler has succeeded after all."));
                WantCheckpoint(isUrgent: true);
            }

            return true;
        }

        private SnapshotManifest About(StreamDescriptionSummary stream, HashKeyRange range) => new()
        {
            Application = _parts.ApplicationName,
            StreamArn = stream.StreamARN,
            StreamCreated = stream.StreamCreationTimestamp.ToUnixTimeMilliseconds(),
            Processor = _parts.ProcessorName,
            StateVersion = 0,
            Shard = Key,
            StartingHashKey = range.StartingHashKey.ToString(CultureInfo.InvariantCulture),
            EndingHashKey = range.EndingHashKey.ToString(CultureInfo.InvariantCulture),
            Lineage = "",
            Epoch = Epoch,
            Number = 0,
            Position = "",
            StreamTime = 0,
            States = [],
            Ranges = [],
        };

        /// <summary>Takes a checkpoint at each interval, and where one is asked for, until the run is over. Throws nothing.</summary>
        private async Task KeepStateAsync(ShardCheckpoint checkpoint, ShardProgress progress)
        {
            CancellationToken end = _stateEnd.Token;
            // an idle child would keep its parents' rows and snapshots for ever
            bool isWanted = checkpoint.IsOwed;
            try
            {
                while (true)
                {
                    if (!isWanted)
                    {
                        await _stateWanted.WaitAsync(_parts.Checkpoints!.UntilNext(_parts.CheckpointInterval), _parts.Time, end);
                    }

                    isWanted = false;
                    bool isSealed = await SealAsync(checkpoint, progress, isLast: false, end);
                    if (_notCheckpointed is not null)
                    {
                        return;
                    }

                    if (isSealed || IsSeen(checkpoint))
                    {
                        await checkpoint.WhenDurableAsync(end);
                        await ForgetAsync(checkpoint, end);
                        await PauseAsync(end);
                    }
                }
            }
            catch (Exception) when (end.IsCancellationRequested)
            {
                // whatever the call under way made of its cancelled token: the last checkpoint follows
            }
        }

        /// <summary>How long a checkpoint may wait for those of other shards, with which it shares an object.</summary>
        private TimeSpan Patience
        {
            get
            {
                TimeSpan part = _parts.CheckpointInterval < _parts.Checkpointing.Timeout
                    ? _parts.CheckpointInterval / PatienceParts
                    : _parts.Checkpointing.Timeout / PatienceParts;
                return part < SegmentRounds.MostPatience ? part : SegmentRounds.MostPatience;
            }
        }

        /// <summary>The time up to which the shard is done, where nothing is left to read; null where something may be.</summary>
        private DateTimeOffset? Seen => Lag == TimeSpan.Zero ? _parts.ServiceTime : null;

        /// <summary>
        /// True where the row is to say anew up to when the shard is done. An idle one must not look as if it had lost what the stream has
        /// trimmed.
        /// </summary>
        private bool IsSeen(ShardCheckpoint checkpoint)
        {
            if (Seen is not { } seen || !checkpoint.See(seen, SeenParts * _retention))
            {
                return false;
            }

            WantCheckpoint(isUrgent: false);
            return true;
        }

        /// <summary>Seals what is done, until that succeeds; false where nothing is new, or too many have failed.</summary>
        private async Task<bool> SealAsync(
            ShardCheckpoint checkpoint, ShardProgress progress, bool isLast, CancellationToken cancellationToken)
        {
            var backoff = new Backoff(_parts.RetryInitialBackoff, _parts.RetryMaxBackoff, _parts.CreateRandom());
            for (int failures = 0; ; failures++)
            {
                try
                {
                    bool isSealed = await SealOnceAsync(checkpoint, progress, isLast, cancellationToken);
                    _parts.Findings.Clear(FindingRules.StateNotCheckpointed, Scope);
                    return isSealed;
                }
                catch (Exception) when (_notCheckpointed is not null || IsLost)
                {
                    // that is told already, or another has the shard
                    return false;
                }
                catch (Exception e) when (!cancellationToken.IsCancellationRequested)
                {
                    TimeSpan wait = backoff.Next();
                    Telemetry.StateFailed();
                    if (!isLast && failures >= _parts.Checkpointing.TolerableFailures)
                    {
                        EndUncheckpointed(progress, failures + 1, e);
                        return false;
                    }

                    ConsumerLog.StateNotCheckpointed(_log, _parts.ProcessorName, Key, e.Message, wait, failures == 0 ? e : null);
                    _parts.Findings.Raise(
                        FindingRules.StateNotCheckpointed,
                        Scope,
                        $"The state of {_parts.ProcessorName} for shard {Key} of {_parts.Stream.Name} was not checkpointed "
                            + $"{failures + 1} time{(failures == 0 ? "" : "s")} in a row: {e.Message} Records are handled all the same; "
                            + "after a crash those since the last checkpoint are handled again.",
                        [new FindingFigure("failures", failures + 1, "{failure}")],
                        severity: failures < 2 ? FindingSeverity.Degraded : FindingSeverity.Unhealthy);
                    await Task.Delay(wait, _parts.Time, cancellationToken);
                }
            }
        }

        private async Task<bool> SealOnceAsync(
            ShardCheckpoint checkpoint, ShardProgress progress, bool isLast, CancellationToken cancellationToken)
        {
            TimeSpan timeout = _parts.Checkpointing.Timeout;
            using var late = new CancellationTokenSource(timeout, _parts.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
            long since = _parts.Time.GetTimestamp();
            try
            {
                if (checkpoint.Outputs is { } outputs)
                {
                    // so that the ones behind are few: until they are written too, what changes is kept twice, and lanes may be held
                    await outputs.FlushAsync(either.Token);
                }

                // no lane is waited for at the end: they have ended where they were
                using IDisposable? drain = isLast ? null : await DrainAsync(either.Token);
                bool isSealed = await checkpoint.SealAsync(
                    () =>
                    {
                        (DoneAtCut, long) done = progress.Cut();
                        // whatever the lanes are given from now on is behind the cut
                        drain?.Dispose();
                        return done;
                    },
                    Seen,
                    isLast || progress.IsAwaited || checkpoint.IsOwed ? SegmentRounds.PatienceInHaste : Patience,
                    either.Token);
                if (isSealed)
                {
                    Telemetry.StateSealed(_parts.Time.GetElapsedTime(since), checkpoint.SealedBytes);
                    WantCheckpoint(isUrgent: progress.IsAwaited || checkpoint.IsOwed);
                }

                return isSealed;
            }
            catch (Exception e) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException(
                    $"It was not stored within {timeout} (Checkpointing:Timeout). The store, a sink of outputs, or a lane that is waited "
                        + "for is too slow.",
                    e);
            }
        }

        /// <summary>Waits until the lanes have finished what they have, for as long as the settings say. Null where they go on.</summary>
        private async Task<IDisposable?> DrainAsync(CancellationToken cancellationToken)
        {
            TimeSpan patience = _parts.Checkpointing.AlignedTimeout;
            if (patience == TimeSpan.Zero || _lane is not { } lane)
            {
                return null;
            }

            using var over = new CancellationTokenSource(patience, _parts.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellationToken);
            try
            {
                return await lane.DrainAsync(_parts.Time, either.Token);
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                // the checkpoint is taken in their midst
                return null;
            }
        }

        private async Task PauseAsync(CancellationToken cancellationToken)
        {
            if (_parts.Checkpointing.MinPause is var pause && pause > TimeSpan.Zero)
            {
                await Task.Delay(pause, _parts.Time, cancellationToken);
            }
        }

        /// <summary>The shard is released, and begins again with its last checkpoint.</summary>
        private void EndUncheckpointed(ShardProgress progress, int failures, Exception error)
        {
            var reason = new NotCheckpointedException(
                $"The state of shard {Key} was not checkpointed {failures} time{(failures == 1 ? "" : "s")} in a row, and "
                    + $"Checkpointing:TolerableFailures is {_parts.Checkpointing.TolerableFailures}: {error.Message}",
                error);
            // what a sink of outputs says is the reason of this failure too: who reports it must still have the lease
            Interlocked.CompareExchange(ref _notCheckpointed, reason, null);
            EndWithout(progress, reason);
        }

        /// <summary>No checkpoint can be taken any more: the run ends, and begins again with the last one.</summary>
        private void EndWithout(ShardProgress progress, Exception reason)
        {
            _lane?.RequestStop();
            // a handler that waits for a checkpoint would wait for ever
            progress.Close(reason);
            _ = ApartTask.StartOn(_owner._control, () => _parts.Guard.Cancel(_stop));
        }

        /// <summary>No record starts any more: seals what is done for the last time.</summary>
        private async Task SealLastAsync(ShardCheckpoint checkpoint, ShardProgress progress)
        {
            await _stateEnd.CancelApartAsync();
            // a store or serializer that ignores its end is not waited for any longer than a handler
            if (await EndsAsync(_keeping) && _isUserCodeOver && !IsLost && !checkpoint.IsClosed && _notCheckpointed is null)
            {
                Task sealing = ApartTask.StartOn(_owner._control, () => SealAsync(checkpoint, progress, isLast: true, _abandoned.Token));
                await EndsAsync(sealing);
                await _abandoned.CancelApartAsync();
            }

            await EndOutputsAsync();

            _parts.Findings.Clear(FindingRules.StateNotCheckpointed, Scope);
        }

        /// <summary>Deletes what no row can name any more. What cannot be deleted is left over.</summary>
        private async Task ForgetAsync(ShardCheckpoint checkpoint, CancellationToken cancellationToken)
        {
            try
            {
                await checkpoint.ForgetAsync(cancellationToken);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                ConsumerLog.SnapshotNotDeleted(_log, Key, e.Message);
            }
        }

        /// <summary>The last checkpoint is durable: deletes what it supersedes.</summary>
        private async Task ForgetLastAsync(ShardCheckpoint checkpoint)
        {
            using var late = new CancellationTokenSource(s_forgetsWithin, _parts.Time);
            await ForgetAsync(checkpoint, late.Token)
                .ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Leases.Core;
using FastConsumer.Operators;
using FastConsumer.Processors;
using FastConsumer.State;
using FastConsumer.Timing;

namespace FastConsumer.Supervision;

internal sealed partial class ShardSupervisor
{
    /// <content>
    /// A shard whose position stands in the sink that its handlers write to. The sink's row leads: the run begins there, and the lease's
    /// checkpoint is never ahead of it. Only who has the lease may report what is wrong with the row: a former owner finds it changed too.
    /// </content>
    private sealed partial class ShardRun
    {
        private readonly TaskCompletionSource _stopAsked = ApartTask.Completion();
        private volatile TaskCompletionSource _nextWrite = ApartTask.Completion();

        /// <summary>What is done: with a sink, no further than what the sink has; with state, what the last snapshot has.</summary>
        private CheckpointPosition DoneOf(ShardProgress progress, ShardCheckpoint.Snapshot? snapshot)
        {
            if (_checkpoints is not null)
            {
                return snapshot?.Position ?? _start.Taken.Checkpoint;
            }

            CheckpointPosition done = progress.Done;
            if (_pipeline?.Transactions is not { } transactions || done.Kind == CheckpointKind.ShardEnd)
            {
                return done;
            }

            CheckpointPosition committed = transactions.Position ?? _checkpoint;
            return committed < done ? committed : done;
        }

        /// <summary>Makes the sink's row this owner's and begins where it stands; false where a stop comes first.</summary>
        private async Task<bool> TakeSinkPositionAsync(SinkTransactions transactions, FailurePolicy failures)
        {
            StreamDescriptionSummary stream = _parts.Description()
                ?? throw new InvalidOperationException($"Stream {_parts.Stream} was not described.");
            var key = new PositionKey(
                _parts.ApplicationName, stream.StreamARN, PositionKey.CreatedOf(stream.StreamCreationTimestamp), Key);
            bool isTaken = await failures.RunAsync(
                "the position store",
                () => transactions.TakeAsync(key, Epoch, _start.Taken.Checkpoint, _start.Taken.PositionSink is not null, _abort.Token),
                _stop.Token,
                _abort.Token);
            if (isTaken)
            {
                _checkpoint = transactions.Position ?? _start.Taken.Checkpoint;
                if (_redrive is { } redrive && redrive.Position <= _checkpoint)
                {
                    // it will not be met: a call that had no answer was committed after all
                    _decision = OperatorNotes.Write(redrive.Command.Decided(
                        $"The record is done: what its handler wrote is committed in {transactions.Store.Description}."));
                    WantCheckpoint(isUrgent: true);
                }

                ConsumerLog.SinkPositionTaken(_log, Key, _checkpoint, transactions.Store.Description, _start.Taken.Checkpoint);
            }

            return isTaken;
        }

        /// <summary>
        /// The run has failed. Where the sink's position or the state is the reason, a write of the lease that was sent later is awaited
        /// first: who has lost it reports nothing.
        /// </summary>
        private async Task<LeaseEvent.RunEnd> FailedAsync(Exception error)
        {
            if (error is NotCheckpointedException)
            {
                ConsumerLog.ShardNotCheckpointed(_log, _parts.ProcessorName, Key, error.Message, error.InnerException);
                _parts.Findings.Raise(
                    FindingRules.ShardCannotRun, Scope, $"{_parts.ProcessorName} has released shard {Key}. {error.Message}");
                return new LeaseEvent.RunEnd.Failed(error);
            }

            if (error is not (SinkPositionException or SnapshotRefusedException))
            {
                return Failed(error);
            }

            long failedAt = _parts.Time.GetElapsedTime(0).Ticks;
            WantCheckpoint(isUrgent: true);
            TaskCompletionSource written = _nextWrite = ApartTask.Completion();
            while (Volatile.Read(ref _renewedAt) <= failedAt)
            {
                await Task.WhenAny(written.Task, _lost.Task, _patience.Task, _stopAsked.Task);
                if (IsLost || !written.Task.IsCompleted)
                {
                    return new LeaseEvent.RunEnd.Stopped();
                }

                // it may have been sent before: the lease may have gone since
                written = _nextWrite = ApartTask.Completion();
            }

            if (error is SinkPositionException { NeedsOperator: false })
            {
                ConsumerLog.SinkPositionChanged(_log, _parts.ProcessorName, error.Message);
            }
            else
            {
                if (error is SinkPositionException)
                {
                    ConsumerLog.SinkPositionRefused(_log, _parts.ProcessorName, error.Message);
                }
                else
                {
                    ConsumerLog.StateRefused(_log, _parts.ProcessorName, Key, error.Message);
                }

                _parts.Findings.Raise(FindingRules.ShardCannotRun, Scope, error.Message);
            }

            return new LeaseEvent.RunEnd.Failed(error);
        }
    }
}

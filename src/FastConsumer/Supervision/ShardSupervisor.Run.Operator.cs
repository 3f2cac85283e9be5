using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Leases.Core;
using FastConsumer.Operators;
using FastConsumer.Reading;
using FastConsumer.Timing;

namespace FastConsumer.Supervision;

internal sealed partial class ShardSupervisor
{
    /// <content>
    /// What operators decide. A command is accepted by the run that fails on its record, and carried out by the run that follows it at once
    /// and under a new epoch. So no two calls with one record ever run at a time, and a command that was written for another owner, or
    /// for another record, does nothing.
    /// </content>
    private sealed partial class ShardRun
    {
        /// <summary>How often a paused shard is asked how old its first record is that is not done.</summary>
        private static readonly TimeSpan s_lagInterval = TimeSpan.FromMinutes(1);

        private static readonly object s_noRecord = new();

        private volatile string? _decision;
        private volatile bool _isPaused;
        private Redrive? _redrive;

        /// <summary>An operator's command stands in the lease's row. Returns at once.</summary>
        public void Decide(string text)
        {
            OperatorCommand? command = OperatorNotes.ReadCommand(text);
            if (command is null)
            {
                _owner.Tell(() => OperatorLog.Unreadable(_log, Key));
                return;
            }

            string? refusal = Refusal(command);
            if (refusal is null)
            {
                _owner._post(new LeaseEvent.TakeAnew(Key, Epoch, text));
                return;
            }

            _decision = OperatorNotes.Write(command.Decided(refusal));
            WantCheckpoint(isUrgent: true);
            _owner.Tell(() =>
            {
                OperatorLog.Refused(_log, command.By, command.Decision.ToString(), Key, command.Position, refusal);
                Telemetry.OperatorActed(command.Decision.ToString(), isDone: false);
            });
        }

        private string? Refusal(OperatorCommand command) =>
            command.Epoch != Epoch ? $"It was decided for the owner with fencing token {command.Epoch}; now it is {Epoch}."
            : !Array.Exists(_policies, policy => policy.Failing?.ToString() == command.Position)
                ? $"The shard does not fail on record {command.Position}."
            : command.Decision == RecordDecision.DeadLetter && _parts.DeadLetters is null
                ? $"{_parts.ProcessorName} has no place for dead letters."
            : null;

        /// <summary>What the run before has accepted.</summary>
        private void TakeOverRedrive()
        {
            if (OperatorNotes.ReadCommand(_start.Redrive) is not { } command
                || !OperatorNotes.TryParsePosition(command.Position, out CheckpointPosition position))
            {
                return;
            }

            string decision = OperatorNotes.Write(command.Decided());
            if (command.Decision == RecordDecision.Retry)
            {
                _decision = decision;
                Carried(command);
                return;
            }

            _redrive = new Redrive(command, position, () => _decision = decision, () => Carried(command));
        }

        private void Carried(OperatorCommand command)
        {
            WantCheckpoint(isUrgent: true);
            _owner.Tell(() =>
            {
                OperatorLog.Decided(_log, command.By, command.Decision.ToString(), Key, command.Position, command.Reason ?? "none");
                Telemetry.OperatorActed(command.Decision.ToString(), isDone: true);
            });
        }

        /// <summary>
        /// What the row is to say. A decision is told together with the checkpoint that passes its record: one write makes both durable.
        /// </summary>
        private LeaseMachine.Progress Say(CheckpointPosition done, double? throughput, ShardCheckpoint.Snapshot? snapshot)
        {
            string? decision = _redrive is { } redrive && done < redrive.Position && snapshot?.Runs.Contains(redrive.Position) is not true
                ? null
                : _decision;
            Standing? standing = _policies.Select(static policy => policy.Standing)
                .OfType<Standing>()
                .OrderByDescending(static standing => standing.IsStopped)
                // no checkpoint passes one before the others: that one has to be decided about first
                .ThenBy(static standing => OperatorNotes.TryParsePosition(standing.Position, out CheckpointPosition at) ? at : default)
                .FirstOrDefault();
            return new LeaseMachine.Progress(
                done, throughput, standing is null ? null : OperatorNotes.Write(standing), decision, Telemetry.Report,
                _pipeline?.Transactions?.Store.Name, snapshot?.Handle, _checkpoints?.Version ?? 0);
        }

        /// <summary>Holds the lease and reads nothing, until the pause is over or a stop comes.</summary>
        private async Task PausedAsync(ShardPause pause)
        {
            _isPaused = true;
            _owner._moved.Set();
            Telemetry.Time.Enter(ShardState.Paused);
            string until = pause.Until is { } end ? $"until {end:u}" : "until it is resumed";
            OperatorLog.Paused(_log, Key, pause.By, pause.At, until, pause.Reason ?? "none");
            _parts.Findings.Raise(
                FindingRules.ShardPaused,
                Scope,
                $"Shard {Key} of {_parts.Stream.Name} was paused by {pause.By} at {pause.At:u}, {until}. Nothing of it is read.");
            try
            {
                while (!_stop.IsCancellationRequested)
                {
                    TimeSpan left = pause.Until - _parts.Time.GetUtcNow() ?? TimeSpan.MaxValue;
                    if (left <= TimeSpan.Zero)
                    {
                        _owner._post(new LeaseEvent.TakeAnew(Key, Epoch));
                        await ApartTask.DelayAsync(Timeout.InfiniteTimeSpan, _parts.Time, _stop.Token);
                        return;
                    }

                    // so that the retention is watched meanwhile
                    _stoppedAt = await BestEffortCall.TryAsync(NextArrivalAsync, _parts.Time, _stop.Token);
                    await ApartTask.DelayAsync(left < s_lagInterval ? left : s_lagInterval, _parts.Time, _stop.Token);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // it was asked for the age of its first record
            }
            finally
            {
                _parts.Findings.Clear(FindingRules.ShardPaused, Scope);
            }
        }

        /// <summary>
        /// When the first record behind the checkpoint came to the service, a <see cref="DateTimeOffset"/>; something else where there is
        /// none.
        /// </summary>
        private async Task<object> NextArrivalAsync(CancellationToken cancellationToken)
        {
            CheckpointPosition checkpoint = _start.Taken.Checkpoint;
            if (checkpoint.Kind is not (CheckpointKind.Record or CheckpointKind.TrimHorizon))
            {
                // where it begins is not known before it is read
                return s_noRecord;
            }

            string iterator = await _parts.Client.GetShardIteratorAsync(
                _parts.Stream,
                Key,
                checkpoint.Kind == CheckpointKind.Record ? StartingPosition.After(checkpoint.SequenceNumber) : StartingPosition.TrimHorizon,
                cancellationToken);
            using GetRecordsResponse answer = await _parts.Client.GetRecordsAsync(_parts.Stream, iterator, 1, cancellationToken);
            return answer.Count > 0 ? new KinesisRecord(answer, 0).ApproximateArrivalTimestamp
                : answer.MillisBehindLatest is > 0 and var behind ? _parts.ServiceTime - TimeSpan.FromMilliseconds(behind)
                : s_noRecord;
        }
    }
}

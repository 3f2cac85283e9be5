using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.Timing;

namespace FastConsumer.Supervision;

internal sealed partial class ShardSupervisor
{
    /// <content>
    /// A shard whose processor has outputs. They are written beside the records, and a checkpoint waits for those of the records that it
    /// covers. What a sink has of records behind the checkpoint is left out when these are handled again.
    /// </content>
    private sealed partial class ShardRun
    {
        /// <summary>A value's rule is one of the class: which handler has added it is not kept.</summary>
        private const int OfNoHandler = -1;

        private readonly CancellationTokenSource _outputsEnd = new();
        private Task _writing = Task.CompletedTask;

        /// <summary>A pump for each sink; null where the processor has no outputs.</summary>
        private ShardOutputs? CreateOutputs(ProcessorState state)
        {
            if (state.Outputs.Count == 0)
            {
                return null;
            }

            IReadOnlyList<OutputRoute> routes = _parts.Outputs.Of(_parts.ProcessorName, state.Outputs);
            return new ShardOutputs([.. routes.Select(static (route, number) => (route, number))
                .GroupBy(static output => output.route.SinkKey, (_, outputs) => outputs.ToList())
                .Select(outputs => new OutputPump(
                    state,
                    outputs[0].route.CreateTarget([.. outputs.Select(static output => output.route)]),
                    [.. outputs.Select(static output => output.number)],
                    _parts.Time,
                    new Backoff(_parts.RetryInitialBackoff, _parts.RetryMaxBackoff, _parts.CreateRandom()),
                    new OutputEvents(
                        rejected => _pipeline!.RuleFor(rejected, OfNoHandler),
                        OutputsFailed,
                        OutputsWritten,
                        OutputLeftOut,
                        OutputTriedWithout,
                        OutputTryUnknown,
                        OutputStopsHost)))]);
        }

        private ValueTask<bool> TakeOutputsAsync(
            ShardOutputs outputs, ShardCheckpoint checkpoint, StreamDescriptionSummary stream, FailurePolicy failures)
        {
            var key = new PositionKey(
                _parts.ApplicationName, stream.StreamARN, PositionKey.CreatedOf(stream.StreamCreationTimestamp), Key);
            var owner = new OutputOwner(key, Epoch, _start.Taken.Lineage!, null);
            return failures.RunAsync(
                "the sink of outputs",
                () => new ValueTask(outputs.TakeAsync(owner, checkpoint.RestoredSinks, _abort.Token)),
                _stop.Token,
                _abort.Token);
        }

        /// <summary>Writes what handlers add, until the run is over. Throws nothing.</summary>
        private async Task WriteOutputsAsync(ShardOutputs outputs, ShardProgress progress)
        {
            try
            {
                await outputs.RunAsync(progress, _outputsEnd.Token);
            }
            catch (Exception) when (_outputsEnd.IsCancellationRequested)
            {
                // what is not written comes again: no checkpoint covers it
            }
            catch (Exception e)
            {
                _notCheckpointed = e;
                EndWithout(progress, e);
                await _outputsEnd.CancelApartAsync();
            }
        }

        /// <summary>The last checkpoint is sealed, or none follows.</summary>
        private async Task EndOutputsAsync()
        {
            await _outputsEnd.CancelApartAsync();
            await EndsAsync(_writing);
            _checkpoints?.Outputs?.Targets.ForEach(ClearOutputs);
        }

        private string ScopeOf(OutputTarget sink) => $"{Scope}/{sink.Description} ({string.Join(", ", sink.Outputs)})";

        private void OutputsFailed(OutputTarget sink, Exception error, int failures, TimeSpan wait)
        {
            Telemetry.OutputsFailed();
            ConsumerLog.OutputsNotWritten(
                _log, _parts.ProcessorName, Key, sink.Description, error.Message, wait, failures == 1 ? error : null);
            _parts.Findings.Raise(
                FindingRules.OutputsNotWritten,
                ScopeOf(sink),
                $"The outputs of {_parts.ProcessorName} for shard {Key} of {_parts.Stream.Name} were not written to {sink.Description} "
                    + $"{failures} time{(failures == 1 ? "" : "s")} in a row: {error.Message} They are kept and tried again. No checkpoint "
                    + "is taken meanwhile, and no further records are handled once many values wait.",
                [new FindingFigure("failures", failures, "{failure}")],
                severity: failures < 3 ? FindingSeverity.Degraded : FindingSeverity.Unhealthy);
        }

        private void OutputsWritten(OutputTarget sink, int values)
        {
            Telemetry.OutputsWritten(values);
            ClearOutputs(sink);
        }

        private void ClearOutputs(OutputTarget sink) => _parts.Findings.Clear(FindingRules.OutputsNotWritten, ScopeOf(sink));

        private void OutputLeftOut(OutputTarget sink, string output, OutputPlace place, RejectedOutputException rejected)
        {
            Telemetry.OutputSkipped();
            ConsumerLog.OutputLeftOut(
                _log, _parts.ProcessorName, place.Number, output, place.Position, Key, sink.Description, rejected);
        }

        private void OutputTriedWithout(OutputTarget sink, string output, OutputPlace place, RejectedOutputException rejected) =>
            ConsumerLog.OutputTriedWithout(
                _log, _parts.ProcessorName, place.Number, output, place.Position, Key, sink.Description, rejected.Message);

        private void OutputTryUnknown(OutputTarget sink, string output, OutputPlace place, Exception error) =>
            ConsumerLog.OutputTryUnknown(
                _log, _parts.ProcessorName, place.Number, output, place.Position, Key, sink.Description, error);

        private void OutputStopsHost(OutputTarget sink, OutputPlace place, RejectedOutputException rejected)
        {
            ConsumerLog.HostStopped(_log, _parts.ProcessorName, Key, place.Position, rejected);
            if (_parts.StopHost is { } stop)
            {
                _owner.Tell(stop);
            }
        }
    }
}

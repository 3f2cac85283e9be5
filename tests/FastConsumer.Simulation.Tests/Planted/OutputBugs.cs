using FastConsumer.Checkpoints;
using FastConsumer.Processors;
using FastConsumer.Simulation.Tests.Sink;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A mistake of what brings outputs to their sink.</summary>
internal sealed class OutputBug(Func<OutputTarget, OutputTarget> make) : PlantedBug
{
    public override OutputRoute Output(OutputRoute right) => new WrappedRoute(right, make);
}

/// <summary>Puts something before the target of each shard.</summary>
internal sealed class WrappedRoute(OutputRoute right, Func<OutputTarget, OutputTarget> make) : OutputRoute(right.Name, right.ValueType)
{
    public override object SinkKey => right.SinkKey;

    public override IPositionStore? Store => right.Store;

    public override OutputTarget CreateTarget(IReadOnlyList<OutputRoute> routes) => make(right.CreateTarget([right]));
}

/// <summary>A target before the right one.</summary>
internal abstract class WrappedTarget(OutputTarget right) : OutputTarget(right.Outputs)
{
    public override string Description => right.Description;

    public override long? Number => right.Number;

    public override int MostValues => right.MostValues;

    public override Task<(CheckpointPosition? Written, DoneRuns Runs)> TakeAsync(
        OutputOwner owner, CancellationToken cancellationToken) => right.TakeAsync(owner, cancellationToken);

    public override Task WriteAsync(OutputCut cut, CancellationToken cancellationToken) => right.WriteAsync(cut, cancellationToken);
}

/// <summary>A flush does not wait: what is written is there some time after the checkpoint believes so.</summary>
internal sealed class AcknowledgesEarly(OutputTarget right) : WrappedTarget(right)
{
    private readonly OutputTarget _right = right;
    private Task _writing = Task.CompletedTask;

    public override Task WriteAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        _writing = BehindAsync(_writing, cut, cancellationToken);
        return Task.CompletedTask;
    }

    private async Task BehindAsync(Task former, OutputCut cut, CancellationToken cancellationToken)
    {
        await former;
        while (true)
        {
            try
            {
                await _right.WriteAsync(cut, cancellationToken);
                return;
            }
            catch (Exception e) when (e is not SinkPositionException && !cancellationToken.IsCancellationRequested)
            {
                await Task.Yield();
            }
        }
    }
}

/// <summary>What the sink has of records that run again is not left out.</summary>
internal sealed class LeavesNothingOut(OutputTarget right) : WrappedTarget(right)
{
    public override async Task<(CheckpointPosition? Written, DoneRuns Runs)> TakeAsync(
        OutputOwner owner, CancellationToken cancellationToken)
    {
        await base.TakeAsync(owner, cancellationToken);
        return (null, DoneRuns.None);
    }
}

/// <summary>The values of a try that has failed are gone with it, and its records pass for written.</summary>
internal sealed class ForgetsFailedValues(OutputTarget right) : WrappedTarget(right)
{
    private OutputCut? _failed;
    private OutputCut? _emptied;

    public override async Task WriteAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        bool isAgain = _failed == cut;
        if (isAgain)
        {
            _emptied ??= cut with { Values = [new OutputValues<CountedRow>()] };
        }
        else
        {
            (_failed, _emptied) = (cut, null);
        }

        await base.WriteAsync(_emptied ?? cut, cancellationToken);
    }
}

/// <summary>Divides what was cut off into parts, the first of which says already what the last one does.</summary>
internal sealed class SaysAllInEachPart(OutputTarget right) : WrappedTarget(right)
{
    public override async Task WriteAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        if (cut.Count < 2)
        {
            await base.WriteAsync(cut, cancellationToken);
            return;
        }

        PositionedValues values = cut.Values[0];
        await base.WriteAsync(cut with { Values = [values.Only([0])] }, cancellationToken);
        await base.WriteAsync(cut with { Values = [values.Only([.. Enumerable.Range(1, values.Count - 1)])] }, cancellationToken);
    }
}

/// <summary>Divides what was cut off behind its first record, also inside a batch.</summary>
internal sealed class DividesBatches(OutputTarget right) : WrappedTarget(right)
{
    private OutputCut? _cut;
    private OutputCut? _left;

    public override async Task WriteAsync(OutputCut cut, CancellationToken cancellationToken)
    {
        if (_cut != cut)
        {
            (_cut, _left) = (cut, null);
        }

        if (_left is null && Divide(cut) is var (first, later))
        {
            await base.WriteAsync(first, cancellationToken);
            _left = later;
        }

        await base.WriteAsync(_left ?? cut, cancellationToken);
    }

    private static (OutputCut First, OutputCut Later)? Divide(OutputCut cut)
    {
        PositionedValues values = cut.Values[0];
        int[] all = [.. Enumerable.Range(0, values.Count)];
        CheckpointPosition first = all.Min(index => values.PlaceOf(index).Position);
        int[] early = [.. all.Where(index => values.PlaceOf(index).Position <= first)];
        return early.Length < all.Length && first < cut.Position
            ? (new OutputCut([values.Only(early)], first, DoneRuns.None), cut with { Values = [values.Only([.. all.Except(early)])] })
            : null;
    }
}

/// <summary>The row is what was cut off, although it had more: that of an owner whose last checkpoint was never named.</summary>
internal sealed class GoesBackToTheCut : PlantedBug
{
    // what a shard's pump writes now, for the store behind it
    private readonly AsyncLocal<OutputCut?> _cut = new();

    public override OutputRoute Output(OutputRoute right) => new WrappedRoute(right, target => new Target(target, this));

    public override SimulatedPositionStore Positions(SinkPlace place) => new CutStore(place, this);

    private sealed class Target(OutputTarget right, GoesBackToTheCut bug) : WrappedTarget(right)
    {
        public override async Task WriteAsync(OutputCut cut, CancellationToken cancellationToken)
        {
            bug._cut.Value = cut;
            await base.WriteAsync(cut, cancellationToken);
        }
    }

    private sealed class CutStore(SinkPlace place, GoesBackToTheCut bug) : SimulatedPositionStore(place)
    {
        public override Task<bool> CommitAsync(
            SinkTransaction transaction, PositionKey key, StoredPosition former, StoredPosition next, CancellationToken cancellationToken)
        {
            OutputCut cut = bug._cut.Value!;
            CheckpointPosition? position = cut.Position.Kind is CheckpointKind.Record or CheckpointKind.ShardEnd ? cut.Position : null;
            return base.CommitAsync(
                transaction, key, former, next with { Position = position, Runs = cut.Runs.ToText() }, cancellationToken);
        }
    }
}

using System.Buffers;
using FastConsumer.Leases;
using FastConsumer.Simulation.Tests.State;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A mistake of the store that keeps snapshots.</summary>
internal sealed class CheckpointBug(Func<StatePlace, SimulatedCheckpointStore> make) : PlantedBug
{
    public override SimulatedCheckpointStore Checkpoints(StatePlace place) => make(place);
}

/// <summary>It says that an object is there before it is.</summary>
internal sealed class AcknowledgesBeforeTheUpload(StatePlace place) : SimulatedCheckpointStore(place)
{
    private readonly StatePlace _place = place;

    public override Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        byte[] bytes = content.ToArray();
        _place.Cluster.Loop.At(TimeSpan.FromSeconds(3), () => _place.Objects.Create(_place.Worker.Name, name, bytes));
        return Task.CompletedTask;
    }
}

/// <summary>What it keeps ends too early.</summary>
internal sealed class TruncatesObjects(StatePlace place) : SimulatedCheckpointStore(place)
{
    public override Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken) =>
        base.CreateAsync(name, content.Slice(0, content.Length / 2), cancellationToken);
}

/// <summary>What was written before is deleted as soon as something newer is there, be that named or not.</summary>
internal sealed class DeletesBeforeTheRowNames(StatePlace place) : SimulatedCheckpointStore(place)
{
    private readonly List<string> _written = [];

    public override async Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
    {
        await base.CreateAsync(name, content, cancellationToken);
        foreach (string former in _written)
        {
            await DeleteAsync(former, cancellationToken);
        }

        _written.Clear();
        _written.Add(name);
    }
}

/// <summary>The position moves, and the row goes on naming the snapshot of before.</summary>
internal sealed class WritesPositionAlone : StoreBug
{
    protected override Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken) => base.UpdateAsync(
            store,
            [.. updates.Select(static write => write with
            {
                Set = write.Set.Where(static set => set.Key != Lease.Names.Snapshot)
                    .ToDictionary(static set => set.Key, static set => set.Value, StringComparer.Ordinal),
            })],
            cancellationToken);
}

/// <summary>A child's row says nothing of its parents' state.</summary>
internal sealed class ForgetsWhatAChildInherits : StoreBug
{
    protected override Lease ChildOf(Lease lease) => lease with { Inherits = [] };
}

using FastConsumer.Processors;
using FastConsumer.State.Format;

namespace FastConsumer.Checkpoints;

/// <summary>All outputs of one shard, while this worker has the shard: a pump for each sink.</summary>
internal sealed class ShardOutputs(IReadOnlyList<OutputPump> pumps)
{
    public List<OutputTarget> Targets { get; } = [.. pumps.Select(static pump => pump.Target)];

    /// <summary>Makes each sink this owner's. What its outputs have of records that run again is left out from then on.</summary>
    /// <param name="owner">This owner.</param>
    /// <param name="restored">What the snapshot says of the sinks that the run begins with.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task TakeAsync(OutputOwner owner, IReadOnlyList<SnapshotSink> restored, CancellationToken cancellationToken)
    {
        foreach (OutputPump pump in pumps)
        {
            // of another place, which an output was moved from, it says nothing
            long? number = restored
                .Where(sink => sink.Sink == pump.Target.Description && pump.Feeds.Any(feed => feed.Name == sink.Output))
                .Max(static sink => (long?)sink.Number);
            (CheckpointPosition? written, DoneRuns runs) = await pump.Target.TakeAsync(
                owner with { LeastNumber = number }, cancellationToken);
            foreach (ProcessorOutput feed in pump.Feeds)
            {
                feed.Leave(written, runs);
            }
        }
    }

    /// <summary>Writes what comes, until the token ends it, or a sink refuses this owner.</summary>
    public async Task RunAsync(ShardProgress progress, CancellationToken cancellationToken)
    {
        // the others end with the token: whoever is told of the first cancels it, and waits for none whose sink does not answer
        await await Task.WhenAny([.. pumps.Select(pump => pump.RunAsync(progress, cancellationToken))]);
    }

    /// <summary>Returns when the outputs of all records that are done now are in their sinks.</summary>
    public Task FlushAsync(CancellationToken cancellationToken) => Task.WhenAll(pumps.Select(pump => pump.FlushAsync(cancellationToken)));

    /// <summary>Returns when few enough values wait.</summary>
    public async ValueTask WhenRoomAsync(CancellationToken cancellationToken)
    {
        foreach (OutputPump pump in pumps)
        {
            await pump.WhenRoomAsync(cancellationToken);
        }
    }

    /// <summary>How many transactions each sink has of the shard, by output.</summary>
    public IReadOnlyList<SnapshotSink> Numbers =>
    [
        .. pumps.Where(static pump => pump.Target.Number is not null)
            .SelectMany(static pump => pump.Feeds.Select(
                feed => new SnapshotSink { Output = feed.Name, Sink = pump.Target.Description, Number = pump.Target.Number!.Value })),
    ];
}

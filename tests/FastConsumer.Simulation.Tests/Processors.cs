using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>Record by record.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(PoisonStopsException), ErrorAction.Stop)]
internal sealed partial class RecordProcessor(SimulatedHandler handler)
{
    [OnShardStarted]
    private ValueTask StartedAsync(ShardContext shard, CancellationToken cancellationToken) =>
        handler.LifeCycleAsync("OnShardStarted", shard, cancellationToken);

    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        handler.RecordAsync(record, context, cancellationToken);

    [OnShardEnded]
    private ValueTask EndedAsync(ShardContext shard, CancellationToken cancellationToken) =>
        handler.LifeCycleAsync("OnShardEnded", shard, cancellationToken);

    [OnLeaseLost]
    private ValueTask LostAsync(ShardContext shard, CancellationToken cancellationToken) =>
        handler.LifeCycleAsync("OnLeaseLost", shard, cancellationToken);

    [OnStopping]
    private ValueTask StoppingAsync(ShardContext shard, CancellationToken cancellationToken) =>
        handler.LifeCycleAsync("OnStopping", shard, cancellationToken);
}

/// <summary>In lanes, by key.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(PoisonStopsException), ErrorAction.Stop)]
[Concurrency(4)]
internal sealed partial class LaneProcessor(SimulatedHandler handler)
{
    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        handler.RecordAsync(record, context, cancellationToken);

    [OnShardEnded]
    private ValueTask EndedAsync(ShardContext shard, CancellationToken cancellationToken) =>
        handler.LifeCycleAsync("OnShardEnded", shard, cancellationToken);
}

/// <summary>In lanes, in no order: what <see cref="LaneProcessor"/> would be if its lanes lost the order of a key.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(PoisonStopsException), ErrorAction.Stop)]
[Concurrency(4, Order = RecordOrder.None)]
internal sealed partial class UnorderedProcessor(SimulatedHandler handler)
{
    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        handler.RecordAsync(record, context, cancellationToken);

    [OnShardEnded]
    private ValueTask EndedAsync(ShardContext shard, CancellationToken cancellationToken) =>
        handler.LifeCycleAsync("OnShardEnded", shard, cancellationToken);
}

/// <summary>In batches.</summary>
[KinesisProcessor(SimulatedCluster.Stream)]
[OnError(typeof(PoisonStopsException), ErrorAction.Stop)]
internal sealed partial class BatchProcessor(SimulatedHandler handler)
{
    [OnBatch(MaxRecords = 7, MaxWait = "00:00:00.7")]
    private ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken) =>
        handler.BatchAsync(batch, context, cancellationToken);

    [OnLeaseLost]
    private ValueTask LostAsync(ShardContext shard, CancellationToken cancellationToken) =>
        handler.LifeCycleAsync("OnLeaseLost", shard, cancellationToken);
}

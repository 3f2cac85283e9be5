using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastConsumer.Tests.Hosting;

[KinesisProcessor("events")]
internal sealed partial class EventProcessor : IDisposable
{
    private readonly Journal _journal;

    public EventProcessor(Journal journal)
    {
        _journal = journal;
        journal.Created();
    }

    public void Dispose() => _journal.Removed();

    [OnRecord]
    public ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        _journal.RunAsync(Deliveries.Of(record, context), context, cancellationToken);

    [OnShardStarted]
    public ValueTask StartedAsync(ShardContext shard, CancellationToken cancellationToken) =>
        _journal.RunLifeCycleAsync("started", shard, cancellationToken);

    [OnShardEnded]
    public ValueTask EndedAsync(ShardContext shard, CancellationToken cancellationToken) =>
        _journal.RunLifeCycleAsync("ended", shard, cancellationToken);

    [OnLeaseLost]
    public ValueTask LostAsync(ShardContext shard, CancellationToken cancellationToken) =>
        _journal.RunLifeCycleAsync("lost", shard, cancellationToken);

    [OnStopping]
    public ValueTask StoppingAsync(ShardContext shard, CancellationToken cancellationToken) =>
        _journal.RunLifeCycleAsync("stopping", shard, cancellationToken);
}

[KinesisProcessor("events")]
internal sealed partial class SyncProcessor(Journal journal)
{
    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context) => journal.Run(Deliveries.Of(record, context), context);
}

[KinesisProcessor("events")]
internal sealed partial class SmallBatchProcessor(Journal journal)
{
    [OnBatch(MaxRecords = 4, MaxWait = "00:00:00.3")]
    private ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken) =>
        journal.RunBatchAsync(Deliveries.Of(batch, context), context, cancellationToken);
}

/// <summary>Waits until its batches are full.</summary>
[KinesisProcessor("events")]
internal sealed partial class FullBatchProcessor(Journal journal)
{
    [OnBatch(MaxRecords = 4, MaxWait = "00:10:00")]
    private ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken) =>
        journal.RunBatchAsync(Deliveries.Of(batch, context), context, cancellationToken);
}

[KinesisProcessor("events")]
internal sealed partial class LargeBatchProcessor(Journal journal)
{
    [OnBatch(MaxRecords = 1000, MaxBytes = 100, MaxWait = "00:00:05")]
    private ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken) =>
        journal.RunBatchAsync(Deliveries.Of(batch, context), context, cancellationToken);
}

internal sealed record Order(string Id);

[JsonSerializable(typeof(Order))]
internal sealed partial class OrderJson : JsonSerializerContext;

[KinesisProcessor("events", JsonContext = typeof(OrderJson))]
internal sealed partial class OrderProcessor(Journal journal)
{
    [OnRecord]
    private ValueTask HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken) =>
        journal.RunAsync(Deliveries.Of(order.Id, context), context, cancellationToken);
}

[KinesisProcessor("events", JsonContext = typeof(OrderJson))]
internal sealed partial class OrderBatchProcessor(Journal journal)
{
    [OnBatch(MaxRecords = 100, MaxWait = "00:00:00.3")]
    private ValueTask HandleAsync(ReadOnlyMemory<Order> orders, BatchContext context, CancellationToken cancellationToken) =>
        journal.RunBatchAsync([.. orders.ToArray().Select(order => Deliveries.Of(order.Id, context))], context, cancellationToken);
}

[KinesisProcessor("events", JsonContext = typeof(OrderJson), RouteProperty = "Id")]
internal sealed partial class RoutedProcessor(Journal journal)
{
    [OnRecord(Route = "known")]
    private ValueTask HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken) =>
        journal.RunAsync(Deliveries.Of(order.Id, context), context, cancellationToken);
}

[KinesisProcessor("clicks")]
internal sealed partial class ClickProcessor(Journal journal)
{
    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context) =>
        journal.Run(Deliveries.Of(record, context) with { Key = context.StreamName }, context);
}

internal static class Deliveries
{
    public static Delivery Of(in KinesisRecord record, in RecordContext context) =>
        new(
            context.ShardId, record.PartitionKey, Encoding.UTF8.GetString(record.DataSpan), record.SequenceNumber, context.Attempt,
            context.FencingToken, Completed: false);

    public static Delivery Of(string text, in RecordContext context) =>
        new(context.ShardId, "", text, default, context.Attempt, context.FencingToken, Completed: false);

    public static Delivery Of(string text, BatchContext context) =>
        new(context.ShardId, "", text, default, context.Attempt, context.FencingToken, Completed: false);

    public static IReadOnlyList<Delivery> Of(in RecordBatch batch, BatchContext context)
    {
        List<Delivery> deliveries = [];
        foreach (KinesisRecord record in batch)
        {
            deliveries.Add(new Delivery(
                context.ShardId, record.PartitionKey, Encoding.UTF8.GetString(record.DataSpan), record.SequenceNumber, context.Attempt,
                context.FencingToken, Completed: false));
        }

        return deliveries;
    }
}

[KinesisProcessor("events", JsonContext = typeof(OrderJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
internal sealed partial class SkippingProcessor(Journal journal)
{
    [OnRecord]
    private ValueTask HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken) =>
        journal.RunAsync(Deliveries.Of(order.Id, context), context, cancellationToken);
}

[KinesisProcessor("events", JsonContext = typeof(OrderJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(
    typeof(TimeoutException),
    ErrorAction.Retry, MaxAttempts = 3, InitialBackoff = "00:00:00.01", MaxBackoff = "00:00:00.02", Then = ErrorAction.DeadLetter)]
[OnError(typeof(FormatException), ErrorAction.Retry, MaxAttempts = 2, Then = ErrorAction.Skip)]
[OnError(typeof(NotSupportedException), ErrorAction.Stop)]
internal sealed partial class BuryingProcessor(Journal journal)
{
    [OnRecord]
    private ValueTask HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken) =>
        journal.RunAsync(Deliveries.Of(order.Id, context), context, cancellationToken);
}

[KinesisProcessor("events", JsonContext = typeof(OrderJson))]
[OnError(typeof(TimeoutException), ErrorAction.Retry, Timeout = "00:00:00.05")]
internal sealed partial class HurriedProcessor(Journal journal)
{
    [OnRecord]
    private ValueTask HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken) =>
        journal.RunAsync(Deliveries.Of(order.Id, context), context, cancellationToken);
}

[KinesisProcessor("events", JsonContext = typeof(OrderJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(InvalidDataException), ErrorAction.DeadLetter)]
[OnError(typeof(NotSupportedException), ErrorAction.Stop)]
internal sealed partial class BuryingBatchProcessor(Journal journal)
{
    [OnBatch(MaxRecords = 100, MaxWait = "00:00:00.3")]
    [OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.DeadLetter)]
    private ValueTask HandleAsync(ReadOnlyMemory<Order> orders, BatchContext context, CancellationToken cancellationToken) =>
        journal.RunBatchAsync([.. orders.ToArray().Select(order => Deliveries.Of(order.Id, context))], context, cancellationToken);
}

[KinesisProcessor("events")]
[Concurrency(8)]
[OnError(typeof(InvalidDataException), ErrorAction.DeadLetter)]
internal sealed partial class LaneProcessor(Journal journal)
{
    [OnRecord]
    private ValueTask HandleAsync(KinesisRecord record, RecordContext context, CancellationToken cancellationToken) =>
        journal.RunAsync(Deliveries.Of(record, context), context, cancellationToken);

    [OnShardEnded]
    private ValueTask EndedAsync(ShardContext shard, CancellationToken cancellationToken) =>
        journal.RunLifeCycleAsync("ended", shard, cancellationToken);
}

[KinesisProcessor("events", JsonContext = typeof(OrderJson))]
internal sealed partial class ChoosyProcessor(Journal journal)
{
    [Filter]
    private static bool IsOrder(ReadOnlySpan<byte> data) => data.StartsWith("{"u8);

    [Filter]
    private static bool IsNamed(Order order) => order.Id.Length > 0;

    [OnRecord]
    private ValueTask HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken) =>
        journal.RunAsync(Deliveries.Of(order.Id, context), context, cancellationToken);
}

[KinesisProcessor("events", JsonContext = typeof(OrderJson))]
internal sealed partial class ChoosyBatchProcessor(Journal journal)
{
    [Filter]
    private static bool IsOrder(KinesisRecord record) => record.DataSpan.StartsWith("{"u8);

    [Filter]
    private static bool IsNamed(Order order) => order.Id.Length > 0;

    [OnBatch(MaxRecords = 3, MaxWait = "00:00:00.2")]
    private ValueTask HandleAsync(ReadOnlyMemory<Order> orders, BatchContext context, CancellationToken cancellationToken) =>
        journal.RunBatchAsync([.. orders.ToArray().Select(order => Deliveries.Of(order.Id, context))], context, cancellationToken);
}

// What the pages leave to their reader: stores, payloads, a processor that others are shown beside.
using System.Text.Json.Serialization;
using FastConsumer;

namespace Reader;

public sealed record Order(string Id, decimal Total);

public sealed record OrderPlaced(string Id, decimal Total);

public sealed record OrderCancelled(string Id);

[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(OrderCancelled))]
[JsonSerializable(typeof(Total))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(decimal))]
public sealed partial class OrdersJson : JsonSerializerContext;

public readonly record struct Total(decimal Sum, int Orders);

[KinesisProcessor("orders", JsonContext = typeof(OrdersJson))]
public sealed partial class TotalsProcessor
{
    [State("totals")] private partial KeyedState<Total> ByCustomer { get; }

    [OnRecord]
    public void Handle(OrderPlaced order, RecordContext context) => ByCustomer.Of(context).Edit() = new Total(order.Total, 1);
}

public readonly record struct OrderRow(string OrderId, decimal Sum);

/// <summary>What docs/guides/outputs.md registers.</summary>
[KinesisProcessor("orders", JsonContext = typeof(OrdersJson))]
public sealed partial class SumsProcessor
{
    [Output("rows")] private partial Output<OrderRow> Rows { get; }

    [OnRecord]
    public void Handle(OrderPlaced order, RecordContext context) => Rows.Add(context, new OrderRow(order.Id, order.Total));
}

public interface IOrderBook
{
    ValueTask AddAsync(OrderPlaced order, CancellationToken cancellationToken);

    ValueTask RemoveAsync(OrderCancelled order, CancellationToken cancellationToken);
}

public sealed class OrderBook : IOrderBook
{
    public Dictionary<string, OrderPlaced> Orders { get; } = [];

    public ValueTask AddAsync(OrderPlaced order, CancellationToken cancellationToken)
    {
        Orders[order.Id] = order;
        return default;
    }

    public ValueTask RemoveAsync(OrderCancelled order, CancellationToken cancellationToken)
    {
        Orders.Remove(order.Id);
        return default;
    }
}

public sealed class OrderClosedException : Exception;

[KinesisProcessor("orders", JsonContext = typeof(OrdersJson))]
public sealed partial class OrderProcessor(IOrderBook book)
{
    [OnRecord]
    public ValueTask HandleAsync(OrderPlaced order, CancellationToken cancellationToken) => book.AddAsync(order, cancellationToken);
}

public sealed class ClickCounter
{
    public void Count(ReadOnlySpan<byte> click) => Bytes += click.Length;

    public long Bytes { get; private set; }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

    public void Clear() => Bytes = 0;
}

[KinesisProcessor("clicks")]
public sealed partial class ClickProcessor(ClickCounter counter)
{
    [OnRecord]
    public void Handle(ReadOnlySpan<byte> click) => counter.Count(click);
}

public sealed record Reading(int Meter, double Kilowatts);

[JsonSerializable(typeof(Reading))]
public sealed partial class ReadingsJson : JsonSerializerContext;

public sealed class RowRejectedException : Exception;

public interface IWarehouse
{
    Task<IReadOnlyList<Exception?>> InsertAsync(ReadOnlyMemory<Reading> readings, CancellationToken cancellationToken);
}

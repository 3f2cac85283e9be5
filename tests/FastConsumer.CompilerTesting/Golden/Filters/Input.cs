using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders", JsonContext = typeof(AcmeJson), RouteProperty = "type")]
public sealed partial class OrderProcessor : ProcessorBase
{
    [Filter]
    private static bool IsOrder(ReadOnlySpan<byte> data) => data.Length > 2;

    [Filter]
    private static bool IsLarge(OrderPlaced order) => order.Amount > 100;

    [OnRecord(Route = "order.placed")]
    [OnError(typeof(InvalidOperationException), ErrorAction.Skip)]
    public ValueTask PlacedAsync(OrderPlaced order, CancellationToken cancellationToken) => default;

    [OnRecord]
    public void Other(KinesisRecord record)
    {
    }
}

[KinesisProcessor("orders")]
public sealed partial class OrderCounter
{
    [Filter]
    private static bool @is(in KinesisRecord record) => !record.PartitionKeyUtf8.IsEmpty;

    [Filter]
    private static bool IsLong(string text) => text.Length > 10;

    [OnRecord]
    public void Count(string text)
    {
    }
}

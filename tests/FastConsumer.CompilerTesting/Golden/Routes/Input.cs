using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders", JsonContext = typeof(AcmeJson), RouteProperty = "type")]
public sealed partial class OrderProcessor(IOrderBook book) : ProcessorBase
{
    [OnRecord(Route = "order.placed")]
    public Task PlacedAsync(OrderPlaced order, CancellationToken cancellationToken) => book.AddAsync(order, cancellationToken);

    [OnRecord(Route = "order \"cancelled\" \\ \u00e4\n")]
    public ValueTask CancelledAsync(CancellationToken cancellationToken, OrderCancelled order) =>
        new(book.AddAsync(order, cancellationToken));

    [OnRecord]
    internal void Other(KinesisRecord record, RecordContext context)
    {
    }
}

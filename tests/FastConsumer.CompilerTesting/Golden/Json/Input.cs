using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("arn:aws:kinesis:eu-west-1:123456789012:stream/orders", JsonContext = typeof(AcmeJson))]
[Checkpoint(Interval = "00:00:02.5", Records = 1_000)]
public sealed partial class OrderProcessor(IOrderBook book) : ProcessorBase
{
    [OnRecord]
    public ValueTask HandleAsync(OrderPlaced order, RecordContext context, CancellationToken cancellationToken) =>
        new(book.AddAsync(order, cancellationToken));
}

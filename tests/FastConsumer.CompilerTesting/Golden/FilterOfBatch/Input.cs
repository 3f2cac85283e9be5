using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders", JsonContext = typeof(AcmeJson))]
public sealed partial class OrderArchive : ProcessorBase
{
    [Filter]
    private static bool IsOrder(KinesisRecord record) => record.SubSequenceNumber == 0;

    [Filter]
    private static bool IsLarge(OrderPlaced order) => order.Amount > 100;

    [OnBatch]
    public ValueTask HandleAsync(ReadOnlyMemory<OrderPlaced> orders, CancellationToken cancellationToken) => default;
}

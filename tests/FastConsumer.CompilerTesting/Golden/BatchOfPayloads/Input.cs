using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders", JsonContext = typeof(AcmeJson))]
public sealed partial class OrderArchive : ProcessorBase
{
    [OnBatch(MaxRecords = 100, MaxBytes = 65_536, MaxWait = "00:01:00")]
    public async Task HandleAsync(ReadOnlyMemory<OrderPlaced> orders, [FromServices] IOrderBook book, CancellationToken cancellationToken)
    {
        for (int i = 0; i < orders.Length; i++)
        {
            await book.AddAsync(orders.Span[i], cancellationToken);
        }
    }
}

using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders")]
public sealed partial class OrderArchive : ProcessorBase
{
    [OnBatch]
    public ValueTask HandleAsync(RecordBatch batch, BatchContext context, CancellationToken cancellationToken) => default;
}

using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders")]
public sealed partial class OrderProcessor
{
    [OnBatch(MaxRecords = 100)]
    public async ValueTask HandleAsync(
        RecordBatch orders, [SinkTransaction] List<string>? unitOfWork, BatchContext context, CancellationToken cancellationToken) =>
        await Task.Yield();
}

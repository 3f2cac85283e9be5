using System.Text.Json;
using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders", JsonContext = typeof(AcmeJson))]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
public sealed partial class OrderArchive : ProcessorBase
{
    [OnBatch]
    [OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 2, Then = ErrorAction.Skip, Timeout = "00:00:02")]
    public ValueTask HandleAsync(ReadOnlyMemory<OrderPlaced> orders, BatchContext context, CancellationToken cancellationToken) => default;
}

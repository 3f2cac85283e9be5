using FastConsumer;
using Microsoft.Extensions.DependencyInjection;

namespace Acme.Orders;

[KinesisProcessor("orders", JsonContext = typeof(AcmeJson), RouteProperty = "type")]
public sealed partial class OrderProcessor : ProcessorBase
{
    [OnRecord(Route = "order.placed")]
    public Task PlacedAsync(
        OrderPlaced order,
        [FromServices] IOrderBook book,
        [FromServices] IComparer<string?>? comparer,
        CancellationToken cancellationToken) =>
        book.AddAsync(order, cancellationToken);

    [OnRecord]
    public void Other(
        [FromServices] IOrderBook book,
        ReadOnlySpan<byte> data,
        RecordContext context,
        [FromKeyedServices("archive")] IOrderBook archive,
        [FromKeyedServices(DayOfWeek.Monday)] IOrderBook? monday,
        [FromKeyedServices(-1L)] IOrderBook last,
        [FromKeyedServices(typeof(List<string>))] IOrderBook lists)
    {
    }
}

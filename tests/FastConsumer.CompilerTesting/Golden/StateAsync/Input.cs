using System;
using System.Threading;
using System.Threading.Tasks;
using FastConsumer;

namespace Acme.Orders;

[KinesisProcessor("orders", JsonContext = typeof(AcmeJson), RouteProperty = "type")]
[OnError(typeof(TimeoutException), ErrorAction.Retry, Timeout = "00:00:05")]
public sealed partial record OrderStates(string Name)
{
    // its generated field has another name
    private readonly int __open = 1;

    [State("open")]
    public partial KeyedState<Reading> Open { get; }

    [Filter]
    private static bool IsOfInterest(OrderCancelled order) => order.Id.Length > 0;

    [OnRecord(Route = "order.placed")]
    public async Task PlacedAsync(OrderPlaced order, [FromServices] IOrderBook book, RecordContext context, CancellationToken token)
    {
        await book.AddAsync(order, token);
        Open.Of(context).Set(new Reading(order.Id, __open));
    }

    [OnRecord(Route = "order.cancelled")]
    public ValueTask CancelledAsync(OrderCancelled order, RecordContext context, CancellationToken token)
    {
        Open.Of(context).Clear();
        return default;
    }

    [OnRecord]
    public void Other(KinesisRecord record, CancellationToken token)
    {
    }
}

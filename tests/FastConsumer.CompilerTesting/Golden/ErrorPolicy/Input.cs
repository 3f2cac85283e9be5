using System.Text.Json;
using FastConsumer;

[assembly: OnError(typeof(System.IO.IOException), ErrorAction.Retry, InitialBackoff = "00:00:01")]

namespace Acme.Orders;

[KinesisProcessor("orders", JsonContext = typeof(AcmeJson), RouteProperty = "type")]
[OnError(typeof(JsonException), ErrorAction.DeadLetter)]
[OnError(typeof(TimeoutException), ErrorAction.Retry, MaxAttempts = 5, Timeout = "00:00:10")]
public sealed partial class OrderProcessor : ProcessorBase
{
    [OnRecord(Route = "order.placed")]
    public ValueTask PlacedAsync(OrderPlaced order, [FromServices] IOrderBook book, CancellationToken cancellationToken) =>
        new(book.AddAsync(order, cancellationToken));

    [OnRecord(Route = "order.cancelled")]
    [OnError(typeof(JsonException), ErrorAction.Skip)]
    [OnError(
        typeof(Lost),
        ErrorAction.Retry, MaxAttempts = 3, InitialBackoff = "00:00:00.5", MaxBackoff = "00:01:00", Then = ErrorAction.DeadLetter)]
    public async Task CancelledAsync(OrderCancelled order, CancellationToken cancellationToken) => await Task.Yield();

    [OnRecord]
    [OnError(typeof(Exception), ErrorAction.Stop)]
    public void Other(ReadOnlySpan<byte> json, CancellationToken cancellationToken)
    {
    }

    private sealed class Lost : Exception;
}

[KinesisProcessor("orders")]
[OnError(typeof(Exception), ErrorAction.Skip)]
public sealed partial class OrderCounter
{
    [OnRecord]
    [OnError(typeof(InvalidOperationException), ErrorAction.Retry)]
    public void Count(ReadOnlySpan<byte> data)
    {
    }
}

// Several handlers, one with a policy of its own.
using FastConsumer;

namespace Corpus.Routes;

[KinesisProcessor("events", JsonContext = typeof(CorpusJson), RouteProperty = "type")]
public sealed partial class RoutedProcessor(IOrderBook book)
{
    [OnRecord(Route = "order")]
    [OnError(typeof(InvalidOperationException), ErrorAction.DeadLetter)]
    public ValueTask OrderAsync(Order order, CancellationToken cancellationToken)
    {
        if (order.Amount == 0)
        {
            throw new InvalidOperationException("An order is empty.");
        }

        return book.AddAsync(order, cancellationToken);
    }

    [OnRecord(Route = "click")]
    public void {|FC2001:Click|}(Click click)
    {
        if (click.At < 0)
        {
            throw new InvalidOperationException("A click has no time.");
        }
    }

    [OnRecord]
    public void Rest(ReadOnlySpan<byte> json)
    {
    }
}

// Nullable payloads, switch expressions, pattern matching.
using FastConsumer;

namespace Corpus.NullableFlows;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[OnError(typeof(ArgumentException), ErrorAction.DeadLetter)]
public sealed partial class SwitchingProcessor(IOrderBook book)
{
    private Order? _last;

    [OnRecord]
    public async ValueTask HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken)
    {
        Order? known = await book.FindAsync(order.Id, cancellationToken);
        Order next = (known, order.Amount) switch
        {
            (null, _) => order,
            ({ Amount: var amount }, > 0) => order with { Amount = amount + order.Amount },
            _ => throw new ArgumentOutOfRangeException(nameof(order)),
        };
        _last = next;
        if (context.Attempt > 1 && _last is { Id.Length: > 0 })
        {
            await context.CheckpointAsync(cancellationToken);
        }
    }
}

// Waiting for tasks without awaiting them.
using FastConsumer;

namespace Corpus.Blocking;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class BlockingProcessor(IOrderBook book)
{
    [OnRecord]
    public void Handle(Order order, CancellationToken cancellationToken)
    {
        Order? known = {|FC3001:book.FindAsync(order.Id, cancellationToken).GetAwaiter().GetResult()|};
        {|FC3001:book.AddAsync(known ?? order, cancellationToken).AsTask().Wait()|};
        {|FC3001:Task.WaitAll(book.FindAsync("a", cancellationToken), book.FindAsync("b", cancellationToken))|};
    }

    [OnShardStarted]
    public void Start(CancellationToken cancellationToken) => {|FC3001:book.FindAsync("warm-up", cancellationToken).Wait()|};
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class NotBlocking(IOrderBook book)
{
    [OnRecord]
    public ValueTask HandleAsync(Order order, CancellationToken cancellationToken)
    {
        ValueTask added = book.AddAsync(order, cancellationToken);
        if (added.IsCompletedSuccessfully)
        {
            added.GetAwaiter().GetResult();
            return default;
        }

        return added;
    }
}

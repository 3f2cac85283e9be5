// The plainest processor: an expression body that hands the order on.
using FastConsumer;

namespace Corpus.Forwarding;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class OrderProcessor(IOrderBook book)
{
    [OnRecord]
    public ValueTask HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken)
        => book.AddAsync(order, cancellationToken);
}

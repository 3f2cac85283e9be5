// A batch built over several calls, checkpointed by hand when it was written.
using FastConsumer;

namespace Corpus.Accumulating;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[Checkpoint(Interval = "00:01:00", Records = 0)]
public sealed partial class Accumulator(IOrderBook book)
{
    private readonly List<Order> _orders = new(500);

    [OnRecord]
    public async ValueTask HandleAsync(Order order, RecordContext context, CancellationToken cancellationToken)
    {
        {|FC2006:_orders.Add(order)|};
        if (_orders.Count < 500)
        {
            return;
        }

        foreach (Order item in _orders)
        {
            await book.AddAsync(item, cancellationToken);
        }

        _orders.Clear();
        await {|FC3002:context.CheckpointAsync()|};
    }
}

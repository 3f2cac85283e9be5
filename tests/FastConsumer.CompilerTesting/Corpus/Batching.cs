// Payloads in batches, with partial failures named to the context.
using FastConsumer;
using Microsoft.Extensions.Logging;

namespace Corpus.Batching;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class BatchProcessor(IOrderBook book, ILogger<BatchProcessor> log)
{
    [OnBatch(MaxRecords = 100)]
    public async Task HandleAsync(ReadOnlyMemory<Order> orders, BatchContext context, CancellationToken cancellationToken)
    {
        for (int i = 0; i < orders.Length; i++)
        {
            try
            {
                await book.AddAsync(orders.Span[i], cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                log.LogError(e, "{Order} failed", orders.Span[i].Id);
                context.Fail(i, e);
            }
        }
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class CarelessBatchProcessor(IOrderBook book, ILogger<CarelessBatchProcessor> log)
{
    private ReadOnlyMemory<Order> _orders;

    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Order> orders, BatchContext context, CancellationToken cancellationToken)
    {
        _orders = {|FC2005:orders|};
        for (int i = 0; i < _orders.Length; i++)
        {
            try
            {
                await book.AddAsync(orders.Span[i], cancellationToken);
            }
            {|FC2004:catch (Exception e)|}
            {
                context.Fail(i, e);
            }

            try
            {
                await book.FindAsync(orders.Span[i].Id, cancellationToken);
            }
            {|FC2002:catch|}
            {
                log.LogError("Lost {Index}", i);
            }
        }
    }
}

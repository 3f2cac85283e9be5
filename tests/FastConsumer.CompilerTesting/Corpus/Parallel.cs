// Parallel work inside a call.
using System.Collections.Concurrent;
using FastConsumer;

namespace Corpus.ParallelWork;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class ParallelProcessor(IOrderBook book)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Order> orders, CancellationToken cancellationToken)
    {
        var done = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(orders.ToArray(), cancellationToken, async (order, token) =>
        {
            await book.AddAsync(order, token);
            done.Add(order.Id);
        });
        Console.WriteLine(done.Count);
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class RacyProcessor(IOrderBook book)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Order> orders, CancellationToken cancellationToken)
    {
        int count = 0;
        var done = new List<string>();
        await Parallel.ForEachAsync(orders.ToArray(), cancellationToken, async (order, token) =>
        {
            await {|FC3002:book.AddAsync(order)|};
            {|FC3003:count|}++;
            {|FC3003:done|}.Add(order.Id);
        });
        Console.WriteLine(count + done.Count);
    }
}

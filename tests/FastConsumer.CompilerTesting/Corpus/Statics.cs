// State that all shards share.
using System.Collections.Concurrent;
using FastConsumer;

namespace Corpus.Statics;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class StaticState
{
    private static readonly Dictionary<string, decimal> s_totals = [];
    private static readonly ConcurrentDictionary<string, decimal> s_safeTotals = [];
    private static readonly Lock s_gate = new();
    private static long s_count;
    private static long s_safeCount;
    private static Order? s_last;
    [ThreadStatic]
    private static int t_depth;
    private readonly Dictionary<string, decimal> _totals = [];
    private long _count;

    [OnRecord]
    public void Handle(Order order)
    {
        {|FC3003:s_count|}++;
        {|FC3003:s_totals|}[order.Customer] = order.Amount;
        {|FC3003:s_last|} = order;
        Interlocked.Increment(ref s_safeCount);
        s_safeTotals[order.Customer] = order.Amount;
        lock (s_gate)
        {
            s_totals[order.Customer] = order.Amount;
        }

        t_depth++;
        _count++;
        _totals[order.Customer] = order.Amount;
    }

    [OnStopping]
    public void Stop() => Console.WriteLine($"{s_count} {s_safeCount} {s_last} {_count} {_totals.Count}");
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
[Concurrency(8)]
public sealed partial class Lanes
{
    private readonly List<string> _ids = [];
    private long _count;

    [OnRecord]
    public void Handle(Order order)
    {
        {|FC3003:_ids|}.Add(order.Id);
        Interlocked.Increment(ref _count);
    }
}

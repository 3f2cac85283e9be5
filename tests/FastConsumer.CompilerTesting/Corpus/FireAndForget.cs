// Work that nobody waits for, in its many forms.
using FastConsumer;

namespace Corpus.FireAndForget;

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class Forgetful(IOrderBook book, IProbe probe)
{
    private readonly List<Task> _running = [];
    private Task _last = Task.CompletedTask;

    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        _ = {|FC2003:book.FindAsync(order.Id, cancellationToken)|};
        {|FC2003:Task.Run(() => book.Add(order), cancellationToken)|};
        {|FC2003:NotifyAsync(order).ConfigureAwait(false)|};
        {|FC2003:Audit(order)|};
        {|FC2003:ThreadPool.QueueUserWorkItem(_ => book.Add(order))|};
        var timer = {|FC2003:new Timer(_ => book.Add(order), null, 1000, Timeout.Infinite)|};
        {|FC2003:probe.Changed += (_, _) => book.Add(order)|};
        _running.Add({|FC2003:NotifyAsync(order)|});
        _last = {|FC2003:NotifyAsync(order)|};
        new List<Order> { order }.ForEach({|FC2003:async|} item => await NotifyAsync(item));
        await Task.Yield();
    }

    private async Task NotifyAsync(Order order)
    {
        await Task.Yield();
        book.Add(order);
    }

    private async void Audit(Order order)
    {
        await Task.Yield();
        book.Add(order);
    }
}

[KinesisProcessor("orders", JsonContext = typeof(CorpusJson))]
public sealed partial class Careful(IOrderBook book, IProbe probe)
{
    [OnRecord]
    public async Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        Task<Order?> first = book.FindAsync(order.Id, cancellationToken);
        Task<Order?> second = book.FindAsync(order.Customer, cancellationToken);
        await Task.WhenAll(first, second);
        Order? found = first.Result ?? second.Result;

        var tasks = new List<Task>();
        for (int i = 0; i < 3; i++)
        {
            tasks.Add(book.FindAsync(order.Id + i, cancellationToken));
        }

        await Task.WhenAll(tasks);
        await Task.Run(() => book.Add(found ?? order), cancellationToken);

        EventHandler handler = (_, _) => book.Add(order);
        probe.Changed += handler;
        try
        {
            await book.AddAsync(order, cancellationToken);
        }
        finally
        {
            probe.Changed -= handler;
        }

        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        await timer.WaitForNextTickAsync(cancellationToken);
    }
}

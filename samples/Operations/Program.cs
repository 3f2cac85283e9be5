using FastConsumer.Testing;
using FastConsumer.Testing.Leases;

namespace Operations;

internal static class Program
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(210);

    public static async Task<int> Main(string[] args)
    {
        var journal = new Journal();
        var view = new View();
        var leases = new InMemoryLeaseDatabase();
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync();
        var shop = new Shop(kinesis, journal);
        shop.Open();

        Summary summary;
        await using (var fleet = new Fleet(kinesis, leases, journal, view))
        {
            summary = await RunAsync(fleet, shop, new OnCall(fleet, shop, leases, journal, view), journal, view);
        }

        summary.Print(args.Contains("--json"));
        return summary.IsComplete ? 0 : 1;
    }

    private static async Task<Summary> RunAsync(Fleet fleet, Shop shop, OnCall onCall, Journal journal, View view)
    {
        using var late = new CancellationTokenSource(s_patience, TimeProvider.System);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, fleet.Stopping);
        using var closing = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
        await fleet.StartAsync(end.Token);
        Task selling = shop.SellAsync(closing.Token);
        Task watching = view.WatchAsync(fleet, end.Token);
        try
        {
            await onCall.WorkAsync(end.Token);
            await closing.CancelAsync();
            await onCall.AllIsDoneAsync(end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            view.Say(late.IsCancellationRequested ? "this takes too long" : "interrupted");
        }

        var summary = new Summary(view.Raised, view.Cleared, journal.Decided, journal.Lost);
        await end.CancelAsync();
        await Task.WhenAll(selling, watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return summary;
    }
}

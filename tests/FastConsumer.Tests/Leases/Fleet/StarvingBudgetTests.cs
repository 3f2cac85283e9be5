using System.Collections.Concurrent;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>
/// A thousand leases of 60 s on a table of 50 write units a second, each with news every 5 s and some with somebody waiting all the time:
/// four times as many writes as the table takes.
/// </summary>
public sealed class StarvingBudgetTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(50.0, 0)]
    [InlineData(50.0, 100)]
    [InlineData(50.0, 1000)]
    [InlineData(null, 0)]
    [InlineData(null, 100)]
    [InlineData(null, 1000)]
    public void No_lease_is_lost_and_checkpoints_stay_young(double? given, int hasty)
    {
        const int count = 1000;
        var time = new VirtualTime();
        var database = new InMemoryLeaseDatabase();
        var costs = new LeaseCosts { WriteUnits = 50 };
        var store = new MeteredLeases(database, time.Clock, costs);
        var budget = new WriteBudget(given, time.Clock);
        var writer = new LeaseWriter(store, budget, LeaseWriterTimes.For(s_duration, TimeSpan.FromSeconds(5)), time.Clock);
        var held = new ConcurrentDictionary<string, HeldLease>();
        Dictionary<string, TimeSpan> written = [];
        TimeSpan oldest = TimeSpan.Zero;
        for (int i = 0; i < count; i++)
        {
            var row = new Lease { LeaseKey = $"shard-{i:D4}", LeaseOwner = "me", TakenBy = "me" };
            database.Put("fleet", row);
            held[row.LeaseKey] = new HeldLease(store, writer, row, 0, time.Clock);
            written[row.LeaseKey] = TimeSpan.Zero;
        }

        using var end = new CancellationTokenSource();
        var factory = new TaskFactory(time);
        var renewer = new LeaseRenewer(held, s_duration, budget, time.Clock, NullLogger.Instance);
        factory.StartNew(() => renewer.RunAsync(end.Token), TestContext.Current.CancellationToken);
        int number = 0;
        foreach (HeldLease lease in held.Values)
        {
            bool isHasty = number++ < hasty;
            factory.StartNew(() => CheckpointAsync(lease, isHasty), TestContext.Current.CancellationToken);
        }

        time.Run(TimeSpan.FromSeconds(400), () =>
        {
            TimeSpan age = time.Now - written.Values.Min();
            oldest = age > oldest ? age : oldest;
            return false;
        });
        int lost = held.Values.Count(static lease => lease.Lost.IsCancellationRequested);
        output.WriteLine($"budget {given?.ToString() ?? "not given"}, {hasty} hasty: oldest checkpoint {oldest.TotalSeconds:F1} s, {costs.Writes / 400.0:F1} writes/s, {costs.ThrottledWrites / 400.0:F1} throttled/s, {lost} lost");
        end.Cancel();
        time.Run(time.Now + TimeSpan.FromSeconds(1));

        Assert.Equal(0, lost);
        // a limit that is not known is found by meeting it, which takes its time
        Assert.InRange(oldest.TotalSeconds, 1, given is null ? 90 : 60);

        // as ShardCheckpointer does
        async Task CheckpointAsync(HeldLease lease, bool isHasty)
        {
            while (!end.IsCancellationRequested)
            {
                try
                {
                    if (!isHasty)
                    {
                        await Task.Delay(TimeSpan.FromSeconds(5), time.Clock, end.Token);
                    }

                    TimeSpan news = TimeSpan.Zero;
                    LeaseWriteResult result = await lease.WriteAsync(
                        () =>
                        {
                            news = time.Now;
                            return CheckpointPosition.At(SequenceNumber.Parse($"{time.Now.Ticks}"));
                        },
                        isHasty,
                        end.Token);
                    if (result.Outcome == LeaseWriteOutcome.Written)
                    {
                        written[lease.Key] = news;
                    }
                    else
                    {
                        await Task.Delay(TimeSpan.FromSeconds(1), time.Clock, end.Token);
                    }
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }
}

using FastConsumer.Hosting;
using FastConsumer.Operators;
using FastConsumer.Testing.Leases;

namespace Operations;

/// <summary>What goes wrong, and what whoever is on call does about it.</summary>
internal sealed class OnCall(Fleet fleet, Shop shop, InMemoryLeaseDatabase leases, Journal journal, View view)
{
    private const string ShardStopped = "FCF3001";
    private const string HotShard = "FCF1005";
    private const string TableThrottled = "FCF4005";

    private const string Name = "on-call";
    private const int TooFewWriteUnits = 2;
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(100);

    /// <summary>The findings that the run shows.</summary>
    public static IReadOnlyList<string> Expected { get; } = [HotShard, ShardStopped, TableThrottled];

    public async Task WorkAsync(CancellationToken cancellationToken)
    {
        await UntilAsync(() => fleet.IsBalanced, cancellationToken);
        view.Say($"two workers share the {Shop.Shards} shards; most orders go to {shop.BusyShard}");

        view.Say($"a record that is no order is put into {shop.PutPoison()}");
        await UntilAsync(() => view.Raised.Contains(ShardStopped), cancellationToken);
        await DecideAsync(cancellationToken);
        await UntilAsync(() => view.Cleared.Contains(ShardStopped), cancellationToken);

        leases.WriteUnitsPerSecond = TooFewWriteUnits;
        view.Say($"the lease table is cut to {TooFewWriteUnits} write units a second");
        await UntilAsync(() => view.Raised.Contains(TableThrottled), cancellationToken);
        leases.WriteUnitsPerSecond = null;
        view.Say("the lease table is made on-demand again: the finding is over when nothing was throttled for a minute");

        await UntilAsync(() => view.Raised.Contains(HotShard), cancellationToken);
        shop.SplitBusyShard();
        view.Say($"{shop.BusyShard} is split in two: its customers are shared by two shards now");
        await UntilAsync(() => view.Cleared.Contains(HotShard), cancellationToken);
        shop.EndRush();
        view.Say("the rush is over; one finding is left");

        await UntilAsync(() => !Expected.Except(view.Cleared).Any(), cancellationToken);
    }

    /// <summary>Waits until every record was handled, or left out by decision.</summary>
    public Task AllIsDoneAsync(CancellationToken cancellationToken) => UntilAsync(() => journal.Lost == 0, cancellationToken);

    /// <summary>Any worker can be asked: what is decided stands in the lease table, and reaches the shard's owner.</summary>
    private async Task DecideAsync(CancellationToken cancellationToken)
    {
        IFastConsumerControl control = fleet.Controls[0];
        while (journal.Decided == 0)
        {
            foreach (FailingRecord record in await control.ListFailingAsync(cancellationToken))
            {
                view.Say($"{record.Owner} fails on record {record.Position} of {record.ShardId} with {record.Error}: to the dead letters");
                DecidedRecord decided = await control.DecideAsync(
                    record, RecordDecision.DeadLetter, Name, "its payload is no order", cancellationToken);
                if (decided.Refusal is null)
                {
                    journal.LeftOut();
                }
                else
                {
                    // the shard has moved: its next owner meets the record too
                    view.Say($"refused: {decided.Refusal}");
                }
            }

            await Task.Delay(s_betweenLooks, TimeProvider.System, cancellationToken);
        }

        view.Say("the decision is carried out: the shard goes on behind the record");
    }

    private static async Task UntilAsync(Func<bool> isSo, CancellationToken cancellationToken)
    {
        while (!isSo())
        {
            await Task.Delay(s_betweenLooks, TimeProvider.System, cancellationToken);
        }
    }
}

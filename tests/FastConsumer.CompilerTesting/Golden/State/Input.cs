using System.Text.Json.Serialization;
using FastConsumer;

namespace Acme.Orders;

public readonly record struct Total(decimal Sum, int Count, string? Currency);

public sealed record TotalV2(decimal Sum, int Count);

public sealed record TotalV1(decimal Sum);

[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(Total))]
[JsonSerializable(typeof(TotalV2))]
[JsonSerializable(typeof(TotalV1))]
[JsonSerializable(typeof(string))]
internal sealed partial class TotalsJson : JsonSerializerContext;

[KinesisProcessor("orders", JsonContext = typeof(TotalsJson), StateVersion = 3)]
public sealed partial class Totals
{
    [State("totals", Ttl = "30.00:00:00")]
    private partial KeyedState<Total> ByCustomer { get; }

    [State("last")]
    internal partial KeyedState<string> @Last { get; }

    [OnRecord]
    public void Handle(OrderPlaced order, RecordContext context)
    {
        StateValue<Total> total = ByCustomer.Of(context);
        total.Set(new Total(total.Value.Sum + order.Amount, total.Value.Count + 1, null));
        Last.Of(context).Set(order.Id);
    }

    [StateMigration("totals", From = 1)]
    private static TotalV2 WithCount(TotalV1 old) => new(old.Sum, Count: 0);

    [StateMigration("totals", From = 2)]
    private static Total WithCurrency(TotalV2 old) => new(old.Sum, old.Count, Currency: null);

    [StateMerge("totals")]
    private static Total Unite(Total a, Total b, Total? common) =>
        new(a.Sum + b.Sum - (common?.Sum ?? 0), a.Count + b.Count - (common?.Count ?? 0), a.Currency);

    [StateMerge("last")]
    private static string Unite(string a, string b, string? common) => a == common ? b : a;
}

using System.Text.Json.Serialization;
using FastConsumer;

namespace Acme.Orders;

public readonly record struct Sum(decimal Amount);

public sealed record Row(string Id, decimal Total);

[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(Sum))]
internal sealed partial class SumsJson : JsonSerializerContext;

[KinesisProcessor("orders", JsonContext = typeof(SumsJson), StateVersion = 2)]
[Concurrency(8)]
public sealed partial class Sums
{
    [Output("rows")]
    private partial Output<Row> Rows { get; }

    // an output may have a state's name
    [State("rows")]
    private partial KeyedState<Sum> ByCustomer { get; }

    [Output("large")]
    internal partial Output<(string Id, decimal? Limit)> @Large { get; }

    [OnRecord]
    public void Handle(OrderPlaced order, RecordContext context)
    {
        StateValue<Sum> sum = ByCustomer.Of(context);
        sum.Set(new Sum(sum.Value.Amount + order.Amount));
        Rows.Add(context, new Row(order.Id, sum.Value.Amount));
        if (order.Amount > 1000)
        {
            Large.Add(context, (order.Id, null));
        }
    }
}

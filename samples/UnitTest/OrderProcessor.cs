using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer;

namespace UnitTest;

/// <summary>An order.</summary>
public sealed record Order(int Id, decimal Total);

/// <summary>JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(decimal))]
public sealed partial class OrderJson : JsonSerializerContext;

/// <summary>Where orders are kept: a table in production, a dictionary in the test.</summary>
public interface IOrderBook
{
    /// <summary>Adds an order; one that is there already is replaced, since records may come again after a crash.</summary>
    Task SaveAsync(Order order, CancellationToken cancellationToken);
}

/// <summary>The code under test, as it runs in production.</summary>
[KinesisProcessor("orders", JsonContext = typeof(OrderJson))]
[OnError(typeof(JsonException), ErrorAction.Skip)]
[OnError(typeof(ArgumentException), ErrorAction.Stop)]
public sealed partial class OrderProcessor(IOrderBook book)
{
    [OnRecord]
    private Task HandleAsync(Order order, CancellationToken cancellationToken)
    {
        if (order.Total < 0)
        {
            throw new ArgumentException($"Order {order.Id} has a negative total.");
        }

        return book.SaveAsync(order, cancellationToken);
    }
}

/// <summary>A processor that remembers: what each customer has spent within a day of the last order.</summary>
[KinesisProcessor("orders", JsonContext = typeof(OrderJson))]
public sealed partial class SpendingProcessor
{
    [State("spent", Ttl = "1.00:00:00")]
    private partial KeyedState<decimal> Spent { get; }

    [OnRecord]
    private void Handle(Order order, RecordContext context) => Spent.Of(context).Edit() += order.Total;
}

using System.Text.Json.Serialization;
using FastConsumer;

namespace Operations;

/// <summary>An order of a customer.</summary>
public sealed record Order(int Id, string Note);

/// <summary>JSON without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Order))]
public sealed partial class OrdersJson : JsonSerializerContext;

/// <summary>
/// Takes orders. No rule says what to do about a record that is no order: the shard stops in front of it, and people decide.
/// </summary>
[KinesisProcessor(Shop.Stream, JsonContext = typeof(OrdersJson))]
public sealed partial class OrderProcessor(Journal journal)
{
    [OnRecord]
    private void Handle(Order order) => journal.Handled(order.Id);
}

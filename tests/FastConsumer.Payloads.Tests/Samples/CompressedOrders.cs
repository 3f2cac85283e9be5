using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer;
using FastConsumer.Payloads;

[KinesisProcessor("orders")]
public sealed partial class CompressedOrders(ConcurrentQueue<Order> orders)
{
    [OnRecord]
    public void Handle([Deserializer(typeof(CompressedOrderReader))] Order order) => orders.Enqueue(order);
}

public sealed class CompressedOrderReader : CompressedDeserializer<Order>
{
    protected override Order Read(ReadOnlySpan<byte> payload) =>
        JsonSerializer.Deserialize(payload, OrderJson.Default.Order) ?? throw new JsonException("An order is null.");
}

public sealed record Order(string Id, decimal Amount);

[JsonSerializable(typeof(Order))]
public sealed partial class OrderJson : JsonSerializerContext;

using System.Text.Json.Serialization;
using FastConsumer;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services
    .AddFastConsumer()
    .AddProcessor<OrderProcessor>()
    .UseDynamoDb();
await builder.Build().RunAsync();

public sealed record Order(string Id, int Amount);

[JsonSerializable(typeof(Order))]
public sealed partial class OrdersJson : JsonSerializerContext;

[KinesisProcessor("orders", JsonContext = typeof(OrdersJson))]
public sealed partial class OrderProcessor
{
    [OnRecord]
    public void Handle(Order order) => Console.WriteLine($"handled {order.Id} {order.Amount}");
}

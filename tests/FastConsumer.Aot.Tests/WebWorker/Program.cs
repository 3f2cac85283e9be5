// A worker of a user's with what most have beside it: health endpoints for the platform's probes, OpenTelemetry, and the dashboard.
using System.Text.Json.Serialization;
using FastConsumer;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(args);
builder.Services
    .AddFastConsumer(static options => options.ApplicationName = "native-web")
    .AddProcessor<OrderProcessor>()
    .UseDynamoDb();
builder.Services
    .AddOpenTelemetry()
    .ConfigureResource(static resource => resource.AddService("native-web"))
    .WithMetrics(static metrics => metrics
        .AddMeter("FastConsumer")
        .AddRuntimeInstrumentation()
        .AddOtlpExporter());
builder.Logging.AddOpenTelemetry(static logging => logging.AddOtlpExporter());

WebApplication app = builder.Build();
app.MapHealthChecks("/live", new() { Predicate = static _ => false });
app.MapHealthChecks("/health");
app.MapFastConsumerDashboard("/fastconsumer");
app.Run();

public sealed record Order(int Id, int Amount);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Order))]
public sealed partial class WorkerJson : JsonSerializerContext;

[KinesisProcessor("orders", JsonContext = typeof(WorkerJson))]
public sealed partial class OrderProcessor
{
    [OnRecord]
    public void Handle(Order order) => Console.WriteLine($"handled order {order.Id} {order.Amount}");
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

if (args is not [{ Length: > 0 } workerId])
{
    Console.WriteLine("One worker of docs/walkthrough.md: dotnet run --project samples/Walkthrough -- worker-1");
    return;
}

HostApplicationBuilder builder = Host.CreateApplicationBuilder();
builder.Services
    .AddFastConsumer(options =>
    {
        options.ApplicationName = "order-desk";
        options.WorkerId = workerId;
        options.LeaseDuration = TimeSpan.FromSeconds(5);
    })
    .AddProcessor<Walkthrough.OrderProcessor>()
    .UseDeadLettersToFile("letters.jsonl")
    .UseDynamoDb();
await builder.Build().RunAsync();

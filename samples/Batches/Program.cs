using System.Text.Json;
using Amazon.Runtime;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Batches;

internal static class Program
{
    /// <summary>How many readings there are; meters 250 and 750 report nonsense.</summary>
    public const int Readings = 1000;

    public static async Task<int> Main(string[] args)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync();
        kinesis.CreateStream("readings");
        for (int meter = 1; meter <= Readings; meter++)
        {
            var reading = new Reading(meter, Kilowatts: meter is 250 or 750 ? -1 : 0.5);
            kinesis.Put("readings", $"meter-{meter}", JsonSerializer.SerializeToUtf8Bytes(reading, ReadingJson.Default.Reading));
        }

        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
        // the log names each row that is left out, and each retry; here the warehouse says enough
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        builder.Services.AddSingleton<Warehouse>();
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = "batches";
                options.ServiceUrl = kinesis.ServiceUrl;
                options.Region = kinesis.Region;
                options.Credentials = new BasicAWSCredentials("embedded", "embedded");
            })
            .AddProcessor<ReadingProcessor>()
            .UseInMemoryLeases();
        using IHost host = builder.Build();
        Warehouse warehouse = host.Services.GetRequiredService<Warehouse>();

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2), TimeProvider.System);
        await host.RunAsync(patience.Token);

        Console.WriteLine(
            $"{Readings} readings: {warehouse.Stored} stored ({warehouse.Locked} of them at a later try), {warehouse.Rejected} rejected, "
                + $"in {warehouse.Calls} inserts.");
        return warehouse.Stored + warehouse.Rejected == Readings ? 0 : 1;
    }
}

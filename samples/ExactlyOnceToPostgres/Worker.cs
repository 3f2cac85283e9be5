using Amazon.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace ExactlyOnceToPostgres;

/// <summary>One worker, in a process of its own: what an application's Program.cs would have.</summary>
internal static class Worker
{
    public static async Task RunAsync(string kinesisUrl, string dynamoDbUrl, string postgres)
    {
        var credentials = new BasicAWSCredentials("embedded", "embedded");
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = "exactly-once";
                options.ServiceUrl = kinesisUrl;
                options.Region = "us-east-1";
                options.Credentials = credentials;
                // the former worker was killed: its shards are free after that
                options.LeaseDuration = TimeSpan.FromSeconds(2);
            })
            .AddProcessor<QuakeProcessor>()
            .UseDynamoDb(options =>
            {
                options.ServiceUrl = dynamoDbUrl;
                options.Region = "us-east-1";
                options.Credentials = credentials;
            })
            .UsePostgreSqlPositions(postgres);
        using IHost host = builder.Build();
        await host.StartAsync();
        // it ends with the process that started it, however that ends
        await Task.Run(static () => Console.In.ReadToEnd());
        await host.StopAsync();
    }
}

using System.Globalization;
using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lanes;

internal static class Program
{
    /// <summary>Of 20 accounts, in one shard.</summary>
    public const int Transfers = 500;
    private const int Accounts = 20;

    public static async Task<int> Main(string[] args)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync();
        kinesis.CreateStream("transfers");
        for (int i = 0; i < Transfers; i++)
        {
            kinesis.Put("transfers", $"account-{i % Accounts}", "transfer"u8);
        }

        if (await ConsumeAsync(args, kinesis, "one-lane", static consumer => consumer.AddProcessor<OneLaneProcessor>()) is not { } one
            || await ConsumeAsync(
                args, kinesis, "eight-lanes", static consumer => consumer.AddProcessor<EightLanesProcessor>()) is not { } eight)
        {
            return 1;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Eight lanes took {eight.Elapsed / one.Elapsed:P0} of the time of one, and every account's transfers stayed in order: "
                + $"{(one.OutOfOrder + eight.OutOfOrder == 0 ? "yes" : "no")}."));
        return one.OutOfOrder + eight.OutOfOrder == 0 ? 0 : 1;
    }

    /// <summary>A host of its own for each: an application name of its own reads the stream from its start. Null after Ctrl+C.</summary>
    private static async Task<Ledger?> ConsumeAsync(
        string[] args, EmbeddedKinesis kinesis, string application, Action<FastConsumerBuilder> processor)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton<Ledger>();
        FastConsumerBuilder consumer = builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = application;
                options.ServiceUrl = kinesis.ServiceUrl;
                options.Region = kinesis.Region;
                options.Credentials = new BasicAWSCredentials("embedded", "embedded");
            })
            .UseInMemoryLeases();
        processor(consumer);
        using IHost host = builder.Build();
        Ledger ledger = host.Services.GetRequiredService<Ledger>();

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2), TimeProvider.System);
        await host.RunAsync(patience.Token);
        if (ledger.Booked < Transfers)
        {
            Console.WriteLine($"{application} was stopped after {ledger.Booked} of {Transfers} transfers.");
            return null;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{application,-11}  {ledger.Booked} transfers of {Accounts} accounts in {ledger.Elapsed.TotalSeconds:0.00} s, at most "
                + $"{ledger.MostAtATime} at a time, {ledger.OutOfOrder} out of order"));
        return ledger;
    }
}

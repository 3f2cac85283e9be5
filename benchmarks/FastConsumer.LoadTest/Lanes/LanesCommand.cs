using System.CommandLine;
using System.Globalization;
using System.Text;
using FastConsumer.Processors;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.LoadTest.Lanes;

/// <summary>One shard of 1,000 keys and handlers that wait: a whole worker with one lane against one with 16.</summary>
internal static class LanesCommand
{
    private const int Keys = 1_000;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    public static Command Create()
    {
        var milliseconds =
            new Option<int>("--handler") { Description = "How long a handler takes, in ms.", DefaultValueFactory = static _ => 5 };
        var rounds = new Option<int>("--rounds") { Description = "How often each has its turn.", DefaultValueFactory = static _ => 3 };
        var command = new Command("lanes", "Handlers that wait, on one shard of 1,000 keys: 16 lanes against one, in turns.")
        {
            milliseconds,
            rounds
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var handling = TimeSpan.FromMilliseconds(arguments.GetValue(milliseconds));
            var ratios = new List<double>();
            for (int round = 0; round < arguments.GetValue(rounds); round++)
            {
                double one = await RateAsync<OneLaneProcessor>("one-lane", perKey: 1, handling, cancellationToken);
                double many = await RateAsync<LanesProcessor>("lanes", perKey: 8, handling, cancellationToken);
                ratios.Add(many / one);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"one lane {one:F0} records/s, {LanesProcessor.Lanes} lanes {many:F0} records/s: {many / one:F1} times"));
            }

            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"median: {Turns.Median(ratios):F1} times, each key in its order"));
            return 0;
        });
        return command;
    }

    private static async Task<double> RateAsync<TProcessor>(
        string stream, int perKey, TimeSpan handling, CancellationToken cancellationToken)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: cancellationToken);
        kinesis.CreateStream(stream, 1);
        for (int number = 0; number < perKey; number++)
        {
            byte[] data = Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
            for (int key = 0; key < Keys; key++)
            {
                kinesis.Put(stream, string.Create(CultureInfo.InvariantCulture, $"key-{key}"), data);
            }
        }

        var tally = new LaneTally(handling);
        HostApplicationBuilder builder = LoadTestHost.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(tally);
        builder.Services
            .AddFastConsumer(options => options.ReadFrom(kinesis.ServiceUrl))
            .AddProcessor<TProcessor>()
            .UseInMemoryLeases();
        using IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        await Waiting.UntilAsync(
            () => tally.Done >= perKey * Keys, () => $"{tally.Done} of {perKey * Keys} records are done", s_patience, cancellationToken);
        await host.StopAsync(cancellationToken);
        return tally.OutOfOrder == 0 && tally.Done == perKey * Keys
            ? tally.Done / tally.Taken.TotalSeconds
            : throw new InvalidOperationException(
                $"{tally.OutOfOrder} records were out of the order of their key, {tally.Done} of {perKey * Keys} are done.");
    }
}

using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Testing;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace ProtobufRaw;

internal static class Program
{
    public const int Heartbeats = 20_000;
    private const long First = 1_700_000_000;

    public static async Task<int> Main(string[] args)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync();
        kinesis.CreateStream("heartbeats");
        for (int i = 0; i < Heartbeats; i++)
        {
            kinesis.Put("heartbeats", $"device-{i % 100}", new Timestamp { Seconds = First + i }.ToByteArray());
        }

        if (await ConsumeAsync(args, kinesis, "message", static consumer => consumer.AddProcessor<MessageProcessor>()) is not { } message
            || await ConsumeAsync(args, kinesis, "raw", static consumer => consumer.AddProcessor<RawProcessor>()) is not { } raw)
        {
            return 1;
        }

        bool complete = message.Seconds == First + Heartbeats - 1 && raw.Seconds == message.Seconds;
        Console.WriteLine($"Both saw the same newest heartbeat: {(complete ? "yes" : "no")}.");
        // a few records begin a new answer: what reading it took counts as theirs
        return complete && raw.WithoutAny > 0.99 * Heartbeats ? 0 : 1;
    }

    /// <summary>A host of its own for each: an application name of its own reads the stream from its start. Null after Ctrl+C.</summary>
    private static async Task<Newest?> ConsumeAsync(
        string[] args, EmbeddedKinesis kinesis, string application, Action<FastConsumerBuilder> processor)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton<Newest>();
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
        Newest newest = host.Services.GetRequiredService<Newest>();

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2), TimeProvider.System);
        await host.RunAsync(patience.Token);
        if (newest.Records < Heartbeats)
        {
            Console.WriteLine($"{application} was stopped after {newest.Records} of {Heartbeats} heartbeats.");
            return null;
        }

        Console.WriteLine(
            $"{application,-8} {newest.Records} records, {newest.MedianBytes,3} bytes on the heap for the median record, "
                + $"{newest.WithoutAny} of them without any");
        return newest;
    }
}

using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Amazon.Runtime;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.CloudWatch.Tests;

/// <summary>A real consumer, and an agent on a real socket.</summary>
public sealed class ConsumerTests
{
    private const string Stream = "orders";
    private const int Records = 400;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_consumers_figures_arrive_at_the_agent()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Token);
        kinesis.CreateStream(Stream, shardCount: 2);
        using TcpListener agent = new(IPAddress.Loopback, 0);
        agent.Start();
        Handled handled = new(Records);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(handled);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = "billing";
                options.ServiceUrl = kinesis.ServiceUrl;
                options.Region = kinesis.Region;
                options.Credentials = new BasicAWSCredentials("test", "test");
                options.IdlePollInterval = TimeSpan.FromMilliseconds(200);
                options.StopTimeout = TimeSpan.FromSeconds(15);
            })
            .AddProcessor<OrderProcessor>(static options => options.Stream = Stream)
            .UseInMemoryLeases();
        builder.Services.AddFastConsumerCloudWatch(options =>
        {
            options.FlushInterval = TimeSpan.FromSeconds(1);
            options.Destination = CloudWatchDestination.Agent;
            options.AgentEndpoint = new Uri($"tcp://{agent.LocalEndpoint}");
            options.ShardDimension = true;
        });
        using IHost host = builder.Build();
        await host.StartAsync(Token);
        using TcpClient client = await agent.AcceptTcpClientAsync(Token).AsTask().WaitAsync(s_patience, TimeProvider.System, Token);
        List<JsonElement> lines = [];
        TaskCompletionSource complete = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task reading = ReadAsync(client, lines, complete);

        for (int i = 0; i < Records; i++)
        {
            kinesis.Put(Stream, $"key-{i}", $"order {i}");
        }

        await handled.All.WaitAsync(s_patience, TimeProvider.System, Token);
        await complete.Task.WaitAsync(s_patience, TimeProvider.System, Token);
        await host.StopAsync(Token);
        host.Dispose();
        await reading.WaitAsync(s_patience, TimeProvider.System, Token);

        Assert.Equal(Records, Sum(lines, "ProcessTask", "RecordsProcessed"));
        Assert.Equal(2, lines.Select(static line => line.TryGetProperty("ShardId", out JsonElement shard) ? shard.GetString() : null)
            .Where(static shard => shard is not null).Distinct().Count());
        Assert.True(Sum(lines, "ProcessTask", "DataBytesProcessed") > Records);
        Assert.True(Sum(lines, "ProcessTask", "UpdateLease.Success") > 0);
        Assert.Equal(2, Sum(lines, "TakeLeases", "TakenLeases"));
        Assert.Equal(0, Sum(lines, "ProcessTask", "RecordsFailedProcessing"));
        string[] sent = [.. lines.SelectMany(static line => Names(line)).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(
            KclMetric.All.Select(static metric => $"{metric.Operation} {metric.Name}").Distinct().Order(StringComparer.Ordinal), sent);
    }

    [Fact]
    public async Task Each_instrument_is_one_of_fastconsumers()
    {
        await using ServiceProvider services = Services();
        HashSet<string> published = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, services.GetRequiredService<IMeterFactory>()))
            {
                published.Add(instrument.Name);
            }
        };
        listener.Start();
        // makes the instruments
        Type metrics = typeof(KinesisProcessorAttribute).Assembly.GetType("FastConsumer.Diagnostics.ConsumerMetrics", throwOnError: true)!;
        services.GetRequiredService(metrics);

        Assert.Superset(KclMetric.All.Select(static metric => metric.Instrument).ToHashSet(), published);
    }

    private static ServiceProvider Services()
    {
        ServiceCollection services = new();
        services.AddFastConsumer(static options => options.ApplicationName = "billing");
        return services.BuildServiceProvider();
    }

    /// <summary>Reads until the end; told when both leases and a lag were: they come with a later flush.</summary>
    private static async Task ReadAsync(TcpClient client, List<JsonElement> lines, TaskCompletionSource complete)
    {
        bool hasLeases = false;
        bool hasLag = false;
        using StreamReader reader = new(client.GetStream());
        while (await reader.ReadLineAsync(Token) is { } text)
        {
            JsonElement line = JsonDocument.Parse(text).RootElement;
            lines.Add(line);
            hasLeases |= Sum([line], "RenewAllLeases", "CurrentLeases") == 2;
            hasLag |= Names(line).Contains("ApplicationTracker MillisBehindLatest");
            if (hasLeases && hasLag)
            {
                complete.TrySetResult();
            }
        }
    }

    private static double Sum(IEnumerable<JsonElement> lines, string operation, string metric) => lines
        .Where(line => line.GetProperty("Operation").GetString() == operation && line.TryGetProperty(metric, out _))
        .Sum(line => line.GetProperty(metric).GetDouble());

    private static IEnumerable<string> Names(JsonElement line) => line.EnumerateObject()
        .Where(static member => member.Name is not ("_aws" or "Operation" or "ShardId"))
        .Select(member => $"{line.GetProperty("Operation").GetString()} {member.Name}");
}

/// <summary>Counts what is handled.</summary>
internal sealed class Handled(int expected)
{
    private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;

    public Task All => _all.Task;

    public void Add()
    {
        if (Interlocked.Increment(ref _count) == expected)
        {
            _all.SetResult();
        }
    }
}

[KinesisProcessor("set-by-options")]
[Checkpoint(Interval = "00:00:00.2", Records = 100)]
internal sealed partial class OrderProcessor(Handled handled)
{
    [OnRecord]
    private void Handle(string order)
    {
        Assert.StartsWith("order ", order, StringComparison.Ordinal);
        handled.Add();
    }
}

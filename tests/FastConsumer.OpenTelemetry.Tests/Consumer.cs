using System.Collections.Concurrent;
using Amazon.Runtime;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace FastConsumer.OpenTelemetry.Tests;

/// <summary>A consumer in a host of its own.</summary>
internal sealed class Consumer : IAsyncDisposable
{
    private readonly IHost _host;

    private Consumer(IHost host, ConcurrentQueue<string> done)
    {
        _host = host;
        Done = done;
    }

    /// <summary>The texts that were handled.</summary>
    public ConcurrentQueue<string> Done { get; }

    public static async Task<Consumer> StartAsync(
        EmbeddedKinesis kinesis, string stream, string application, InMemoryLeaseDatabase? leases = null)
    {
        ConcurrentQueue<string> done = new();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(done);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = application;
                options.ServiceUrl = kinesis.ServiceUrl;
                options.Region = kinesis.Region;
                options.Credentials = new BasicAWSCredentials("test", "test");
                options.IdlePollInterval = TimeSpan.FromMilliseconds(200);
                options.RetryInitialBackoff = TimeSpan.FromMilliseconds(20);
                options.StopTimeout = TimeSpan.FromSeconds(15);
            })
            .AddProcessor<TextProcessor>(options => options.Stream = stream)
            .UseInMemoryLeases(leases ?? new InMemoryLeaseDatabase());
        Consumer consumer = new(builder.Build(), done);
        await consumer._host.StartAsync(TestContext.Current.CancellationToken);
        return consumer;
    }

    public Task StopAsync() => _host.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        await ((IAsyncDisposable)_host).DisposeAsync();
    }
}

/// <summary>Handles texts, leaves some out, and fails on others.</summary>
[KinesisProcessor("set-by-options")]
[Checkpoint(Interval = "00:00:00.2", Records = 100)]
[OnError(typeof(FormatException), ErrorAction.Skip)]
internal sealed partial class TextProcessor(ConcurrentQueue<string> done)
{
    [Filter]
    private static bool IsWanted(KinesisRecord record) => !record.DataSpan.StartsWith("unwanted"u8);

    [OnRecord]
    private void Handle(string text)
    {
        if (text.StartsWith("broken", StringComparison.Ordinal))
        {
            throw new FormatException(text);
        }

        done.Enqueue(text);
    }
}

using Amazon.Runtime;
using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Operations;

/// <summary>Two hosts with one worker each, as two containers would be, which share a stream and a lease table.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private readonly List<IHost> _hosts;

    public Fleet(EmbeddedKinesis kinesis, InMemoryLeaseDatabase leases, Journal journal, View view)
    {
        _hosts = [.. new[] { "worker-1", "worker-2" }.Select(workerId => Build(workerId, kinesis, leases, journal, view))];
        Controls = [.. _hosts.Select(static host => host.Services.GetRequiredService<IFastConsumerControl>())];
    }

    /// <summary>Of each worker: its snapshots, and what operators can do.</summary>
    public IReadOnlyList<IFastConsumerControl> Controls { get; }

    /// <summary>Cancelled by Ctrl+C.</summary>
    public CancellationToken Stopping => _hosts[0].Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    /// <summary>True where the shards are shared evenly.</summary>
    public bool IsBalanced => Controls.All(static control => control.GetSnapshot().Workers is [{ Shards.Count: Shop.Shards / 2 }]);

    /// <summary>What the workers have found, and holds now.</summary>
    public IReadOnlyList<Finding> Findings => [.. Controls.SelectMany(static control => control.GetSnapshot().Findings)];

    public Task StartAsync(CancellationToken cancellationToken) => Task.WhenAll(_hosts.Select(host => host.StartAsync(cancellationToken)));

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_hosts.Select(static host => host.StopAsync(CancellationToken.None)));
        _hosts.ForEach(static host => host.Dispose());
    }

    private static IHost Build(string workerId, EmbeddedKinesis kinesis, InMemoryLeaseDatabase leases, Journal journal, View view)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();

        // what the workers find is shown instead
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(journal);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = "order-desk";
                options.WorkerId = workerId;
                options.ServiceUrl = kinesis.ServiceUrl;
                options.Region = kinesis.Region;
                options.Credentials = new BasicAWSCredentials("embedded", "embedded");

                // each shard writes to the lease table each second
                options.CheckpointInterval = TimeSpan.FromSeconds(1);
            })
            .AddProcessor<OrderProcessor>()
            .UseInMemoryLeases(leases)
            .UseDeadLetters(_ => new LetterBox(view));
        return builder.Build();
    }
}

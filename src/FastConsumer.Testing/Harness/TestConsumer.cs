using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FastConsumer.Testing.Harness;

/// <summary>One life of the consumer: a host from its start to its stop or crash.</summary>
internal sealed class TestConsumer(IHost host)
{
    public IServiceProvider Services => host.Services;

    /// <summary>The options as they came out of the harness's, the user's and the defaults.</summary>
    public FastConsumerOptions Options => host.Services.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>()
        .Get(Microsoft.Extensions.Options.Options.DefaultName);

    /// <summary>What holds right now.</summary>
    public IReadOnlyList<Finding> Findings => host.Services.GetRequiredKeyedService<Findings>(string.Empty).Current;

    /// <exception cref="Exception">What the host refuses to start with; it is disposed then.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await host.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async Task StopAsync()
    {
        try
        {
            await host.StopAsync(CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            await DisposeAsync().ConfigureAwait(false);
        }
    }

    public async Task CrashAsync()
    {
        foreach (ConsumerService service in host.Services.GetServices<IHostedService>().OfType<ConsumerService>())
        {
            service.Abandon();
        }

        await DisposeAsync().ConfigureAwait(false);
    }

    private ValueTask DisposeAsync() => ((IAsyncDisposable)host).DisposeAsync();
}

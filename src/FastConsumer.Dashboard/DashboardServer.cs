using System.Net;
using FastConsumer.Dashboard.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Dashboard;

/// <summary>The dashboard's own web server on loopback, for hosts that are no web applications.</summary>
/// <param name="port">The port; 0 for a free one.</param>
/// <param name="options">Who may do what.</param>
/// <param name="services">The host's services.</param>
internal sealed class DashboardServer(int port, FastConsumerDashboardOptions options, IServiceProvider services)
    : IHostedService, IAsyncDisposable
{
    private WebApplication? _app;

    /// <summary>Where it listens, once it has started.</summary>
    public string Url => _app?.Urls.First() ?? throw new InvalidOperationException("The dashboard has not started.");

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // an empty one: what configures the host's own web server, such as ASPNETCORE_URLS, is not for this one
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            if (port == 0)
            {
                kestrel.Listen(IPAddress.Loopback, port);
            }
            else
            {
                kestrel.ListenLocalhost(port);
            }
        });
        ILoggerFactory loggers = services.GetRequiredService<ILoggerFactory>();
        builder.Services.AddSingleton(loggers);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        WebApplication app = builder.Build();
        try
        {
            app.UseRouting();
            DashboardEndpoints.Map(app, "/", options, services);
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            if (e is IOException)
            {
                throw new InvalidOperationException(
                    $"The dashboard cannot listen on port {port} of the loopback addresses: {e.Message} Give AddFastConsumerDashboard "
                        + "another port, or 0 for a free one.",
                    e);
            }

            throw;
        }

        _app = app;
        DashboardLog.Listens(loggers.CreateLogger("FastConsumer.Dashboard"), Url);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is { } app)
        {
            await app.StopAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => _app?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>The host's own lifetime answers signals.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

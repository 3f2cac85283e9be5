using FastConsumer.Dashboard;
using Microsoft.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds FastConsumer's dashboard to a host that is no web application.</summary>
public static class FastConsumerDashboardServiceCollectionExtensions
{
    /// <summary>
    /// Serves the dashboard of all consumers of the host by a web server of its own, on the loopback addresses only: at
    /// <c>http://localhost:{port}/</c>. In a web application, <c>MapFastConsumerDashboard</c> is for it.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="port">The TCP port, from 0 to 65535; 0 for a free one on 127.0.0.1, which the log names.</param>
    /// <param name="configure">Options. Policies are for web applications, and refused here.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="port"/> is no port.</exception>
    /// <exception cref="ArgumentException">A policy is set.</exception>
    public static IServiceCollection AddFastConsumerDashboard(
        this IServiceCollection services, int port, Action<FastConsumerDashboardOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        var options = new FastConsumerDashboardOptions();
        configure?.Invoke(options);
        if ((options.AuthorizationPolicy ?? options.ActionsAuthorizationPolicy) is { } policy)
        {
            throw new ArgumentException(
                $"The dashboard's own web server knows no users, so the policy '{policy}' cannot be asked: use MapFastConsumerDashboard in "
                    + "a web application, or leave the policy out.",
                nameof(configure));
        }

        services.AddLogging();
        services.AddSingleton<IHostedService>(provider => new DashboardServer(port, options, provider));
        return services;
    }
}

using FastConsumer.Dashboard;
using FastConsumer.Dashboard.Http;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps FastConsumer's dashboard in a web application.</summary>
public static class FastConsumerDashboardEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps the dashboard of all consumers of the host. Without an authorization policy it answers requests from this machine only.
    /// </summary>
    /// <param name="endpoints">The application's endpoints.</param>
    /// <param name="path">Where it is, such as <c>/fastconsumer</c>.</param>
    /// <param name="configure">Options.</param>
    /// <returns>A builder for conventions, such as <c>RequireAuthorization</c>, of all of its endpoints.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> does not begin with a slash.</exception>
    /// <exception cref="InvalidOperationException">
    /// The host has no consumer, or actions are allowed and only viewers have a policy.
    /// </exception>
    public static IEndpointConventionBuilder MapFastConsumerDashboard(
        this IEndpointRouteBuilder endpoints, string path = "/fastconsumer", Action<FastConsumerDashboardOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(path);
        if (!path.StartsWith('/'))
        {
            throw new ArgumentException($"'{path}' does not begin with a slash: write '/{path}'.", nameof(path));
        }

        var options = new FastConsumerDashboardOptions();
        configure?.Invoke(options);
        return DashboardEndpoints.Map(endpoints, path, options, endpoints.ServiceProvider);
    }
}

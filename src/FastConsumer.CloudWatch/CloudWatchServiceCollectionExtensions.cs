using FastConsumer.CloudWatch;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>KCL's CloudWatch metrics of a host's consumers.</summary>
public static class CloudWatchServiceCollectionExtensions
{
    /// <summary>
    /// Writes the figures of all consumers of the host in CloudWatch's embedded metric format, under KCL's names and dimensions, so that
    /// dashboards and alarms of a KCL application go on. The options are validated at start.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Options in code.</param>
    /// <returns>The host's services.</returns>
    public static IServiceCollection AddFastConsumerCloudWatch(
        this IServiceCollection services, Action<CloudWatchOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddMetrics();
        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<CloudWatchOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CloudWatchOptions>, CloudWatchOptionsValidator>());
        services.TryAddSingleton<IEmfSink>(static provider =>
        {
            CloudWatchOptions options = provider.GetRequiredService<IOptions<CloudWatchOptions>>().Value;
            return options.Destination == CloudWatchDestination.Agent
                ? new AgentSink(options.AgentEndpoint, provider.GetRequiredService<TimeProvider>())
                : new StreamSink("standard output", Console.OpenStandardOutput());
        });
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, CloudWatchExporter>());
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return services;
    }
}

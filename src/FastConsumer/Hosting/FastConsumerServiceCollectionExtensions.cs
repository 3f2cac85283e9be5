using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds FastConsumer to a host.</summary>
public static class FastConsumerServiceCollectionExtensions
{
    /// <summary>
    /// Adds the unnamed consumer. Its options are bound from section <c>FastConsumer</c>, then configured in code, and validated at start.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Options in code.</param>
    public static FastConsumerBuilder AddFastConsumer(this IServiceCollection services, Action<FastConsumerOptions>? configure = null) =>
        services.AddFastConsumer(string.Empty, configure);

    /// <summary>
    /// Adds a further, separate consumer: options from section <c>FastConsumer:Consumers:&lt;name&gt;</c>, a lease store and processors of
    /// its own.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="name">Its name; calls with the same name add to the same consumer.</param>
    /// <param name="configure">Options in code.</param>
    public static FastConsumerBuilder AddFastConsumer(
        this IServiceCollection services, string name, Action<FastConsumerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(name);
        FastConsumerBuilder? builder = services
            .Where(descriptor => descriptor.ServiceType == typeof(FastConsumerBuilder) && Equals(descriptor.ServiceKey, name))
            .Select(static descriptor => (FastConsumerBuilder)descriptor.KeyedImplementationInstance!)
            .FirstOrDefault();
        if (builder is null)
        {
            builder = new FastConsumerBuilder(services, name);
            Add(builder);
        }

        if (configure is not null)
        {
            services.Configure(name, configure);
        }

        return builder;
    }

    private static void Add(FastConsumerBuilder builder)
    {
        IServiceCollection services = builder.Services;
        string name = builder.Name;
        services.AddMetrics();
        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<RandomSource>();
        services.TryAddSingleton<ConsumerMetrics>();
        services.TryAddSingleton<HostConsumers>();
        services.TryAddSingleton<LeaseTables>();
        services.TryAddSingleton<FanOutConsumers>();
        services.TryAddSingleton<IKinesisClientFactory, KinesisClientFactory>();
        services.AddKeyedSingleton(name, builder);
        services.AddKeyedSingleton(name, (provider, _) => new Findings(
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(name).Findings));
        services.AddSingleton(builder);
        services.AddOptions<FastConsumerOptions>(name)
            .BindConfiguration(builder.ConfigurationSection)
            .Configure<IServiceProvider>((options, provider) =>
                ConfiguredTime.Correct(options, provider.GetService<IConfiguration>(), builder.ConfigurationSection));
        services.AddSingleton<IValidateOptions<FastConsumerOptions>>(new SettingsValidator<FastConsumerOptions>(
            name, options => SettingsValidation.Validate(options, builder.ConfigurationSection)));
        services.AddKeyedSingleton(name, (provider, _) => new ConsumerService(builder, provider));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<ConsumerService>(name));
        services.AddKeyedSingleton<IFastConsumerControl>(
            name, static (provider, key) => provider.GetRequiredKeyedService<ConsumerService>(key));
        if (name.Length == 0)
        {
            services.AddSingleton<IFastConsumerControl>(static provider => provider.GetRequiredKeyedService<ConsumerService>(string.Empty));
        }

        AddHealthChecks(services, name);
    }

    private static void AddHealthChecks(IServiceCollection services, string name)
    {
        string suffix = name.Length == 0 ? "" : $":{name}";
        services.AddHealthChecks()
            .Add(new HealthCheckRegistration(
                $"fastconsumer{suffix}",
                provider => new ConsumerHealthCheck(provider.GetRequiredKeyedService<Findings>(name)),
                failureStatus: null,
                tags: ["fastconsumer"]))
            .Add(new HealthCheckRegistration(
                $"fastconsumer-live{suffix}",
                provider => new LiveHealthCheck(provider.GetRequiredKeyedService<ConsumerService>(name)),
                failureStatus: null,
                tags: ["live"]))
            .Add(new HealthCheckRegistration(
                $"fastconsumer-ready{suffix}",
                provider => new ReadyHealthCheck(provider.GetRequiredKeyedService<ConsumerService>(name)),
                failureStatus: null,
                tags: ["ready"]));
    }
}

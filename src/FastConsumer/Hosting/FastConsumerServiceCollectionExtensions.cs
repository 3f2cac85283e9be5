using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
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

    /// <summary>
    /// Keeps a file young while all consumers of the host are alive, for liveness probes where there is no web server: a probe asks whether
    /// the file was written within the last minute (<c>find /tmp/alive -mmin -1 | grep -q .</c>). The file is made, and its last write time
    /// set, when the host starts and then each <paramref name="interval"/>, while no health check <c>fastconsumer-live</c> is Unhealthy. It
    /// is deleted when the host has stopped gracefully.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="path">
    /// The file, of which nothing but its time counts. Its directory must exist. A path that cannot be written fails the start of the host
    /// with an <see cref="InvalidOperationException"/>; a failure later is logged and tried again.
    /// </param>
    /// <param name="interval">The time between two writes, more than zero to 1 day. The default is 5 seconds.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="interval"/> is not more than zero, or more than 1 day.</exception>
    public static IServiceCollection AddFastConsumerProbeFile(this IServiceCollection services, string path, TimeSpan? interval = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        TimeSpan each = interval ?? TimeSpan.FromSeconds(5);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(each, TimeSpan.Zero, nameof(interval));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(each, TimeSpan.FromDays(1), nameof(interval));
        services.AddLogging();
        services.AddHealthChecks();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<IHostedService>(provider => new ProbeFile(
            path,
            each,
            provider.GetRequiredService<HealthCheckService>(),
            provider.GetRequiredService<TimeProvider>(),
            // a logger that throws must not let the file age
            new GuardedLogger(provider.GetRequiredService<ILoggerFactory>().CreateLogger("FastConsumer"), CallbackGuard.Silent)));
        return services;
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
                ProbeHealthChecks.LiveName + suffix,
                provider => new LiveHealthCheck(provider.GetRequiredKeyedService<ConsumerService>(name)),
                failureStatus: null,
                tags: [ProbeHealthChecks.LiveTag]))
            .Add(new HealthCheckRegistration(
                $"fastconsumer-ready{suffix}",
                provider => new ReadyHealthCheck(provider.GetRequiredKeyedService<ConsumerService>(name)),
                failureStatus: null,
                tags: ["ready"]));
    }
}

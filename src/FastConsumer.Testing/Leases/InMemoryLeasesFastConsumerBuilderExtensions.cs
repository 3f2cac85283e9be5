using FastConsumer.Hosting;
using FastConsumer.Leases;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Leases in memory, for tests and trials.</summary>
public static class InMemoryLeasesFastConsumerBuilderExtensions
{
    /// <summary>
    /// Keeps leases and checkpoints in the host's memory: they survive a restart of a worker inside the host, and are gone
    /// with the host. The <see cref="InMemoryLeaseDatabase"/> is a service of the host.
    /// </summary>
    public static FastConsumerBuilder UseInMemoryLeases(this FastConsumerBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton<InMemoryLeaseDatabase>();
        builder.Services.AddKeyedSingleton<ILeaseStoreFactory>(
            builder.Name,
            static (services, _) => new InMemoryLeaseStoreFactory(services.GetRequiredService<InMemoryLeaseDatabase>()));
        return builder;
    }

    /// <summary>Keeps leases and checkpoints in <paramref name="database"/>, which several hosts of one process may share.</summary>
    public static FastConsumerBuilder UseInMemoryLeases(this FastConsumerBuilder builder, InMemoryLeaseDatabase database)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.UseInMemoryLeases(database, keepsEpochs: false);
    }

    /// <summary>The same, for a host whose sinks last no longer than the database: their positions may be kept beside it.</summary>
    internal static FastConsumerBuilder UseInMemoryLeases(
        this FastConsumerBuilder builder, InMemoryLeaseDatabase database, bool keepsEpochs)
    {
        ArgumentNullException.ThrowIfNull(database);
        builder.Services.AddKeyedSingleton<ILeaseStoreFactory>(builder.Name, new InMemoryLeaseStoreFactory(database, keepsEpochs));
        return builder;
    }
}

using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Hosting;

/// <summary>What <c>AddFastConsumer</c> returns: processors and a lease store are added to it.</summary>
public sealed class FastConsumerBuilder
{
    internal FastConsumerBuilder(IServiceCollection services, string name)
    {
        Services = services;
        Name = name;
    }

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The consumer's name; empty for the unnamed one. Its options, and its keyed <see cref="Leases.ILeaseStoreFactory"/>, are registered under it.</summary>
    public string Name { get; }

    /// <summary>Where its options stand in the configuration: <c>FastConsumer</c>, or <c>FastConsumer:Consumers:&lt;name&gt;</c> for a further one.</summary>
    public string ConfigurationSection => Name.Length == 0 ? "FastConsumer" : $"FastConsumer:Consumers:{Name}";
}

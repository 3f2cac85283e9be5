using System.Diagnostics.CodeAnalysis;
using FastConsumer.Processors;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FastConsumer.Hosting;

/// <summary>What <c>AddFastConsumer</c> returns: processors and a lease store are added to it.</summary>
public sealed class FastConsumerBuilder
{
    private readonly List<ProcessorRegistration> _processors = [];

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

    internal IReadOnlyList<ProcessorRegistration> Processors => _processors;

    /// <summary>
    /// Adds a processor: a partial class with <see cref="KinesisProcessorAttribute"/>. Each shard gets an instance of its own from a scope
    /// of its own, disposed when the shard ends here.
    /// </summary>
    /// <typeparam name="TProcessor">The class.</typeparam>
    /// <param name="configure">Options of this processor; they win over section <c>FastConsumer:Processors:&lt;class name&gt;</c>.</param>
    /// <exception cref="InvalidOperationException">The consumer has a processor of this name already.</exception>
    public FastConsumerBuilder AddProcessor<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProcessor>(Action<ProcessorOptions>? configure = null)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        var processor = new ProcessorRegistration<TProcessor>();
        if (_processors.Exists(other => other.Name == processor.Name))
        {
            throw new InvalidOperationException($"A processor {processor.Name} was added already; a second set of workers for it goes under AddFastConsumer(name) with an application name of its own.");
        }

        _processors.Add(processor);
        Services.TryAddTransient<TProcessor>();
        string section = $"{ConfigurationSection}:Processors:{processor.Name}";
        string consumerName = Name;
        OptionsBuilder<ProcessorOptions> options = Services.AddOptions<ProcessorOptions>(OptionsName(processor)).BindConfiguration(section);
        if (configure is not null)
        {
            options.Configure(configure);
        }

        string optionsName = OptionsName(processor);
        Services.AddSingleton<IValidateOptions<ProcessorOptions>>(provider => new SettingsValidator<ProcessorOptions>(
            optionsName,
            own => SettingsValidation.Validate(own, provider.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(consumerName), processor, section)));
        return this;
    }

    /// <summary>The name of one processor's options.</summary>
    internal string OptionsName(ProcessorRegistration processor) => $"{Name}/{processor.Name}";
}

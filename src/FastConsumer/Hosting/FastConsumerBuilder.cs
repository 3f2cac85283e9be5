using System.Diagnostics.CodeAnalysis;
using FastConsumer.Checkpoints;
using FastConsumer.Processors;
using FastConsumer.State;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace FastConsumer.Hosting;

/// <summary>What <c>AddFastConsumer</c> returns: processors and a lease store are added to it.</summary>
public sealed class FastConsumerBuilder
{
    private readonly List<ProcessorRegistration> _processors = [];
    private readonly List<OutputRegistration> _outputs = [];
    private readonly Dictionary<string, IReadOnlyList<string>> _sections = new(StringComparer.OrdinalIgnoreCase);

    internal FastConsumerBuilder(IServiceCollection services, string name)
    {
        Services = services;
        Name = name;
    }

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// The consumer's name; empty for the unnamed one. Its options, and its keyed <see cref="Leases.ILeaseStoreFactory"/>, are registered
    /// under it.
    /// </summary>
    public string Name { get; }

    /// <summary>
    /// Where its options stand in the configuration: <c>FastConsumer</c>, or <c>FastConsumer:Consumers:&lt;name&gt;</c> for a further one.
    /// </summary>
    public string ConfigurationSection => Name.Length == 0 ? "FastConsumer" : $"FastConsumer:Consumers:{Name}";

    /// <summary>The consumer as messages name it.</summary>
    internal string Described => Name.Length == 0 ? "FastConsumer" : $"FastConsumer '{Name}'";

    /// <summary>True where <see cref="AddStateReader"/> was called.</summary>
    internal bool HasStateReader { get; private set; }

    internal IReadOnlyList<ProcessorRegistration> Processors => _processors;

    /// <summary>Where outputs go.</summary>
    internal IReadOnlyList<OutputRegistration> Outputs => _outputs;

    /// <summary>Makes the route of an output that was not added: in tests of a processor.</summary>
    internal Func<OutputFeed, OutputRoute>? OtherOutputs { get; set; }

    /// <summary>The further sections below <see cref="ConfigurationSection"/>, with their keys.</summary>
    internal IReadOnlyDictionary<string, IReadOnlyList<string>> Sections => _sections;

    /// <summary>
    /// Names a section below <see cref="ConfigurationSection"/> that an extension of the builder binds, such as that of a lease store.
    /// Other sections, and keys in it that are not among these, are warned of when the host starts.
    /// </summary>
    /// <param name="name">The section's name.</param>
    /// <param name="keys">The keys that it may have.</param>
    public FastConsumerBuilder AddConfigurationSection(string name, params IEnumerable<string> keys)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(keys);
        _sections[name] = [.. keys];
        return this;
    }

    /// <summary>
    /// Adds a processor: a partial class with <see cref="KinesisProcessorAttribute"/>. Each shard gets an instance of its own from a scope
    /// of its own, disposed when the shard ends here.
    /// </summary>
    /// <typeparam name="TProcessor">The class.</typeparam>
    /// <param name="configure">Options of this processor; they win over section <c>FastConsumer:Processors:&lt;class name&gt;</c>.</param>
    /// <exception cref="InvalidOperationException">The consumer has a processor of this name already.</exception>
    public FastConsumerBuilder AddProcessor<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProcessor>(
        Action<ProcessorOptions>? configure = null)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        var processor = new ProcessorRegistration<TProcessor>();
        if (_processors.Exists(other => other.Name == processor.Name))
        {
            throw new InvalidOperationException(
                $"A processor {processor.Name} was added already; a second set of workers for it goes under AddFastConsumer(name) with an "
                    + "application name of its own.");
        }

        _processors.Add(processor);
        Services.TryAddTransient<TProcessor>();
        string section = SectionOf(processor.Name);
        string consumerName = Name;
        OptionsBuilder<ProcessorOptions> options = Services.AddOptions<ProcessorOptions>(OptionsName(processor))
            .BindConfiguration(section)
            .Configure<IServiceProvider>((own, provider) => ConfiguredTime.Correct(own, provider.GetService<IConfiguration>(), section));
        if (configure is not null)
        {
            options.Configure(configure);
        }

        string optionsName = OptionsName(processor);
        Services.AddSingleton<IValidateOptions<ProcessorOptions>>(provider => new SettingsValidator<ProcessorOptions>(
            optionsName,
            own => SettingsValidation.Validate(
                own, provider.GetRequiredService<IOptionsMonitor<FastConsumerOptions>>().Get(consumerName), processor, section)));
        return this;
    }

    /// <summary>
    /// Spans of this consumer's handlers are linked to what <typeparamref name="TExtractor"/> finds in their records. It comes from the
    /// host's services, once for the consumer. For a property of JSON payloads,
    /// <see cref="TelemetryOptions.TraceParentProperty"/> is enough.
    /// </summary>
    /// <typeparam name="TExtractor">The extractor.</typeparam>
    public FastConsumerBuilder UseTraceContext<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TExtractor>()
        where TExtractor : class, ITraceContextExtractor
    {
        Services.AddKeyedSingleton<ITraceContextExtractor, TExtractor>(Name);
        return this;
    }

    /// <summary>
    /// Adds an <see cref="IStateReader"/> to the host's services, which reads the state of this consumer's processors: as it is for the
    /// unnamed consumer, and keyed by its name for a named one. Processors with state then keep their last cut in memory: of each key that
    /// was written since, the value of before, so at most as much again as the state takes.
    /// </summary>
    public FastConsumerBuilder AddStateReader()
    {
        if (HasStateReader)
        {
            return this;
        }

        HasStateReader = true;
        Services.AddKeyedSingleton<IStateReader>(
            Name, (provider, _) => new StateReader(this, provider.GetRequiredKeyedService<ConsumerService>(Name)));
        if (Name.Length == 0)
        {
            Services.AddSingleton(static provider => provider.GetRequiredKeyedService<IStateReader>(string.Empty));
        }

        return this;
    }

    /// <summary>
    /// Says where an output goes: what handlers add to a property with <see cref="OutputAttribute"/> of this name. A method of the answer
    /// names the sink. Processors of this consumer with an output of the same name and type share the sink.
    /// </summary>
    /// <typeparam name="T">The values' type.</typeparam>
    /// <param name="name">The output's name.</param>
    /// <exception cref="InvalidOperationException">An output of this name was added already.</exception>
    public OutputBuilder<T> AddOutput<T>(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (_outputs.Exists(other => other.Name == name))
        {
            throw new InvalidOperationException(
                $"An output '{name}' was added already. Call AddOutput once for each name; processors with an output of that name "
                    + "share it.");
        }

        var registration = new OutputRegistration(name, typeof(T));
        _outputs.Add(registration);
        return new OutputBuilder<T>(this, registration);
    }

    /// <summary>Where the options of one processor stand in the configuration.</summary>
    internal string SectionOf(string processor) => $"{ConfigurationSection}:Processors:{processor}";

    /// <summary>The name of one processor's options.</summary>
    internal string OptionsName(ProcessorRegistration processor) => $"{Name}/{processor.Name}";
}

using System.ComponentModel;

namespace FastConsumer.Processors;

/// <summary>
/// What the source generator adds to a class with <see cref="KinesisProcessorAttribute"/>. Not meant to be written by hand.
/// </summary>
/// <typeparam name="TSelf">The class itself.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IKinesisProcessor<TSelf>
    where TSelf : class, IKinesisProcessor<TSelf>
{
    /// <summary>The class's attributes, and the way to its pipeline.</summary>
    static abstract ProcessorDefinition<TSelf> Definition { get; }
}

/// <summary>A processor as its attributes describe it.</summary>
/// <typeparam name="TProcessor">The annotated class.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ProcessorDefinition<TProcessor>
    where TProcessor : class
{
    /// <summary>The class name, by which options and messages name the processor.</summary>
    public required string Name { get; init; }

    /// <summary>The stream of <see cref="KinesisProcessorAttribute"/>.</summary>
    public required string Stream { get; init; }

    /// <summary><see cref="CheckpointAttribute.Interval"/>; null without the attribute.</summary>
    public TimeSpan? CheckpointInterval { get; init; }

    /// <summary><see cref="CheckpointAttribute.Records"/>; null without the attribute.</summary>
    public int? CheckpointRecords { get; init; }

    /// <summary>The lanes of <see cref="ConcurrencyAttribute"/>; 1 without the attribute.</summary>
    public int Lanes { get; init; } = 1;

    /// <inheritdoc cref="ConcurrencyAttribute.Order"/>
    public RecordOrder Order { get; init; }

    /// <summary>True where an <see cref="OnErrorAttribute"/> says <see cref="ErrorAction.DeadLetter"/>, so that a sink is needed.</summary>
    public bool UsesDeadLetters { get; init; }

    /// <summary>
    /// <see cref="KinesisProcessorAttribute.StateVersion"/> of a class with <see cref="StateAttribute"/> properties, at least 1; 0, which
    /// is the default, for a class without state.
    /// </summary>
    public int StateVersion { get; init; }

    /// <summary>
    /// The services that the class's methods take as parameters; looked up once at start, so that a missing one is told there.
    /// </summary>
    public IReadOnlyList<ProcessorService> Services { get; init; } = [];

    /// <summary>
    /// Finds the store of the transactions that its handlers take, in the host's services: null there where none is registered. Null where
    /// no handler takes one.
    /// </summary>
    public Func<IServiceProvider, IPositionStore?>? FindPositionStore { get; init; }

    /// <summary>The type of the transactions; null where no handler takes one.</summary>
    public Type? TransactionType { get; init; }

    /// <summary>Makes the pipeline of one shard from the shard's own instance and the services of the host.</summary>
    public required Func<TProcessor, IServiceProvider, ShardPipeline> CreatePipeline { get; init; }
}

/// <summary>
/// A service that a method of a processor takes: a parameter with <see cref="FromServicesAttribute"/> or
/// <c>Microsoft.Extensions.DependencyInjection.FromKeyedServicesAttribute</c>.
/// </summary>
/// <param name="Type">The service's type.</param>
/// <param name="Method">The method's name, for messages.</param>
/// <param name="Parameter">The parameter's name, for messages.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record ProcessorService(Type Type, string Method, string Parameter)
{
    /// <summary>The key it is registered with; null for a service without a key.</summary>
    public object? Key { get; init; }

    /// <summary>False where the parameter's type is nullable: the method is given null where nothing is registered.</summary>
    public bool IsRequired { get; init; } = true;
}

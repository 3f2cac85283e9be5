using FastConsumer.Processors;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Hosting;

/// <summary>A processor that was added, without its type parameter.</summary>
internal abstract class ProcessorRegistration
{
    public abstract string Name { get; }

    public abstract string Stream { get; }

    public abstract TimeSpan? CheckpointInterval { get; }

    public abstract int? CheckpointRecords { get; }

    public abstract int Lanes { get; }

    public abstract RecordOrder Order { get; }

    /// <summary>True where a rule of it says <see cref="ErrorAction.DeadLetter"/>.</summary>
    public abstract bool UsesDeadLetters { get; }

    /// <summary>The version of the state that it keeps; 0 where it keeps none.</summary>
    public abstract int StateVersion { get; }

    /// <summary>The services that its methods take.</summary>
    public abstract IReadOnlyList<ProcessorService> Services { get; }

    /// <summary>The type of the transactions that its handlers take; null where none takes one.</summary>
    public abstract Type? TransactionType { get; }

    /// <summary>The store of the positions that its handlers commit; null where none takes a transaction, or no store is there.</summary>
    public abstract IPositionStore? FindPositionStore(IServiceProvider services);

    /// <summary>Makes a shard's own instance and its pipeline, from the shard's scope.</summary>
    public abstract ShardPipeline CreatePipeline(IServiceProvider services);
}

/// <inheritdoc/>
internal sealed class ProcessorRegistration<TProcessor> : ProcessorRegistration
    where TProcessor : class, IKinesisProcessor<TProcessor>
{
    private readonly ProcessorDefinition<TProcessor> _definition = TProcessor.Definition;

    public override string Name => _definition.Name;

    public override string Stream => _definition.Stream;

    public override TimeSpan? CheckpointInterval => _definition.CheckpointInterval;

    public override int? CheckpointRecords => _definition.CheckpointRecords;

    public override int Lanes => _definition.Lanes;

    public override RecordOrder Order => _definition.Order;

    public override bool UsesDeadLetters => _definition.UsesDeadLetters;

    public override int StateVersion => _definition.StateVersion;

    public override IReadOnlyList<ProcessorService> Services => _definition.Services;

    public override Type? TransactionType => _definition.TransactionType;

    public override IPositionStore? FindPositionStore(IServiceProvider services) => _definition.FindPositionStore?.Invoke(services);

    public override ShardPipeline CreatePipeline(IServiceProvider services) =>
        _definition.CreatePipeline(services.GetRequiredService<TProcessor>(), services);
}

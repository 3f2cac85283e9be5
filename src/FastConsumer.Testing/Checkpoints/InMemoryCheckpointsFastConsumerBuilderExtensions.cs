using FastConsumer.Checkpoints;
using FastConsumer.Hosting;
using FastConsumer.Testing.Checkpoints;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Snapshots of processors' state in memory, for tests and trials.</summary>
public static class InMemoryCheckpointsFastConsumerBuilderExtensions
{
    /// <summary>Keeps snapshots of processors' state in memory: they are gone with the store.</summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="store">The store, which several hosts of one process may share; null for one of the consumer's own.</param>
    public static FastConsumerBuilder UseInMemoryCheckpoints(this FastConsumerBuilder builder, InMemoryCheckpointStore? store = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddKeyedSingleton<ICheckpointStore>(builder.Name, store ?? new InMemoryCheckpointStore());
        return builder;
    }
}

using FastConsumer;
using FastConsumer.Hosting;
using FastConsumer.Testing.Positions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Positions in memory, for tests and trials.</summary>
public static class InMemoryPositionsFastConsumerBuilderExtensions
{
    /// <summary>
    /// Keeps the positions of processors whose handlers take an <see cref="InMemoryTransaction"/> in memory: they are gone with the store.
    /// </summary>
    /// <param name="builder">The consumer.</param>
    /// <param name="store">The store, which several hosts of one process may share; null for one of the host's own.</param>
    public static FastConsumerBuilder UseInMemoryPositions(this FastConsumerBuilder builder, InMemoryPositionStore? store = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IPositionStore<InMemoryTransaction>>(store ?? new InMemoryPositionStore());
        return builder;
    }
}

using System.Diagnostics.CodeAnalysis;
using FastConsumer.Checkpoints;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace FastConsumer.Hosting;

/// <summary>What <see cref="FastConsumerBuilder.AddOutput{T}"/> returns: one of its methods names the output's sink.</summary>
/// <typeparam name="T">The values' type.</typeparam>
public sealed class OutputBuilder<T>
{
    private readonly FastConsumerBuilder _consumer;
    private readonly OutputRegistration _registration;

    internal OutputBuilder(FastConsumerBuilder consumer, OutputRegistration registration)
    {
        _consumer = consumer;
        _registration = registration;
    }

    /// <summary>The consumer.</summary>
    public FastConsumerBuilder Consumer => _consumer;

    /// <summary>The output's name.</summary>
    public string Name => _registration.Name;

    /// <summary>
    /// Writes the output to a sink that knows no transactions. Each value comes at least once. The sink comes from the host's services,
    /// where it is registered as a singleton unless it is there already.
    /// </summary>
    /// <typeparam name="TSink">The sink.</typeparam>
    /// <exception cref="InvalidOperationException">The output has a sink already.</exception>
    public FastConsumerBuilder To<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TSink>()
        where TSink : class, IOutputSink<T>
    {
        _consumer.Services.TryAddSingleton<TSink>();
        return Bind(services => new SinkRoute<T>(Name, services.GetRequiredService<TSink>()));
    }

    /// <summary>
    /// Writes the output with the transactions of a position store, which also move the store's row of the shard: each value is there
    /// exactly once, provided that handlers add the same values when records are handled again. Outputs with the same store are written in
    /// one transaction.
    /// </summary>
    /// <typeparam name="TTransaction">The store's transactions.</typeparam>
    /// <param name="store">
    /// Finds the store in the host's services. Two stores whose rows are in the same place are refused: their
    /// <see cref="IPositionStore.Description"/> is the same.
    /// </param>
    /// <param name="writer">Finds what writes values with a transaction.</param>
    /// <exception cref="InvalidOperationException">The output has a sink already.</exception>
    public FastConsumerBuilder ToTransaction<TTransaction>(
        Func<IServiceProvider, IPositionStore<TTransaction>> store, Func<IServiceProvider, IOutputWriter<T, TTransaction>> writer)
        where TTransaction : class
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(writer);
        return Bind(services => new TransactionRoute<T, TTransaction>(Name, store(services), writer(services)));
    }

    private FastConsumerBuilder Bind(Func<IServiceProvider, OutputRoute> create)
    {
        if (_registration.Create is not null)
        {
            throw new InvalidOperationException(
                $"The output '{Name}' has a sink already. An output has one: to write to two places, declare two outputs.");
        }

        _registration.Create = create;
        return _consumer;
    }
}

/// <summary>An output that was added, without its type parameter.</summary>
internal sealed class OutputRegistration(string name, Type valueType)
{
    public string Name => name;

    public Type ValueType => valueType;

    /// <summary>Makes the way to its sink; null where none was named.</summary>
    public Func<IServiceProvider, OutputRoute>? Create { get; set; }

    /// <exception cref="InvalidOperationException">No sink was named.</exception>
    public OutputRoute CreateRoute(IServiceProvider services) => Create?.Invoke(services) ?? throw new InvalidOperationException(
        $"AddOutput<{valueType.Name}>(\"{name}\") was called, and no sink is named. Call To<TSink>() on what it returns, or another of its "
            + "methods.");
}

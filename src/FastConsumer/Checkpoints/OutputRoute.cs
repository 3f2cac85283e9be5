using FastConsumer.Processors;
using FastConsumer.State;

namespace FastConsumer.Checkpoints;

/// <summary>Where an output goes, as it was registered.</summary>
/// <param name="name">The output's name.</param>
/// <param name="valueType">The type of its values.</param>
internal abstract class OutputRoute(string name, Type valueType)
{
    public string Name => name;

    public Type ValueType => valueType;

    /// <summary>Outputs with equal keys go to their sink together.</summary>
    public abstract object SinkKey { get; }

    /// <summary>The store of the positions that its transactions move; null where there are none.</summary>
    public virtual IPositionStore? Store => null;

    /// <summary>Makes the sink of one shard for outputs that go together.</summary>
    /// <param name="routes">The outputs, this one among them.</param>
    public abstract OutputTarget CreateTarget(IReadOnlyList<OutputRoute> routes);
}

/// <summary>An output that is written with a store's transactions.</summary>
internal abstract class TransactionRoute<TTransaction>(string name, Type valueType, IPositionStore<TTransaction> store)
    : OutputRoute(name, valueType)
    where TTransaction : class
{
    public override object SinkKey => store;

    public override IPositionStore Store => store;

    public override OutputTarget CreateTarget(IReadOnlyList<OutputRoute> routes) =>
        new OutputTransactions<TTransaction>(store, [.. routes.Cast<TransactionRoute<TTransaction>>()]);

    public abstract Task WriteAsync(TTransaction transaction, OutputValues values, CancellationToken cancellationToken);
}

/// <inheritdoc/>
internal sealed class TransactionRoute<T, TTransaction>(
    string name, IPositionStore<TTransaction> store, IOutputWriter<T, TTransaction> writer)
    : TransactionRoute<TTransaction>(name, typeof(T), store)
    where TTransaction : class
{
    public override Task WriteAsync(TTransaction transaction, OutputValues values, CancellationToken cancellationToken) =>
        writer.WriteAsync(transaction, ((OutputValues<T>)values).All, cancellationToken);
}

/// <summary>An output whose sink knows no transactions.</summary>
internal sealed class SinkRoute<T>(string name, IOutputSink<T> sink) : OutputRoute(name, typeof(T))
{
    public override object SinkKey => this;

    public override OutputTarget CreateTarget(IReadOnlyList<OutputRoute> routes) => new Target(Name, sink);

    private sealed class Target(string name, IOutputSink<T> sink) : OutputTarget([name])
    {
        public override string Description => sink.GetType().Name;

        public override Task WriteAsync(OutputCut cut, CancellationToken cancellationToken) =>
            WriteAsync(cut, 0, values => sink.WriteAsync(((OutputValues<T>)values).All, cancellationToken));
    }
}

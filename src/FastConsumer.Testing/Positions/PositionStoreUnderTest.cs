namespace FastConsumer.Testing.Positions;

/// <summary>
/// An empty place for one case of <see cref="PositionStoreConformance"/>. Derive from <see cref="PositionStoreUnderTest{TTransaction}"/>.
/// </summary>
public abstract class PositionStoreUnderTest
{
    private protected PositionStoreUnderTest()
    {
    }

    /// <summary>The effects that are committed, in any order, as a reader outside of all transactions sees them.</summary>
    /// <param name="cancellationToken">Ends the try.</param>
    public abstract Task<IReadOnlyCollection<string>> ReadEffectsAsync(CancellationToken cancellationToken);

    internal abstract OpenedPositionStore OpenStore();
}

/// <summary>
/// An empty place for one case of <see cref="PositionStoreConformance"/>, without any row or effect: what the suite must be given to test a
/// store of positions.
/// </summary>
/// <typeparam name="TTransaction">What handlers take.</typeparam>
public abstract class PositionStoreUnderTest<TTransaction> : PositionStoreUnderTest
    where TTransaction : class
{
    /// <summary>
    /// Opens a store on the place. Called several times for one place: each call gives a store of its own, which the suite disposes of
    /// where it is <see cref="IAsyncDisposable"/>.
    /// </summary>
    public abstract IPositionStore<TTransaction> Open();

    /// <summary>Writes an effect in a transaction, as a handler does: a row in a table of the test's own, say.</summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="effect">What to write; each is written once.</param>
    /// <param name="cancellationToken">Ends the try.</param>
    public abstract Task WriteEffectAsync(TTransaction transaction, string effect, CancellationToken cancellationToken);

    internal override OpenedPositionStore OpenStore() => new Opened(this, Open());

    private sealed class Opened(PositionStoreUnderTest<TTransaction> place, IPositionStore<TTransaction> store) : OpenedPositionStore
    {
        public override IPositionStore Store => store;

        public override async Task<object> BeginAsync(CancellationToken cancellationToken) => await store.BeginAsync(cancellationToken);

        public override Task WriteEffectAsync(object transaction, string effect, CancellationToken cancellationToken) =>
            place.WriteEffectAsync((TTransaction)transaction, effect, cancellationToken);

        public override Task<bool> CommitAsync(
            object transaction, PositionKey key, StoredPosition former, CheckpointPosition position, CancellationToken cancellationToken) =>
            store.CommitAsync((TTransaction)transaction, key, former, position, cancellationToken);

        public override Task<bool> CommitAsync(
            object transaction, PositionKey key, StoredPosition former, StoredPosition next, CancellationToken cancellationToken) =>
            store.CommitAsync((TTransaction)transaction, key, former, next, cancellationToken);

        public override ValueTask EndAsync(object transaction) => store.EndAsync((TTransaction)transaction);

        public override ValueTask DisposeAsync() => (store as IAsyncDisposable)?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}

/// <summary>A store whose transactions have no type, so that the cases need none.</summary>
internal abstract class OpenedPositionStore : IAsyncDisposable
{
    public abstract IPositionStore Store { get; }

    public abstract Task<object> BeginAsync(CancellationToken cancellationToken);

    public abstract Task WriteEffectAsync(object transaction, string effect, CancellationToken cancellationToken);

    public abstract Task<bool> CommitAsync(
        object transaction, PositionKey key, StoredPosition former, CheckpointPosition position, CancellationToken cancellationToken);

    public abstract Task<bool> CommitAsync(
        object transaction, PositionKey key, StoredPosition former, StoredPosition next, CancellationToken cancellationToken);

    public abstract ValueTask EndAsync(object transaction);

    public abstract ValueTask DisposeAsync();
}

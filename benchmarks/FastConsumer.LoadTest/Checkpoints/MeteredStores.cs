using System.Collections.Concurrent;
using FastConsumer.Leases;

namespace FastConsumer.LoadTest.Checkpoints;

/// <summary>Hands out another factory's stores and keeps them in sight, for what they say of their table's use.</summary>
internal sealed class MeteredStores(ILeaseStoreFactory inner) : ILeaseStoreFactory
{
    private readonly ConcurrentBag<IMeteredLeaseStore> _stores = [];

    public string Kind => inner.Kind;

    public double ReadUnits => _stores.Sum(static store => store.Use.ReadUnits);

    public string GetTableIdentity(LeaseStoreContext context) => inner.GetTableIdentity(context);

    public ILeaseStore Create(LeaseStoreContext context)
    {
        ILeaseStore store = inner.Create(context);
        _stores.Add((IMeteredLeaseStore)store);
        return store;
    }
}

using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>Makes in-memory stores; the table is the application.</summary>
internal sealed class InMemoryLeaseStoreFactory(InMemoryLeaseDatabase database, bool keepsEpochs = false) : ILeaseStoreFactory
{
    public string Kind => "in-memory";

    public bool KeepsEpochs => keepsEpochs;

    public string GetTableIdentity(LeaseStoreContext context) => $"memory:{database.Id}/{context.ApplicationName}";

    public ILeaseStore Create(LeaseStoreContext context) => new InMemoryLeaseStore(database, context.ApplicationName);
}

using FastConsumer.Leases;

namespace FastConsumer.Testing.Leases;

/// <summary>Makes in-memory stores; the table is the application.</summary>
internal sealed class InMemoryLeaseStoreFactory(InMemoryLeaseDatabase database) : ILeaseStoreFactory
{
    public string Kind => "in-memory";

    public string GetTableIdentity(LeaseStoreContext context) => $"memory:{database.Id}/{context.ApplicationName}";

    public ILeaseStore Create(LeaseStoreContext context) => new InMemoryLeaseStore(database, context.ApplicationName);
}

using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.DynamoDb.Tests.Conformance;

/// <summary>The public suite on DynamoDB, as three servers play it.</summary>
public abstract class StoreConformanceTests(string serviceUrl)
{
    public static TheoryData<string> Cases => [.. LeaseStoreConformance.Cases.Select(static test => test.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_store_conforms(string name)
    {
        await using var table = new TestTable(serviceUrl);
        await LeaseStoreConformance.Cases.Single(test => test.Name == name).RunAsync(
            new DynamoDbTable(table), TestContext.Current.CancellationToken);
    }

    private sealed class DynamoDbTable(TestTable table) : LeaseStoreUnderTest
    {
        public override ILeaseStore Open() => table.Open();

        public override Task PutAsync(
            string leaseKey, IReadOnlyDictionary<string, Lease.Value> attributes, CancellationToken cancellationToken) =>
            table.PutAsync(AttributeValues.ToItem(new Dictionary<string, Lease.Value>(attributes) { [Lease.Names.LeaseKey] = leaseKey }));
    }
}

public sealed class DynoxideStoreConformanceTests(DynoxideServer server)
    : StoreConformanceTests(server.ServiceUrl), IClassFixture<DynoxideServer>;

public sealed class DynaliteStoreConformanceTests(DynaliteServer server)
    : StoreConformanceTests(server.ServiceUrl), IClassFixture<DynaliteServer>;

public sealed class GivenEndpointStoreConformanceTests(GivenEndpoint endpoint)
    : StoreConformanceTests(endpoint.ServiceUrl), IClassFixture<GivenEndpoint>;

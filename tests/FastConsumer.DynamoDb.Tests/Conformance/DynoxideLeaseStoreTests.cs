using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.DynamoDb.Tests.Conformance;

public sealed class DynoxideLeaseStoreTests(DynoxideServer server)
    : DynamoDbLeaseStoreConformance(server.ServiceUrl), IClassFixture<DynoxideServer>;

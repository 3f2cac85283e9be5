using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.DynamoDb.Tests.Conformance;

public sealed class DynoxideLeaseStoreTests(DynoxideServer server)
    : DynamoDbLeaseOperationsConformance(server.ServiceUrl), IClassFixture<DynoxideServer>;

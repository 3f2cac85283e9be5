using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.DynamoDb.Tests.Conformance;

public sealed class DynaliteLeaseStoreTests(DynaliteServer server)
    : DynamoDbLeaseStoreConformance(server.ServiceUrl), IClassFixture<DynaliteServer>;

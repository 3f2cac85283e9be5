using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.DynamoDb.Tests.Conformance;

public sealed class DynaliteLeaseStoreTests(DynaliteServer server)
    : DynamoDbLeaseOperationsConformance(server.ServiceUrl), IClassFixture<DynaliteServer>;

namespace FastConsumer.DynamoDb.Tests.Conformance;

/// <summary>On the endpoint that <c>FASTCONSUMER_DYNAMODB_ENDPOINT</c> names, such as a DynamoDB Local.</summary>
public sealed class GivenEndpointLeaseStoreTests(GivenEndpoint endpoint)
    : DynamoDbLeaseOperationsConformance(endpoint.ServiceUrl), IClassFixture<GivenEndpoint>;

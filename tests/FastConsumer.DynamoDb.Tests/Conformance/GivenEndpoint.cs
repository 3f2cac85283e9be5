using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.DynamoDb.Tests.Conformance;

/// <summary>The endpoint of <c>FASTCONSUMER_DYNAMODB_ENDPOINT</c>; a dynoxide of its own where that is not set.</summary>
public sealed class GivenEndpoint : IAsyncLifetime
{
    private DynoxideServer? _server;

    public string ServiceUrl { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("FASTCONSUMER_DYNAMODB_ENDPOINT") is { Length: > 0 } given)
        {
            ServiceUrl = given;
            return;
        }

        _server = await DynoxideServer.StartAsync(TestContext.Current.CancellationToken);
        ServiceUrl = _server.ServiceUrl;
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}

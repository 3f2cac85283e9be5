namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>Usable as an xunit class, collection or assembly fixture.</summary>
public abstract partial class LocalServer : IAsyncLifetime
{
    public async ValueTask InitializeAsync() => await StartAsync(this, TestContext.Current.CancellationToken);
}

namespace FastConsumer.Integration.Tests.Fixtures;

/// <summary>Usable as an xunit class, collection or assembly fixture.</summary>
public sealed partial class PostgreSqlServer : IAsyncLifetime
{
    public async ValueTask InitializeAsync() => await LaunchAsync([], TestContext.Current.CancellationToken);
}

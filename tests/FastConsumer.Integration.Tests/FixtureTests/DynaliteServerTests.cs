using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.FixtureTests;

public sealed class DynaliteServerTests(DynaliteServer server) : IClassFixture<DynaliteServer>
{
    [Fact]
    public Task Lets_one_of_two_conditional_updates_win() =>
        LeaseTableScenario.RunAsync(server, "leases", TestContext.Current.CancellationToken);
}

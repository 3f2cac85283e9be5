using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.FixtureTests;

public sealed class KinesaliteServerTests(KinesaliteServer server) : IClassFixture<KinesaliteServer>
{
    [Fact]
    public Task Takes_records_and_reshards() =>
        StreamScenario.RunAsync(server, "reshards", TestContext.Current.CancellationToken);
}

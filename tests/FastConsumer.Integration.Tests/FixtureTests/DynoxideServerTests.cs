using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.FixtureTests;

public sealed class DynoxideServerTests(DynoxideServer server) : IClassFixture<DynoxideServer>
{
    [Fact]
    public Task Lets_one_of_two_conditional_updates_win() =>
        LeaseTableScenario.RunAsync(server, "leases", TestContext.Current.CancellationToken);

    [Fact]
    public async Task Returns_the_winners_row_with_a_failed_condition()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await LeaseTableScenario.RunAsync(server, "leases-returned", cancellationToken);
        using var client = LeaseTableScenario.Client(server);
        var renewal = LeaseTableScenario.Renewal("leases-returned", "worker-b");
        renewal.ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure.ALL_OLD;

        var exception = await Assert.ThrowsAsync<ConditionalCheckFailedException>(() => client.UpdateItemAsync(renewal, cancellationToken));

        Assert.Equal("worker-a", exception.Item["leaseOwner"].S);
    }
}

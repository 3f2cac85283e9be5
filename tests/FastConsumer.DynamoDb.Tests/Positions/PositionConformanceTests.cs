using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Testing.Positions;

namespace FastConsumer.DynamoDb.Tests.Positions;

/// <summary>The public suite on a real server.</summary>
public sealed class PositionConformanceTests(DynoxideServer server) : IClassFixture<DynoxideServer>
{
    public static TheoryData<string> Cases => [.. PositionStoreConformance.Cases.Select(static test => test.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_store_conforms(string name)
    {
        await using PositionPlace place = await PositionPlace.CreateAsync(server.ServiceUrl);
        await PositionStoreConformance.Cases.Single(test => test.Name == name).RunAsync(place, TestContext.Current.CancellationToken);
    }
}

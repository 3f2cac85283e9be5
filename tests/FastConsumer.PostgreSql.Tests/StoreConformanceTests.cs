using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Testing.Positions;

namespace FastConsumer.PostgreSql.Tests;

/// <summary>The public suite on a real PostgreSQL.</summary>
public sealed class StoreConformanceTests(PostgreSqlServer server)
{
    public static TheoryData<string> Cases => [.. PositionStoreConformance.Cases.Select(static test => test.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_store_conforms(string name) => RunAsync(name, null, "");

    /// <summary>Where the store must not rely on the server's defaults, and has no prepared statements.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public Task The_store_conforms_on_a_database_of_other_defaults(string name) => RunAsync(
        name,
        new PostgreSqlPositionOptions { TableName = "Positions-of-$hards", PrepareStatements = false },
        "Options=-c default_transaction_isolation=serializable -c idle_in_transaction_session_timeout=20s -c TimeZone=Asia/Kathmandu");

    private async Task RunAsync(string name, PostgreSqlPositionOptions? options, string settings)
    {
        await using Place place = await Place.CreateAsync(server, options, settings);
        await PositionStoreConformance.Cases.Single(test => test.Name == name).RunAsync(place, TestContext.Current.CancellationToken);
    }
}

using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Testing.Positions;
using Npgsql;

[assembly: AssemblyFixture(typeof(PostgreSqlServer))]

namespace FastConsumer.PostgreSql.Tests;

/// <summary>A schema of one test's own, with a table for effects.</summary>
internal sealed class Place : PositionStoreUnderTest<NpgsqlTransaction>, IAsyncDisposable
{
    public static readonly PositionKey Key = new(
        "orders",
        "arn:aws:kinesis:eu-central-1:111122223333:stream/orders",
        DateTimeOffset.FromUnixTimeMilliseconds(1_600_000_000_456),
        "shardId-000000000001");

    private static int s_made;

    private readonly PostgreSqlServer _server;
    private readonly PostgreSqlPositionOptions? _options;

    private Place(PostgreSqlServer server, PostgreSqlPositionOptions? options, string settings)
    {
        (_server, _options) = (server, options);
        DataSource = NpgsqlDataSource.Create(ConnectionString(settings));
    }

    /// <summary>The schema, which is the search path of the data source.</summary>
    public string Schema { get; } = $"test_{Interlocked.Increment(ref s_made)}";

    public NpgsqlDataSource DataSource { get; }

    /// <param name="server">Where the schema is made.</param>
    /// <param name="options">Options of its stores.</param>
    /// <param name="settings">More of the connection string.</param>
    public static async Task<Place> CreateAsync(PostgreSqlServer server, PostgreSqlPositionOptions? options = null, string settings = "")
    {
        var place = new Place(server, options, settings);
        await place.ExecuteAsync($"CREATE SCHEMA {place.Schema}; CREATE TABLE effects (effect text PRIMARY KEY)");
        return place;
    }

    public string ConnectionString(string settings = "") =>
        $"{_server.ConnectionString};Search Path={Schema};Maximum Pool Size=20;{settings}";

    public override IPositionStore<NpgsqlTransaction> Open() => Open(_options);

    /// <summary>The store, prepared.</summary>
    public async Task<PostgreSqlPositionStore> PrepareAsync(PostgreSqlPositionOptions? options = null, NpgsqlDataSource? dataSource = null)
    {
        var store = new PostgreSqlPositionStore(dataSource ?? DataSource, options);
        await store.PrepareAsync(TestContext.Current.CancellationToken);
        return store;
    }

    public PostgreSqlPositionStore Open(PostgreSqlPositionOptions? options) => new(DataSource, options);

    public override async Task WriteEffectAsync(NpgsqlTransaction transaction, string effect, CancellationToken cancellationToken)
    {
        await using var insert = new NpgsqlCommand("INSERT INTO effects VALUES ($1)", transaction.Connection, transaction);
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = effect });
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    public override async Task<IReadOnlyCollection<string>> ReadEffectsAsync(CancellationToken cancellationToken) => await EffectsAsync();

    public Task<string[]> EffectsAsync() => ListAsync("SELECT effect FROM effects ORDER BY 1");

    public async Task<string[]> ListAsync(string sql)
    {
        List<string> values = [];
        await using NpgsqlCommand select = DataSource.CreateCommand(sql);
        await using NpgsqlDataReader reader = await select.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            values.Add(reader.GetString(0));
        }

        return [.. values];
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using NpgsqlCommand command = DataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using NpgsqlCommand command = DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await ExecuteAsync($"DROP SCHEMA {Schema} CASCADE");
        await DataSource.DisposeAsync();
    }
}

using System.Net;
using System.Net.Sockets;
using FastConsumer.Integration.Tests.Fixtures;
using Npgsql;

namespace FastConsumer.PostgreSql.Tests;

/// <summary>A start creates the table, or says in one message what is wrong and what to do.</summary>
public sealed class PreparationTests(PostgreSqlServer server)
{
    private static readonly PostgreSqlPositionOptions s_existing = new() { CreateTable = false };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_may_create_the_table_at_the_same_time()
    {
        await using Place place = await Place.CreateAsync(server);

        for (int round = 0; round < 5; round++)
        {
            var options = new PostgreSqlPositionOptions { TableName = $"positions_{round}" };
            await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => place.PrepareAsync(options)));
        }

        Assert.Equal(5, await place.ScalarAsync<long>(
            $"SELECT count(*) FROM pg_tables WHERE schemaname = '{place.Schema}' AND tablename LIKE 'positions%'"));
    }

    [Fact]
    public async Task The_table_may_be_created_by_hand()
    {
        await using Place place = await Place.CreateAsync(server);
        string table = $"{place.Schema}.By-Hand";
        await place.ExecuteAsync(PostgreSqlPositionStore.CreateTableSql(table));
        await place.ExecuteAsync($"ALTER TABLE \"{place.Schema}\".\"By-Hand\" ADD COLUMN note text, ALTER COLUMN shard_id TYPE text");

        PostgreSqlPositionStore store =
            await place.PrepareAsync(new PostgreSqlPositionOptions { CreateTable = false, TableName = table });

        Assert.Equal(new StoredPosition(3, 0, null), await store.SetEpochAsync(Place.Key, 3, Cancellation));
        Assert.Contains($"PostgreSQL table '{table}' in database 'postgres' at 127.0.0.1:{server.Port}", store.Description);
    }

    [Fact]
    public async Task A_role_that_may_not_create_uses_the_table_that_is_there()
    {
        await using Place place = await Place.CreateAsync(server);
        await place.PrepareAsync();
        await using NpgsqlDataSource limited = await LimitedAsync(place, "GRANT SELECT, INSERT, UPDATE ON fastconsumer_positions TO {0}");

        PostgreSqlPositionStore store = await place.PrepareAsync(dataSource: limited);

        Assert.Equal(new StoredPosition(3, 0, null), await store.SetEpochAsync(Place.Key, 3, Cancellation));
    }

    [Fact]
    public async Task A_missing_table_is_named_with_what_creates_it()
    {
        await using Place place = await Place.CreateAsync(server);

        string expected = "The table is not there. Let it be created (PostgreSqlPositionOptions.CreateTable), or run: "
            + PostgreSqlPositionStore.CreateTableSql();
        await RequireAsync(() => place.PrepareAsync(s_existing), expected);
        PostgreSqlPositionStore store = place.Open(s_existing);
        await RequireAsync(() => store.ReadAsync(Place.Key, Cancellation), expected, "42P01");
        await RequireAsync(() => store.SetEpochAsync(Place.Key, 3, Cancellation), expected, "42P01");
    }

    [Fact]
    public async Task A_missing_schema_is_named()
    {
        await using Place place = await Place.CreateAsync(server);

        await RequireAsync(
            () => place.PrepareAsync(new PostgreSqlPositionOptions { TableName = "nowhere.positions" }),
            "The schema 'nowhere' is not there. Create it (CREATE SCHEMA \"nowhere\"), or name another in",
            "3F000");
    }

    [Fact]
    public async Task A_role_that_may_not_create_is_told_what_it_needs()
    {
        await using Place place = await Place.CreateAsync(server);
        await using NpgsqlDataSource limited = await LimitedAsync(place);

        await RequireAsync(
            () => place.PrepareAsync(dataSource: limited),
            $"PostgreSQL refuses: permission denied for schema {place.Schema}. The role needs SELECT, INSERT and UPDATE on "
            + "\"fastconsumer_positions\"; to create it also CREATE on its schema, or somebody who may runs: CREATE TABLE",
            "42501");
    }

    [Fact]
    public async Task A_role_that_lacks_privileges_is_told_which()
    {
        await using Place place = await Place.CreateAsync(server);
        await place.PrepareAsync();
        await using NpgsqlDataSource limited = await LimitedAsync(place, "GRANT SELECT ON fastconsumer_positions TO {0}");
        string role = $"limited_{place.Schema}";

        await RequireAsync(
            () => place.PrepareAsync(dataSource: limited),
            $"The role '{role}' lacks INSERT, UPDATE on the table. Run: GRANT SELECT, INSERT, UPDATE ON \"fastconsumer_positions\" TO "
            + $"\"{role}\"");
    }

    [Theory]
    [InlineData(
        "CREATE TABLE fastconsumer_positions (id int)",
        "column application (text) is missing, column stream_arn (text) is missing")]
    [InlineData(
        "ALTER TABLE fastconsumer_positions ALTER COLUMN number TYPE int, ALTER COLUMN stream_created TYPE timestamp",
        "column stream_created is timestamp without time zone, not timestamp with time zone, column number is integer, not bigint")]
    [InlineData(
        "ALTER TABLE fastconsumer_positions DROP CONSTRAINT fastconsumer_positions_pkey, "
            + "ADD PRIMARY KEY (application, stream_arn, shard_id)",
        "it has no primary key or unique index on (application, stream_arn, stream_created, shard_id)")]
    public async Task A_table_that_does_not_do_is_told_apart(string change, string why)
    {
        await using Place place = await Place.CreateAsync(server);
        if (change.StartsWith("ALTER", StringComparison.Ordinal))
        {
            await place.PrepareAsync();
        }

        await place.ExecuteAsync(change);

        await RequireAsync(() => place.PrepareAsync(), $"The table does not do for positions: {why}");
    }

    [Fact]
    public async Task A_row_that_cannot_be_read_is_named()
    {
        await using Place place = await Place.CreateAsync(server);
        PostgreSqlPositionStore store = await place.PrepareAsync();
        await store.SetEpochAsync(Place.Key, 3, Cancellation);
        await place.ExecuteAsync("UPDATE fastconsumer_positions SET sequence_number = 'hello'");

        await RequireAsync(
            () => store.ReadAsync(Place.Key, Cancellation),
            "The row of shardId-000000000001 cannot be read: 'hello' is not a checkpoint: a sequence number, TRIM_HORIZON");
    }

    [Fact]
    public async Task A_server_that_cannot_be_reached_is_named_and_may_come_back()
    {
        // bound but not listening: it is nobody else's
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)silent.LocalEndPoint!).Port;
        await using NpgsqlDataSource dataSource =
            NpgsqlDataSource.Create($"Host=127.0.0.1;Port={port};Database=shop;Username=me;Password=secret-word");
        var store = new PostgreSqlPositionStore(dataSource);

        PostgreSqlPositionException failure =
            await Assert.ThrowsAsync<PostgreSqlPositionException>(() => store.PrepareAsync(Cancellation));

        Assert.True(failure.IsTransient);
        Assert.StartsWith(
            $"PostgreSQL table 'fastconsumer_positions' in database 'shop' at 127.0.0.1:{port}: the server cannot be reached: ",
            failure.Message,
            StringComparison.Ordinal);
        Assert.Contains("Check Host and Port of the connection string", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", failure.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "Password=wrong",
        "PostgreSQL does not let in: password authentication failed for user \"postgres\". Check Username", "28P01")]
    [InlineData("Database=nowhere", "database \"nowhere\" does not exist. Create it, or name another as Database", "3D000")]
    public async Task What_the_server_refuses_is_explained(string settings, string expected, string sqlState)
    {
        await using NpgsqlDataSource dataSource = NpgsqlDataSource.Create($"{server.ConnectionString};{settings}");
        var store = new PostgreSqlPositionStore(dataSource);

        await RequireAsync(() => store.PrepareAsync(Cancellation), expected, sqlState);
    }

    [Fact]
    public async Task A_standby_is_refused()
    {
        await using PostgreSqlServer standby = await PostgreSqlServer.StartAsync(["standby"], Cancellation);
        await using NpgsqlDataSource dataSource = NpgsqlDataSource.Create(standby.ConnectionString);
        var store = new PostgreSqlPositionStore(dataSource);

        PostgreSqlPositionException failure =
            await Assert.ThrowsAsync<PostgreSqlPositionException>(() => store.PrepareAsync(Cancellation));

        Assert.True(failure.IsTransient);
        Assert.Contains("the server is a standby, which may lag behind and cannot be written.", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>A data source of a role that may use the place's schema.</summary>
    private static async Task<NpgsqlDataSource> LimitedAsync(Place place, string grant = "SELECT '{0}'")
    {
        string role = $"limited_{place.Schema}";
        await place.ExecuteAsync($"CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA {place.Schema} TO {role}; "
            + grant.Replace("{0}", role, StringComparison.Ordinal));
        return NpgsqlDataSource.Create($"{place.ConnectionString()};Username={role};Password=secret");
    }

    private static async Task RequireAsync(Func<Task> call, string expected, string? sqlState = null)
    {
        PostgreSqlPositionException failure = await Assert.ThrowsAsync<PostgreSqlPositionException>(call);

        Assert.StartsWith("PostgreSQL table '", failure.Message, StringComparison.Ordinal);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
        Assert.False(failure.IsTransient);
        Assert.Equal(sqlState, failure.SqlState);
    }
}

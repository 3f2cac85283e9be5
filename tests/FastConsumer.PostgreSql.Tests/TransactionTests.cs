using FastConsumer.Integration.Tests.Fixtures;
using Npgsql;

namespace FastConsumer.PostgreSql.Tests;

/// <summary>What can become of a transaction between its begin and its end.</summary>
public sealed class TransactionTests(PostgreSqlServer server)
{
    private static readonly CheckpointPosition s_position = CheckpointPosition.Parse("100");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_committed_when_the_backend_was_killed()
    {
        await using Place place = await Place.CreateAsync(server);
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction transaction = await store.BeginAsync(Cancellation);
        await place.WriteEffectAsync(transaction, "a", Cancellation);
        await place.ExecuteAsync($"SELECT pg_terminate_backend({transaction.Connection!.ProcessID}, 10000)");

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => store.CommitAsync(transaction, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(transaction);

        Assert.Empty(await place.EffectsAsync());
        Assert.Equal(row, await store.ReadAsync(Place.Key, Cancellation));
        NpgsqlTransaction next = await store.BeginAsync(Cancellation);
        Assert.True(await store.CommitAsync(next, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(next);
    }

    [Fact]
    public async Task An_owner_that_stood_still_finds_its_transaction_ended()
    {
        await using Place place = await Place.CreateAsync(server);
        PostgreSqlPositionStore store =
            await place.PrepareAsync(new PostgreSqlPositionOptions { IdleInTransactionTimeout = TimeSpan.FromSeconds(1) });
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction transaction = await store.BeginAsync(Cancellation);
        await place.WriteEffectAsync(transaction, "a", Cancellation);
        int session = transaction.Connection!.ProcessID;
        await Eventually.ThatAsync(
            "the server ended the session",
            () => place.ScalarAsync<bool>($"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {session})"));

        PostgresException failure = await Assert.ThrowsAsync<PostgresException>(
            () => store.CommitAsync(transaction, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(transaction);

        Assert.Equal("25P03", failure.SqlState);
        Assert.Empty(await place.EffectsAsync());
    }

    [Theory]
    [InlineData("", "45s")]
    [InlineData("Options=-c idle_in_transaction_session_timeout=7s", "7s")]
    public async Task The_servers_own_time_out_goes_before_the_stores(string settings, string timeout)
    {
        await using Place place = await Place.CreateAsync(server, settings: settings);
        PostgreSqlPositionStore store =
            await place.PrepareAsync(new PostgreSqlPositionOptions { IdleInTransactionTimeout = TimeSpan.FromSeconds(45) });
        NpgsqlTransaction transaction = await store.BeginAsync(Cancellation);
        await using var show = new NpgsqlCommand("SHOW idle_in_transaction_session_timeout", transaction.Connection);

        Assert.Equal(timeout, await show.ExecuteScalarAsync(Cancellation));
        await store.EndAsync(transaction);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_ends_the_transaction_is_told_so(bool commits)
    {
        await using Place place = await Place.CreateAsync(server);
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction transaction = await store.BeginAsync(Cancellation);
        await place.WriteEffectAsync(transaction, "a", Cancellation);
        await (commits ? transaction.CommitAsync(Cancellation) : transaction.RollbackAsync(Cancellation));

        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => store.CommitAsync(transaction, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(transaction);

        Assert.StartsWith("A handler has committed its transaction, or rolled it back.", failure.Message, StringComparison.Ordinal);
        Assert.Equal(row, await store.ReadAsync(Place.Key, Cancellation));
    }

    [Fact]
    public async Task A_statement_that_failed_in_the_handler_fails_the_commit()
    {
        await using Place place = await Place.CreateAsync(server);
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction transaction = await store.BeginAsync(Cancellation);
        await place.WriteEffectAsync(transaction, "a", Cancellation);
        await Assert.ThrowsAsync<PostgresException>(() => place.WriteEffectAsync(transaction, "a", Cancellation));

        PostgresException failure = await Assert.ThrowsAsync<PostgresException>(
            () => store.CommitAsync(transaction, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(transaction);

        Assert.Equal(PostgresErrorCodes.InFailedSqlTransaction, failure.SqlState);
        Assert.Empty(await place.EffectsAsync());
        Assert.Equal(row, await store.ReadAsync(Place.Key, Cancellation));
    }

    /// <summary>A constraint that is checked at COMMIT.</summary>
    [Fact]
    public async Task A_commit_that_the_server_refuses_throws()
    {
        await using Place place = await Place.CreateAsync(server);
        await place.ExecuteAsync("ALTER TABLE effects ADD COLUMN cause text REFERENCES effects DEFERRABLE INITIALLY DEFERRED");
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction transaction = await store.BeginAsync(Cancellation);
        await using var insert = new NpgsqlCommand("INSERT INTO effects VALUES ('a', 'none')", transaction.Connection);
        await insert.ExecuteNonQueryAsync(Cancellation);

        PostgresException failure = await Assert.ThrowsAsync<PostgresException>(
            () => store.CommitAsync(transaction, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(transaction);

        Assert.Equal(PostgresErrorCodes.ForeignKeyViolation, failure.SqlState);
        Assert.Equal(row, await store.ReadAsync(Place.Key, Cancellation));
    }

    [Fact]
    public async Task A_handlers_own_isolation_level_makes_a_late_commit_fail()
    {
        await using Place place = await Place.CreateAsync(server);
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction transaction = await store.BeginAsync(Cancellation);
        await using var raise = new NpgsqlCommand("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", transaction.Connection);
        await raise.ExecuteNonQueryAsync(Cancellation);
        await place.WriteEffectAsync(transaction, "late", Cancellation);
        Assert.Equal(row with { Epoch = 4 }, await store.SetEpochAsync(Place.Key, 4, Cancellation));

        PostgresException failure = await Assert.ThrowsAsync<PostgresException>(
            () => store.CommitAsync(transaction, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(transaction);

        Assert.Equal(PostgresErrorCodes.SerializationFailure, failure.SqlState);
        Assert.Empty(await place.EffectsAsync());
    }

    /// <summary>Npgsql gives transactions of one connection the same object, where it may.</summary>
    [Fact]
    public async Task A_handler_that_was_given_up_cannot_write_into_the_next_transaction()
    {
        await using Place place = await Place.CreateAsync(server, settings: "Maximum Pool Size=1");
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction givenUp = await store.BeginAsync(Cancellation);
        await place.WriteEffectAsync(givenUp, "first", Cancellation);
        NpgsqlConnection connection = givenUp.Connection!;
        await store.EndAsync(givenUp);

        NpgsqlTransaction next = await store.BeginAsync(Cancellation);
        Exception? byTransaction = await Record.ExceptionAsync(() => place.WriteEffectAsync(givenUp, "late", Cancellation));
        await using var insert = new NpgsqlCommand("INSERT INTO effects VALUES ('later')", connection);
        Exception? byConnection = await Record.ExceptionAsync(() => insert.ExecuteNonQueryAsync(Cancellation));
        bool isCommitted = await store.CommitAsync(next, Place.Key, row, s_position, Cancellation);
        await store.EndAsync(next);

        Assert.True(isCommitted);
        Assert.IsAssignableFrom<InvalidOperationException>(byTransaction);
        Assert.IsAssignableFrom<InvalidOperationException>(byConnection);
        Assert.Empty(await place.EffectsAsync());
    }

    [Fact]
    public async Task A_transaction_whose_handler_still_runs_a_statement_is_ended()
    {
        await using Place place = await Place.CreateAsync(server, settings: "Maximum Pool Size=2");
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction givenUp = await store.BeginAsync(Cancellation);
        await place.WriteEffectAsync(givenUp, "first", Cancellation);
        await using var endless = new NpgsqlCommand("SELECT pg_sleep(1000)", givenUp.Connection) { CommandTimeout = 0 };
        Task handler = endless.ExecuteNonQueryAsync(Cancellation);

        await store.EndAsync(givenUp);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => handler);

        NpgsqlTransaction next = await store.BeginAsync(Cancellation);
        Assert.True(await store.CommitAsync(next, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(next);
        Assert.Empty(await place.EffectsAsync());
    }

    [Fact]
    public async Task A_statement_that_cannot_be_ended_gives_its_connection_back_when_it_ends()
    {
        await using Place place = await Place.CreateAsync(server, settings: "Maximum Pool Size=1;Timeout=1");
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        await using NpgsqlDataSource others = NpgsqlDataSource.Create(place.ConnectionString());
        await using NpgsqlConnection other = await others.OpenConnectionAsync(Cancellation);
        await using var hold = new NpgsqlCommand("SELECT pg_advisory_lock(4711)", other);
        await hold.ExecuteNonQueryAsync(Cancellation);
        NpgsqlTransaction givenUp = await store.BeginAsync(Cancellation);
        await using var waiting = new NpgsqlCommand("SELECT pg_advisory_lock(4711)", givenUp.Connection) { CommandTimeout = 0 };
        Task handler = waiting.ExecuteNonQueryAsync(Cancellation);

        // no connection is left to end it by
        await Assert.ThrowsAnyAsync<NpgsqlException>(async () => await store.EndAsync(givenUp));
        await using var free = new NpgsqlCommand("SELECT pg_advisory_unlock(4711)", other);
        await free.ExecuteNonQueryAsync(Cancellation);
        await handler;

        NpgsqlTransaction next = await store.BeginAsync(Cancellation);
        Assert.True(await store.CommitAsync(next, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(next);
    }

    [Fact]
    public async Task A_handler_that_disposes_of_the_transaction_is_told_so()
    {
        await using Place place = await Place.CreateAsync(server);
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction transaction = await store.BeginAsync(Cancellation);
        await transaction.DisposeAsync();

        Exception? failure = await Record.ExceptionAsync(
            () => store.CommitAsync(transaction, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(transaction);

        Assert.StartsWith("A handler has", Assert.IsType<InvalidOperationException>(failure).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_committed_transaction_is_not_handed_out_again_either()
    {
        await using Place place = await Place.CreateAsync(server, settings: "Maximum Pool Size=1");
        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Cancellation);
        NpgsqlTransaction first = await store.BeginAsync(Cancellation);
        Assert.True(await store.CommitAsync(first, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(first);
        NpgsqlTransaction next = await store.BeginAsync(Cancellation);
        Exception? refused = await Record.ExceptionAsync(
            () => store.CommitAsync(first, Place.Key, row, s_position, Cancellation));
        await store.EndAsync(next);

        Assert.NotSame(first, next);
        ArgumentException exception = Assert.IsType<ArgumentException>(refused);
        Assert.Contains("not one of this store's that is open", exception.Message, StringComparison.Ordinal);
    }
}

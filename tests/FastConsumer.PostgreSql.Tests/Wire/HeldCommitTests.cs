using FastConsumer.Integration.Tests.Fixtures;
using Npgsql;

namespace FastConsumer.PostgreSql.Tests.Wire;

/// <summary>An owner that loses the answer of its commit reads the row and tries again, while the first try is still on its way.</summary>
public sealed class HeldCommitTests(PostgreSqlServer server)
{
    private static readonly CheckpointPosition s_position = CheckpointPosition.Parse("100", 3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_commit_that_lands_late_takes_the_place_of_its_repetition()
    {
        await using var wire = await HeldWire.CreateAsync(server, HeldWire.Commit);
        StoredPosition former = await wire.StartAsync();
        await wire.LoseCommitAsync(former, s_position, "first");
        Assert.Equal(former, await wire.Store.ReadAsync(Place.Key, Cancellation));

        Task<bool> repetition = wire.CommitAsync(former, s_position, "second");
        await wire.UntilSomebodyWaitsForALockAsync();
        Assert.False(repetition.IsCompleted);
        wire.Hold.Release();

        Assert.False(await repetition);
        Assert.Equal(["first"], await wire.Place.EffectsAsync());
        var row = new StoredPosition(former.Epoch, former.Number + 1, s_position);
        Assert.Equal(row, await wire.Store.ReadAsync(Place.Key, Cancellation));
        Assert.True(await wire.CommitAsync(row, s_position, "next"));
    }

    [Fact]
    public async Task A_commit_that_lands_late_changes_nothing_once_its_repetition_is_in()
    {
        // held before the position's row is locked
        await using var wire = await HeldWire.CreateAsync(server, "UPDATE");
        StoredPosition former = await wire.StartAsync();
        await wire.LoseCommitAsync(former, s_position, "first");

        Assert.True(await wire.CommitAsync(former, s_position, "second"));
        wire.Hold.Release();

        await wire.UntilNoTransactionIsOpenAsync();
        Assert.Equal(["second"], await wire.Place.EffectsAsync());
        Assert.Equal(
            new StoredPosition(former.Epoch, former.Number + 1, s_position), await wire.Store.ReadAsync(Place.Key, Cancellation));
    }

    [Fact]
    public async Task A_successor_waits_for_a_commit_that_is_held_up_and_gets_its_position()
    {
        await using var wire = await HeldWire.CreateAsync(server, HeldWire.Commit);
        StoredPosition former = await wire.StartAsync();
        Task<bool> commit = wire.CommitAsync(former, s_position, "first");
        await wire.Hold.Held;

        Task<StoredPosition> taking = wire.Store.SetEpochAsync(Place.Key, former.Epoch + 1, Cancellation);
        await wire.UntilSomebodyWaitsForALockAsync();
        wire.Hold.Release();

        Assert.True(await commit);
        Assert.Equal(new StoredPosition(former.Epoch + 1, former.Number + 1, s_position), await taking);
        Assert.Equal(["first"], await wire.Place.EffectsAsync());
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("Options=-c idle_in_transaction_session_timeout=1s", 300)]
    public async Task A_frozen_owners_lock_is_freed_and_its_commit_fails(string settings, int seconds)
    {
        var options = new PostgreSqlPositionOptions { IdleInTransactionTimeout = TimeSpan.FromSeconds(seconds) };
        await using var wire = await HeldWire.CreateAsync(server, HeldWire.Commit, options, settings);
        StoredPosition former = await wire.StartAsync();
        Task<bool> commit = wire.CommitAsync(former, s_position, "frozen");
        await wire.Hold.Held;

        StoredPosition row = await wire.Store.SetEpochAsync(Place.Key, former.Epoch + 1, Cancellation);
        wire.Hold.Release();

        Assert.Equal(former with { Epoch = former.Epoch + 1 }, row);
        PostgresException failure = await Assert.ThrowsAsync<PostgresException>(() => commit);
        Assert.Equal("25P03", failure.SqlState);
        Assert.True(await wire.CommitAsync(row, s_position, "successor"));
        Assert.Equal(["successor"], await wire.Place.EffectsAsync());
    }
}

using FastConsumer.Integration.Tests.Fixtures;
using Npgsql;

namespace FastConsumer.PostgreSql.Tests.Wire;

/// <summary>A store behind a <see cref="HoldingProxy"/>, and a look at the server beside it.</summary>
internal sealed class HeldWire : IAsyncDisposable
{
    /// <summary>The statement, and not the isolation level READ COMMITTED.</summary>
    public const string Commit = "COMMIT\0";

    private readonly string _word;
    private readonly HoldingProxy _proxy;
    private readonly NpgsqlDataSource _dataSource;
    private HoldingProxy.Hold? _hold;

    private HeldWire(Place place, HoldingProxy proxy, NpgsqlDataSource dataSource, PostgreSqlPositionStore store, string word) =>
        (Place, _proxy, _dataSource, Store, _word) = (place, proxy, dataSource, store, word);

    /// <summary>Goes to the server without the proxy.</summary>
    public Place Place { get; }

    public PostgreSqlPositionStore Store { get; }

    public HoldingProxy.Hold Hold => _hold ?? throw new InvalidOperationException("Not started.");

    private string Application => $"held-{Place.Schema}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<HeldWire> CreateAsync(
        PostgreSqlServer server, string word, PostgreSqlPositionOptions? options = null, string settings = "")
    {
        Place place = await Place.CreateAsync(server);
        var proxy = new HoldingProxy(server.Port);
        // a client that is cancelled leaves at once, and does not ask the server to cancel
        NpgsqlDataSource dataSource = NpgsqlDataSource.Create(place.ConnectionString(
            $"Port={proxy.Port};Cancellation Timeout=-1;Application Name=held-{place.Schema};{settings}"));
        options ??= new PostgreSqlPositionOptions();
        // so that the word UPDATE is sent
        options.PrepareStatements = false;
        return new HeldWire(place, proxy, dataSource, await place.PrepareAsync(options, dataSource), word);
    }

    /// <summary>The row of an owner, which has committed once; the next of the words is held up.</summary>
    public async Task<StoredPosition> StartAsync()
    {
        StoredPosition row = await Store.SetEpochAsync(Place.Key, 3, Cancellation);
        Assert.True(await CommitAsync(row, CheckpointPosition.Parse("99"), null));
        _hold = _proxy.HoldNext(_word);
        return row with { Number = row.Number + 1, Position = CheckpointPosition.Parse("99") };
    }

    public async Task<bool> CommitAsync(
        StoredPosition former, CheckpointPosition position, string? effect, CancellationToken? cancellationToken = null)
    {
        NpgsqlTransaction transaction = await Store.BeginAsync(Cancellation);
        try
        {
            if (effect is not null)
            {
                await Place.WriteEffectAsync(transaction, effect, Cancellation);
            }

            return await Store.CommitAsync(transaction, Place.Key, former, position, cancellationToken ?? Cancellation);
        }
        finally
        {
            await Store.EndAsync(transaction);
        }
    }

    /// <summary>A commit that is held up on its way, until its caller gives it up.</summary>
    public async Task LoseCommitAsync(StoredPosition former, CheckpointPosition position, string effect)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<bool> commit = CommitAsync(former, position, effect, patience.Token);
        await Hold.Held;
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => commit);
    }

    public Task UntilSomebodyWaitsForALockAsync() => Eventually.ThatAsync(
        "a session waits for a lock",
        () => Place.ScalarAsync<bool>(
            $"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '{Application}' AND wait_event_type = 'Lock')"));

    public Task UntilNoTransactionIsOpenAsync() => Eventually.ThatAsync(
        "no transaction is open",
        () => Place.ScalarAsync<bool>(
            $"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '{Application}' AND xact_start IS NOT NULL)"));

    public async ValueTask DisposeAsync()
    {
        _hold?.Release();
        await _dataSource.DisposeAsync();
        await _proxy.DisposeAsync();
        await UntilNoTransactionIsOpenAsync();
        await Place.DisposeAsync();
    }
}

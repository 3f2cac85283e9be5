using System.Collections.Concurrent;
using System.Data;
using System.Runtime.CompilerServices;
using Npgsql;

namespace FastConsumer.PostgreSql;

/// <summary>The transactions of handlers.</summary>
public sealed partial class PostgreSqlPositionStore
{
    /// <summary>A transaction whose connection broke does not tell its connection any more.</summary>
    private readonly ConditionalWeakTable<NpgsqlTransaction, NpgsqlConnection> _open = [];

    /// <summary>Connections whose statement could not be ended: each is closed once it has ended by itself.</summary>
    private readonly ConcurrentQueue<NpgsqlConnection> _busy = [];

    private readonly string _setIdleTimeout;
    private readonly bool _canPrepare;
    private volatile bool _serverEndsIdleTransactions;

    /// <inheritdoc/>
    public async Task<NpgsqlTransaction> BeginAsync(CancellationToken cancellationToken)
    {
        await CloseFormerlyBusyAsync();
        NpgsqlConnection connection = await _dataSource.OpenConnectionAsync(cancellationToken);
        try
        {
            NpgsqlTransaction transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
            if (!_serverEndsIdleTransactions)
            {
                await using var set = new NpgsqlCommand(_setIdleTimeout, connection);
                await set.ExecuteNonQueryAsync(cancellationToken);
            }

            _open.Add(transaction, connection);
            return transaction;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The transaction is not open here.</exception>
    /// <exception cref="InvalidOperationException">A handler has committed the transaction, or rolled it back.</exception>
    public Task<bool> CommitAsync(
        NpgsqlTransaction transaction,
        PositionKey key,
        StoredPosition former,
        CheckpointPosition position,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(former);
        return CommitAsync(
            transaction, key, former, former with { Number = former.Number + 1, Position = position, Runs = null }, cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The transaction is not open here.</exception>
    /// <exception cref="InvalidOperationException">A handler has committed the transaction, or rolled it back.</exception>
    public async Task<bool> CommitAsync(
        NpgsqlTransaction transaction,
        PositionKey key,
        StoredPosition former,
        StoredPosition next,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(former);
        ArgumentNullException.ThrowIfNull(next);
        if (!_open.TryGetValue(transaction, out NpgsqlConnection? connection))
        {
            throw new ArgumentException(
                "The transaction is not one of this store's that is open: begin one by BeginAsync.", nameof(transaction));
        }

        RequireOpen(transaction, connection);
        await using NpgsqlCommand move = WithRow(WithKey(new NpgsqlCommand(_statements.Move, connection), key), next);
        move.Parameters.Add(Number(former.Epoch));
        move.Parameters.Add(Number(former.Number));
        if (_canPrepare)
        {
            // a round trip for the first time on a connection only
            await move.PrepareAsync(cancellationToken);
        }

        if (await move.ExecuteNonQueryAsync(cancellationToken) != 1)
        {
            // no COMMIT is ever sent; EndAsync rolls back
            return false;
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <inheritdoc/>
    public async ValueTask EndAsync(NpgsqlTransaction transaction)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        if (_open.TryGetValue(transaction, out NpgsqlConnection? connection))
        {
            _open.Remove(transaction);
            if (IsBusy(connection))
            {
                await EndBusyAsync(connection);
                return;
            }

            // Not the transaction itself: Npgsql would hand out the same object with another transaction, where a handler that was given
            // up could still write. Closing the connection rolls back.
            await connection.DisposeAsync();
        }
    }

    /// <summary>
    /// A statement that nobody awaits still runs. Two that read from one connection would take each other's answers, so the session is
    /// ended from outside; the statement then fails, and so may the close, while the pool drops the connection.
    /// </summary>
    private async Task EndBusyAsync(NpgsqlConnection connection)
    {
        try
        {
            await using NpgsqlCommand terminate = _dataSource.CreateCommand("SELECT pg_terminate_backend($1, 5000)");
            terminate.Parameters.Add(new NpgsqlParameter<int> { TypedValue = connection.ProcessID });
            await terminate.ExecuteNonQueryAsync();
        }
        catch
        {
            _busy.Enqueue(connection);
            throw;
        }

        await CloseAsync(connection);
    }

    private async Task CloseFormerlyBusyAsync()
    {
        for (int left = _busy.Count; left > 0 && _busy.TryDequeue(out NpgsqlConnection? connection); left--)
        {
            if (IsBusy(connection))
            {
                _busy.Enqueue(connection);
            }
            else
            {
                await CloseAsync(connection);
            }
        }
    }

    private static bool IsBusy(NpgsqlConnection connection) =>
        (connection.FullState & (ConnectionState.Executing | ConnectionState.Fetching)) != 0;

    private static async Task CloseAsync(NpgsqlConnection connection)
    {
        try
        {
            await connection.DisposeAsync();
        }
        catch (NpgsqlException)
        {
            // its session is gone, as it should be
        }
    }

    /// <summary>On its own, the statement that moves the position would commit at once.</summary>
    private static void RequireOpen(NpgsqlTransaction transaction, NpgsqlConnection connection)
    {
        try
        {
            // throws where the transaction is over
            _ = transaction.IsolationLevel;
        }
        catch (InvalidOperationException exception)
            when (exception is not ObjectDisposedException || connection.FullState == ConnectionState.Open)
        {
            // a connection that broke has disposed of it too
            throw new InvalidOperationException(
                "A handler has committed its transaction, or rolled it back. FastConsumer commits it, together with the position: take "
                + "Commit, Rollback (but those of savepoints) and Dispose out of the handler.",
                exception);
        }
    }
}

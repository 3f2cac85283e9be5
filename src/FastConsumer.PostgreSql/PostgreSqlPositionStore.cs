using System.Data;
using Npgsql;
using NpgsqlTypes;

namespace FastConsumer.PostgreSql;

/// <summary>
/// Keeps the position of each shard in a table of PostgreSQL, and commits it in the transaction of what handlers write there. See
/// <see cref="IPositionStore{TTransaction}"/> for what is promised. Thread-safe.
/// </summary>
/// <remarks>
/// Transactions are begun READ COMMITTED, whatever the server's default is. A handler may raise the level by
/// <c>SET TRANSACTION ISOLATION LEVEL</c> as its first statement; a commit that PostgreSQL then refuses with 40001 throws, nothing of
/// it is there, and its records run again. A transaction takes the lock of its row only when it commits, so it waits for nobody before.
/// </remarks>
public sealed partial class PostgreSqlPositionStore : IPositionStore<NpgsqlTransaction>, IAsyncDisposable, IDisposable
{
    private readonly NpgsqlDataSource _dataSource;
    private readonly PostgreSqlPositionOptions _options;
    private readonly PositionStatements _statements;
    private readonly PostgreSqlFaults _faults;
    private readonly bool _ownsDataSource;

    /// <summary>Makes a store on a table, which <see cref="PrepareAsync"/> creates or checks.</summary>
    /// <param name="dataSource">
    /// Leads to the database that handlers write to, on its primary server. It stays the caller's, who disposes of it.
    /// </param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public PostgreSqlPositionStore(NpgsqlDataSource dataSource, PostgreSqlPositionOptions? options = null)
        : this(dataSource, options ?? new PostgreSqlPositionOptions(), ownsDataSource: false)
    {
    }

    internal PostgreSqlPositionStore(NpgsqlDataSource dataSource, PostgreSqlPositionOptions options, bool ownsDataSource)
    {
        ArgumentNullException.ThrowIfNull(dataSource);
        foreach ((string property, string problem) in options.Problems())
        {
            throw new ArgumentException($"{property}: {problem}", nameof(options));
        }

        _dataSource = dataSource;
        _options = options;
        _ownsDataSource = ownsDataSource;
        _statements = new PositionStatements(Parse(options.TableName));
        var connection = new NpgsqlConnectionStringBuilder(dataSource.ConnectionString);
        Description = $"PostgreSQL table '{options.TableName}' in database '{connection.Database ?? connection.Username}' at "
            + $"{connection.Host}:{connection.Port}";
        _faults = new PostgreSqlFaults(_statements, Description);
        _canPrepare = options.PrepareStatements && !connection.Multiplexing;
        _setIdleTimeout = $"SET LOCAL idle_in_transaction_session_timeout = {(long)options.IdleInTransactionTimeout.TotalMilliseconds}";
    }

    /// <summary><c>postgresql</c>.</summary>
    public string Name => "postgresql";

    /// <inheritdoc/>
    public string Description { get; }

    /// <summary>The statement that creates a table of positions, for those who create tables by themselves.</summary>
    /// <param name="tableName">As <see cref="PostgreSqlPositionOptions.TableName"/>.</param>
    /// <exception cref="ArgumentException">It is not the name of a table.</exception>
    public static string CreateTableSql(string tableName = PostgreSqlPositionOptions.DefaultTableName) =>
        new PositionStatements(Parse(tableName)).Create;

    /// <summary>
    /// Creates the table where it is missing and <see cref="PostgreSqlPositionOptions.CreateTable"/> is on, and checks its columns, its key
    /// and what the role may do with it.
    /// </summary>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="PostgreSqlPositionException">
    /// The table does not do, or the server cannot be reached. Its <see cref="PostgreSqlPositionException.IsTransient"/> says whether to
    /// try again.
    /// </exception>
    public Task PrepareAsync(CancellationToken cancellationToken) => ExplainedAsync(async () =>
    {
        var preparation = new PositionTablePreparation(_statements, _faults, _options.CreateTable);
        await using NpgsqlConnection connection = await _dataSource.OpenConnectionAsync(cancellationToken);
        _serverEndsIdleTransactions = await preparation.RunAsync(connection, cancellationToken);
        return true;
    });

    /// <inheritdoc/>
    /// <exception cref="PostgreSqlPositionException">The table cannot be read, or the server is a standby.</exception>
    public Task<StoredPosition?> ReadAsync(PositionKey key, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        return ExplainedAsync(async () =>
        {
            await using NpgsqlCommand command = WithKey(_dataSource.CreateCommand(_statements.Read), key);
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return Row(reader, key.ShardId);
        });
    }

    /// <inheritdoc/>
    /// <exception cref="PostgreSqlPositionException">The table cannot be read, or the server is a standby.</exception>
    public Task<IReadOnlyDictionary<PositionKey, StoredPosition>> ListAsync(
        string application, string streamArn, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(application);
        ArgumentNullException.ThrowIfNull(streamArn);
        return ExplainedAsync<IReadOnlyDictionary<PositionKey, StoredPosition>>(async () =>
        {
            var rows = new Dictionary<PositionKey, StoredPosition>();
            await using NpgsqlCommand command = _dataSource.CreateCommand(_statements.List);
            command.Parameters.Add(Text(application));
            command.Parameters.Add(Text(streamArn));
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                string shardId = reader.IsDBNull(8) ? "" : reader.GetString(8);
                if (Row(reader, shardId) is { } row)
                {
                    rows[new PositionKey(application, streamArn, reader.GetFieldValue<DateTimeOffset>(7), shardId)] = row;
                }
            }

            return rows;
        });
    }

    /// <inheritdoc/>
    /// <exception cref="PostgreSqlPositionException">The table cannot be written.</exception>
    public Task<StoredPosition> SetEpochAsync(PositionKey key, long epoch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        return InTransactionAsync(
            async connection =>
            {
                await using NpgsqlCommand set = WithKey(new NpgsqlCommand(_statements.SetEpoch, connection), key);
                set.Parameters.Add(Number(epoch));
                if (await OneRowAsync(set, key, cancellationToken) is { } row)
                {
                    return row;
                }

                // its epoch is higher, and it is locked by now
                await using NpgsqlCommand read = WithKey(new NpgsqlCommand(_statements.Read, connection), key);
                return await OneRowAsync(read, key, cancellationToken)
                    ?? throw new PostgreSqlPositionException(
                        $"{Description}: the row of {key.ShardId} was there and cannot be read. Check that no policy of row security hides "
                        + "rows from the role.",
                        isTransient: false);
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The number of <paramref name="next"/> is not the one that follows.</exception>
    /// <exception cref="PostgreSqlPositionException">The table cannot be written.</exception>
    public Task<bool> SetAsync(PositionKey key, StoredPosition? former, StoredPosition next, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(next);
        long number = (former?.Number ?? 0) + 1;
        if (next.Number != number)
        {
            throw new ArgumentException(
                $"Number {next.Number} does not follow {(former is null ? "no row" : $"{former.Number}")}: give {number}.", nameof(next));
        }

        return InTransactionAsync(
            async connection =>
            {
                string sql = former is null ? _statements.Insert : _statements.Set;
                await using NpgsqlCommand command = WithRow(WithKey(new NpgsqlCommand(sql, connection), key), next);
                command.Parameters.Add(Number(former?.Epoch ?? next.Epoch));
                command.Parameters.Add(Number(former?.Number ?? next.Number));
                if (former is not null)
                {
                    command.Parameters.Add(Number(next.Epoch));
                }

                return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
            },
            cancellationToken);
    }

    /// <summary>Closes the data source where the store was given a connection string.</summary>
    public ValueTask DisposeAsync() => _ownsDataSource ? _dataSource.DisposeAsync() : ValueTask.CompletedTask;

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose()
    {
        if (_ownsDataSource)
        {
            _dataSource.Dispose();
        }
    }

    private static PositionTableName Parse(string tableName) => PositionTableName.TryParse(tableName, out PositionTableName? parsed)
        ? parsed
        : throw new ArgumentException($"'{tableName}' is not a table: {PositionTableName.Rule}.", nameof(tableName));

    private async Task<StoredPosition?> OneRowAsync(NpgsqlCommand command, PositionKey key, CancellationToken cancellationToken)
    {
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? Row(reader, key.ShardId) : null;
    }

    /// <summary>Columns: whether it is a standby, epoch, number, sequence_number, sub_sequence_number, runs, lineage.</summary>
    private StoredPosition? Row(NpgsqlDataReader reader, string shardId)
    {
        if (reader.GetBoolean(0))
        {
            throw _faults.Standby();
        }

        if (reader.IsDBNull(1))
        {
            return null;
        }

        try
        {
            CheckpointPosition? position = reader.IsDBNull(3) ? null : CheckpointPosition.Parse(reader.GetString(3), reader.GetInt64(4));
            return new StoredPosition(reader.GetInt64(1), reader.GetInt64(2), position)
            {
                Runs = reader.IsDBNull(5) ? null : reader.GetString(5),
                Lineage = reader.IsDBNull(6) ? null : reader.GetString(6),
            };
        }
        catch (FormatException exception)
        {
            throw _faults.Unreadable(shardId, exception);
        }
    }

    /// <summary>Each statement reads what was committed last, whatever the server's default is.</summary>
    private Task<T> InTransactionAsync<T>(Func<NpgsqlConnection, Task<T>> write, CancellationToken cancellationToken) =>
        ExplainedAsync(async () =>
        {
            await using NpgsqlConnection connection = await _dataSource.OpenConnectionAsync(cancellationToken);
            await using NpgsqlTransaction transaction =
                await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
            T result = await write(connection);
            await transaction.CommitAsync(cancellationToken);
            return result;
        });

    private async Task<T> ExplainedAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (NpgsqlException exception) when (_faults.Explain(exception) is { } explained)
        {
            throw explained;
        }
    }

    private static NpgsqlCommand WithKey(NpgsqlCommand command, PositionKey key)
    {
        command.Parameters.Add(Text(key.Application));
        command.Parameters.Add(Text(key.StreamArn));
        command.Parameters.Add(new NpgsqlParameter<DateTime>
        {
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
            TypedValue = key.StreamCreated.UtcDateTime,
        });
        command.Parameters.Add(Text(key.ShardId));
        return command;
    }

    private static NpgsqlCommand WithRow(NpgsqlCommand command, StoredPosition row)
    {
        command.Parameters.Add(Text(row.Position?.ToCheckpointString()));
        command.Parameters.Add(Number(row.Position?.SubSequenceNumber ?? 0));
        command.Parameters.Add(Text(row.Runs));
        command.Parameters.Add(Text(row.Lineage));
        return command;
    }

    private static NpgsqlParameter<string?> Text(string? value) => new() { NpgsqlDbType = NpgsqlDbType.Text, TypedValue = value };

    private static NpgsqlParameter<long> Number(long value) => new() { NpgsqlDbType = NpgsqlDbType.Bigint, TypedValue = value };
}

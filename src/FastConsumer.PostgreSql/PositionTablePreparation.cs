using Npgsql;

namespace FastConsumer.PostgreSql;

/// <summary>Looks at the server and the table before the first position is written, and creates the table.</summary>
internal sealed class PositionTablePreparation(PositionStatements statements, PostgreSqlFaults faults, bool createTable)
{
    /// <summary>Two that create one table at a time may collide in PostgreSQL's catalogs, also with IF NOT EXISTS.</summary>
    private const int MaxAttempts = 5;

    /// <summary>Returns whether the server ends idle transactions by itself.</summary>
    /// <exception cref="PostgreSqlPositionException">The table does not do, or must not be used.</exception>
    public async Task<bool> RunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            Answer answer = await LookAsync(connection, cancellationToken);
            if (answer.IsStandby)
            {
                throw faults.Standby();
            }

            if (answer.IsThere)
            {
                await RequireColumnsAsync(connection, cancellationToken);
                if (answer.Lacking.Length > 0)
                {
                    throw faults.NoPrivilege(answer.Role, string.Join(", ", answer.Lacking));
                }

                return answer.IdleTimeout != "0";
            }

            if (!createTable)
            {
                throw faults.Missing();
            }

            try
            {
                await using var create = new NpgsqlCommand(statements.Create, connection);
                await create.ExecuteNonQueryAsync(cancellationToken);
            }
            catch (PostgresException exception) when (attempt < MaxAttempts && exception.SqlState
                is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject)
            {
                // somebody else creates it; the next look finds theirs
            }
        }
    }

    private async Task<Answer> LookAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var look = new NpgsqlCommand(statements.Look, connection);
        look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = statements.Table.Quoted });
        await using NpgsqlDataReader reader = await look.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        string[] privileges = ["SELECT", "INSERT", "UPDATE"];
        return new Answer(
            reader.GetString(0),
            reader.GetBoolean(1),
            reader.GetString(2),
            reader.GetBoolean(3),
            [.. privileges.Where((_, i) => !reader.GetBoolean(4 + i))]);
    }

    private async Task<(Dictionary<string, string> Columns, bool IsKeyUnique)> DescribeAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var columns = new Dictionary<string, string>(StringComparer.Ordinal);
        bool isKeyUnique = false;
        await using var describe = new NpgsqlCommand(statements.Describe, connection);
        describe.Parameters.Add(new NpgsqlParameter<string> { TypedValue = statements.Table.Quoted });
        await using NpgsqlDataReader reader = await describe.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            columns[reader.GetString(0)] = reader.GetString(1);
            isKeyUnique = reader.GetBoolean(2);
        }

        return (columns, isKeyUnique);
    }

    /// <summary>Adds the columns that a table of the first version lacks, which is as it was created otherwise.</summary>
    private async Task RequireColumnsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        (Dictionary<string, string> columns, bool isKeyUnique) = await DescribeAsync(connection, cancellationToken);
        string[] missing = [.. PositionStatements.Columns.Select(static column => column.Name).Except(columns.Keys)];
        if (createTable && missing.Length > 0 && missing.All(static name => name is "runs" or "lineage"))
        {
            await using var extend = new NpgsqlCommand(statements.Extend, connection);
            await extend.ExecuteNonQueryAsync(cancellationToken);
            (columns, isKeyUnique) = await DescribeAsync(connection, cancellationToken);
        }

        string[] wrong = [.. PositionStatements.Columns
            .Where(column => columns.GetValueOrDefault(column.Name) != column.Type)
            .Select(column => columns.TryGetValue(column.Name, out string? type)
                ? $"column {column.Name} is {type}, not {column.Type}"
                : $"column {column.Name} ({column.Type}) is missing")];
        if (wrong.Length > 0)
        {
            throw faults.Unfit(string.Join(", ", wrong));
        }

        if (!isKeyUnique)
        {
            throw faults.Unfit("it has no primary key or unique index on (application, stream_arn, stream_created, shard_id)");
        }
    }

    private sealed record Answer(string IdleTimeout, bool IsStandby, string Role, bool IsThere, string[] Lacking);
}

using Npgsql;

namespace FastConsumer.PostgreSql;

/// <summary>Runs a statement for each value, many of them in one round trip.</summary>
internal sealed class StatementWriter<T>(string sql, Action<NpgsqlParameterCollection, Positioned<T>> bind)
    : IOutputWriter<T, NpgsqlTransaction>
{
    private const int StatementsPerBatch = 1000;

    public async Task WriteAsync(
        NpgsqlTransaction transaction, ReadOnlyMemory<Positioned<T>> outputs, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        for (int start = 0; start < outputs.Length; start += StatementsPerBatch)
        {
            await using var batch = new NpgsqlBatch(transaction.Connection, transaction);
            int end = Math.Min(outputs.Length, start + StatementsPerBatch);
            for (int i = start; i < end; i++)
            {
                var command = new NpgsqlBatchCommand(sql);
                bind(command.Parameters, outputs.Span[i]);
                batch.BatchCommands.Add(command);
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}

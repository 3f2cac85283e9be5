using System.Data.Common;
using Npgsql;
using NpgsqlTypes;

namespace FastConsumer.LoadTest.Sinks;

/// <summary>What a run stores, and when it is through.</summary>
internal sealed class StoredRows(NpgsqlDataSource source, string table, int records)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _stored;

    public NpgsqlDataSource Source { get; } = source;

    public Task Ended => _ended.Task;

    /// <summary>The same COPY for both.</summary>
    public async Task CopyAsync(NpgsqlConnection connection, RecordBatch batch, CancellationToken cancellationToken)
    {
        (string Number, byte[] Data)[] rows = new (string, byte[])[batch.Count];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = (batch[i].SequenceNumber.ToString(), batch[i].Data.ToArray());
        }

        await using NpgsqlBinaryImporter copy = await connection.BeginBinaryImportAsync(
            $"COPY {table} (sequence_number, data) FROM STDIN (FORMAT binary)", cancellationToken);
        foreach ((string number, byte[] data) in rows)
        {
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(number, NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(data, NpgsqlDbType.Bytea, cancellationToken);
        }

        await copy.CompleteAsync(cancellationToken);
    }

    public void Stored(int count)
    {
        if (Interlocked.Add(ref _stored, count) >= records)
        {
            _ended.TrySetResult();
        }
    }
}

/// <summary>By hand: a transaction for each batch, and the position in the lease table only.</summary>
[KinesisProcessor(SinkCostCommand.Stream)]
[OnError(typeof(DbException), ErrorAction.Retry)]
internal sealed partial class ByHandProcessor(StoredRows rows)
{
    [OnBatch(MaxRecords = SinkCostCommand.BatchSize, MaxWait = "00:00:01")]
    public async Task HandleAsync(RecordBatch batch, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await rows.Source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await rows.CopyAsync(connection, batch, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        rows.Stored(batch.Count);
    }
}

/// <summary>The same with the position in the transaction.</summary>
[KinesisProcessor(SinkCostCommand.Stream)]
internal sealed partial class InTransactionProcessor(StoredRows rows)
{
    [OnBatch(MaxRecords = SinkCostCommand.BatchSize, MaxWait = "00:00:01")]
    public async Task HandleAsync(RecordBatch batch, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await rows.CopyAsync(transaction.Connection!, batch, cancellationToken);
        // the commit of the last batch is not waited for: of hundreds, it decides nothing
        rows.Stored(batch.Count);
    }
}

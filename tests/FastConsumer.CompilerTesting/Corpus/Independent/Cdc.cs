// Written from the rules' pages alone. The marks were set before anything was run.
using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using FastConsumer;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using MySqlConnector;
using Npgsql;
using NpgsqlTypes;

namespace Corpus.Independent.Cdc;

public sealed record Change(string Op, string Table, long Key, string Row, long Lsn);

[JsonSerializable(typeof(Change))]
public sealed partial class CdcJson : JsonSerializerContext;

public sealed class Customer
{
    public long Id { get; init; }

    public string Row { get; set; } = "";
}

public sealed class ReplicaContext(DbContextOptions<ReplicaContext> options) : DbContext(options)
{
    public DbSet<Customer> Customers => Set<Customer>();
}

public sealed class UnknownTableException(string table) : Exception(table);

/// <summary>An upsert that only moves forward, with the token inside the command.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(DbException), ErrorAction.Retry, InitialBackoff = "00:00:01", MaxBackoff = "00:01:00")]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class Upserts(NpgsqlDataSource source)
{
    private const string Sql =
        "insert into replica(key, row, lsn) values (@Key, @Row::jsonb, @Lsn) on conflict (key) do update set row = excluded.row, "
        + "lsn = excluded.lsn where replica.lsn < excluded.lsn";

    [OnRecord]
    public async Task HandleAsync(Change change, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(Sql, change, cancellationToken: cancellationToken));
    }
}

/// <summary>Dapper as in a console program.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class UpsertsOnTheThread(NpgsqlDataSource source)
{
    [OnRecord]
    public void Handle(Change change)
    {
        using var connection = source.CreateConnection();
        long seen = {|FC3001:connection.QuerySingleOrDefault<long>("select lsn from replica where key = @Key", change)|};
        if (seen < change.Lsn)
        {
            {|FC3001:connection.Execute("update replica set row = @Row, lsn = @Lsn where key = @Key", change)|};
        }
    }
}

/// <summary>A binary copy of each batch: complete, or nothing of it.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(NpgsqlException), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class Copies(NpgsqlDataSource source)
{
    [OnBatch(MaxRecords = 5_000, MaxBytes = 16 * 1024 * 1024, MaxWait = "00:00:03")]
    public async Task HandleAsync(ReadOnlyMemory<Change> changes, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using NpgsqlBinaryImporter importer = await connection.BeginBinaryImportAsync(
            "copy staging(key, row) from stdin (format binary)", cancellationToken);
        for (int i = 0; i < changes.Length; i++)
        {
            Change change = changes.Span[i];
            await importer.StartRowAsync(cancellationToken);
            await importer.WriteAsync(change.Key, NpgsqlDbType.Bigint, cancellationToken);
            await importer.WriteAsync(change.Row, NpgsqlDbType.Jsonb, cancellationToken);
        }

        await importer.CompleteAsync(cancellationToken);
    }
}

/// <summary>EF without the token, and with a warning for what could not be saved.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class ThroughEf(ILogger<ThroughEf> logger)
{
    [OnRecord]
    public async Task HandleAsync(Change change, [FromServices] ReplicaContext replica, CancellationToken cancellationToken)
    {
        Customer? customer = await {|FC3002:replica.Customers.FindAsync(change.Key)|};
        if (customer is null)
        {
            replica.Customers.Add(customer = new Customer { Id = change.Key });
        }

        customer.Row = change.Row;
        try
        {
            await {|FC3002:replica.SaveChangesAsync()|};
        }
        {|FC2002:catch (DbUpdateConcurrencyException e)|}
        {
            logger.LogWarning(e, "Customer {Key} was changed by another", change.Key);
        }
    }
}

/// <summary>EF with a second try on fresh values, and what fails twice passes.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 4)]
public sealed partial class ThroughEfAgain
{
    [OnRecord]
    public async Task HandleAsync(Change change, [FromServices] ReplicaContext replica, CancellationToken cancellationToken)
    {
        Customer customer = await replica.Customers.SingleAsync(found => found.Id == change.Key, cancellationToken);
        customer.Row = change.Row;
        try
        {
            await replica.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException e)
        {
            foreach (var entry in e.Entries)
            {
                await entry.ReloadAsync(cancellationToken);
            }

            customer.Row = change.Row;
            await replica.SaveChangesAsync(cancellationToken);
        }
    }
}

/// <summary>Row by row with a log for each that failed, two methods below the handler.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class RowByRow(MySqlDataSource source, ILogger<RowByRow> logger)
{
    private int _failed;

    [OnBatch]
    public Task HandleAsync(ReadOnlyMemory<Change> changes, CancellationToken cancellationToken) =>
        ApplyAllAsync(changes.ToArray(), cancellationToken);

    private async Task ApplyAllAsync(IEnumerable<Change> changes, CancellationToken cancellationToken)
    {
        await using MySqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        foreach (Change change in changes)
        {
            await ApplyAsync(connection, change, cancellationToken);
        }

        logger.LogInformation("{Failed} rows failed so far", _failed);
    }

    private async Task ApplyAsync(MySqlConnection connection, Change change, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = new MySqlCommand("replace into replica values (@key, @row)", connection);
            command.Parameters.AddWithValue("@key", change.Key);
            command.Parameters.AddWithValue("@row", change.Row);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        {|FC2002:catch (MySqlException e)|}
        {
            _failed++;
            logger.LogError(e, "Row {Key}", change.Key);
        }
    }
}

/// <summary>Row by row, and the failures are thrown together at the end.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(AggregateException), ErrorAction.Retry, MaxAttempts = 5, Then = ErrorAction.Stop)]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class RowByRowTogether(MySqlDataSource source, ILogger<RowByRowTogether> logger)
{
    [OnBatch]
    public async Task HandleAsync(ReadOnlyMemory<Change> changes, CancellationToken cancellationToken)
    {
        List<Exception>? failures = null;
        await using MySqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        foreach (Change change in changes.ToArray())
        {
            try
            {
                await connection.ExecuteAsync(
                    new CommandDefinition("replace into replica values (@Key, @Row)", change, cancellationToken: cancellationToken));
            }
            catch (MySqlException e)
            {
                logger.LogError(e, "Row {Key}", change.Key);
                (failures ??= []).Add(e);
            }
        }

        if (failures is not null)
        {
            throw new AggregateException(failures);
        }
    }
}

/// <summary>Operations by route, each with what it needs.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson), RouteProperty = "Op")]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(DbException), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class ByOperation(NpgsqlDataSource source)
{
    [OnRecord(Route = "c")]
    public Task InsertAsync(Change change, CancellationToken cancellationToken) =>
        ExecuteAsync("insert into replica values ($1, $2)", change, cancellationToken);

    [OnRecord(Route = "u")]
    public Task UpdateAsync(Change change, CancellationToken cancellationToken) =>
        ExecuteAsync("update replica set row = $2 where key = $1", change, cancellationToken);

    [OnRecord(Route = "d")]
    public Task DeleteAsync(Change change, CancellationToken cancellationToken) =>
        ExecuteAsync("delete from replica where key = $1", change, cancellationToken);

    [OnRecord]
    public void Other(ReadOnlySpan<byte> json)
    {
    }

    private async Task ExecuteAsync(string sql, Change change, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(sql);
        command.Parameters.AddWithValue(change.Key);
        command.Parameters.AddWithValue(change.Row);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}

/// <summary>A table that is not in the map is a KeyNotFoundException, and nobody said what to do then.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(DbException), ErrorAction.Retry)]
public sealed partial class ByTable(NpgsqlDataSource source)
{
    private static readonly Dictionary<string, string> s_inserts = new(StringComparer.Ordinal)
    {
        ["customers"] = "insert into customers values ($1)",
        ["orders"] = "insert into orders values ($1)",
    };

    [OnRecord]
    public async Task {|FC2001:HandleAsync|}(Change change, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = source.CreateCommand(s_inserts[change.Table]);
        command.Parameters.AddWithValue(change.Row);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>A table that is not in the map has an exception of its own.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(UnknownTableException), ErrorAction.Skip)]
[OnError(typeof(DbException), ErrorAction.Retry)]
[OnError(typeof(Exception), ErrorAction.Stop)]
public sealed partial class ByTableDecided(NpgsqlDataSource source, IReadOnlyDictionary<string, string> inserts)
{
    [OnRecord]
    public async Task HandleAsync(Change change, CancellationToken cancellationToken)
    {
        string sql = inserts.TryGetValue(change.Table, out string? found) ? found : throw new UnknownTableException(change.Table);
        await using NpgsqlCommand command = source.CreateCommand(sql);
        command.Parameters.AddWithValue(change.Row);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>MySQL's bulk copy: rows that the server refused are a count in the answer.</summary>
[KinesisProcessor("cdc", JsonContext = typeof(CdcJson))]
[OnError(typeof(JsonException), ErrorAction.Stop)]
[OnError(typeof(Exception), ErrorAction.Retry, MaxAttempts = 3)]
public sealed partial class BulkCopies(MySqlDataSource source)
{
    [OnBatch(MaxRecords = 2_000)]
    public async Task HandleAsync(ReadOnlyMemory<Change> changes, CancellationToken cancellationToken)
    {
        var table = new System.Data.DataTable();
        table.Columns.Add("key", typeof(long));
        table.Columns.Add("row", typeof(string));
        foreach (Change change in changes.Span)
        {
            table.Rows.Add(change.Key, change.Row);
        }

        await using MySqlConnection connection = await source.OpenConnectionAsync(cancellationToken);
        var copy = new MySqlBulkCopy(connection) { DestinationTableName = "replica" };
        await {|FC2007:copy.WriteToServerAsync(table, cancellationToken)|};
    }
}

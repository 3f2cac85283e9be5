using System.Runtime.CompilerServices;
using FastConsumer.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace FastConsumer.LoadTest.ExactlyOnce;

/// <summary>A table without a unique key: what came twice is there twice.</summary>
internal sealed class PostgresCountedSink(string connectionString) : CountedSink
{
    private readonly NpgsqlDataSource _database = NpgsqlDataSource.Create(connectionString);

    public override async Task CreateAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand create = _database.CreateCommand("CREATE TABLE counted (id text NOT NULL, count bigint NOT NULL)");
        await create.ExecuteNonQueryAsync(cancellationToken);
    }

    public override Task<long> ProgressAsync(CancellationToken cancellationToken) => CountAsync("count(*)", cancellationToken);

    public override Task<long> RecordsAsync(CancellationToken cancellationToken) => CountAsync("count(DISTINCT id)", cancellationToken);

    public override async IAsyncEnumerable<(CountedRecord Value, long Times)> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using NpgsqlCommand select = _database.CreateCommand("SELECT id, min(count), count(*) FROM counted GROUP BY id");
        await using NpgsqlDataReader reader = await select.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            yield return (new CountedRecord(reader.GetString(0), reader.GetInt64(1)), reader.GetInt64(2));
        }
    }

    public override void Bind(OutputBuilder<CountedRecord> output) => output.ToPostgres(
        _database,
        "INSERT INTO counted (id, count) VALUES ($1, $2)",
        static (parameters, row) =>
        {
            parameters.Add(new NpgsqlParameter<string> { TypedValue = row.Value.Id });
            parameters.Add(new NpgsqlParameter<long> { TypedValue = row.Value.Count });
        });

    public override ValueTask DisposeAsync() => _database.DisposeAsync();

    private async Task<long> CountAsync(string what, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand count = _database.CreateCommand($"SELECT {what} FROM counted");
        return (long)(await count.ExecuteScalarAsync(cancellationToken))!;
    }
}

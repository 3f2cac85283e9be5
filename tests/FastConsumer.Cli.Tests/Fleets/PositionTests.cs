using System.Text.Json;
using FastConsumer.Integration.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

[assembly: AssemblyFixture(typeof(PostgreSqlServer))]

namespace FastConsumer.Cli.Tests.Fleets;

/// <summary>Positions that a real PostgreSQL keeps: shown, set, and adopted where they do not fit the leases.</summary>
public sealed class PositionTests(DynoxideServer dynamo, PostgreSqlServer postgres) : FleetTest(dynamo)
{
    private const string Shard = "shardId-000000000000";

    // one database serves all tests, and the application tells their rows apart
    private string Table => "stored_" + Application.Replace("-", "_", StringComparison.Ordinal);

    [Fact]
    public async Task Positions_are_shown_and_set_on_a_fleet_that_lives()
    {
        await PrepareAsync();
        await StartAsync("worker-1");
        List<string> put = Put(20);
        await StoredAsync(put.Count);
        ToolRun shown = await RunUntilAsync(
            static run => run.ExitCode == 0 && run.Items.All(static item => item.TryGetProperty("checkpoint", out JsonElement at)
                && item.TryGetProperty("position", out JsonElement position) && at.GetString() == position.GetString()),
            ["position", "show", "--json", .. Sink]);
        JsonElement item = shown.Items.Single();
        Assert.Equal(("positions", "good", Shard), (
            shown.Document.GetProperty("kind").GetString(),
            item.GetProperty("state").GetString(),
            item.GetProperty("shardId").GetString()));
        Assert.DoesNotContain("Password", shown.Output, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("TOKEN IN SINK", (await RunAsync(["position", "show", "-o", "wide", .. Sink])).Output, StringComparison.Ordinal);

        // the lease follows: it is not set alone
        (await RunAsync("checkpoint", "reset", "--all", "--to", "TRIM_HORIZON", "--yes")).AssertRefused("'position reset'");
        ToolRun plan = await RunAsync(["position", "reset", "--shard", Shard, "--to", "TRIM_HORIZON", "--dry-run", "--json", .. Sink]);
        Assert.Equal((0, "plan"), (plan.ExitCode, plan.Document.GetProperty("kind").GetString()));
        Assert.Equal(20, await CountAsync());

        ToolRun reset = await RunAsync(["position", "reset", "--shard", Shard, "--to", "TRIM_HORIZON", "--yes", "--json", .. Sink]);
        Assert.True(reset.ExitCode == 0, reset.Errors + reset.Output);
        await StoredAsync(40);
        Put(5);
        await StoredAsync(45);
    }

    [Fact]
    public async Task A_lease_table_that_was_made_anew_is_adopted_and_nothing_is_stored_twice()
    {
        await PrepareAsync();
        IHost first = await StartAsync("worker-1");
        await StoredAsync(Put(20).Count);
        // a higher token than a new table will give for long
        await first.StopAsync(Cancellation);
        await using (NpgsqlConnection connection = await ConnectAsync())
        {
            await using var raise = new NpgsqlCommand(
                "UPDATE fastconsumer_positions SET epoch = 1000 WHERE application = $1", connection)
            {
                Parameters = { new NpgsqlParameter { Value = Application } },
            };
            Assert.Equal(1, await raise.ExecuteNonQueryAsync(Cancellation));
        }

        using (Amazon.DynamoDBv2.AmazonDynamoDBClient tables = Tables())
        {
            await tables.DeleteTableAsync(Application, Cancellation);
        }

        await StartAsync("worker-2");
        ToolRun shown = await RunUntilAsync(
            static run => run.ExitCode == 0
                && run.Items.Any(static item => item.GetProperty("state").GetString() == "a later owner in the sink"),
            ["position", "show", "--json", .. Sink]);
        Assert.Equal(1000, shown.Items.Single().GetProperty("epoch").GetInt64());
        List<string> more = Put(5);

        ToolRun adopted = await RunAsync(["position", "adopt", "--all", "--from", "sink", "--yes", "--json", .. Sink]);
        Assert.True(adopted.ExitCode == 0, adopted.Errors + adopted.Output);
        await StoredAsync(20 + more.Count);
        Assert.Equal(25, await DistinctAsync());
    }

    [Fact]
    public async Task Bad_input_is_one_line_that_names_the_thing()
    {
        await PrepareAsync();
        await StartAsync("worker-1");
        await StoredAsync(Put(1).Count);
        (await RunAsync("position", "show")).AssertFails(2, "--postgres");
        (await RunAsync("position", "show", "--postgres", "Hots=nowhere")).AssertFails(2, "--postgres");
        (await RunAsync("position", "show", "--postgres", "Host=127.0.0.1;Port=1;Username=nobody;Timeout=5")).AssertFails(1, "127.0.0.1");
        (await RunAsync(["position", "show", "--position-table", "not there", .. Sink])).AssertFails(2, "--position-table");
        (await RunAsync(["position", "show", "--position-table", "missing", .. Sink])).AssertFails(1, "missing");
        (await RunAsync(["position", "reset", "--shard", Shard, "--yes", .. Sink])).AssertFails(2, "--to");
        (await RunAsync(["position", "reset", "--shard", "shardId-000000000099", "--to", "LATEST", "--yes", .. Sink]))
            .AssertFails(1, "shardId-000000000099");
        (await RunAsync(["position", "adopt", "--all", "--yes", .. Sink])).AssertFails(2, "--from");
        (await RunAsync(["position", "adopt", "--from", "sink", "--yes", .. Sink])).AssertFails(2, "--all");
        (await RunAsync(["position", "reset", "--shard", Shard, "--to", "LATEST", .. Sink])).AssertRefused("--yes");
    }

    private string[] Sink => ["--postgres", postgres.ConnectionString];

    private Task<IHost> StartAsync(string workerId) => StartWorkerAsync(workerId, consumer =>
    {
        consumer.Services.AddSingleton(new StoredOrders(Table));
        consumer.AddProcessor<StoringProcessor>().UsePostgreSqlPositions(postgres.ConnectionString);
    });

    private async Task PrepareAsync()
    {
        Kinesis.CreateStream(Stream);
        await using NpgsqlConnection connection = await ConnectAsync();
        await using var create = new NpgsqlCommand($"CREATE TABLE {Table} (text text)", connection);
        await create.ExecuteNonQueryAsync(Cancellation);
    }

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection(postgres.ConnectionString);
        await connection.OpenAsync(Cancellation);
        return connection;
    }

    private Task<long> CountAsync() => AskAsync($"SELECT count(*) FROM {Table}");

    private Task<long> DistinctAsync() => AskAsync($"SELECT count(DISTINCT text) FROM {Table}");

    private async Task<long> AskAsync(string sql)
    {
        await using NpgsqlConnection connection = await ConnectAsync();
        await using var count = new NpgsqlCommand(sql, connection);
        return (long)(await count.ExecuteScalarAsync(Cancellation))!;
    }

    private Task StoredAsync(long count) =>
        Eventually.ThatAsync($"{count} orders are stored", async () => await CountAsync() == count);
}

/// <summary>Where the orders of one test go.</summary>
public sealed record StoredOrders(string Table);

[KinesisProcessor("orders")]
public sealed partial class StoringProcessor(StoredOrders orders)
{
    [OnBatch(MaxRecords = 4, MaxWait = "00:00:00.1")]
    public async Task HandleAsync(ReadOnlyMemory<string> texts, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await using var insert = new NpgsqlCommand(
            $"INSERT INTO {orders.Table} SELECT unnest($1)", transaction.Connection, transaction)
        {
            Parameters = { new NpgsqlParameter { Value = texts.ToArray() } },
        };
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }
}

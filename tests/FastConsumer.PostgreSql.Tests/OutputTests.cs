using System.Text;
using Amazon.Runtime;
using FastConsumer.Hosting;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.Testing;
using FastConsumer.Testing.Checkpoints;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace FastConsumer.PostgreSql.Tests;

/// <summary>Outputs of whole workers in a real database.</summary>
public sealed class OutputTests(PostgreSqlServer server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_outputs_are_written_in_one_transaction_and_once_although_backends_are_killed_and_workers_die()
    {
        await using Place place = await Place.CreateAsync(server);
        await place.ExecuteAsync("CREATE TABLE totals (id text PRIMARY KEY, sum bigint NOT NULL)");
        await using var kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Token);
        kinesis.CreateStream("orders", 2);
        var leases = new InMemoryLeaseDatabase();
        var objects = new InMemoryCheckpointDatabase();
        Dictionary<string, long> expected = [];
        Dictionary<string, long> sums = [];
        for (int turn = 0; turn < 4; turn++)
        {
            for (int i = 0; i < 150; i++)
            {
                string id = $"order-{turn}-{i}";
                string key = $"customer-{i % 7}";
                kinesis.Put("orders", key, id);
                expected[id] = sums[key] = sums.GetValueOrDefault(key) + id.Length;
            }

            using IHost host = Build(kinesis, place, leases, objects);
            await host.StartAsync(Token);
            while (await CountAsync(place) < (expected.Count * 3) / 4)
            {
                // sessions end in the middle of transactions
                await place.ExecuteAsync(
                    "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity "
                        + $"WHERE query LIKE '%totals%' AND state <> 'idle' AND pid <> pg_backend_pid() "
                        + $"AND application_name = '{place.Schema}'");
                await Task.Delay(TimeSpan.FromMilliseconds(30), TimeProvider.System, Token);
            }

            if (turn == 3)
            {
                while (await CountAsync(place) < expected.Count)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(30), TimeProvider.System, Token);
                }

                await host.StopAsync(Token);
            }
        }

        Assert.Equal(
            expected.Select(static one => $"{one.Key}={one.Value}").Order(StringComparer.Ordinal),
            (await place.ListAsync("SELECT id || '=' || sum FROM totals")).Order(StringComparer.Ordinal));
        // each of the other output has its twin, which was written in the same transaction
        Assert.Empty(await place.ListAsync("SELECT id FROM totals t WHERE NOT EXISTS (SELECT FROM effects e WHERE e.effect = t.id)"));
        Assert.Equal(expected.Count, (await place.EffectsAsync()).Length);
    }

    [Fact]
    public async Task A_table_of_before_outputs_gets_their_columns()
    {
        await using Place place = await Place.CreateAsync(server);
        await place.PrepareAsync();
        await place.ExecuteAsync("ALTER TABLE fastconsumer_positions DROP COLUMN runs, DROP COLUMN lineage");
        PostgreSqlPositionException refused = await Assert.ThrowsAsync<PostgreSqlPositionException>(
            () => place.PrepareAsync(new PostgreSqlPositionOptions { CreateTable = false }));
        Assert.Contains("column runs (text) is missing", refused.Message, StringComparison.Ordinal);

        PostgreSqlPositionStore store = await place.PrepareAsync();
        StoredPosition row = await store.SetEpochAsync(Place.Key, 3, Token);
        await using NpgsqlTransaction transaction = await store.BeginAsync(Token);
        StoredPosition next = row with { Number = 1, Position = CheckpointPosition.Parse("7"), Runs = "9-11.4", Lineage = "a.b" };
        Assert.True(await store.CommitAsync(transaction, Place.Key, row, next, Token));
        await store.EndAsync(transaction);
        Assert.Equal(next, await store.ReadAsync(Place.Key, Token));
        Assert.Equal(next, (await store.ListAsync(Place.Key.Application, Place.Key.StreamArn, Token))[Place.Key]);
    }

    private static async Task<int> CountAsync(Place place) => (await place.ListAsync("SELECT id FROM totals")).Length;

    private static IHost Build(
        EmbeddedKinesis kinesis, Place place, InMemoryLeaseDatabase leases, InMemoryCheckpointDatabase objects)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        NpgsqlDataSource dataSource = NpgsqlDataSource.Create(place.ConnectionString($"Application Name={place.Schema}"));
        builder.Services.AddSingleton(dataSource);
        FastConsumerBuilder consumer = builder.Services.AddFastConsumer(options =>
        {
            options.ApplicationName = "outputs";
            options.ServiceUrl = kinesis.ServiceUrl;
            options.Region = kinesis.Region;
            options.Credentials = new BasicAWSCredentials("test", "test");
            options.IdlePollInterval = TimeSpan.FromMilliseconds(200);
            options.LeaseDuration = TimeSpan.FromSeconds(3);
            options.CheckpointInterval = TimeSpan.FromMilliseconds(500);
            options.RetryInitialBackoff = TimeSpan.FromMilliseconds(20);
            options.RetryMaxBackoff = TimeSpan.FromMilliseconds(100);
        });
        consumer.AddProcessor<TotalsProcessor>()
            .UseInMemoryCheckpoints(new InMemoryCheckpointStore(objects));
        consumer.Services.AddKeyedSingleton<ILeaseStoreFactory>(consumer.Name, new LastingLeases(leases));
        consumer.AddOutput<TotalsProcessor.Row>("totals").ToPostgres(
            dataSource,
            "INSERT INTO totals (id, sum) VALUES ($1, $2)",
            static (parameters, row) =>
            {
                parameters.Add(new NpgsqlParameter<string> { TypedValue = row.Value.Id });
                parameters.Add(new NpgsqlParameter<long> { TypedValue = row.Value.Sum });
            });
        consumer.AddOutput<string>("ids").ToPostgres(
            dataSource,
            "INSERT INTO effects VALUES ($1)",
            static (parameters, id) => parameters.Add(new NpgsqlParameter<string> { TypedValue = id.Value }));
        return builder.Build();
    }

    /// <summary>The leases live on, as those of a table do.</summary>
    private sealed class LastingLeases(InMemoryLeaseDatabase leases) : ILeaseStoreFactory
    {
        public string Kind => "lasting";

        public string GetTableIdentity(LeaseStoreContext context) => context.ApplicationName;

        public ILeaseStore Create(LeaseStoreContext context) => new InMemoryLeaseStore(leases, context.ApplicationName);
    }
}

[KinesisProcessor("orders")]
[Concurrency(3)]
internal sealed partial class TotalsProcessor
{
    [State("sums")]
    [StateSerializer(typeof(NumberSerializer))]
    private partial KeyedState<long> Sums { get; }

    [Output("totals")]
    private partial Output<Row> Totals { get; }

    [Output("ids")]
    private partial Output<string> Ids { get; }

    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context)
    {
        string id = Encoding.UTF8.GetString(record.DataSpan);
        Totals.Add(context, new Row(id, Sums.Of(context).Edit() += id.Length));
        Ids.Add(context, id);
    }

    internal readonly record struct Row(string Id, long Sum);

    internal sealed class NumberSerializer : IStateSerializer<long>
    {
        public void Write(long value, System.Buffers.IBufferWriter<byte> output)
        {
            BitConverter.TryWriteBytes(output.GetSpan(sizeof(long)), value);
            output.Advance(sizeof(long));
        }

        public long Read(ReadOnlySpan<byte> bytes) => BitConverter.ToInt64(bytes);
    }
}

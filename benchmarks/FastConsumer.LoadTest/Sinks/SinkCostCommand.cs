using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FastConsumer.Hosting;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Leases;
using FastConsumer.LoadTest.Read;
using FastConsumer.Processors;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace FastConsumer.LoadTest.Sinks;

/// <summary>
/// What the position in the sink's transaction costs: workers that store batches by COPY in a real PostgreSQL, which waits for its disk,
/// once with a transaction of their own, once with FastConsumer's, in turn.
/// </summary>
internal static class SinkCostCommand
{
    public const string Stream = "sink-cost";
    public const int BatchSize = 500;

    private static int s_runs;

    public static Command Create()
    {
        var records = new Option<int>("--records")
        {
            Description = "How many records a run stores.",
            DefaultValueFactory = static _ => 100_000,
        };
        var size = new Option<int>("--size") { Description = "Bytes of data in a record.", DefaultValueFactory = static _ => 200 };
        var pairs = new Option<int>("--pairs") { Description = "Pairs of runs, 1 or more.", DefaultValueFactory = static _ => 10 };
        pairs.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--pairs must be 1 or more.");
            }
        });
        var json = new Option<bool>("--json") { Description = "One line of JSON." };
        var command = new Command("sink-cost", "Batches into PostgreSQL: by hand, and with the position in the transaction.")
        {
            records, size, pairs, json,
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            SinkCostFigures figures = await RunAsync(
                arguments.GetValue(records), arguments.GetValue(size), arguments.GetValue(pairs), cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(figures, FiguresJson.Default.SinkCostFigures)
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"{figures.Records} records of {figures.Size} B in batches of {figures.BatchSize}, {figures.Pairs} pairs: by hand "
                        + $"{figures.ByHand:F0} records/s, with the position {figures.InTransaction:F0} records/s; ratio "
                        + $"{figures.Ratio.Median:F3} ({figures.Ratio.Low:F3} to {figures.Ratio.High:F3})"));
            return 0;
        });
        return command;
    }

    private static async Task<SinkCostFigures> RunAsync(int records, int size, int pairs, CancellationToken cancellationToken)
    {
        await using PostgreSqlServer postgres = await PostgreSqlServer.StartAsync(["fsync=on"], cancellationToken);
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { ReadQuota = ReadQuotaModel.None }, cancellationToken);
        kinesis.CreateStream(Stream);
        string text = new('x', size);
        for (int i = 0; i < records; i++)
        {
            kinesis.Put(Stream, "key", text);
        }

        await using NpgsqlDataSource source = NpgsqlDataSource.Create(
            $"{postgres.ConnectionString};Options=-c idle_in_transaction_session_timeout=30s");
        List<double> byHand = [];
        List<double> inTransaction = [];
        // a run of each, to warm up
        for (int pair = -1; pair < pairs; pair++)
        {
            foreach (bool withPosition in pair % 2 == 0 ? (bool[])[false, true] : [true, false])
            {
                double rate = await RunOnceAsync(kinesis, source, records, withPosition, cancellationToken);
                if (pair >= 0)
                {
                    (withPosition ? inTransaction : byHand).Add(rate);
                }
            }

            if (pair >= 0)
            {
                await Console.Error.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"pair {pair + 1} of {pairs}: by hand {byHand[^1]:F0} records/s, with the position {inTransaction[^1]:F0} records/s"));
            }
        }

        return new SinkCostFigures
        {
            Records = records,
            Size = size,
            BatchSize = BatchSize,
            Pairs = pairs,
            ByHand = Turns.Median(byHand),
            InTransaction = Turns.Median(inTransaction),
            Ratio = PairedRatio.Of(inTransaction, byHand),
        };
    }

    private static Task<double> RunOnceAsync(
        EmbeddedKinesis kinesis, NpgsqlDataSource source, int records, bool withPosition, CancellationToken cancellationToken) =>
        withPosition
            ? RunOnceAsync<InTransactionProcessor>(kinesis, source, records, cancellationToken)
            : RunOnceAsync<ByHandProcessor>(kinesis, source, records, cancellationToken);

    /// <summary>Records a second, from the start of the host on; each run is an application of its own.</summary>
    private static async Task<double> RunOnceAsync<TProcessor>(
        EmbeddedKinesis kinesis, NpgsqlDataSource source, int records, CancellationToken cancellationToken)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        string application = $"sink-cost-{++s_runs}";
        string table = $"stored_{s_runs}";
        await using (NpgsqlCommand create = source.CreateCommand($"CREATE TABLE {table} (sequence_number text, data bytea)"))
        {
            await create.ExecuteNonQueryAsync(cancellationToken);
        }

        var rows = new StoredRows(source, table, records);
        HostApplicationBuilder builder = LoadTestHost.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(rows);
        builder.Services.AddKeyedSingleton<ILeaseStoreFactory>("", new RunLeases());
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ReadFrom(kinesis.ServiceUrl);
                options.ApplicationName = application;
                options.StartPosition = StartPosition.TrimHorizon;
                options.IgnoreReadQuota = true;
            })
            .AddProcessor<TProcessor>()
            .UsePostgreSqlPositions(source);
        using IHost host = builder.Build();
        long since = TimeProvider.System.GetTimestamp();
        await host.StartAsync(cancellationToken);
        await rows.Ended.WaitAsync(cancellationToken);
        double rate = records / TimeProvider.System.GetElapsedTime(since).TotalSeconds;
        await host.StopAsync(cancellationToken);
        await using NpgsqlCommand drop = source.CreateCommand($"DROP TABLE {table}");
        await drop.ExecuteNonQueryAsync(cancellationToken);
        return rate;
    }
}

/// <summary>Leases in memory, of one run: the application whose positions they go with ends with it too.</summary>
internal sealed class RunLeases : ILeaseStoreFactory
{
    private readonly InMemoryLeaseDatabase _database = new();

    public string Kind => "in-memory";

    public string GetTableIdentity(LeaseStoreContext context) => context.ApplicationName;

    public ILeaseStore Create(LeaseStoreContext context) => new InMemoryLeaseStore(_database, context.ApplicationName);
}

/// <summary>Medians of runs in turn, in records a second, and the pairs' ratios.</summary>
internal sealed record SinkCostFigures
{
    public required int Records { get; init; }

    public required int Size { get; init; }

    public required int BatchSize { get; init; }

    public required int Pairs { get; init; }

    /// <summary>With a transaction of the handler's own.</summary>
    public required double ByHand { get; init; }

    /// <summary>With FastConsumer's transaction, and the position in it.</summary>
    public required double InTransaction { get; init; }

    /// <summary>The second over the first.</summary>
    public required PairedRatio Ratio { get; init; }
}

using System.Diagnostics;
using System.Text;
using Amazon.Runtime;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Kinesis;
using FastConsumer.Testing;
using Npgsql;

namespace ExactlyOnceToPostgres;

/// <summary>Puts events into a stream while the worker that stores them is killed again and again, and asks the table.</summary>
internal sealed class Run(int kills, int seed, Action<string> say) : IAsyncDisposable
{
    private const string StreamName = "seismic-events";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    private readonly Random _random = new(seed);
    private EmbeddedKinesis? _kinesis;
    private DynoxideServer? _dynamo;
    private PostgreSqlServer? _postgres;
    private Process? _worker;

    /// <summary>How many events were put, how many rows there are, how many events have one, and how often the worker was killed.</summary>
    public async Task<Outcome> RunAsync(CancellationToken cancellationToken)
    {
        List<string> events = ReadEvents();
        _postgres = await PostgreSqlServer.StartAsync([], cancellationToken);
        _dynamo = await DynoxideServer.StartAsync(cancellationToken);
        _kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: cancellationToken);
        _kinesis.CreateStream(StreamName, shardCount: 2);
        await using NpgsqlDataSource database = NpgsqlDataSource.Create(_postgres.ConnectionString);
        await ExecuteAsync(database, "CREATE TABLE quakes (id text NOT NULL, type text NOT NULL, magnitude double precision)");
        say($"PostgreSQL listens on port {_postgres.Port}, the stream has 2 shards, {events.Count} events are put");

        Task producing = ProduceAsync(events, cancellationToken);
        Start();
        for (int kill = 1; kill <= kills; kill++)
        {
            long before = await CountAsync(database, "count(*)");
            // in the midst of its work: after some rows more, at a moment that nobody chose
            await WaitAsync(
                async () => await CountAsync(database, "count(*)") is var rows && (rows > before || rows >= events.Count),
                cancellationToken);
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(0, 300)), TimeProvider.System, cancellationToken);
            Kill();
            say($"kill {kill} of {kills}: {await CountAsync(database, "count(*)")} rows are there; another worker starts");
            Start();
        }

        await producing;
        await WaitAsync(async () => await CountAsync(database, "count(DISTINCT id)") >= events.Count, cancellationToken);
        // what were stored twice would come now
        await Task.Delay(TimeSpan.FromSeconds(3), TimeProvider.System, cancellationToken);
        return new Outcome(
            events.Count, await CountAsync(database, "count(*)"), await CountAsync(database, "count(DISTINCT id)"), kills);
    }

    public async ValueTask DisposeAsync()
    {
        if (_worker is not null)
        {
            Kill();
        }

        if (_kinesis is not null)
        {
            await _kinesis.DisposeAsync();
        }

        if (_dynamo is not null)
        {
            await _dynamo.DisposeAsync();
        }

        if (_postgres is not null)
        {
            await _postgres.DisposeAsync();
        }
    }

    private void Start()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(Run).Assembly.Location);
        }

        foreach (string argument in (string[])["worker", _kinesis!.ServiceUrl, _dynamo!.ServiceUrl, _postgres!.ConnectionString])
        {
            start.ArgumentList.Add(argument);
        }

        _worker = Process.Start(start)!;
        // what it logs is not of interest here
        _worker.OutputDataReceived += static (_, _) => { };
        _worker.BeginOutputReadLine();
    }

    /// <summary>SIGKILL: nothing is finished, nothing is released.</summary>
    private void Kill()
    {
        _worker!.Kill();
        _worker.WaitForExit();
        _worker.Dispose();
        _worker = null;
    }

    private async Task ProduceAsync(List<string> events, CancellationToken cancellationToken)
    {
        using var client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = _kinesis!.ServiceUrl,
            Region = _kinesis.Region,
            Credentials = new BasicAWSCredentials("embedded", "embedded"),
        });
        StreamIdentifier stream = StreamIdentifier.Parse(StreamName);
        foreach (string[] chunk in events.Chunk(10))
        {
            PutRecordsRequestEntry[] entries = [.. chunk.Select(
                (line, i) => new PutRecordsRequestEntry(Encoding.UTF8.GetBytes(line), $"key-{(line.Length + i) % 40}"))];
            PutRecordsResponse answer = await client.PutRecordsAsync(stream, entries, cancellationToken);
            if (answer.FailedRecordCount > 0)
            {
                throw new InvalidOperationException($"{answer.FailedRecordCount} events were not put.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(130), TimeProvider.System, cancellationToken);
        }
    }

    private static async Task WaitAsync(Func<Task<bool>> condition, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string what)
    {
        await using NpgsqlCommand count = database.CreateCommand($"SELECT {what} FROM quakes");
        return (long)(await count.ExecuteScalarAsync())!;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using NpgsqlCommand command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static List<string> ReadEvents()
    {
        using Stream data = typeof(Run).Assembly.GetManifestResourceStream("earthquakes.ndjson")
            ?? throw new InvalidOperationException("The sample was built without earthquakes.ndjson.");
        using var reader = new StreamReader(data);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }
}

/// <summary>What came of it.</summary>
/// <param name="Records">How many events were put.</param>
/// <param name="Rows">How many rows there are.</param>
/// <param name="Distinct">How many events have a row.</param>
/// <param name="Kills">How often a worker was killed.</param>
internal sealed record Outcome(int Records, long Rows, long Distinct, int Kills)
{
    public long Duplicates => Rows - Distinct;

    public long Missing => Records - Distinct;
}

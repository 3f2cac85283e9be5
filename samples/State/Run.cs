using System.Diagnostics;
using System.Text;
using System.Text.Json;
using FastConsumer.Checkpoints;
using FastConsumer.Integration.Tests.Fixtures;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace StateSample;

/// <summary>What is asked for.</summary>
/// <param name="Kills">How often a worker is killed.</param>
/// <param name="Seed">Chooses the moments.</param>
/// <param name="IsLocal">True where the state is kept in a folder, not in a bucket.</param>
internal sealed record RunSettings(int Kills, int Seed, bool IsLocal);

/// <summary>
/// Puts events while workers are killed and the stream is resharded, and compares what they have counted with a plain loop.
/// </summary>
internal sealed class Run(RunSettings settings, Action<string> say) : IAsyncDisposable
{
    private const string StreamName = "seismic-events";
    private const int WorkerCount = 2;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    private readonly Random _random = new(settings.Seed);
    private readonly List<Process> _workers = [];
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"fastconsumer-state-{Environment.ProcessId}");
    private EmbeddedKinesis? _kinesis;
    private EmbeddedS3? _bucket;
    private DynoxideServer? _dynamo;
    private IHost? _reader;

    public async Task<Outcome> RunAsync(CancellationToken cancellationToken)
    {
        List<SeismicEvent> events = ReadEvents();
        var expected = Totals.Of(events);
        _dynamo = await DynoxideServer.StartAsync(cancellationToken);
        _kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: cancellationToken);
        _kinesis.CreateStream(StreamName, shardCount: 2);
        _bucket = await EmbeddedS3.StartAsync(cancellationToken: cancellationToken);
        _bucket.CreateBucket(Servers.Bucket);
        var servers = new Servers(_kinesis.ServiceUrl, _dynamo.ServiceUrl, settings.IsLocal ? _folder : _bucket.ServiceUrl);
        // it knows the same leases and the same state, and never runs
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        servers.AddConsumer(builder.Services);
        _reader = builder.Build();
        say($"{events.Count} events are put, the stream has 2 shards, the state is kept in {servers.State}");

        Task producing = ProduceAsync(events, cancellationToken);
        while (_workers.Count < WorkerCount)
        {
            Start(servers);
        }

        for (int kill = 1; kill <= settings.Kills; kill++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(1000, 3000)), TimeProvider.System, cancellationToken);
            Kill(_random.Next(_workers.Count));
            say($"kill {kill} of {settings.Kills}; another worker starts");
            Start(servers);
        }

        await producing;
        Totals totals = await CountedAsync(events.Count, cancellationToken);
        return new Outcome(totals, totals.Matches(expected), settings.Kills);
    }

    public async ValueTask DisposeAsync()
    {
        while (_workers.Count > 0)
        {
            Kill(0);
        }

        foreach (IAsyncDisposable? server in (IAsyncDisposable?[])[(IAsyncDisposable?)_reader, _bucket, _kinesis, _dynamo])
        {
            await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>Waits until all events are in the state, as it is checkpointed.</summary>
    private async Task<Totals> CountedAsync(int records, CancellationToken cancellationToken)
    {
        ICheckpointStore store = _reader!.Services.GetRequiredKeyedService<ICheckpointStore>("");
        await using ILeaseStore leases = _reader.Services.GetRequiredKeyedService<ILeaseStoreFactory>("")
            .Create(new LeaseStoreContext("", Servers.Application, StreamName, _reader.Services));
        long since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                IReadOnlyList<Lease> rows = await leases.ListAsync(ReadConsistency.Strong, cancellationToken);
                Totals totals = await Totals.ReadAsync(store, rows, cancellationToken);
                if (totals.Records >= records || TimeProvider.System.GetElapsedTime(since) > s_patience)
                {
                    return totals;
                }
            }
            catch (CheckpointObjectMissingException)
            {
                // a worker has written a newer one meanwhile
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
        }
    }

    private void Start(Servers servers)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(Run).Assembly.Location);
        }

        foreach (string argument in (string[])["worker", servers.KinesisUrl, servers.DynamoDbUrl, servers.State])
        {
            start.ArgumentList.Add(argument);
        }

        Process worker = Process.Start(start)!;
        // what it logs is not of interest here
        worker.OutputDataReceived += static (_, _) => { };
        worker.BeginOutputReadLine();
        _workers.Add(worker);
    }

    /// <summary>SIGKILL: nothing is finished, nothing is released.</summary>
    private void Kill(int index)
    {
        using Process worker = _workers[index];
        _workers.RemoveAt(index);
        worker.Kill();
        worker.WaitForExit();
    }

    /// <summary>Puts all events; a shard is split after a third of them, and two are merged after two thirds.</summary>
    private async Task ProduceAsync(List<SeismicEvent> events, CancellationToken cancellationToken)
    {
        using var client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = _kinesis!.ServiceUrl,
            Region = _kinesis.Region,
            Credentials = Servers.Credentials,
        });
        StreamIdentifier stream = StreamIdentifier.Parse(StreamName);
        int put = 0;
        foreach (SeismicEvent[] chunk in events.Chunk(10))
        {
            // of one region one after the other: the last one is to be the last
            PutRecordsRequestEntry[] entries = [.. chunk.Select(static quake => new PutRecordsRequestEntry(
                Encoding.UTF8.GetBytes(JsonSerializer.Serialize(quake, SeismicJson.Default.SeismicEvent)), quake.Region))];
            PutRecordsResponse answer = await client.PutRecordsAsync(stream, entries, cancellationToken);
            if (answer.FailedRecordCount > 0)
            {
                throw new InvalidOperationException($"{answer.FailedRecordCount} events were not put.");
            }

            int before = put;
            put += chunk.Length;
            Reshard(before, put, events.Count);
            await Task.Delay(TimeSpan.FromMilliseconds(80), TimeProvider.System, cancellationToken);
        }
    }

    private void Reshard(int before, int put, int all)
    {
        string[] open = [.. _kinesis!.ListShards(StreamName)
            .Where(static shard => shard.EndingSequenceNumber is null)
            .OrderBy(static shard => shard.HashKeyRange.StartingHashKey)
            .Select(static shard => shard.ShardId)];
        if (before < all / 3 && put >= all / 3)
        {
            _kinesis.SplitShard(StreamName, open[0]);
            say($"{open[0]} is split");
        }
        else if (before < all / 3 * 2 && put >= all / 3 * 2)
        {
            _kinesis.MergeShards(StreamName, open[1], open[2]);
            say($"{open[1]} and {open[2]} are merged");
        }
    }

    private static List<SeismicEvent> ReadEvents()
    {
        using Stream data = typeof(Run).Assembly.GetManifestResourceStream("earthquakes.ndjson")
            ?? throw new InvalidOperationException("The sample was built without earthquakes.ndjson.");
        using var reader = new StreamReader(data);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonSerializer.Deserialize(line, SeismicJson.Default.SeismicEvent)!)];
    }
}

/// <summary>What came of it.</summary>
/// <param name="Totals">What the state says.</param>
/// <param name="Matches">True where a plain loop over the file says the same.</param>
/// <param name="Restarts">How often a worker was killed and another started.</param>
internal sealed record Outcome(Totals Totals, bool Matches, int Restarts);

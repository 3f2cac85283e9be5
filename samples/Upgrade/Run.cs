using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Amazon.Runtime;
using FastConsumer;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Processors;
using FastConsumer.Savepoints;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace UpgradeSample;

/// <summary>
/// Version 1 counts on two shards. A savepoint of it becomes the state of version 2, on five shards. Then version 1 goes back to the
/// savepoint, and counts on as if nothing had been.
/// </summary>
internal sealed class Run : IAsyncDisposable
{
    private const string OldStream = "seismic-events";
    private const string NewStream = "seismic-events-2";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly BasicAWSCredentials _credentials = new("embedded", "embedded");
    private readonly InMemoryLeaseDatabase _leases = new();
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"fastconsumer-upgrade-{Environment.ProcessId}");
    private readonly List<SeismicEvent> _events = SeismicEvent.ReadAll();
    private readonly EmbeddedKinesis _kinesis;
    private readonly Action<string> _say;

    private Run(EmbeddedKinesis kinesis, Action<string> say) => (_kinesis, _say) = (kinesis, say);

    public static async Task<Run> StartAsync(Action<string> say, CancellationToken cancellationToken) =>
        new(await EmbeddedKinesis.StartAsync(cancellationToken: cancellationToken), say);

    public async Task<Outcome> RunAsync(CancellationToken cancellationToken)
    {
        _kinesis.CreateStream(OldStream, shardCount: 2);
        _kinesis.CreateStream(NewStream, shardCount: 5);
        SeismicEvent[] first = [.. _events.Take(_events.Count / 2)];
        SeismicEvent[] second = [.. _events.Skip(first.Length)];

        using (IHost worker = await StartAsync<Version1.RegionProcessor>("quakes", OldStream, cancellationToken))
        {
            Put(OldStream, first);
            await CountedAsync(worker, "quakes", first.Length, cancellationToken);
            _say($"Version 1 has counted {first.Length} events on 2 shards.");
            Savepoint savepoint = await Savepoints(worker, "quakes").CreateAsync(
                "before-2.0", Leases(worker, "quakes"), cancellationToken: cancellationToken);
            _say($"Savepoint '{savepoint.Name}': {savepoint.Shards} shards, {savepoint.Bytes} bytes, while the worker runs.");
            await worker.StopAsync(cancellationToken);
        }

        bool isSame = await UpgradeAsync(second, cancellationToken) & await GoBackAsync(first, second, cancellationToken);
        return new Outcome(_events.Count, _events.DistinctBy(static quake => quake.Region).Count(), isSame);
    }

    public async ValueTask DisposeAsync()
    {
        await _kinesis.DisposeAsync();
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>Version 2 begins with the state of version 1, on another number of shards.</summary>
    private async Task<bool> UpgradeAsync(SeismicEvent[] second, CancellationToken cancellationToken)
    {
        using IHost worker = Build<Version2.RegionProcessor>("quakes-2", NewStream);
        SavepointStore savepoints = Savepoints(worker, "quakes");
        Savepoint savepoint = (await savepoints.FindAsync("before-2.0", cancellationToken))!;
        await savepoints.RestoreAsync(savepoint, Target(worker, "quakes-2") with
        {
            Layout = await LayoutAsync(cancellationToken),
        }, cancellationToken: cancellationToken);
        await worker.StartAsync(cancellationToken);
        Put(NewStream, second);
        List<StoredState> state = await CountedAsync(worker, "quakes-2", _events.Count, cancellationToken);
        await worker.StopAsync(cancellationToken);
        _say($"Version 2 has counted on from there, {_events.Count} events on 5 shards.");
        // a region without an event since is as version 1 has left it
        return IsSame(_events, state, static entry => entry.Version == 1 ? Number(entry) : Region(entry).Events)
            && state.Where(static entry => entry.Version == 2).All(entry => Region(entry).Strongest
                == second.Where(quake => quake.Region == entry.PartitionKey).Max(static quake => quake.Mag));
    }

    /// <summary>Version 1 goes back to the savepoint, whatever was counted since.</summary>
    private async Task<bool> GoBackAsync(SeismicEvent[] first, SeismicEvent[] second, CancellationToken cancellationToken)
    {
        using (IHost mistaken = await StartAsync<Version1.RegionProcessor>("quakes", OldStream, cancellationToken))
        {
            // they count, and should not have
            Put(OldStream, second);
            await CountedAsync(mistaken, "quakes", _events.Count, cancellationToken);
            await mistaken.StopAsync(cancellationToken);
        }

        using IHost worker = Build<Version1.RegionProcessor>("quakes", OldStream);
        SavepointStore savepoints = Savepoints(worker, "quakes");
        Savepoint savepoint = (await savepoints.FindAsync("before-2.0", cancellationToken))!;
        await savepoints.RestoreAsync(
            savepoint, Target(worker, "quakes") with { ReplacesLeases = true }, cancellationToken: cancellationToken);
        bool isBack = IsSame(first, await ReadAsync(worker, "quakes", cancellationToken), Number);
        _say($"Version 1 is back at {first.Length} events.");
        await worker.StartAsync(cancellationToken);
        List<StoredState> state = await CountedAsync(worker, "quakes", _events.Count, cancellationToken);
        await worker.StopAsync(cancellationToken);
        _say($"The records behind the savepoint were handled again: {_events.Count} events.");
        return isBack && IsSame(_events, state, Number);
    }

    private static int Number(StoredState entry) => JsonSerializer.Deserialize(entry.Values[0].Span, SeismicJson.Default.Int32);

    private static Region Region(StoredState entry) => JsonSerializer.Deserialize(entry.Values[0].Span, SeismicJson.Default.Region)!;

    private static bool IsSame(IEnumerable<SeismicEvent> events, List<StoredState> state, Func<StoredState, int> count) =>
        events.CountBy(static quake => quake.Region).OrderBy(static region => region.Key, StringComparer.Ordinal).SequenceEqual(
            state.Select(entry => KeyValuePair.Create(entry.PartitionKey, count(entry)))
                .OrderBy(static region => region.Key, StringComparer.Ordinal));

    private static SavepointStore Savepoints(IHost host, string application) => new(
        host.Services.GetRequiredKeyedService<ICheckpointStore>(""), application, new Random(RandomNumberGenerator.GetInt32(int.MaxValue)));

    private static ILeaseStore Leases(IHost host, string application) =>
        host.Services.GetRequiredKeyedService<ILeaseStoreFactory>("").Create(ContextOf(host, application));

    private static LeaseStoreContext ContextOf(IHost host, string application) => new("", application, OldStream, host.Services);

    private static SavepointTarget Target(IHost host, string application) => new()
    {
        ApplicationName = application,
        Leases = Leases(host, application),
        TableName = host.Services.GetRequiredKeyedService<ILeaseStoreFactory>("").GetTableName(ContextOf(host, application)),
        By = "the sample",
    };

    private async Task<SavepointLayout> LayoutAsync(CancellationToken cancellationToken)
    {
        using var client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = _kinesis.ServiceUrl,
            Region = _kinesis.Region,
            Credentials = _credentials,
        });
        StreamDescriptionSummary stream = await client.DescribeStreamSummaryAsync(
            StreamIdentifier.Parse(NewStream), cancellationToken);
        return new SavepointLayout
        {
            StreamArn = stream.StreamARN,
            StreamCreatedAt = stream.StreamCreationTimestamp,
            Shards = _kinesis.ListShards(NewStream),
            Start = CheckpointPosition.TrimHorizon,
            StartedAt = TimeProvider.System.GetUtcNow(),
        };
    }

    private async Task<IHost> StartAsync<TProcessor>(string application, string stream, CancellationToken cancellationToken)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        IHost host = Build<TProcessor>(application, stream);
        await host.StartAsync(cancellationToken);
        return host;
    }

    private IHost Build<TProcessor>(string application, string stream)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = application;
                options.ServiceUrl = _kinesis.ServiceUrl;
                options.Region = _kinesis.Region;
                options.Credentials = _credentials;
            })
            .AddProcessor<TProcessor>(processor => processor.Stream = stream)
            .UseInMemoryLeases(_leases)
            .UseLocalCheckpoints(_folder);
        return builder.Build();
    }

    private void Put(string stream, IEnumerable<SeismicEvent> events)
    {
        foreach (SeismicEvent quake in events)
        {
            _kinesis.Put(stream, quake.Region, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(quake, SeismicJson.Default.SeismicEvent)));
        }
    }

    /// <summary>Waits until so many events are in the state, as it is checkpointed.</summary>
    private static async Task<List<StoredState>> CountedAsync(
        IHost host, string application, int events, CancellationToken cancellationToken)
    {
        long since = TimeProvider.System.GetTimestamp();
        while (true)
        {
            List<StoredState> state = await ReadAsync(host, application, cancellationToken);
            int counted = state.Sum(static entry => entry.Version == 1 ? Number(entry) : Region(entry).Events);
            if (counted >= events)
            {
                return state;
            }

            if (TimeProvider.System.GetElapsedTime(since) > s_patience)
            {
                throw new TimeoutException($"{counted} of {events} events are counted after {s_patience}.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
        }
    }

    private static async Task<List<StoredState>> ReadAsync(IHost host, string application, CancellationToken cancellationToken)
    {
        var reader = new SnapshotReader(host.Services.GetRequiredKeyedService<ICheckpointStore>(""), application);
        await using ILeaseStore leases = Leases(host, application);
        while (true)
        {
            try
            {
                List<StoredState> state = [];
                await foreach (StoredState entry in reader.ReadAsync(
                    await leases.ListAsync(ReadConsistency.Strong, cancellationToken), cancellationToken))
                {
                    state.Add(entry);
                }

                return state;
            }
            catch (CheckpointObjectMissingException)
            {
                // the worker has written a newer one meanwhile
            }
        }
    }
}

/// <summary>What came of it.</summary>
/// <param name="Events">The events of the file.</param>
/// <param name="Regions">Their regions.</param>
/// <param name="Matches">True where each version's state says what a plain loop says.</param>
internal sealed record Outcome(int Events, int Regions, bool Matches);

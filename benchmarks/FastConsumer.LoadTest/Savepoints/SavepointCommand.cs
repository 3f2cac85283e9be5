using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Savepoints;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.LoadTest.Savepoints;

/// <summary>
/// A savepoint of a worker that reads on, and a worker on another number of shards that begins with one.
/// </summary>
internal sealed class SavepointCommand : IDisposable
{
    private const int BytesOfKey = 1000;
    private const int Seed = 7;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"fastconsumer-savepoint-{Environment.ProcessId}");
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly InMemoryLeaseDatabase _database = new();
    private readonly SavedTally _tally = new(TimeProvider.System);
    private readonly EmbeddedKinesis _kinesis;
    private readonly int _keys;
    private long _put;

    private SavepointCommand(EmbeddedKinesis kinesis, int keys) => (_kinesis, _keys) = (kinesis, keys);

    public static Command Create()
    {
        var shards = new Option<int>("--shards") { Description = "The stream's shards.", DefaultValueFactory = static _ => 100 };
        var megabytes = new Option<int>("--megabytes") { Description = "The state in all.", DefaultValueFactory = static _ => 100 };
        var toShards = new Option<int>("--to-shards")
        {
            Description = "The shards of the stream that goes on with it.",
            DefaultValueFactory = static _ => 37,
        };
        var json = new Option<bool>("--json") { Description = "One line of JSON." };
        var command = new Command("savepoint", "A savepoint of a worker that reads on, and one on other shards that begins with it.")
        {
            shards, megabytes, toShards, json,
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
                new EmbeddedKinesisOptions(), cancellationToken);
            using var test = new SavepointCommand(kinesis, arguments.GetValue(megabytes) * 1_000_000 / BytesOfKey);
            SavepointFigures figures = await test.RunAsync(
                arguments.GetValue(shards), arguments.GetValue(toShards), cancellationToken);
            Console.WriteLine(arguments.GetValue(json)
                ? JsonSerializer.Serialize(figures, SavepointJson.Default.SavepointFigures)
                : figures.ToString());
            return 0;
        });
        return command;
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task<SavepointFigures> RunAsync(int shards, int toShards, CancellationToken cancellationToken)
    {
        _kinesis.CreateStream("saved", shards);
        _kinesis.CreateStream("saved-2", toShards);
        IHost worker = await StartAsync("saved", "saved", cancellationToken);
        for (int key = 0; key < _keys; key++)
        {
            Put("saved", key);
        }

        await HandledAsync(cancellationToken);
        Console.Error.WriteLine($"{_keys} keys of {BytesOfKey} bytes are in the state of {shards} shards");
        var checkpoints = new LocalCheckpointStore(_folder, new Random(Seed));
        var savepoints = new SavepointStore(checkpoints, "saved", new Random(Seed + 1), _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task putting = PutAsync(stop.Token);
        (double usual, TimeSpan usualPause) = await RateAsync(() => Task.Delay(TimeSpan.FromSeconds(10), _time, cancellationToken));
        var leases = new InMemoryLeaseStore(_database, "saved");
        Savepoint? running = null;
        long since = _time.GetTimestamp();
        (double during, TimeSpan pause) = await RateAsync(
            async () => running = await savepoints.CreateAsync("running", leases, Progress(), cancellationToken));
        double created = _time.GetElapsedTime(since).TotalSeconds;
        await stop.CancelAsync();
        await putting;
        await HandledAsync(cancellationToken);
        await worker.StopAsync(cancellationToken);

        // all that was put is in this one
        Savepoint whole = await savepoints.CreateAsync("stopped", leases, Progress(), cancellationToken);
        since = _time.GetTimestamp();
        SavepointTarget target = await TargetAsync(worker.Services, cancellationToken);
        await savepoints.RestoreAsync(whole, target, Progress(), cancellationToken);
        double restored = _time.GetElapsedTime(since).TotalSeconds;
        IHost other = await StartAsync("saved-2", "saved-2", cancellationToken);
        for (int key = 0; key < _keys; key += 10)
        {
            Put("saved-2", key);
        }

        await HandledAsync(cancellationToken);
        await other.StopAsync(cancellationToken);
        savepoints = new SavepointStore(checkpoints, "saved-2", new Random(Seed + 2), _time);
        (long count, int keys) = await TotalsAsync(savepoints, cancellationToken);
        return count == _put && keys == _keys
            ? new SavepointFigures(
                shards,
                toShards,
                _keys,
                running!.Bytes,
                created,
                usual,
                during,
                usualPause.TotalSeconds,
                pause.TotalSeconds,
                restored,
                count)
            : throw new InvalidOperationException(
                $"{_put} records of {_keys} keys were put, and the state of saved-2 says {count} records of {keys} keys.");
    }

    private async Task<(long Count, int Keys)> TotalsAsync(SavepointStore savepoints, CancellationToken cancellationToken)
    {
        Savepoint last = await savepoints.CreateAsync(
            "last", new InMemoryLeaseStore(_database, "saved-2"), cancellationToken: cancellationToken);
        long count = 0;
        int keys = 0;
        await foreach (StoredState entry in savepoints.ReadStateAsync(last, cancellationToken))
        {
            if (entry.State == "counts")
            {
                count += long.Parse(entry.Values[0].Span, CultureInfo.InvariantCulture);
                keys++;
            }
        }

        return (count, keys);
    }

    private async Task<SavepointTarget> TargetAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        using var client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = _kinesis.ServiceUrl,
            Region = _kinesis.Region,
            Credentials = LoadTestOptions.Credentials,
            TimeProvider = _time,
        });
        StreamDescriptionSummary stream = await client.DescribeStreamSummaryAsync(StreamIdentifier.Parse("saved-2"), cancellationToken);
        ILeaseStoreFactory leases = services.GetRequiredKeyedService<ILeaseStoreFactory>("");
        var context = new LeaseStoreContext("", "saved-2", "saved-2", services);
        return new SavepointTarget
        {
            ApplicationName = "saved-2",
            Leases = leases.Create(context),
            TableName = leases.GetTableName(context),
            By = "load test",
            Layout = new SavepointLayout
            {
                StreamArn = stream.StreamARN,
                StreamCreatedAt = stream.StreamCreationTimestamp,
                Shards = _kinesis.ListShards("saved-2"),
                Start = CheckpointPosition.TrimHorizon,
                StartedAt = _time.GetUtcNow(),
            },
        };
    }

    private async Task<IHost> StartAsync(string application, string stream, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = LoadTestHost.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(_tally);
        builder.Services
            .AddFastConsumer(options =>
            {
                options.ApplicationName = application;
                options.ServiceUrl = _kinesis.ServiceUrl;
                options.Region = _kinesis.Region;
                options.Credentials = LoadTestOptions.Credentials;
            })
            .AddProcessor<SavedProcessor>(processor => processor.Stream = stream)
            .UseInMemoryLeases(_database)
            .UseLocalCheckpoints(_folder);
        IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }

    private void Put(string stream, int key)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{key}:{_put++}");
        _kinesis.Put(stream, $"key-{key}", text.PadRight(BytesOfKey, '.'));
    }

    /// <summary>About 2,000 records a second.</summary>
    private async Task PutAsync(CancellationToken cancellationToken)
    {
        try
        {
            for (int key = 0; ;)
            {
                for (int i = 0; i < 40; i++)
                {
                    Put("saved", key = (key + 7) % _keys);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(20), _time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // that is enough
        }
    }

    private async Task<(double PerSecond, TimeSpan LongestPause)> RateAsync(Func<Task> act)
    {
        _tally.Watch();
        (long before, long since) = (_tally.Records, _time.GetTimestamp());
        await act();
        return ((_tally.Records - before) / _time.GetElapsedTime(since).TotalSeconds, _tally.LongestPause);
    }

    private Task HandledAsync(CancellationToken cancellationToken) => Waiting.UntilAsync(
        () => _tally.Records >= _put, () => $"{_tally.Records} of {_put} records are handled", s_patience, cancellationToken);

    private static Progress<SavepointProgress> Progress() => new(static progress =>
    {
        if (progress.Snapshots % 20 == 0)
        {
            Console.Error.WriteLine($"{progress.Snapshots} of {progress.Of} snapshots, {progress.Bytes / 1_000_000} MB");
        }
    });
}

/// <summary>What came of it.</summary>
internal sealed record SavepointFigures(
    int Shards,
    int ToShards,
    int Keys,
    long Bytes,
    double CreateSeconds,
    double RecordsPerSecondBefore,
    double RecordsPerSecondDuring,
    double LongestPauseBefore,
    double LongestPauseDuring,
    double RestoreSeconds,
    long Records)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Shards} shards, {Keys} keys, {Bytes / 1e6:F0} MB: made in {CreateSeconds:F1} s while {RecordsPerSecondDuring:F0} records a "
            + $"second were handled ({RecordsPerSecondBefore:F0} before), the longest pause {LongestPauseDuring:F2} s "
            + $"({LongestPauseBefore:F2} before); restored in {RestoreSeconds:F1} s onto {ToShards} shards, where all {Records} records of "
            + $"{Keys} keys are counted");
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SavepointFigures))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(string))]
internal sealed partial class SavepointJson : JsonSerializerContext;

using Amazon.Runtime;
using FastConsumer.Kinesis;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace QuickStart;

/// <summary>
/// The whole way on embedded parts: a producer puts real events into a stream of two shards; half-way a shard is split, and
/// the worker is stopped and started again.
/// </summary>
internal sealed class EmbeddedRun(Tally tally) : IRun
{
    private const string StreamName = "seismic-events";
    private const int EventsPerPut = 25;
    private static readonly TimeSpan s_betweenPuts = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly InMemoryLeaseDatabase _leases = new();

    /// <summary>How many events there are.</summary>
    public int? Total { get; private set; }

    /// <summary>How many were put so far.</summary>
    public int Produced { get; private set; }

    public int Restarts { get; private set; }

    public int Splits { get; private set; }

    public bool IsComplete(Snapshot now) => now.Distinct == Total;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        List<string> events = ReadEvents();
        Total = events.Count;
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: cancellationToken);
        kinesis.CreateStream(StreamName, shardCount: 2);
        tally.Note($"EmbeddedKinesis listens on {kinesis.ServiceUrl}, stream {StreamName} has 2 shards");
        var credentials = new BasicAWSCredentials("embedded", "embedded");
        using var client = new KinesisClient(
            new KinesisClientOptions { ServiceUrl = kinesis.ServiceUrl, Region = kinesis.Region, Credentials = credentials });

        int half = events.Count / 2;
        IHost? worker = await StartWorkerAsync(kinesis, credentials, cancellationToken);
        try
        {
            await ProduceAsync(client, events[..half], cancellationToken);

            Shard first = kinesis.ListShards(StreamName)[0];
            kinesis.SplitShard(StreamName, first.ShardId);
            Splits++;
            tally.Note($"{first.ShardId} is split in two");
            await ProduceAsync(client, events[half..(half + (half / 4))], cancellationToken);

            await StopAsync(worker);
            worker = null;
            tally.Note("the worker has stopped; events go on coming");
            await ProduceAsync(client, events[(half + (half / 4))..(half + (half / 2))], cancellationToken);
            worker = await StartWorkerAsync(kinesis, credentials, cancellationToken);
            Restarts++;
            tally.Note("a new worker goes on where the former one stopped");

            await ProduceAsync(client, events[(half + (half / 2))..], cancellationToken);
            await WaitForAllAsync(cancellationToken);
        }
        finally
        {
            // after Ctrl+C too
            if (worker is not null)
            {
                await StopAsync(worker);
            }
        }
    }

    private static async Task StopAsync(IHost worker)
    {
        await worker.StopAsync(CancellationToken.None);
        worker.Dispose();
    }

    private static List<string> ReadEvents()
    {
        using Stream data = typeof(EmbeddedRun).Assembly.GetManifestResourceStream("earthquakes.ndjson")
            ?? throw new InvalidOperationException("The sample was built without data/earthquakes.ndjson.");
        using var reader = new StreamReader(data);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    private async Task<IHost> StartWorkerAsync(
        EmbeddedKinesis kinesis, BasicAWSCredentials credentials, CancellationToken cancellationToken)
    {
        IHost host = Consumer.Build(
            tally,
            options => options.ApplicationName = "quick-start",
            processor =>
            {
                processor.ServiceUrl = kinesis.ServiceUrl;
                processor.Region = kinesis.Region;
                processor.Credentials = credentials;
            },
            consumer => consumer.UseInMemoryLeases(_leases));
        await host.StartAsync(cancellationToken);
        return host;
    }

    private async Task ProduceAsync(KinesisClient client, List<string> events, CancellationToken cancellationToken)
    {
        StreamIdentifier stream = StreamIdentifier.Parse(StreamName);
        foreach (string[] chunk in events.Chunk(EventsPerPut))
        {
            List<PutRecordsRequestEntry> entries =
                [.. chunk.Select(static line => new PutRecordsRequestEntry(System.Text.Encoding.UTF8.GetBytes(line), KeyOf(line)))];
            PutRecordsResponse answer = await client.PutRecordsAsync(stream, entries, cancellationToken);
            if (answer.FailedRecordCount > 0)
            {
                throw new InvalidOperationException(
                    $"{answer.FailedRecordCount} of {entries.Count} events were not taken: "
                        + $"{answer.Records.First(static record => record.ErrorCode is not null).ErrorMessage}");
            }

            Produced += chunk.Length;
            await Task.Delay(s_betweenPuts, TimeProvider.System, cancellationToken);
        }
    }

    // the event's id spreads the events evenly over the shards
    private static string KeyOf(string line) =>
        System.Text.Json.JsonSerializer.Deserialize(line, SeismicJson.Default.SeismicEvent)!.Id;

    private async Task WaitForAllAsync(CancellationToken cancellationToken)
    {
        long started = TimeProvider.System.GetTimestamp();
        while (tally.Now.Distinct < Total)
        {
            if (TimeProvider.System.GetElapsedTime(started) > s_patience)
            {
                throw new TimeoutException($"Only {tally.Now.Distinct} of {Total} events arrived within {s_patience}.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Amazon.Runtime;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Processors;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;
using FastConsumer.Tests.Kinesis.Wire;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Reading;

/// <summary>A whole worker on a stream of aggregates.</summary>
public sealed class AggregatedStreamTests
{
    private const string Application = "aggregated";
    private static readonly UInt128 s_upper = UInt128.One << 127;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Takes_over_where_kcl_stopped_inside_an_aggregate_and_leaves_out_what_is_another_shards()
    {
        await using EmbeddedKinesis kinesis = await StartAsync();
        SequenceNumber first = Put(kinesis, "1", 4);
        SequenceNumber last = Put(kinesis, "2", 3);
        var leases = new InMemoryLeaseDatabase();
        // an old KCL's row: no hash keys
        leases.Put(Application, new Lease
        {
            LeaseKey = "shardId-000000000000",
            LeaseOwner = null,
            LeaseCounter = 17,
            Checkpoint = CheckpointPosition.At(first, 1)
        });
        Collected collected = await RunAsync(kinesis, leases, "true", static collected => collected.Count == 5);
        Assert.Equal(["1-2", "1-3", "2-0", "2-1", "2-2"], collected);
        Assert.Equal(CheckpointPosition.At(last, 5), leases.Snapshot(Application)[0].Checkpoint);
    }

    [Fact]
    public async Task Passes_aggregates_on_as_they_are_where_the_configuration_says_so()
    {
        await using EmbeddedKinesis kinesis = await StartAsync();
        SequenceNumber last = Put(kinesis, "1", 4);
        var leases = new InMemoryLeaseDatabase();
        Collected collected = await RunAsync(kinesis, leases, "false", static collected => collected.Count == 1);
        Assert.Contains("1-3", collected.Single(), StringComparison.Ordinal);
        Assert.Equal(CheckpointPosition.At(last), leases.Snapshot(Application)[0].Checkpoint);
    }

    private static async Task<EmbeddedKinesis> StartAsync()
    {
        EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Token);
        kinesis.CreateStream("orders", shardCount: 2);
        return kinesis;
    }

    /// <summary>An aggregate in the lower shard: so many records of its own, then as many of the upper one.</summary>
    private static SequenceNumber Put(EmbeddedKinesis kinesis, string name, int count) => kinesis.Put(
        "orders",
        "a",
        AggregateWriter.Write([.. Enumerable.Range(0, count * 2).Select(i => new UserRecord(
            "k",
            Encoding.UTF8.GetBytes($"{name}-{i}"),
            (i < count ? (UInt128)i : s_upper + (UInt128)i).ToString(CultureInfo.InvariantCulture)))]),
        explicitHashKey: 0).SequenceNumber;

    private static async Task<Collected> RunAsync(
        EmbeddedKinesis kinesis, InMemoryLeaseDatabase leases, string deaggregate, Func<Collected, bool> isDone)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["FastConsumer:Deaggregate"] = deaggregate });
        var collected = new Collected();
        builder.Services.AddSingleton(collected);
        builder.Services.AddFastConsumer(options =>
            {
                options.ApplicationName = Application;
                options.ServiceUrl = kinesis.ServiceUrl;
                options.Region = kinesis.Region;
                options.Credentials = new BasicAWSCredentials("embedded", "embedded");
            })
            .AddProcessor<Collector>()
            .UseInMemoryLeases(leases);
        using IHost host = builder.Build();
        await host.StartAsync(Token);
        while (!isDone(collected))
        {
            await Task.Delay(20, Token);
        }

        await host.StopAsync(Token);
        return collected;
    }

    private sealed class Collected : ConcurrentQueue<string>;

    private sealed class Collector(Collected collected) : IKinesisProcessor<Collector>
    {
        public static ProcessorDefinition<Collector> Definition { get; } = new()
        {
            Name = nameof(Collector),
            Stream = "orders",
            CreatePipeline = static (processor, _) => new Pipeline(processor),
        };

        private sealed class Pipeline(Collector processor) : RecordPipeline
        {
            public override ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken)
            {
                while (cursor.MoveNext())
                {
                    cursor.EnterHandler();
                    processor.Add(cursor.Current);
                    cursor.Complete();
                }

                return default;
            }
        }

        private void Add(KinesisRecord record) => collected.Enqueue(Encoding.UTF8.GetString(record.DataSpan));
    }
}

using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Tests.Hosting;

/// <summary>What every end-to-end test has: an embedded Kinesis, a lease database and a journal.</summary>
public abstract class WorkerTest : IAsyncLifetime
{
    protected const string Stream = "events";

    private readonly Dictionary<string, int> _next = [];

    internal EmbeddedKinesis Kinesis { get; private set; } = null!;

    internal InMemoryLeaseDatabase Leases { get; } = new();

    internal Journal Journal { get; } = new();

    internal virtual EmbeddedKinesisOptions Options => new();

    internal IReadOnlyList<Lease> Rows => Leases.Snapshot(WorkerHost.Application);

    public async ValueTask InitializeAsync() => Kinesis = await EmbeddedKinesis.StartAsync(Options, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Kinesis.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    internal bool IsFinished(string shardId) => Rows.Any(row => row.LeaseKey == shardId && row.IsFinished);

    internal Lease Row(string shardId) => Rows.Single(row => row.LeaseKey == shardId);

    /// <summary>Puts records, the texts of one key counting up.</summary>
    internal List<string> Put(int count, int keys = 10, string stream = Stream)
    {
        List<string> texts = [];
        for (int i = 0; i < count; i++)
        {
            texts.Add(PutOne($"key-{i % keys}", stream).Text);
        }

        return texts;
    }

    internal (string Text, string ShardId, SequenceNumber Number) PutOne(string key, string stream = Stream)
    {
        int number = _next[key] = _next.GetValueOrDefault(key, -1) + 1;
        string text = $"{key}:{number}";
        PutRecordResponse put = Kinesis.Put(stream, key, text);
        return (text, put.ShardId, put.SequenceNumber);
    }

    internal string[] OpenShards() =>
        [.. Kinesis.ListShards(Stream).Where(static shard => shard.EndingSequenceNumber is null).Select(static shard => shard.ShardId)];

    internal Task<WorkerHost> StartAsync(
        Action<FastConsumer.Hosting.FastConsumerOptions>? options = null, ILeaseStoreFactory? store = null) =>
        WorkerHost.StartAsync<EventProcessor>(Kinesis, Leases, Journal, options, store);

    internal Task<WorkerHost> StartAsync<TProcessor>(
        Action<FastConsumer.Hosting.FastConsumerOptions>? options = null, ILeaseStoreFactory? store = null)
        where TProcessor : class, Processors.IKinesisProcessor<TProcessor> =>
        WorkerHost.StartAsync<TProcessor>(Kinesis, Leases, Journal, options, store);

    /// <summary>Nobody owns anything, and every open shard's checkpoint is its last record that is done.</summary>
    internal void AssertReleasedAtWhatIsDone()
    {
        Assert.All(Rows, static row => Assert.Null(row.LeaseOwner));
        foreach (Lease row in Rows.Where(static row => !row.IsFinished))
        {
            Delivery? last = Journal.Done.LastOrDefault(delivery => delivery.ShardId == row.LeaseKey);
            if (last is not null)
            {
                Assert.Equal(CheckpointPosition.At(last.Number), row.Checkpoint);
            }
        }
    }
}

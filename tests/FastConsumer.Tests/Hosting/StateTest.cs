using System.Globalization;
using System.Text;
using FastConsumer.Checkpoints;
using FastConsumer.Hosting;
using FastConsumer.Processors;
using FastConsumer.Testing.Checkpoints;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

/// <summary>A test with processors that keep state, all of the same: how many records a key has, and how many each text.</summary>
public abstract class StateTest : WorkerTest
{
    private protected InMemoryCheckpointDatabase Objects { get; } = new();

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected static string KeyOf(string text) => text.Split(':')[0];

    private protected static int NumberOf(StoredState entry) =>
        int.Parse(entry.Values[0].Span, NumberStyles.None, CultureInfo.InvariantCulture);

    protected string ShardOf(string text) => Rows.Single(row =>
        row.HashKeyRange!.Contains(FastConsumer.Kinesis.HashKeys.Of(Encoding.UTF8.GetBytes(KeyOf(text))))).LeaseKey;

    private protected async Task<WorkerHost> StartAsync<TProcessor>(
        Action<FastConsumerOptions>? options = null, InMemoryCheckpointStore? store = null)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer
                .AddProcessor<TProcessor>()
                .UseInMemoryLeases(Leases)
                .UseInMemoryCheckpoints(store ?? new InMemoryCheckpointStore(Objects)),
            options);
        await host.StartAsync();
        return host;
    }

    /// <summary>What the rows name now, but for one shard.</summary>
    private protected async Task<List<StoredState>> ReadAsync(string? except = null)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                List<StoredState> entries = [];
                var reader = new SnapshotReader(new InMemoryCheckpointStore(Objects), WorkerHost.Application);
                await foreach (StoredState entry in reader.ReadAsync(
                    [.. Rows.Where(row => row.LeaseKey != except)], Token))
                {
                    entries.Add(entry);
                }

                return entries;
            }
            catch (CheckpointObjectMissingException) when (tries < 20)
            {
                // superseded since the rows were read
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Token);
            }
        }
    }

    /// <summary>Waits until all of these are in the state that the rows name.</summary>
    private protected Task CountedAsync(IReadOnlyList<string> texts, WorkerHost host, string? except = null)
    {
        string[] missing = [];
        return Eventually.TrueAsync(
            async () =>
            {
                HashSet<string> there = [.. (await ReadAsync(except)).Where(static entry => entry.State == "texts")
                    .Select(static entry => entry.SubKey<string>())];
                missing = [.. texts.Where(text => !there.Contains(text))];
                return missing.Length == 0;
            },
            () => $"Missing: {string.Join(", ", missing)}. {host.Log}");
    }

    /// <summary>Each of these counts once, and nothing else does.</summary>
    private protected async Task AssertCountsAsync(IReadOnlyList<string> texts)
    {
        List<StoredState> entries = await ReadAsync();
        Assert.Equal(
            texts.Order(StringComparer.Ordinal),
            entries.Where(static entry => entry.State == "texts").Select(static entry => entry.SubKey<string>())
                .Order(StringComparer.Ordinal));
        Assert.All(entries.Where(static entry => entry.State == "texts"), static entry => Assert.Equal(1, NumberOf(entry)));
        Assert.Equal(
            texts.GroupBy(KeyOf).Select(static group => (group.Key, group.Count())).Order(),
            entries.Where(static entry => entry.State == "counts").Select(static entry => (entry.PartitionKey, NumberOf(entry))).Order());
    }
}

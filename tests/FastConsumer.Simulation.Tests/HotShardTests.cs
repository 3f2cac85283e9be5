using FastConsumer.Hosting;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

public sealed class HotShardTests
{
    private const int HotShard = 2030;

    [Theory]
    [InlineData(ReadMode.Polling)]
    [InlineData(ReadMode.FanOut)]
    public void A_hot_shard_among_idle_ones_is_named_once_with_its_share(ReadMode mode)
    {
        var steady = new SteadyCluster(shards: 4, new EngineSettings(), mode);
        SimulatedCluster cluster = steady.Cluster;
        cluster.Run(async () =>
        {
            SimulatedWorker worker = steady.StartWorker();
            string[] keys = steady.KeyOfEachShard();
            for (int second = 0; second < 240; second++)
            {
                // 400 KB a second to one, 4 KB to each of the others
                cluster.Put(
                    [.. keys.Skip(1).Select(static key => (key, new byte[4_000])), .. Enumerable.Repeat((keys[0], new byte[40_000]), 10)]);
                await cluster.DelayAsync(TimeSpan.FromSeconds(1));
            }

            // an idle shard is polled each 1.2 s at the latest, at a moment of its own
            await cluster.DelayAsync(TimeSpan.FromSeconds(2));
            await worker.StopAsync();
        });
        string said = Assert.Single(steady.Logged(HotShard));
        Assert.Contains("Shard shardId-000000000000 of orders is hot", said, StringComparison.Ordinal);
        Assert.Contains("97 % of what this worker reads", said, StringComparison.Ordinal);
        Assert.Contains("3 other shards", said, StringComparison.Ordinal);
        Assert.True(cluster.Ledger.IsAllDone, cluster.Ledger.Missing());
    }

    [Fact]
    public void Shards_that_take_the_same_are_not_hot()
    {
        var steady = new SteadyCluster(shards: 4, new EngineSettings());
        SimulatedCluster cluster = steady.Cluster;
        cluster.Run(async () =>
        {
            SimulatedWorker worker = steady.StartWorker();
            string[] keys = steady.KeyOfEachShard();
            for (int second = 0; second < 130; second++)
            {
                cluster.Put([.. keys.SelectMany(static key => Enumerable.Repeat((key, new byte[40_000]), 8))]);
                await cluster.DelayAsync(TimeSpan.FromSeconds(1));
            }

            await worker.StopAsync();
        });
        Assert.Empty(steady.Logged(HotShard));
    }
}

using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

public sealed class IteratorStormTests
{
    private const int IteratorsExpire = 2031;

    [Theory]
    [InlineData(null, "It has throttled none of this worker's writes lately.")]
    [InlineData(1.0, "The lease table throttled this worker's writes 00:00:")]
    public void A_worker_whose_iterators_expire_says_what_its_lease_table_does(double? tableUnits, string table)
    {
        // shorter than the pause between two idle calls
        var steady = new SteadyCluster(shards: 8, new EngineSettings { IteratorLifetime = TimeSpan.FromMilliseconds(300) });
        SimulatedCluster cluster = steady.Cluster;
        cluster.Run(async () =>
        {
            SimulatedWorker worker = steady.StartWorker();
            string[] keys = steady.KeyOfEachShard();
            await cluster.DelayAsync(TimeSpan.FromSeconds(20));
            cluster.Table.UnitsPerSecond = tableUnits;
            for (int second = 0; second < 20; second++)
            {
                cluster.Put([.. keys.Select(static key => (key, new byte[100]))]);
                await cluster.DelayAsync(TimeSpan.FromSeconds(1));
            }

            cluster.Table.UnitsPerSecond = null;
            await cluster.DelayAsync(TimeSpan.FromSeconds(30));
            await worker.StopAsync();
        });
        Assert.Contains(steady.Logged(IteratorsExpire), said => said.Contains(table, StringComparison.Ordinal));
        Assert.True(cluster.Ledger.IsAllDone, cluster.Ledger.Missing());
    }
}

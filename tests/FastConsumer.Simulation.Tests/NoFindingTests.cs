using FastConsumer.Hosting;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>Ordinary life is no finding, however the shards are read.</summary>
public sealed class NoFindingTests
{
    private const int Raised = 2600;
    private const int RaisedInformation = 2604;

    [Theory]
    [InlineData(ReadMode.Polling)]
    [InlineData(ReadMode.FanOut)]
    public void Silence_steady_records_bursts_reshards_and_a_joiner_are_no_finding(ReadMode mode)
    {
        var steady = new SteadyCluster(shards: 4, new EngineSettings(), mode);
        SimulatedCluster cluster = steady.Cluster;
        cluster.Run(async () =>
        {
            SimulatedWorker worker = steady.StartWorker();
            string[] keys = steady.KeyOfEachShard();
            // nothing to read for longer than any subscription is silent
            await cluster.DelayAsync(TimeSpan.FromMinutes(3));
            for (int second = 0; second < 900; second++)
            {
                cluster.Put([.. keys.Take(3).Select(static key => (key, new byte[200]))]);
                if (second % 97 == 0)
                {
                    cluster.Put([.. Enumerable.Repeat((keys[3], new byte[1000]), 100)]);
                }

                if (second == 300)
                {
                    cluster.Reshard(mostShards: 6);
                }

                await cluster.DelayAsync(TimeSpan.FromSeconds(1));
            }

            SimulatedWorker joiner = steady.StartWorker();
            await cluster.DelayAsync(TimeSpan.FromMinutes(3));
            await worker.StopAsync();
            await cluster.DelayAsync(TimeSpan.FromMinutes(3));
            await joiner.StopAsync();
        });
        Assert.Empty(steady.Logged(Raised));
        Assert.Empty(steady.Logged(RaisedInformation));
        Assert.True(cluster.Ledger.IsAllDone, cluster.Ledger.Missing());
    }
}

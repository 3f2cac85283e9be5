using FastConsumer.Simulation.Tests.Planted;
using FastConsumer.Testing;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>A whole worker beside the service's read quota: the pace that ReadQuota knows is the pace at which it is read.</summary>
public sealed class ReadQuotaTests
{
    [Theory]
    [InlineData(ReadQuotaModel.FixedSecond)]
    [InlineData(ReadQuotaModel.SlidingWindow)]
    [InlineData(ReadQuotaModel.TokenBucket)]
    public void Alone_it_reads_a_backlog_at_the_shards_pace_without_one_refusal(ReadQuotaModel model)
    {
        const int Shards = 2;
        const int Records = 1200;
        const int RecordBytes = 40_000;
        List<(int Limit, long? Bytes)> calls = [];
        var steady = new SteadyCluster(Shards, new EngineSettings { ReadQuota = model })
        {
            Client = (_, client) => new BugClient(client) { Read = (limit, answer) => calls.Add((limit!.Value, answer?.PayloadBytes)) },
        };
        SimulatedCluster cluster = steady.Cluster;
        TimeSpan took = default;
        cluster.Run(async () =>
        {
            string[] keys = steady.KeyOfEachShard();
            for (int i = 0; i < Records; i += 100)
            {
                cluster.Put([.. Enumerable.Range(i, 100).Select(n => (keys[n % Shards], new byte[RecordBytes]))]);
            }

            SimulatedWorker worker = steady.StartWorker();
            TimeSpan start = worker.Process.Clock.Elapsed;
            while (calls.Sum(static call => call.Bytes ?? 0) < Records * (long)RecordBytes)
            {
                await cluster.DelayAsync(TimeSpan.FromMilliseconds(100));
            }

            took = worker.Process.Clock.Elapsed - start;
            await cluster.DelayAsync(TimeSpan.FromSeconds(30));
            await worker.StopAsync();
        });
        Assert.True(cluster.Ledger.IsAllDone, cluster.Ledger.Missing());

        Assert.DoesNotContain(calls, static call => call.Bytes is null);
        // 2 MiB a second and shard; what comes on top is the start
        double seconds = (double)Records / Shards * RecordBytes / (2 * 1024 * 1024);
        Assert.InRange(took.TotalSeconds, seconds, (seconds * 1.1) + 5);
        // paced within the second: no answer takes all of a second's bytes, and the first ones feel their way
        Assert.All(calls, static call => Assert.InRange(call.Bytes!.Value, 0, 1.2 * 1024 * 1024));
        Assert.All(calls.Take(Shards), static call => Assert.InRange(call.Limit, 1, 10));
        Assert.Equal(0, cluster.Ledger.Duplicates);
    }
}

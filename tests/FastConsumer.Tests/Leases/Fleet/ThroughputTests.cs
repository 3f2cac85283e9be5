using System.Globalization;
using FastConsumer.Hosting;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>Leases are shared out by what their shards yield: whole workers, records and all, in virtual time.</summary>
public sealed class ThroughputTests(ITestOutputHelper output)
{
    private const int Shards = 12;
    private const int Seeds = 3;

    /// <summary>After so long what has changed is levelled out.</summary>
    private const double LevelSeconds = 300;

    /// <summary>After so long again it is known well enough that nothing moves.</summary>
    private const double RestSeconds = 180;

    /// <summary>Of a fair load: what the busiest may have, since small differences move nothing.</summary>
    private const double Tolerance = 1.2;

    [Theory]
    [InlineData(LeaseBalancing.Throughput)]
    [InlineData(LeaseBalancing.Count)]
    public void Who_has_a_hot_shard_has_fewer_others(LeaseBalancing balancing)
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            using var fleet = new LoadedFleet(Shards, seed) { Balancing = balancing };
            YieldAll(fleet, 80);
            fleet.Yield(0, 800);
            string[] workers = Start(fleet, 3);
            fleet.Run(LevelSeconds);

            // one of four shards is hot: by count its worker has 1,040 KB/s, and the others 320
            Assert.Equal(balancing == LeaseBalancing.Throughput, IsLevel(fleet, workers));
            AssertComesToRest(fleet);
            fleet.AssertHandledOnce();
        }
    }

    [Fact]
    public void Leases_follow_the_load()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            using var fleet = new LoadedFleet(Shards, seed) { Balancing = LeaseBalancing.Throughput };
            YieldAll(fleet, 30);
            string[] workers = Start(fleet, 3);
            AssertGetsLevel(fleet, workers);

            // all that comes now comes to one worker
            int[] hot = [.. HeldBy(fleet, workers[0]).Take(3)];
            Array.ForEach(hot, shard => fleet.Yield(shard, 400));
            AssertGetsLevel(fleet, workers);
            AssertComesToRest(fleet);

            // and then to another
            Array.ForEach(hot, shard => fleet.Yield(shard, 30));
            foreach (int shard in HeldBy(fleet, workers[1]).Take(4))
            {
                fleet.Yield(shard, 300);
            }

            AssertGetsLevel(fleet, workers);
            AssertComesToRest(fleet);
            fleet.AssertHandledOnce();
        }
    }

    [Fact]
    public void Shards_that_never_yielded_anything_weigh_little()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            using var fleet = new LoadedFleet(Shards, seed) { Balancing = LeaseBalancing.Throughput };
            string[] workers = Start(fleet, 2);
            fleet.Run(60);
            foreach ((int shard, double rate) in HeldBy(fleet, workers[0]).Zip([500.0, 500, 100, 100]))
            {
                fleet.Yield(shard, rate);
            }

            AssertGetsLevel(fleet, workers);
            AssertComesToRest(fleet);
            fleet.AssertHandledOnce();
        }
    }

    [Fact]
    public void The_children_of_a_hot_shard_are_shared_out()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            using var fleet = new LoadedFleet(Shards, seed) { Balancing = LeaseBalancing.Throughput };
            YieldAll(fleet, 40);
            fleet.Yield(5, 900);
            string[] workers = Start(fleet, 3);
            AssertGetsLevel(fleet, workers);
            AssertComesToRest(fleet);

            int takes = fleet.Costs.Takes;
            fleet.Split(fleet.OpenShards[5].ShardId);
            AssertGetsLevel(fleet, workers);
            AssertComesToRest(fleet);
            // both children, and what makes room for them
            output.WriteLine($"{fleet.Costs.Takes - takes} takes after the split");
            Assert.InRange(fleet.Costs.Takes - takes, 2, Shards);
            fleet.AssertHandledOnce();
        }
    }

    [Fact]
    public void A_worker_that_joins_gets_its_share_of_the_load()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            using var fleet = new LoadedFleet(Shards, seed) { Balancing = LeaseBalancing.Throughput };
            YieldAll(fleet, 50);
            fleet.Yield(2, 400);
            fleet.Yield(7, 400);
            string[] workers = Start(fleet, 2);
            fleet.Run(120);
            fleet.Start("joiner");
            workers = [.. workers, "joiner"];
            AssertGetsLevel(fleet, workers);
            AssertComesToRest(fleet);
            fleet.AssertHandledOnce();
        }
    }

    [Theory]
    [InlineData(30)]
    [InlineData(60)]
    public void What_comes_in_bursts_moves_nothing_to_and_fro(int seconds)
    {
        const int seeds = 8;
        List<int> moved = [];
        for (int seed = 0; seed < seeds; seed++)
        {
            using var fleet = new LoadedFleet(Shards, seed) { Balancing = LeaseBalancing.Throughput };
            for (int i = 0; i < Shards; i++)
            {
                // each shard at times of its own
                double late = new Random((seed * Shards) + i).NextDouble() * 2 * seconds;
                fleet.Yield(i, now => (now.TotalSeconds + late) % (2 * seconds) < seconds ? 200 : 20);
            }

            string[] workers = Start(fleet, 3);
            fleet.Run(300);
            int takes = fleet.Costs.Takes;
            fleet.Run(600);
            output.WriteLine($"{fleet.Costs.Takes - takes} takes in 10 minutes");
            moved.Add(fleet.Costs.Takes - takes);
            fleet.AssertHandledOnce();
        }

        // yields are smoothed over about a minute, so bursts of a minute show through a little: one fleet in six moves some leases for them
        Assert.InRange(moved.Count(static takes => takes > 0), 0, seeds / 2);
        Assert.InRange(moved.Average(), 0, 3);
    }

    private static void YieldAll(LoadedFleet fleet, double rate)
    {
        for (int i = 0; i < Shards; i++)
        {
            fleet.Yield(i, rate);
        }
    }

    private static string[] Start(LoadedFleet fleet, int workers) =>
        [.. Enumerable.Range(0, workers).Select(i => fleet.Start($"worker-{i}").Name)];

    private static IEnumerable<int> HeldBy(LoadedFleet fleet, string worker) =>
        fleet.HeldBy(worker).Order(StringComparer.Ordinal)
            .Select(static shard => int.Parse(shard.AsSpan("shardId-".Length), CultureInfo.InvariantCulture));

    private bool IsLevel(LoadedFleet fleet, string[] workers)
    {
        const double seconds = 30;
        output.WriteLine(Loads(fleet, workers));
        return workers.Max(worker => fleet.Load(worker, seconds)) <= Tolerance * fleet.FairLoad(workers.Length, seconds);
    }

    private static string Loads(LoadedFleet fleet, string[] workers) => string.Create(
        CultureInfo.InvariantCulture,
        $"{fleet.Time.Now.TotalSeconds:F0} s: "
            + $"{string.Join(" ", workers.Select(worker => $"{fleet.Load(worker, 30):F0} ({fleet.HeldBy(worker).Length})"))}, "
            + $"fair {fleet.FairLoad(workers.Length, 30):F0}, {fleet.Costs.Takes} takes, {fleet.Costs.Requests} requests");

    private static string Describe(LoadedFleet fleet, string[] workers) => $"{Loads(fleet, workers)}\n{fleet.Describe()}";

    private void AssertGetsLevel(LoadedFleet fleet, string[] workers)
    {
        fleet.Run(LevelSeconds);
        Assert.True(IsLevel(fleet, workers), Describe(fleet, workers));
    }

    /// <summary>Asserts that no lease moves any more.</summary>
    private static void AssertComesToRest(LoadedFleet fleet)
    {
        fleet.Run(RestSeconds);
        int takes = fleet.Costs.Takes;
        int requests = fleet.Costs.Requests;
        fleet.Run(300);
        Assert.True((takes, requests) == (fleet.Costs.Takes, fleet.Costs.Requests), fleet.Describe());
    }
}

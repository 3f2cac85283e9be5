namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>What lease coordination promises, measured in virtual time.</summary>
public sealed class FleetTests(ITestOutputHelper output)
{
    [Fact]
    public void Ten_workers_on_a_thousand_leases_read_less_than_60_units_a_second()
    {
        using var fleet = new VirtualFleet(1000, TimeSpan.FromSeconds(10));
        fleet.Settle(10);
        double read = fleet.Costs.ReadUnits;
        int takes = fleet.Costs.Takes;
        int lists = fleet.Costs.Lists;
        fleet.Run(120);

        output.WriteLine($"{(fleet.Costs.ReadUnits - read) / 120:F1} units/s, {fleet.Costs.Lists - lists} lists in 120 s");
        Assert.InRange((fleet.Costs.ReadUnits - read) / 120, 1, 60);
        Assert.Equal(takes, fleet.Costs.Takes);
    }

    [Theory]
    [InlineData(1, 0.05)]
    [InlineData(12, 0.05)]
    // a list of so many leases has its price: the next one waits for it
    [InlineData(100, 0.2)]
    public void A_fresh_application_reads_its_shards_at_once(int shards, double most)
    {
        List<double> times = [];
        for (int seed = 0; seed < 10; seed++)
        {
            using var fleet = new VirtualFleet(shards, TimeSpan.FromSeconds(10), seed);
            fleet.Start("worker");
            fleet.Run(1);
            times.AddRange(fleet.SecondsUntilRead(fleet.Shards.Select(static shard => shard.ShardId), TimeSpan.Zero));
        }

        Report($"start, {shards} leases", times);
        Assert.InRange(times.Max(), 0, most);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(12, 3)]
    [InlineData(1000, 10)]
    public void A_graceful_stop_passes_leases_on_within_a_second(int shards, int workers)
    {
        List<double> times = [];
        for (int seed = 0; seed < (shards > 100 ? 2 : 10); seed++)
        {
            using var fleet = new VirtualFleet(shards, TimeSpan.FromSeconds(10), seed);
            VirtualWorker[] all = fleet.Settle(workers);
            VirtualWorker leaver = all.First(worker => fleet.HeldBy(worker.Name).Length > 0);
            string[] passed = fleet.HeldBy(leaver.Name);
            TimeSpan since = fleet.Time.Now;
            Task stop = leaver.BeginStop(fleet);
            fleet.Run(30, () => stop.IsCompleted && fleet.IsEven(workers - 1));
            Assert.True(stop.IsCompletedSuccessfully, fleet.Describe());
            Assert.True(fleet.IsEven(workers - 1), fleet.Describe());
            // what was taken last is read a moment later
            fleet.Run(3);
            times.AddRange(fleet.SecondsUntilRead(passed, since));
        }

        Report($"stop, {shards} leases", times);
        Assert.InRange(Median(times), 0, 1);
        Assert.InRange(times.Max(), 0, 3);
    }

    [Theory]
    [InlineData(12, 3)]
    [InlineData(1000, 10)]
    public void A_worker_that_joins_is_given_its_share_at_once(int shards, int workers)
    {
        List<double> times = [];
        for (int seed = 0; seed < (shards > 100 ? 2 : 10); seed++)
        {
            using var fleet = new VirtualFleet(shards, TimeSpan.FromSeconds(10), seed);
            fleet.Settle(workers);
            int takes = fleet.Costs.Takes;
            TimeSpan since = fleet.Time.Now;
            VirtualWorker joiner = fleet.Start("joiner");
            fleet.Run(60, () => fleet.IsEven(workers + 1));

            Assert.True(fleet.IsEven(workers + 1), fleet.Describe());
            fleet.Run(30);
            string[] given = fleet.HeldBy(joiner.Name);
            // each moved once, and none for nothing
            Assert.InRange(fleet.Costs.Takes - takes, given.Length, given.Length + 1);
            times.AddRange(fleet.SecondsUntilRead(given, since));
        }

        Report($"join, {shards} leases", times);
        Assert.InRange(Median(times), 0, 1);
    }

    [Theory]
    [InlineData(12, 3, 10, 12)]
    [InlineData(12, 3, 3, 4)]
    // a worker is dead when each of its rows has stood still for 0.9 durations: a large table, which is listed seldom, tells that by two
    // lists
    [InlineData(1000, 10, 10, 15)]
    [InlineData(1000, 10, 3, 4)]
    public void The_leases_of_a_worker_that_is_killed_are_taken_over_in_time(int shards, int workers, int leaseSeconds, double most)
    {
        List<double> times = [];
        for (int seed = 0; seed < (shards > 100 ? 7 : 15); seed++)
        {
            using var fleet = new VirtualFleet(shards, TimeSpan.FromSeconds(leaseSeconds), seed);
            VirtualWorker[] all = fleet.Settle(workers);
            fleet.Run(new Random(seed).NextDouble() * 3 * leaseSeconds);
            string[] orphaned = fleet.HeldBy(all[1].Name);
            TimeSpan since = fleet.Time.Now;
            all[1].Kill();
            fleet.Run(6 * leaseSeconds, () => fleet.IsEven(workers - 1));

            Assert.True(fleet.IsEven(workers - 1), fleet.Describe());
            times.AddRange(fleet.SecondsUntilRead(orphaned, since));
            // it costs the others nothing
            Assert.All(fleet.Logged.Of(2301), entry => Assert.StartsWith(all[1].Name, entry.Message, StringComparison.Ordinal));
        }

        Report($"kill, {shards} leases of {leaseSeconds} s", times);
        Assert.InRange(Median(times), 0, most);
        Assert.InRange(times.Max(), 0, 2 * most);
    }

    [Fact]
    public void Two_that_join_at_once_and_one_that_dies_after_asking_starve_nobody()
    {
        for (int seed = 0; seed < 10; seed++)
        {
            using var fleet = new VirtualFleet(30, TimeSpan.FromSeconds(10), seed);
            fleet.Settle(2);
            fleet.Start("joiner-1");
            VirtualWorker dying = fleet.Start("joiner-2");
            int requests = fleet.Costs.Requests;
            fleet.Run(10, () => fleet.Costs.Requests > requests + 3);
            dying.Kill();
            fleet.Run(60, () => fleet.IsEven(3));

            Assert.True(fleet.IsEven(3), fleet.Describe());
        }
    }

    [Fact]
    public void Workers_that_stop_at_once_leave_nothing_to_each_other()
    {
        for (int seed = 0; seed < 10; seed++)
        {
            using var fleet = new VirtualFleet(30, TimeSpan.FromSeconds(10), seed);
            VirtualWorker[] all = fleet.Settle(3);
            Task stop = Task.WhenAll(all.Select(worker => worker.BeginStop(fleet)));
            fleet.Run(20, () => stop.IsCompleted);

            Assert.True(stop.IsCompletedSuccessfully, fleet.Describe());
            Assert.All(fleet.Rows, row => Assert.True(row.LeaseOwner is null, fleet.Describe()));
        }
    }

    [Fact]
    public void A_rolling_restart_loses_no_time()
    {
        List<double> times = [];
        using var fleet = new VirtualFleet(60, TimeSpan.FromSeconds(10));
        VirtualWorker[] all = fleet.Settle(4);
        for (int i = 0; i < all.Length; i++)
        {
            fleet.Start($"new-{i}");
            fleet.Run(5);
            string[] passed = fleet.HeldBy(all[i].Name);
            TimeSpan since = fleet.Time.Now;
            Task stop = all[i].BeginStop(fleet);
            fleet.Run(5);
            Assert.True(stop.IsCompletedSuccessfully, fleet.Describe());
            times.AddRange(fleet.SecondsUntilRead(passed, since));
        }

        fleet.Run(30, () => fleet.IsEven(4));
        Assert.True(fleet.IsEven(4), fleet.Describe());
        Report("rolling restart", times);
        Assert.InRange(Median(times), 0, 1);
        Assert.InRange(times.Max(), 0, 3);
    }

    private static double Median(List<double> times) => times.Order().ElementAt(times.Count / 2);

    private void Report(string what, List<double> times) =>
        output.WriteLine(
            $"{what}: median {Median(times):F2} s, 90 % {times.Order().ElementAt(times.Count * 9 / 10):F2} s, longest {times.Max():F2} s");
}

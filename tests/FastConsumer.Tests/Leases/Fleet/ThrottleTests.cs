using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>What is said of a table that takes fewer writes than it is sent.</summary>
public sealed class ThrottleTests(ITestOutputHelper output)
{
    [Fact]
    public void A_line_now_and_then_tells_of_all_shards_that_wait()
    {
        const int shards = 100;
        using var fleet = new LoadedFleet(shards) { CheckpointInterval = TimeSpan.FromSeconds(1) };
        for (int i = 0; i < shards; i++)
        {
            fleet.Yield(i, 4);
        }

        fleet.Costs.IsSilent = true;
        fleet.Start("a");
        fleet.Run(10, () => fleet.HeldBy("a").Length == shards);
        // enough to renew 100 leases of 10 s, which takes 20 a second, and a quarter of what their checkpoints ask for
        fleet.Costs.WriteUnits = 25;
        fleet.Run(300);

        LogEntry[] lines = [.. fleet.Logged.Of(2203)];
        output.WriteLine($"{fleet.Costs.ThrottledWrites} writes throttled: {string.Join('\n', lines.Select(static line => line.Message))}");
        Assert.True(fleet.Costs.ThrottledWrites > 50, "Nothing was throttled: the test says nothing.");
        Assert.InRange(lines.Length, 1, 300 / 30);
        Assert.All(lines, static line => Assert.Matches(
            "throttles a: [0-9]+ of its 100 leases wait to be written, the longest for 00:00:[0-9.]+", line.Message));
        Assert.DoesNotContain(
            fleet.Logged.Entries, static entry => entry.Error is FastConsumer.Leases.LeaseStoreException { IsThrottled: true });
        Assert.Empty(fleet.Logged.Of(2200));
        Assert.Empty(fleet.Logged.Of(2301));
        fleet.AssertHandledOnce();
    }

    /// <summary>Creates, takes and requests are throttled too, pass after pass: what was taken meanwhile is renewed all the same.</summary>
    [Theory]
    [InlineData(false, 50, false)]
    [InlineData(false, 50, true)]
    [InlineData(true, 60, false)]
    [InlineData(true, 60, true)]
    public void A_fleet_that_starts_on_a_small_table_loses_no_lease(bool isSilent, int writeUnits, bool oneByOne)
    {
        // they need 40 write units a second to be renewed
        const int shards = 200;
        const int workers = 10;
        using var fleet = new VirtualFleet(shards, TimeSpan.FromSeconds(10));
        fleet.Costs.IsSilent = isSilent;
        fleet.Costs.WriteUnits = writeUnits;
        for (int i = 0; i < workers; i++)
        {
            fleet.Start($"worker-{i:D2}");
            if (oneByOne)
            {
                // what it finds first are leases of others
                fleet.Run(60, () => fleet.IsEven(i + 1));
            }
        }

        fleet.Run(300, () => fleet.IsEven(workers));
        TimeSpan even = fleet.Time.Now;
        fleet.Run(300);

        output.WriteLine($"even after {even}, {fleet.Costs.Writes} writes, {fleet.Costs.ThrottledWrites} throttled");
        Assert.True(fleet.Costs.ThrottledWrites > 100, "Hardly anything was throttled: the test says nothing.");
        Assert.True(fleet.IsEven(workers), fleet.Describe());
        LogEntry[] lost = [.. fleet.Logged.Of(2301)];
        Assert.True(
            lost.Length == 0, $"{lost.Length} leases were lost: {string.Join('\n', lost.Take(5).Select(static line => line.Message))}");
    }
}

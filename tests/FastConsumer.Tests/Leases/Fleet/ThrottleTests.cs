using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>What is said of a table that takes fewer writes than it is sent.</summary>
public sealed class ThrottleTests(ITestOutputHelper output)
{
    [Fact]
    public void A_line_now_and_then_tells_of_all_shards_that_wait()
    {
        const int shards = 100;
        using var fleet = new LoadedFleet(shards) { CheckpointInterval = TimeSpan.FromSeconds(2) };
        for (int i = 0; i < shards; i++)
        {
            fleet.Yield(i, 4);
        }

        // enough to renew 100 leases of 10 s, which takes 20 a second, and half of what their checkpoints ask for
        fleet.Costs.IsSilent = true;
        fleet.Costs.WriteUnits = 25;
        fleet.Start("a");
        fleet.Run(300);

        LogEntry[] lines = [.. fleet.Logged.Of(2203)];
        output.WriteLine($"{fleet.Costs.ThrottledWrites} writes throttled: {string.Join('\n', lines.Select(static line => line.Message))}");
        Assert.True(fleet.Costs.ThrottledWrites > 50, "Nothing was throttled: the test says nothing.");
        Assert.InRange(lines.Length, 1, 300 / 30);
        Assert.All(lines, static line => Assert.Matches("throttles a: [0-9]+ of its 100 shards wait .* the longest for 00:00:[0-9.]+", line.Message));
        Assert.DoesNotContain(fleet.Logged.Entries, static entry => entry.Error is FastConsumer.Leases.LeaseStoreException { IsThrottled: true });
        Assert.Empty(fleet.Logged.Of(2200));
        Assert.Empty(fleet.Logged.Of(2301));
        fleet.AssertHandledOnce();
    }
}

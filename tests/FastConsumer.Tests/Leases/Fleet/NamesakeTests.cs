using FastConsumer.Diagnostics;
using FastConsumer.Leases;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>Processes that were given the same WorkerId, as three replicas with one settings file.</summary>
public sealed class NamesakeTests
{
    [Fact]
    public void The_one_that_started_last_has_the_leases_and_the_other_says_why_it_has_none()
    {
        using var fleet = new VirtualFleet(12, TimeSpan.FromSeconds(10));
        fleet.Start("same");
        fleet.Run(30, () => fleet.IsEven(1));
        string[] first = [.. fleet.Rows.Select(ProcessOf).Distinct()];
        int takes = fleet.Costs.Takes;
        VirtualWorker second = fleet.Start("same");
        fleet.Run(60);

        // each lease moved once, and stays
        Assert.Equal(12, fleet.Costs.Takes - takes);
        Assert.All(fleet.Rows, row => Assert.DoesNotContain(ProcessOf(row), first));
        Assert.Equal(12, fleet.Logged.Of(2301).Count());
        LogEntry told = Assert.Single(fleet.Logged.Of(2331));
        Assert.Equal(LogLevel.Error, told.Level);
        Assert.Contains("'same'", told.Message, StringComparison.Ordinal);
        Assert.Equal(["FCF4001", "FCF4004"], fleet.Findings.Current.Select(static finding => finding.Id).Order());
        Finding condition = fleet.Findings.Current[0];
        Assert.Equal(FindingSeverity.Unhealthy, condition.Severity);
        Assert.Contains("WorkerId 'same'", condition.Message, StringComparison.Ordinal);
        Assert.Contains("Do not set FastConsumer:WorkerId", condition.Message, StringComparison.Ordinal);

        // what it keeps off it takes over when the other dies, right after it has renewed its leases
        long written = fleet.Rows.Sum(static row => row.LeaseCounter);
        fleet.Run(10, () => fleet.Rows.Sum(static row => row.LeaseCounter) != written);
        TimeSpan since = fleet.Time.Now;
        second.Kill();
        // a dead process reports nothing either
        second.Worker.Abandon();
        fleet.Run(40, () => fleet.Rows.All(row => first.Contains(ProcessOf(row))));
        Assert.All(fleet.Rows, row => Assert.Contains(ProcessOf(row), first));
        Assert.InRange((fleet.Time.Now - since).TotalSeconds, 9.9, 25);
        // the losses are shown for ten minutes
        fleet.Run(660);
        Assert.Empty(fleet.Findings.Current);
    }

    [Fact]
    public void One_that_stops_takes_nothing_from_the_other()
    {
        using var fleet = new VirtualFleet(12, TimeSpan.FromSeconds(10));
        VirtualWorker first = fleet.Start("same");
        fleet.Run(30, () => fleet.IsEven(1));
        fleet.Start("same");
        fleet.Run(60);
        int takes = fleet.Costs.Takes;
        Task stop = first.BeginStop(fleet);
        fleet.Run(30);

        Assert.True(stop.IsCompletedSuccessfully, fleet.Describe());
        Assert.Equal(takes, fleet.Costs.Takes);
        Assert.Equal(12, fleet.HeldBy("same").Length);
    }

    [Fact]
    public void Three_do_not_take_the_leases_from_each_other_for_ever()
    {
        using var fleet = new VirtualFleet(12, TimeSpan.FromSeconds(10));
        for (int i = 0; i < 3; i++)
        {
            fleet.Start("same");
            fleet.Run(0.2);
        }

        fleet.Run(120);
        int takes = fleet.Costs.Takes;
        fleet.Run(120);
        Assert.Equal(takes, fleet.Costs.Takes);
        Assert.Single(fleet.Rows.Select(ProcessOf).Distinct());
        Assert.NotEmpty(fleet.Logged.Of(2331));
    }

    [Theory]
    [InlineData(30)]
    [InlineData(3)]
    public void One_that_has_none_keeps_off_those_of_a_third_and_of_one_that_was_started_again(double secondsBetween)
    {
        using var fleet = new VirtualFleet(12, TimeSpan.FromSeconds(10));
        fleet.Start("same");
        fleet.Run(30, () => fleet.IsEven(1));
        VirtualWorker second = fleet.Start("same");
        fleet.Run(secondsBetween);
        second.Kill();
        fleet.Run(1);
        // the second again, and a third: each takes all once, and nobody takes them back
        foreach (int _ in new[] { 0, 1 })
        {
            int takes = fleet.Costs.Takes;
            fleet.Start("same");
            fleet.Run(Math.Max(secondsBetween, 15));
            Assert.Equal(12, fleet.Costs.Takes - takes);
            Assert.Single(fleet.Rows.Select(ProcessOf).Distinct());
        }

        int settled = fleet.Costs.Takes;
        fleet.Run(120);
        Assert.Equal(settled, fleet.Costs.Takes);
    }

    [Fact]
    public void One_that_stops_before_it_has_noticed_takes_nothing_from_the_other()
    {
        using var fleet = new VirtualFleet(12, TimeSpan.FromSeconds(10));
        VirtualWorker first = fleet.Start("same");
        fleet.Run(30, () => fleet.IsEven(1));
        fleet.Start("same");
        fleet.Run(20, () => fleet.Rows.Select(ProcessOf).Distinct().Count() == 1 && fleet.Costs.Takes >= 24);
        Task stop = first.BeginStop(fleet);
        int takes = fleet.Costs.Takes;
        fleet.Run(30);

        Assert.True(stop.IsCompletedSuccessfully, fleet.Describe());
        Assert.Equal(takes, fleet.Costs.Takes);
        Assert.Equal(12, fleet.HeldBy("same").Length);
    }

    [Fact]
    public void One_that_is_started_again_has_its_leases_back_at_once_and_nothing_is_said()
    {
        using var fleet = new VirtualFleet(12, TimeSpan.FromSeconds(10));
        VirtualWorker first = fleet.Start("same");
        fleet.Run(30, () => fleet.IsEven(1));
        string[] shards = fleet.HeldBy("same");
        first.Kill();
        TimeSpan since = fleet.Time.Now;
        fleet.Start("same");
        fleet.Run(60);

        Assert.InRange(fleet.SecondsUntilRead(shards, since).Max(), 0, 1);
        Assert.Empty(fleet.Logged.Of(2331));
    }

    /// <summary>The process that took a lease last: its session without the take's epoch.</summary>
    private static string ProcessOf(Lease row) => row.Session![..row.Session!.LastIndexOf('/')];
}

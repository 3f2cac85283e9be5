namespace FastConsumer.Simulation.Tests;

/// <summary>The seeds come to what aggregates are simulated for; <see cref="SeedTests"/> judges it.</summary>
public sealed class AggregateTests
{
    private const int Seeds = 60;

    [Fact]
    public void About_a_third_of_the_seeds_has_aggregates() =>
        Assert.InRange(Enumerable.Range(1, 3000).Count(static seed => Scenario.Of(seed).Aggregates), 900, 1100);

    [Fact]
    public void Leases_are_taken_inside_aggregates_and_records_of_other_shards_are_left_out()
    {
        int takes = 0;
        Dictionary<ForeignRecords, int> leftOut = [];
        foreach (Scenario scenario in Enumerable.Range(1, Seeds).Select(Scenario.Of).Where(static scenario => scenario.Aggregates))
        {
            RunResult result = SimulatedRun.Execute(scenario);
            Assert.True(result.Failure is null, SimulatedRun.Describe(scenario, result));
            takes += result.TakesInside;
            leftOut[scenario.ForeignRecords] = leftOut.GetValueOrDefault(scenario.ForeignRecords) + result.LeftOut;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{takes} takes inside; left out: {string.Join(", ", leftOut)}.");
        Assert.True(takes > 0);
        Assert.True(leftOut[ForeignRecords.Auto] > 0);
        Assert.True(leftOut[ForeignRecords.LeaveOut] > 0);
        Assert.Equal(0, leftOut[ForeignRecords.Deliver]);
    }
}

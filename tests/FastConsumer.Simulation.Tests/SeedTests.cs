namespace FastConsumer.Simulation.Tests;

/// <summary>Many seeds: docs/simulation.md says what each one goes through and what must hold.</summary>
public sealed class SeedTests
{
    private const int Seeds = 200;

    public static TheoryData<int, int> Ranges() => ManySeeds.Ranges(Seeds);

    /// <summary>Each of these seeds has failed once, and stands for a fault that was mended.</summary>
    [Theory]
    // what was seen of a former owner outlived the time in which this worker had the lease
    [InlineData(700339)]
    [InlineData(802247)]
    // a worker that asked for a lease was held for dead
    [InlineData(809864)]
    // the pace of writes held up the last checkpoint of a stop
    [InlineData(805741)]
    // a stop ended before the pages of runs that were given up were returned
    [InlineData(5001658)]
    [InlineData(5013516)]
    [InlineData(5016339)]
    // a list that lagged behind brought back the row before a take of this worker's, whose epoch then came again
    [InlineData(9013729)]
    public void What_failed_once_holds(int seed) => ManySeeds.Holds(Scenario.Of(seed));

    [Theory]
    [MemberData(nameof(Ranges))]
    public void Whatever_happens_nothing_is_lost_and_everybody_recovers(int first, int count) =>
        ManySeeds.AllHold(first, count, Scenario.Of);
}

using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>The seeds once more, with operators: docs/simulation.md says what they do and what must hold.</summary>
public sealed class OperatorSeedTests
{
    private const int Seeds = 100;

    public static TheoryData<int, int> Ranges() => ManySeeds.Ranges(Seeds);

    /// <summary>Each of these seeds has failed once, and stands for a fault that was mended.</summary>
    [Theory]
    // an operator's write whose answer was lost was made again, at the next owner's cost
    [InlineData(11)]
    [InlineData(82)]
    // two calls under one name took each other's requests for their own, and the owner had no time to hand over
    [InlineData(39)]
    // the run of a paused shard failed to dispose of what it never had
    [InlineData(55)]
    // a shard with two records that stop it stopped at either, whichever was decided about
    [InlineData(1465)]
    [InlineData(1794)]
    // leases were created at the time that another had been reset to
    [InlineData(480)]
    public void What_failed_once_holds(int seed) => ManySeeds.Holds(Scenario.Of(seed).WithOperators());

    [Theory]
    [MemberData(nameof(Ranges))]
    public void Whatever_operators_do_nothing_is_lost_that_they_did_not_name(int first, int count)
    {
        IReadOnlyCollection<RunResult> results = ManySeeds.AllHold(first, count, static seed => Scenario.Of(seed).WithOperators());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{string.Join(", ", Enum.GetValues<OperatorDeed>().Select(deed =>
                $"{deed} {results.Sum(run => run.Deeds.GetValueOrDefault(deed))}"))}, "
                + $"{results.Sum(static run => run.LeftOutByDecision)} records left out, "
                + $"{results.Sum(static run => run.TakenAway)} leases taken away.");
        if (count >= Seeds)
        {
            // each of them happens, or the seeds show nothing about it
            Assert.All(
                Enum.GetValues<OperatorDeed>(),
                deed => Assert.Contains(results, run => run.Deeds.GetValueOrDefault(deed) > 0));
            Assert.Contains(results, static run => run.LeftOutByDecision > 0);
            Assert.Contains(results, static run => run.TakenAway > 0);
        }
    }
}

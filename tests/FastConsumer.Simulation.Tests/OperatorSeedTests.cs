using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>The seeds once more, with operators: docs/simulation.md says what they do and what must hold.</summary>
public sealed class OperatorSeedTests
{
    private const int Seeds = 100;

    public static TheoryData<int, int> Ranges() => ManySeeds.Ranges(Seeds);

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
            Assert.All(Enum.GetValues<OperatorDeed>(), deed => Assert.True(results.Any(run => run.Deeds.GetValueOrDefault(deed) > 0), $"{deed}"));
            Assert.True(results.Any(static run => run.LeftOutByDecision > 0));
            Assert.True(results.Any(static run => run.TakenAway > 0));
        }
    }
}

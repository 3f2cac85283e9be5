namespace FastConsumer.Simulation.Tests;

/// <summary>Many seeds in which the sink keeps the positions, in the transactions of what handlers write.</summary>
public sealed class SinkSeedTests
{
    private const int Seeds = 200;

    public static TheoryData<int, int> Ranges() => ManySeeds.Ranges(Seeds);

    [Theory]
    [MemberData(nameof(Ranges))]
    public void Each_effect_is_there_once_whatever_happens(int first, int count)
    {
        IReadOnlyCollection<RunResult> results = ManySeeds.AllHold(first, count, static seed => Scenario.Of(seed).WithSink());

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{results.Sum(static run => run.Commits)} transactions with {results.Sum(static run => run.Effects)} effects, "
                + $"{results.Sum(static run => run.RefusedCommits)} refused.");
        Assert.True(count < 100 || results.Sum(static run => run.RefusedCommits) > 0, "No sink has refused a transaction.");
    }
}

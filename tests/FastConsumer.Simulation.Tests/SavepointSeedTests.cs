using FastConsumer.Savepoints;
using FastConsumer.Simulation.Tests.Planted;

namespace FastConsumer.Simulation.Tests;

/// <summary>Many seeds in which savepoints are made of a cluster that lives.</summary>
public sealed class SavepointSeedTests
{
    private const int Seeds = 40;

    public static TheoryData<int, int> Ranges() => ManySeeds.Ranges(Seeds);

    [Theory]
    [MemberData(nameof(Ranges))]
    public void A_savepoint_is_the_fold_of_exactly_the_records_that_its_positions_cover(int first, int count)
    {
        IReadOnlyCollection<RunResult> results = ManySeeds.AllHold(first, count, static seed => Scenario.Of(seed).WithSavepoints());

        (int made, int inherited, int failed) = (
            results.Sum(static run => run.Savepoints.Made),
            results.Sum(static run => run.Savepoints.Inherited),
            results.Sum(static run => run.Savepoints.Failed));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{made} savepoints, with {inherited} shards that had not taken over their parents' state; {failed} were not made.");
        Assert.True(made >= count, "Some seeds made no savepoint.");
        Assert.True(count < 40 || inherited > 0, "No savepoint was made in the midst of a split or merge.");
        Assert.True(count < 10 || failed > 0, "Nothing has ever disturbed one.");
    }

    [Fact]
    public void Rows_that_no_table_ever_had_are_found()
    {
        var bug = new SavepointBug(SavepointStore.Rules.OneTable);
        for (int seed = 1; seed <= 200; seed++)
        {
            if (SimulatedRun.Execute(Scenario.Of(seed).WithSavepoints(), bug).Failure is { } failure)
            {
                Assert.Contains("a copy is of one table", failure.Message, StringComparison.Ordinal);
                return;
            }
        }

        Assert.Fail("No seed has found it.");
    }
}

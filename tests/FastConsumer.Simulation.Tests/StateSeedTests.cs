namespace FastConsumer.Simulation.Tests;

/// <summary>Many seeds in which the processor keeps state.</summary>
public sealed class StateSeedTests
{
    private const int Seeds = 60;

    public static TheoryData<int, int> Ranges() => ManySeeds.Ranges(Seeds);

    [Theory]
    [MemberData(nameof(Ranges))]
    public void A_named_snapshot_is_the_fold_of_exactly_the_records_that_it_covers(int first, int count)
    {
        IReadOnlyCollection<RunResult> results = ManySeeds.AllHold(first, count, static seed => Scenario.Of(seed).WithState());

        int all = results.Sum(static run => run.Snapshots.All);
        int ofChildren = results.Sum(static run => run.Snapshots.OfChildren);
        int withRuns = results.Sum(static run => run.Snapshots.WithRuns);
        int met = results.Sum(static run => run.MetKeys);
        int swept = results.Sum(static run => run.Swept);
        TestContext.Current.TestOutputHelper?.WriteLine($"{swept} sweeps have deleted something.");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{all} snapshots, of which {ofChildren} were the first ones of children, and {withRuns} had runs; {met} times a key was in "
                + "both of two parents.");
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{results.Sum(static run => run.Commits)} transactions with {results.Sum(static run => run.Effects)} outputs, "
                + $"{results.Sum(static run => run.RefusedCommits)} refused; {results.Sum(static run => run.Outputs.WithRuns)} rows of the "
                + $"sink had runs, {results.Sum(static run => run.Outputs.Ahead)} snapshots were behind the sink, "
                + $"{results.Sum(static run => run.Outputs.Full)} transactions were full.");
        Assert.True(count < 10 || results.Sum(static run => run.Outputs.Full) > 0, "No transaction was ever full.");
        Assert.True(count < 100 || results.Sum(static run => run.RefusedCommits) > 0, "No sink has refused a transaction.");
        Assert.True(count < 10 || results.Sum(static run => run.Outputs.WithRuns) > 0, "No row of a sink had runs.");
        Assert.True(count < 100 || ofChildren > 0, "No shard with state was ever divided.");
        Assert.True(count < 100 || met > 0, "No key was ever in two shards that were merged.");
        Assert.True(count < 10 || swept > 0, "No sweep has ever deleted anything.");
        Assert.True(count < 10 || withRuns > 0, "No record was ever done before an earlier one.");
    }

    /// <summary>A few seeds have batches otherwise: their outputs may be about several records.</summary>
    [Fact]
    public void An_output_about_a_batch_is_about_records_that_no_other_is_about() =>
        ManySeeds.AllHold(1, 10, static seed => Scenario.Of(seed).WithOutputBatches());
}

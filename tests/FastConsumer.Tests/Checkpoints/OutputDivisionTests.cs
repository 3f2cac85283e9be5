using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Processors;

namespace FastConsumer.Tests.Checkpoints;

/// <summary>Parts of what was cut off, for sinks that take few values in one transaction.</summary>
public sealed class OutputDivisionTests
{
    private static readonly ShardContext s_shard = new("P", "tests", "stream", "shardId-000000000000", 1);

    [Fact]
    public void What_fits_stays_whole()
    {
        OutputCut cut = Cut(DoneRuns.None, 3, [Value("a", 1), Value("b", 3)]);
        Assert.Same(cut, Assert.Single(OutputDivision.Of(cut, 2)));
    }

    [Fact]
    public void Parts_end_between_records_and_the_last_one_says_all()
    {
        // 5 is done, and so are 8 and 9 behind 6, which is not
        OutputCut cut = Cut(
            Runs((8, 9)),
            5,
            [Value("a", 1), Value("b", 1), Value("e", 9), Value("d", 8)],
            [Value("c", 2)]);

        IReadOnlyList<OutputCut> parts = OutputDivision.Of(cut, 3);

        Assert.Equal(["a b c to 2", "d e to 5 and 8-9"], parts.Select(Text));
        Assert.Equal(["a b to 1", "c to 2", "d to 5 and 8-8", "e to 5 and 8-9"], OutputDivision.Of(cut, 1).Select(Text));
    }

    [Fact]
    public void No_part_ends_inside_a_batch_also_where_its_calls_have_other_records_between()
    {
        var first = new OutputBatch(At(4));
        var second = new OutputBatch(At(7));
        OutputCut cut = Cut(
            DoneRuns.None,
            7,
            [Value("a", 1, first), Value("c", 3, first), Value("b", 2, first), Value("d", 5, second), Value("e", 6, second)]);

        Assert.Equal(["a b c to 4", "d e to 7"], OutputDivision.Of(cut, 4).Select(Text));
        Assert.Equal(["a b c to 4", "d e to 7"], OutputDivision.Of(cut, 1).Select(Text));
    }

    [Fact]
    public void A_batch_that_is_done_in_part_is_not_said_to_be_done()
    {
        // 2 failed, and runs again
        var batch = new OutputBatch(At(4));
        OutputCut cut = Cut(Runs((3, 4), (6, 6)), 1, [Value("a", 1, batch), Value("c", 3, batch), Value("f", 6)]);

        Assert.Equal(["a c to 1 and 3-4", "f to 1 and 3-4 6-6"], OutputDivision.Of(cut, 2).Select(Text));
    }

    [Fact]
    public void A_value_is_left_out_by_its_place_among_all()
    {
        OutputCut cut = Cut(Runs((8, 8)), 5, [Value("a", 1), Value("b", 2)], [Value("c", 8)]);

        Assert.Equal("a c to 5 and 8-8", Text(OutputDivision.Without(cut, 1)));
        Assert.Equal("a b to 5 and 8-8", Text(OutputDivision.Without(cut, 2)));
        Assert.Throws<ArgumentOutOfRangeException>(() => OutputDivision.Without(cut, 3));
    }

    /// <summary>Whatever was cut off: after each part, the row says exactly the done records whose values are there.</summary>
    [Fact]
    public void Each_part_says_records_of_which_all_values_are_there()
    {
        for (int seed = 1; seed <= 500; seed++)
        {
            var random = new Random(seed);
            int records = random.Next(1, 40);
            int passed = random.Next(0, records);
            List<int> done = [.. Enumerable.Range(1, records).Where(record => record <= passed || random.Next(2) == 0)];
            List<Positioned<string>>[] values = [[], []];
            OutputBatch? batch = null;
            foreach (int record in done)
            {
                batch = random.Next(3) == 0 ? new OutputBatch(At(Math.Min(records, record + random.Next(3))))
                    : batch is not null && At(record) <= batch.Last ? batch
                    : null;
                for (int i = random.Next(4); i > 0; i--)
                {
                    values[random.Next(2)].Add(Value($"{record}.{i}", record, batch));
                }
            }

            DoneRuns runs = Runs([.. done.Where(record => record > passed).Select(static record => (record, record))]);
            OutputCut cut = Cut(runs, passed, values);
            int most = random.Next(1, 8);
            List<string> there = [];
            foreach (OutputCut part in OutputDivision.Of(cut, most))
            {
                there.AddRange(ValuesOf(part).Select(static value => value.Value));
                string[] said = [.. values.SelectMany(static some => some).Where(value => Says(part, value.Position))
                    .Select(static value => value.Value)];
                Assert.True(said.Order().SequenceEqual(there.Order()), $"seed {seed}: {Text(part)}");
                // a record or a batch may have more
                Assert.True(
                    part.Count <= most || ValuesOf(part).Any(static value => value.Batch is not null)
                        || ValuesOf(part).DistinctBy(static value => value.Position).Count() == 1,
                    $"seed {seed}: {Text(part)}");
            }

            Assert.Equal(values.Sum(static some => some.Count), there.Count);
            Assert.True(OutputDivision.Of(cut, most)[^1].IsOfSameRecords(cut), $"seed {seed}");
        }
    }

    private static bool Says(OutputCut part, CheckpointPosition position) => position <= part.Position || part.Runs.Contains(position);

    private static CheckpointPosition At(int record) => CheckpointPosition.At(SequenceNumber.Parse($"{record}"));

    private static DoneRuns Runs(params (int First, int Last)[] runs) =>
        DoneRuns.Of(runs.Select(static run => (At(run.First), At(run.Last))));

    private static Positioned<string> Value(string value, int record, OutputBatch? batch = null) =>
        new(s_shard, "rows", At(record), 0, value, batch);

    private static OutputCut Cut(DoneRuns runs, int position, params IReadOnlyList<Positioned<string>>[] outputs) => new(
        [.. outputs.Select(static some =>
        {
            var values = new OutputValues<string>();
            values.Add([.. some]);
            return values;
        })],
        At(position),
        runs);

    private static IEnumerable<Positioned<string>> ValuesOf(OutputCut cut) =>
        cut.Values.SelectMany(static values => ((OutputValues<string>)values).All.ToArray());

    private static string Text(OutputCut cut) =>
        $"{string.Join(' ', ValuesOf(cut).OrderBy(static value => value.Position).Select(static value => value.Value))} to "
            + $"{cut.Position}{(cut.Runs.Count > 0 ? $" and {cut.Runs.ToText()}" : "")}";
}

using System.Globalization;
using FastConsumer.Checkpoints;
using FastConsumer.Dispatch;
using FastConsumer.Processors;
using FastConsumer.Tests.Dispatch;

namespace FastConsumer.Tests.State;

/// <summary>
/// Lanes on the thread pool that wait, fail and overtake one another, and cuts beside them: each snapshot must be the fold of exactly the
/// records up to its position and in its runs. Then a crash, and other lanes go on from it.
/// </summary>
public sealed class LaneCutStressTests
{
    private const int RecordsPerPage = 50;
    private const int PagesPerRound = 40;
    private const int CutsPerRound = 12;

    /// <summary>Lanes name records as <see cref="LaneHarness.Position"/> does.</summary>
    private const int FirstNumber = 1000;

    private static readonly int[] s_lanes = [4, 1, 8, 3];

    [Fact]
    public async Task Each_snapshot_is_the_fold_of_the_records_up_to_its_position_and_in_its_runs()
    {
        TestSnapshot? last = null;
        var start = new LaneStart(0, CheckpointPosition.TrimHorizon, 0, DoneRuns.None);
        int withRuns = 0;
        foreach (int lanes in s_lanes)
        {
            var states = new CutStressTests.States();
            states.All.Divide(lanes == 1 ? 1 : lanes * ParallelLanes.BucketsPerLaneWithState);
            if (last is not null)
            {
                TestSnapshot.Restore(states.All, null, last);
            }

            var pipeline = new StatefulPipeline(states);
            await using var harness = new LaneHarness(lanes, pipeline, start: start);
            harness.Start();
            int end = start.First + (PagesPerRound * RecordsPerPage);
            for (int first = start.First; first < end; first += RecordsPerPage)
            {
                harness.Put(
                    [.. Enumerable.Range(first, RecordsPerPage).Select(static record => CutStressTests.RecordAt(record).Key)],
                    static record => CutStressTests.RecordAt(record).Arrival);
            }

            for (int i = 1; i <= CutsPerRound; i++)
            {
                long goal = (end - start.First) * i / (CutsPerRound + 1);
                SpinWait.SpinUntil(() => harness.Completed >= goal || harness.Running.IsCompleted, TimeSpan.FromSeconds(30));
                (last, start) = Cut(harness, states, i);
                withRuns += start.Runs.Count > 0 ? 1 : 0;
            }

            // a stop: what is done is in the last one, although the pages were returned
            await harness.StopAsync();
            _ = harness.Progress.Done;
            harness.Progress.Dispose();
            (last, start) = Cut(harness, states, CutsPerRound + 1);
            Assert.Empty(pipeline.HandledTwice);
            Assert.True(start.First > 0);
        }

        Assert.True(withRuns > 0, "No cut had a record that was done behind one that was not.");
    }

    private static (TestSnapshot Snapshot, LaneStart Start) Cut(LaneHarness harness, CutStressTests.States states, int number)
    {
        using StateCut cut = states.All.Cut(harness.Progress.Cut, out DoneAtCut at);
        using DoneAtCut until = at;
        DoneRuns runs = at.ReadRuns();
        TestSnapshot snapshot = TestSnapshot.Of(states.All, (cut, at.Position, at.StreamTime), number: number);
        int done = NumberOf(at.Position);
        int reached = runs.Count > 0 ? NumberOf(runs.Last) : done;
        var expected = new CutStressTests.Model();
        expected.Advance(done);
        Assert.Equal(expected.Now, at.StreamTime);
        expected.Advance(reached, record => runs.Contains(LaneHarness.Position((int)record)));
        expected.CompareValues(snapshot);
        return (snapshot, new LaneStart(done, at.Position, at.StreamTime, runs));
    }

    /// <summary>How many records are done up to a position.</summary>
    private static int NumberOf(CheckpointPosition position) => position.Kind != CheckpointKind.Record
        ? 0
        : int.Parse(position.ToCheckpointString(), CultureInfo.InvariantCulture) - FirstNumber + 1;

    private sealed class StatefulPipeline(CutStressTests.States states) : RecordPipeline
    {
        private readonly HashSet<int> _handled = [];
        private readonly Lock _lock = new();

        public List<int> HandledTwice { get; } = [];

        public override ProcessorState State => states.All;

        public override async ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken)
        {
            while (cursor.MoveNext())
            {
                cursor.EnterHandler();
                State.Begin(cursor);
                int record = int.Parse(cursor.Current.DataSpan, CultureInfo.InvariantCulture);
                RecordContext context = cursor.Context;
                var random = new Random(record + (31 * context.Attempt));
                if (context.Attempt < 4 && random.Next(12) == 0)
                {
                    // attempts that fail have changed something else
                    states.Change(context, record + 1_000_000);
                    throw new InvalidOperationException("As the test wants it.");
                }

                if (random.Next(10) == 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(random.Next(3)), TimeProvider.System, cancellationToken);
                }

                states.Change(context, record);
                lock (_lock)
                {
                    if (!_handled.Add(record))
                    {
                        HandledTwice.Add(record);
                    }
                }

                State.Complete(cursor);
            }
        }
    }
}

using FastConsumer.Processors;

namespace FastConsumer.Tests.Dispatch;

public sealed class PageLanesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(1000)]
    public void The_run_of_done_records_is_that_of_a_list(int count)
    {
        var random = new Random(count);
        RecordPage page = LaneHarness.Page([.. Enumerable.Range(0, count).Select(static i => $"{i}")], 0);
        PageLanes lanes = page.OpenLanes(new int[1]);
        for (int i = 0; i < count; i++)
        {
            lanes.SetBucket(i, 0);
        }

        bool[] done = new bool[count];
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle(order);
        foreach (int record in order)
        {
            Assert.False(page.IsFinished);
            Assert.False(page.IsRecordDone(record));
            lanes.MarkDone(record);
            done[record] = true;
            int run = Array.IndexOf(done, false);
            Assert.Equal(run < 0 ? count : run, page.AdvanceDone());
            Assert.Equal(lanes.Finish(record), Array.TrueForAll(done, static one => one));
        }

        Assert.True(page.IsFinished);
        Assert.True(page.IsDone);
        CheckpointPosition end = page.End;
        page.Finish();
        Assert.Equal(end, page.End);
        Assert.True(page.IsDone && page.IsFinished);
        page.Dispose();
    }

    [Fact]
    public void A_record_that_is_acknowledged_while_its_handler_runs_is_done_and_not_finished()
    {
        using RecordPage page = LaneHarness.Page(["a", "b"], 0);
        PageLanes lanes = page.OpenLanes(new int[1]);
        lanes.SetBucket(0, 0);
        lanes.SetBucket(1, 0);
        page.Acknowledge(0);
        page.Acknowledge(1);
        Assert.Equal(2, page.AdvanceDone());
        Assert.False(page.IsFinished);
        Assert.False(lanes.Finish(0));
        Assert.True(lanes.Finish(1));
    }
}

using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.State.Format;

namespace FastConsumer.Tests.Checkpoints;

/// <summary>Ranges of records that are done behind the position.</summary>
public sealed class DoneRunsTests
{
    [Fact]
    public void Ranges_that_touch_become_one()
    {
        DoneRuns runs = DoneRuns.Of([Range(3, 5), Range(5, 8), Range(6, 7), Range(20, 20)]);
        Assert.Equal(2, runs.Count);
        Assert.Equal(At(20), runs.Last);
        Assert.Equal([3, 4, 5, 6, 7, 8, 20], Enumerable.Range(0, 30).Where(number => runs.Contains(At(number))));
        Assert.Equal([Range(3, 8), Range(20, 20)], runs.Behind(At(7)));
        Assert.Equal([Range(20, 20)], runs.Behind(At(8)));
    }

    [Fact]
    public void Records_of_an_aggregate_are_told_apart()
    {
        DoneRuns runs = DoneRuns.Of([(At(5, 2), At(5, 4)), (At(7, 0), At(7, 1))]);
        Assert.False(runs.Contains(At(5, 1)));
        Assert.True(runs.Contains(At(5, 3)));
        Assert.False(runs.Contains(At(6)));
        Assert.True(runs.Contains(At(7, 1)));
        Assert.False(runs.Contains(At(7, 2)));
        Assert.True(runs.IsSameAs(DoneRuns.Of(Manifest(At(4), [.. runs.ToSnapshot()]))));
    }

    [Theory]
    [InlineData("10", "12", "11", true)]
    [InlineData("10", "12", "9", true)]
    [InlineData("10", "9", "10", false)]
    [InlineData("10", "12", "11", false)]
    [InlineData("10", "TRIM_HORIZON", "12", false)]
    [InlineData("10", "12", "SHARD_END", false)]
    [InlineData("10", "what", "12", false)]
    public void Runs_that_are_not_in_order_are_damage(string position, string first, string last, bool isTurned)
    {
        SnapshotManifest manifest = Manifest(
            CheckpointPosition.Parse(position),
            isTurned ? new SnapshotRun { First = last, Last = first } : new SnapshotRun { First = first, Last = last });
        if (isTurned)
        {
            Assert.Equal(1, DoneRuns.Of(SnapshotManifest.Parse(manifest.ToJson())).Count);
        }
        else
        {
            Assert.Throws<SnapshotDamagedException>(() => DoneRuns.Of(SnapshotManifest.Parse(manifest.ToJson())));
        }
    }

    private static (CheckpointPosition First, CheckpointPosition Last) Range(int first, int last) => (At(first), At(last));

    private static CheckpointPosition At(int number, long sub = 0) =>
        CheckpointPosition.At(SequenceNumber.Parse(number.ToString(CultureInfo.InvariantCulture)), sub);

    private static SnapshotManifest Manifest(CheckpointPosition position, params SnapshotRun[] runs) => new()
    {
        Application = "tests",
        StreamArn = "arn",
        StreamCreated = 1,
        Processor = "Tested",
        StateVersion = 1,
        Shard = "shardId-000000000000",
        StartingHashKey = "0",
        EndingHashKey = "10",
        Lineage = "lineage",
        Epoch = 1,
        Number = 1,
        Position = position.ToCheckpointString(),
        SubSequenceNumber = position.SubSequenceNumber,
        StreamTime = 1,
        Runs = runs,
        States = [],
        Ranges = [],
    };
}

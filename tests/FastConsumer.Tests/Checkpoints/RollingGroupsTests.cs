using System.Numerics;
using FastConsumer.Checkpoints;
using FastConsumer.State.Format;

namespace FastConsumer.Tests.Checkpoints;

/// <summary>Each group has its turn, and a checkpoint writes about as much of them as has changed.</summary>
public sealed class RollingGroupsTests
{
    private const int StateBytes = 6_400_000;

    [Theory]
    [InlineData(0.001)]
    [InlineData(0.01)]
    [InlineData(0.2)]
    public void All_groups_have_their_turn_and_the_manifest_stays_short(double part)
    {
        var rolling = new RollingGroups(64 * 1024);
        List<SnapshotRange> ranges = [Range(0, 63, isWhole: true, StateBytes)];
        int changed = (int)(part * StateBytes);
        long whole = 0;
        const int Checkpoints = 300;
        for (int i = 0; i < Checkpoints; i++)
        {
            ulong groups = rolling.Next(ranges);
            Assert.NotEqual(HashKeyGroups.All, groups);
            whole += BitOperations.PopCount(groups);
            ranges = Write(rolling, ranges, groups, changed);
            Assert.InRange(ranges.Count, 1, SegmentLayout.MostRanges);
        }

        Assert.InRange(whole / 64.0 / Checkpoints, 0.8 * Math.Max(part, 0.02), 1.2 * Math.Max(part, 0.02));
    }

    [Fact]
    public void What_was_not_stored_gives_no_credit()
    {
        var rolling = new RollingGroups(64 * 1024);
        List<SnapshotRange> ranges = Write(rolling, [Range(0, 63, isWhole: true, StateBytes)], 0, StateBytes / 10);
        int first = BitOperations.PopCount(rolling.Next(ranges));
        for (int i = 0; i < 100; i++)
        {
            // the shard is idle, or its store is down
            Assert.Equal(first, BitOperations.PopCount(rolling.Next(ranges)));
        }
    }

    [Fact]
    public void A_checkpoint_without_changes_keeps_the_credit()
    {
        var rolling = new RollingGroups(64 * 1024);
        List<SnapshotRange> ranges = [Range(0, 63, isWhole: true, StateBytes)];
        int whole = 0;
        for (int i = 0; i < 100; i++)
        {
            ulong groups = rolling.Next(ranges);
            whole += BitOperations.PopCount(groups);
            ranges = Write(rolling, ranges, groups, i % 2 == 0 ? StateBytes / 1000 : 0);
        }

        Assert.InRange(whole, 100, 140);
    }

    [Fact]
    public void A_small_state_is_whole()
    {
        Assert.Equal(HashKeyGroups.All, new RollingGroups(64 * 1024).Next([Range(0, 63, isWhole: true, 1000)]));
    }

    private static List<SnapshotRange> Write(RollingGroups rolling, List<SnapshotRange> ranges, ulong groups, int changed)
    {
        List<SnapshotRange> written = changed > 0 ? [Range(0, 63, isWhole: false, changed)] : [];
        written.AddRange(HashKeyGroups.Runs(groups).Select(static run =>
            Range(run.First, run.Last, isWhole: true, StateBytes / 64 * (run.Last - run.First + 1))));
        rolling.Wrote(false, changed, written);
        return SnapshotRanges.Live([.. ranges, .. written]);
    }

    private static SnapshotRange Range(int first, int last, bool isWhole, int bytes) => new()
    {
        FirstGroup = first,
        LastGroup = last,
        IsWhole = isWhole,
        Segment = "s/1",
        Offset = 0,
        Length = bytes,
        Crc = 0,
    };
}

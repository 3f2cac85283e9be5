using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.Tests.Leases;

public sealed class StartReportTests
{
    private static readonly DateTimeOffset s_noon = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_checkpoint_comes_before_the_start_position_and_that_is_said() =>
        Assert.Equal(
            "2 shards (shard-0, shard-1) go on after their checkpoints, so StartPosition (Latest) is not used for them. "
                + "Shard shard-2 has no checkpoint yet and starts at the records put since 2026-11-30T12:00:00Z (LATEST), as StartPosition "
                + "(Latest) says. Shard shard-3 is done.",
            StartReport.Describe(
                [
                    Lease(3, CheckpointPosition.ShardEnd),
                    Lease(2, CheckpointPosition.Latest) with { StartedAt = s_noon },
                    Lease(1, At("17")),
                    Lease(0, At("5")),
                ],
                "Latest",
                CheckpointPosition.Latest));

    [Fact]
    public void Of_many_shards_some_are_named() =>
        Assert.Equal(
            "1000 shards (shard-0, shard-1, shard-10 and 997 more) have no checkpoint yet and start at the oldest record that the stream "
                + "retains (TRIM_HORIZON), as StartPosition (TrimHorizon) says.",
            StartReport.Describe(
                [.. Enumerable.Range(0, 1000).Select(static i => Lease(i, CheckpointPosition.TrimHorizon))],
                "TrimHorizon",
                CheckpointPosition.TrimHorizon));

    [Fact]
    public void A_child_and_a_lease_of_an_earlier_setting_have_their_own_reasons() =>
        Assert.Equal(
            "Shard shard-0 has no checkpoint yet and starts at the oldest record that the stream retains (TRIM_HORIZON), "
                + "where its lease was created; StartPosition is Latest now. Shard shard-1 has no checkpoint yet and starts at the oldest "
                + "record that the stream retains (TRIM_HORIZON), where its parents end.",
            StartReport.Describe(
                [Lease(1, CheckpointPosition.TrimHorizon) with { ParentShardIds = ["shard-9"] }, Lease(0, CheckpointPosition.TrimHorizon)],
                "Latest",
                CheckpointPosition.Latest));

    [Fact]
    public void Without_leases_there_is_nothing_to_start() =>
        Assert.Equal("It has no shards yet.", StartReport.Describe([], "TrimHorizon", CheckpointPosition.TrimHorizon));

    [Fact]
    public void Leases_of_other_workers_are_waited_for_and_that_is_said()
    {
        Lease mine = Lease(0, At("5")) with { LeaseOwner = "me" };
        Lease free = Lease(1, At("5"));
        Lease done = Lease(2, CheckpointPosition.ShardEnd) with { LeaseOwner = "killed" };
        Lease held = Lease(3, At("5")) with { LeaseOwner = "killed" };

        Assert.Null(StartReport.DescribeHeld([mine, free, done], "me", TimeSpan.FromSeconds(10)));
        Assert.Equal(
            "Another worker holds one shard (shard-3 by killed); this worker takes it when it is handed over, or when its lease has not "
                + "been renewed for 10 s, as after a crash.",
            StartReport.DescribeHeld([mine, free, done, held], "me", TimeSpan.FromSeconds(10)));
        Assert.Equal(
            "Other workers hold 2 shards (shard-3 by killed, and so on); this worker takes one of them when it is handed over, or when its "
                + "lease has not been renewed for 1.5 s, as after a crash.",
            StartReport.DescribeHeld([Lease(4, At("5")) with { LeaseOwner = "other" }, held], "me", TimeSpan.FromSeconds(1.5)));
    }

    private static CheckpointPosition At(string number) => CheckpointPosition.At(
        SequenceNumber.Parse(System.Text.Encoding.ASCII.GetBytes(number)));

    private static Lease Lease(int shard, CheckpointPosition checkpoint) => new() { LeaseKey = $"shard-{shard}", Checkpoint = checkpoint };
}

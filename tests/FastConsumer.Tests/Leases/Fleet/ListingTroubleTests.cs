using FastConsumer.Diagnostics;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>Leases move by the lease table alone: whether or not the stream can be listed, or new leases be created.</summary>
public sealed class ListingTroubleTests
{
    public enum Trouble
    {
        /// <summary>The policy has lost <c>kinesis:ListShards</c>.</summary>
        Denied,

        /// <summary>The control plane answers nothing.</summary>
        Silent,

        /// <summary>It answers late, each time.</summary>
        Slow,

        /// <summary>There are shards without a lease, and the policy has lost <c>dynamodb:PutItem</c>.</summary>
        NoCreation,
    }

    [Theory]
    [InlineData(Trouble.Denied)]
    [InlineData(Trouble.Silent)]
    [InlineData(Trouble.Slow)]
    [InlineData(Trouble.NoCreation)]
    public void A_fail_over_takes_no_longer(Trouble trouble)
    {
        using var fleet = new VirtualFleet(12, TimeSpan.FromSeconds(10));
        VirtualWorker[] all = fleet.Settle(3);
        Begin(fleet, trouble);
        fleet.Run(100);
        string[] orphaned = fleet.HeldBy(all[1].Name);
        Assert.NotEmpty(orphaned);
        TimeSpan since = fleet.Time.Now;
        all[1].Kill();
        fleet.Run(60, () => orphaned.All(shard => fleet.Reads.Any(read => read.ShardId == shard && read.At > since)));

        Assert.InRange(fleet.SecondsUntilRead(orphaned, since).Max(), 0, 24);
        // it costs the others nothing
        Assert.All(fleet.Logged.Of(2301), entry => Assert.StartsWith(all[1].Name, entry.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Trouble.Denied)]
    [InlineData(Trouble.Silent)]
    [InlineData(Trouble.Slow)]
    [InlineData(Trouble.NoCreation)]
    public void A_worker_that_joins_is_handed_its_share(Trouble trouble)
    {
        using var fleet = new VirtualFleet(12, TimeSpan.FromSeconds(10));
        fleet.Settle(3);
        Begin(fleet, trouble);
        fleet.Run(100);
        TimeSpan since = fleet.Time.Now;
        fleet.Start("joiner");
        fleet.Run(30, () => fleet.HeldBy("joiner").Length >= 3);

        Assert.Equal(3, fleet.HeldBy("joiner").Length);
        Assert.InRange(fleet.SecondsUntilRead(fleet.HeldBy("joiner"), since).Max(), 0, 6);
    }

    [Theory]
    [InlineData(Trouble.Denied)]
    [InlineData(Trouble.Silent)]
    [InlineData(Trouble.Slow)]
    [InlineData(Trouble.NoCreation)]
    public void A_rolling_restart_leaves_no_shard_behind(Trouble trouble)
    {
        using var fleet = new VirtualFleet(12, TimeSpan.FromSeconds(10));
        VirtualWorker[] all = fleet.Settle(3);
        Begin(fleet, trouble);
        fleet.Run(40);
        for (int i = 0; i < all.Length; i++)
        {
            string[] passed = fleet.HeldBy(all[i].Name);
            TimeSpan since = fleet.Time.Now;
            Task stop = all[i].BeginStop(fleet);
            fleet.Run(5);
            Assert.True(stop.IsCompletedSuccessfully, fleet.Describe());
            Assert.InRange(fleet.SecondsUntilRead(passed, since).Max(), 0, 4);
            fleet.Start($"new-{i}");
            fleet.Run(20);
        }

        Assert.Equal(12, Enumerable.Range(0, 3).Sum(i => fleet.HeldBy($"new-{i}").Length));
        Assert.All(Enumerable.Range(0, 3), i => Assert.InRange(fleet.HeldBy($"new-{i}").Length, 3, 5));
    }

    [Theory]
    [InlineData(Trouble.Denied, "kinesis:ListShards is denied")]
    [InlineData(Trouble.Silent, "not listed within")]
    [InlineData(Trouble.NoCreation, "dynamodb:PutItem is denied")]
    public void It_is_said_without_haste_and_made_good_when_it_is_over(Trouble trouble, string reason)
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        fleet.Settle(1);
        Shard parent = ShardSyncTests.Split(fleet, 0);
        Lease row = fleet.Rows[0];
        fleet.Database.Put(
            "fleet", row with { LeaseOwner = null, LeaseCounter = row.LeaseCounter + 5, Checkpoint = CheckpointPosition.ShardEnd });
        Begin(fleet, trouble);
        fleet.Run(600);

        Finding condition = Assert.Single(
            fleet.Findings.Current,
            static condition => condition.Message.Contains("cannot list the shards", StringComparison.Ordinal));
        Assert.Equal(FindingSeverity.Degraded, condition.Severity);
        Assert.Contains(reason, condition.Message, StringComparison.Ordinal);
        LogEntry[] told = [.. fleet.Logged.Of(2330)];
        Assert.InRange(told.Length, 5, 60);
        Assert.All(told, static entry => Assert.Equal(LogLevel.Warning, entry.Level));

        End(fleet);
        fleet.Run(60, () => fleet.Rows.Count(row => row.ParentShardIds.Contains(parent.ShardId) && row.LeaseOwner is not null) == 2);
        Assert.Equal(2, fleet.Rows.Count(row => row.ParentShardIds.Contains(parent.ShardId) && row.LeaseOwner is not null));
        fleet.Run(40);
        Assert.Empty(fleet.Findings.Current);
    }

    [Fact]
    public void A_stream_that_is_always_slow_to_list_is_followed()
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        Begin(fleet, Trouble.Slow);
        fleet.Settle(2);
        Shard parent = ShardSyncTests.Split(fleet, 0);
        Lease row = fleet.Rows[0];
        fleet.Database.Put(
            "fleet", row with { LeaseOwner = null, LeaseCounter = row.LeaseCounter + 5, Checkpoint = CheckpointPosition.ShardEnd });
        fleet.Run(120, () => fleet.Rows.Count(row => row.ParentShardIds.Contains(parent.ShardId) && row.LeaseOwner is not null) == 2);

        Assert.True(
            fleet.Rows.Count(row => row.ParentShardIds.Contains(parent.ShardId) && row.LeaseOwner is not null) == 2, fleet.Describe());
        // what the listing could not know yet is no hole
        Assert.Empty(fleet.Logged.Of(2318));
        Assert.Empty(fleet.Logged.Of(2330));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_application_at_LATEST_that_cannot_take_its_leases_for_an_hour_goes_on_from_its_start(bool isThrottled)
    {
        using var fleet = new VirtualFleet(2, TimeSpan.FromSeconds(10)) { StartPosition = StartPosition.Latest };
        DateTimeOffset start = fleet.Time.Clock.GetUtcNow();
        fleet.Costs.TakeError = isThrottled
            ? new LeaseStoreException("throttled", isTransient: true) { IsThrottled = true }
            : new LeaseStoreException("dynamodb:UpdateItem is denied", isTransient: false);
        fleet.Start("a");
        fleet.Run(3600);
        Assert.Equal(2, fleet.Rows.Count);
        Assert.Empty(fleet.Positions);

        fleet.Costs.TakeError = null;
        fleet.Run(30);
        Assert.Equal(2, fleet.Positions.Count);
        Assert.All(fleet.Positions, asked =>
        {
            Assert.Equal(ShardIteratorType.AtTimestamp, asked.Position.Type);
            Assert.InRange(asked.Position.Timestamp - start, TimeSpan.FromSeconds(-1), TimeSpan.FromSeconds(2));
        });
    }

    private static void Begin(VirtualFleet fleet, Trouble trouble)
    {
        switch (trouble)
        {
            case Trouble.Denied:
                fleet.BeforeListing = static _ => throw new KinesisException("kinesis:ListShards is denied", KinesisErrorKind.Denied);
                break;
            case Trouble.Silent:
                fleet.BeforeListing = token => Task.Delay(Timeout.InfiniteTimeSpan, fleet.Time.Clock, token);
                break;
            case Trouble.Slow:
                fleet.BeforeListing = token => Task.Delay(TimeSpan.FromSeconds(7), fleet.Time.Clock, token);
                break;
            default:
                // a shard that nobody knew of
                if (fleet.Shards.Count > 4)
                {
                    fleet.Shards.Add(fleet.Shards[0] with { ShardId = "shardId-000000000900" });
                }

                fleet.Costs.DeniesCreation = true;
                break;
        }
    }

    private static void End(VirtualFleet fleet)
    {
        fleet.BeforeListing = static _ => Task.CompletedTask;
        fleet.Costs.DeniesCreation = false;
    }
}

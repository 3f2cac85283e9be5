using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Tests.Leases.Fleet;

/// <summary>What becomes of the lease table when shards come and go, seen by whole workers in virtual time.</summary>
public sealed class ShardSyncTests
{
    private static readonly CheckpointPosition s_begun = CheckpointPosition.Parse("7");

    [Fact]
    public void Finished_leases_are_deleted_and_stay_deleted()
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        Shard parent = Split(fleet, 0);
        fleet.Database.Put(
            "fleet", new Lease { LeaseKey = parent.ShardId, Checkpoint = CheckpointPosition.ShardEnd, HashKeyRange = parent.HashKeyRange });
        fleet.Start("a");
        fleet.Start("b");
        fleet.Run(200);
        // its children are at TRIM_HORIZON
        Assert.Contains(fleet.Rows, row => row.LeaseKey == parent.ShardId);

        foreach (Lease row in fleet.Rows.Where(row => row.ParentShardIds.Contains(parent.ShardId)))
        {
            fleet.Database.Put("fleet", row with { Checkpoint = s_begun });
        }

        fleet.Run(400, () => fleet.Rows.All(row => row.LeaseKey != parent.ShardId));
        Assert.DoesNotContain(fleet.Rows, row => row.LeaseKey == parent.ShardId);
        fleet.Run(200);
        Assert.DoesNotContain(fleet.Rows, row => row.LeaseKey == parent.ShardId);
        Assert.Single(fleet.Logged.Of(2319));
        Assert.Equal(5, fleet.Rows.Count);
        Assert.Empty(fleet.Findings.Current);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("one that died")]
    public void Finished_leases_that_a_dead_worker_owns_are_deleted_too(string? takenBy)
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        Shard parent = Split(fleet, 0);
        // as KCL leaves it, and as a worker that dies before its release
        fleet.Database.Put("fleet", new Lease
        {
            LeaseKey = parent.ShardId,
            LeaseOwner = "one that died",
            TakenBy = takenBy,
            LeaseCounter = 17,
            Checkpoint = CheckpointPosition.ShardEnd,
            HashKeyRange = parent.HashKeyRange
        });
        fleet.Start("a");
        fleet.Run(20);
        foreach (Lease row in fleet.Rows.Where(row => row.ParentShardIds.Contains(parent.ShardId)))
        {
            fleet.Database.Put("fleet", row with { Checkpoint = s_begun });
        }

        fleet.Run(400, () => fleet.Rows.All(row => row.LeaseKey != parent.ShardId));
        Assert.DoesNotContain(fleet.Rows, row => row.LeaseKey == parent.ShardId);
    }

    [Fact]
    public void The_finished_lease_of_a_worker_that_writes_it_stays()
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        Shard parent = Split(fleet, 0);
        fleet.Database.Put("fleet", new Lease
        {
            LeaseKey = parent.ShardId,
            LeaseOwner = "KCL",
            Checkpoint = CheckpointPosition.ShardEnd,
            HashKeyRange = parent.HashKeyRange
        });
        fleet.Start("a");
        fleet.Run(20);
        for (int i = 0; i < 100; i++)
        {
            foreach (Lease row in fleet.Rows.Where(row => row.ParentShardIds.Contains(parent.ShardId)))
            {
                fleet.Database.Put("fleet", row with { Checkpoint = s_begun });
            }

            Lease kcl = fleet.Rows.Single(row => row.LeaseKey == parent.ShardId);
            fleet.Database.Put("fleet", kcl with { LeaseCounter = kcl.LeaseCounter + 1 });
            fleet.Run(3);
        }

        Assert.Contains(fleet.Rows, row => row.LeaseKey == parent.ShardId);
    }

    [Fact]
    public void A_stream_created_again_under_a_running_worker_is_noticed_by_where_its_shards_begin()
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        fleet.Settle(2);
        CreateAgain(fleet);
        fleet.Run(60);

        Finding condition = Assert.Single(fleet.Findings.Current);
        Assert.Contains("it was deleted and created again", condition.Message, StringComparison.Ordinal);
        Assert.Equal(4, fleet.Rows.Count);
        Assert.All(fleet.Rows, static row => Assert.Equal(DateTimeOffset.UnixEpoch, row.StreamCreatedAt));
    }

    [Fact]
    public void Leases_made_after_the_stream_was_created_again_bear_its_time()
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        fleet.Settle(2);
        // as somebody does who is told to delete the table
        CreateAgain(fleet);
        foreach (Lease row in fleet.Rows)
        {
            Delete(fleet, row);
        }

        fleet.Run(60, () => fleet.IsEven(2));
        Assert.True(fleet.IsEven(2), fleet.Describe());
        Assert.All(fleet.Rows, row => Assert.Equal((fleet.CreatedAt, "events"), (row.StreamCreatedAt!.Value, row.StreamName)));
        fleet.Run(60);
        // their rows were deleted under them
        Assert.Equal(["FCF4001"], fleet.Findings.Current.Select(static finding => finding.Id));
    }

    private static void CreateAgain(VirtualFleet fleet)
    {
        fleet.CreatedAt += TimeSpan.FromDays(400);
        for (int i = 0; i < fleet.Shards.Count; i++)
        {
            fleet.Shards[i] = fleet.Shards[i] with { StartingSequenceNumber = SequenceNumber.Parse("1000") };
        }
    }

    [Fact]
    public void A_shard_that_left_the_listing_before_it_was_done_does_not_block_its_children()
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        Shard parent = Split(fleet, 0);
        fleet.Shards.Remove(fleet.Shards[0]);
        fleet.Database.Put("fleet", new Lease { LeaseKey = parent.ShardId, Checkpoint = s_begun, HashKeyRange = parent.HashKeyRange });
        fleet.Start("a");
        fleet.Start("b");
        fleet.Run(60, () => fleet.Rows.Count(static row => row.LeaseOwner is not null) == 5);

        // what is lost is said, and the children are read
        Assert.Contains(parent.ShardId, Assert.Single(fleet.Logged.Of(2006)).Message, StringComparison.Ordinal);
        Assert.Equal(2, fleet.Reads.Count(static read => read.ShardId is "shardId-000000000100" or "shardId-000000000101"));
        Assert.True(fleet.Rows.All(row => row.LeaseKey != parent.ShardId || row.IsFinished), fleet.Describe());
    }

    [Fact]
    public void A_lease_that_was_deleted_while_its_shard_goes_on_is_made_again_at_once()
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        fleet.Settle(2);
        Lease row = fleet.Rows[1];
        Delete(fleet, row);
        TimeSpan since = fleet.Time.Now;
        fleet.Run(60, () => fleet.Rows.Any(lease => lease.LeaseKey == row.LeaseKey && lease.LeaseOwner is not null));

        // far below the interval of syncs, which is 30 s
        Assert.InRange((fleet.Time.Now - since).TotalSeconds, 0, 9);
    }

    [Fact]
    public void A_hole_that_stays_is_said_with_its_range()
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        fleet.Settle(2);
        Lease row = fleet.Rows[1];
        fleet.Database.Put(
            "fleet", row with { LeaseOwner = null, LeaseCounter = row.LeaseCounter + 5, Checkpoint = CheckpointPosition.ShardEnd });
        fleet.Run(20);

        Finding condition = Assert.Single(
            fleet.Findings.Current, static condition => condition.Message.Contains("hash keys", StringComparison.Ordinal));
        Assert.Equal(FindingSeverity.Unhealthy, condition.Severity);
        Assert.Contains(
            $"{row.HashKeyRange!.StartingHashKey} to {row.HashKeyRange.EndingHashKey}", condition.Message, StringComparison.Ordinal);
        Assert.NotEmpty(fleet.Logged.Of(2318));
    }

    [Fact]
    public void A_listing_with_a_hole_is_not_believed()
    {
        using var fleet = new VirtualFleet(4, TimeSpan.FromSeconds(10));
        Shard missing = fleet.Shards[2];
        fleet.Shards.Remove(missing);
        fleet.Start("a");
        fleet.Run(20);
        Assert.Empty(fleet.Rows);
        Assert.NotEmpty(fleet.Logged.Of(2317));

        fleet.Shards.Add(missing);
        fleet.Run(20);
        Assert.True(fleet.IsEven(1), fleet.Describe());
    }

    [Theory]
    [InlineData(30.0, false, 0)]
    [InlineData(10.0, false, 1)]
    [InlineData(10.0, true, 0)]
    public void What_the_table_takes_is_found_and_compared_with_what_is_needed(double units, bool isSilent, int warnings)
    {
        using var fleet = new VirtualFleet(100, TimeSpan.FromSeconds(10));
        fleet.Costs.WriteUnits = units;
        fleet.Costs.IsSilent = isSilent;
        fleet.Start("a");
        fleet.Run(20);
        // the leases are made and taken as fast as it lets them
        int throttled = fleet.Costs.ThrottledWrites;
        fleet.Run(40);
        Assert.Equal(warnings, fleet.Logged.Of(2315).Count());
        Assert.Equal(
            isSilent ? 1 : 0,
            fleet.Logged.Of(2314)
                .Count(static entry => entry.Message.Contains("learn the limits of the lease table", StringComparison.Ordinal)));
        if (units >= 20)
        {
            Assert.Empty(fleet.Logged.Of(2301));
            Assert.Equal(throttled, fleet.Costs.ThrottledWrites);
        }

        // as soon as the table is asked again
        fleet.Costs.WriteUnits = 40;
        fleet.Run(330);
        Assert.Equal(warnings, fleet.Logged.Of(2339).Count(static entry => entry.Message.Contains("suffice", StringComparison.Ordinal)));
        Assert.Equal(warnings, fleet.Logged.Of(2315).Count());
    }

    private static void Delete(VirtualFleet fleet, Lease row)
    {
        var store = new InMemoryLeaseStore(fleet.Database, "fleet");
        Task<bool> deletion = store.TryDeleteAsync(row, CancellationToken.None);
        Assert.True(deletion.IsCompletedSuccessfully);
    }

    /// <summary>Splits a shard of the listing; its parent.</summary>
    internal static Shard Split(VirtualFleet fleet, int index)
    {
        Shard parent = fleet.Shards[index];
        UInt128 middle = parent.HashKeyRange.StartingHashKey
            + ((parent.HashKeyRange.EndingHashKey - parent.HashKeyRange.StartingHashKey) / 2);
        fleet.Shards[index] = parent with { EndingSequenceNumber = SequenceNumber.Parse("9") };
        fleet.Shards.Add(parent with
        {
            EndingSequenceNumber = null,
            ShardId = "shardId-000000000100",
            ParentShardId = parent.ShardId,
            HashKeyRange = new HashKeyRange(parent.HashKeyRange.StartingHashKey, middle)
        });
        fleet.Shards.Add(parent with
        {
            ShardId = "shardId-000000000101",
            ParentShardId = parent.ShardId,
            HashKeyRange = new HashKeyRange(middle + 1, parent.HashKeyRange.EndingHashKey)
        });
        return parent;
    }
}

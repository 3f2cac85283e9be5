using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;

namespace FastConsumer.Tests.Leases.Core;

/// <summary>The ways of a lease, with workers on a table that answers.</summary>
public sealed class LeaseLifeTests
{
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(10);

    [Fact]
    public void One_worker_takes_all_and_keeps_them()
    {
        LeaseWorld world = World("A");
        world.RunFor(TimeSpan.FromMinutes(1));
        Assert.All(world.Rows.Values, row => Assert.Equal("A", Assert.Single(world.BelieversOf(row.LeaseKey)).Id));
        Assert.All(world.Rows.Values, static row => Assert.True(row.Checkpoint.Kind == CheckpointKind.Record));
    }

    [Fact]
    public void A_second_worker_gets_its_share_within_a_second()
    {
        LeaseWorld world = World("A");
        world.RunFor(TimeSpan.FromSeconds(20));
        world.Add(Settings("B"));
        world.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal(2, world.Rows.Keys.Count(key => world.BelieversOf(key).Single().Id == "A"));
        Assert.Equal(2, world.Rows.Keys.Count(key => world.BelieversOf(key).Single().Id == "B"));
    }

    [Fact]
    public void What_a_dead_worker_had_is_taken_when_it_has_expired()
    {
        LeaseWorld world = World("A", "B");
        world.RunFor(TimeSpan.FromSeconds(20));
        world.Crash(0);
        world.RunFor(TimeSpan.FromSeconds(12.5));
        Assert.All(world.Rows.Values, row => Assert.Equal("B", Assert.Single(world.BelieversOf(row.LeaseKey)).Id));
    }

    [Fact]
    public void A_stop_passes_everything_on()
    {
        LeaseWorld world = World("A", "B");
        world.RunFor(TimeSpan.FromSeconds(20));
        world.Post(0, new LeaseEvent.StopWanted(world.Now, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(3)));
        world.RunFor(TimeSpan.FromSeconds(1.5));
        Assert.True(world.Workers[0].HasStopped);
        Assert.All(world.Rows.Values, row => Assert.Equal("B", Assert.Single(world.BelieversOf(row.LeaseKey)).Id));
    }

    [Fact]
    public void A_fresh_stream_gets_its_leases()
    {
        LeaseWorld world = new();
        world.SetShards(Shard("0", 0, 4), Shard("1", 1, 4), Shard("2", 2, 4), Shard("3", 3, 4));
        world.Add(Settings("A"));
        world.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal(4, world.Rows.Count);
        Assert.All(world.Rows.Values, row => Assert.Equal("A", Assert.Single(world.BelieversOf(row.LeaseKey)).Id));
    }

    internal static LeaseTableState.Settings Settings(string id) => new()
    {
        WorkerId = id,
        Session = $"process-{id}",
        StreamName = "orders",
        LeaseDuration = s_duration,
        CheckpointInterval = TimeSpan.FromSeconds(5),
        ShardSyncInterval = TimeSpan.FromHours(1),
    };

    internal static Shard Shard(string id, int part, int parts, string? parent = null, bool isClosed = false) => new()
    {
        ShardId = id,
        ParentShardId = parent,
        HashKeyRange = Part(part, parts),
        StartingSequenceNumber = SequenceNumber.Parse("1"),
        EndingSequenceNumber = isClosed ? SequenceNumber.Parse("100") : null,
    };

    internal static HashKeyRange Part(int part, int parts)
    {
        UInt128 size = (UInt128.MaxValue / (UInt128)parts) + 1;
        return new HashKeyRange(size * (UInt128)part, part == parts - 1 ? UInt128.MaxValue : (size * (UInt128)(part + 1)) - 1);
    }

    internal static LeaseWorld World(params string[] workers)
    {
        LeaseWorld world = new();
        Shard[] shards = [.. Enumerable.Range(0, 4).Select(static i => Shard($"{i}", i, 4))];
        world.SetShards(shards);
        foreach (Shard shard in shards)
        {
            world.Put(new Lease { LeaseKey = shard.ShardId, HashKeyRange = shard.HashKeyRange });
        }

        foreach (string worker in workers)
        {
            world.Add(Settings(worker));
        }

        return world;
    }
}

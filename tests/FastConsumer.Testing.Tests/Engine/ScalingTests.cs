using System.Globalization;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Engine;

namespace FastConsumer.Testing.Tests.Engine;

/// <summary>UpdateShardCount, and what changes a stream's mode and warm throughput.</summary>
public sealed class ScalingTests : EngineTest
{
    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 2)]
    [InlineData(4, 7)]
    [InlineData(7, 4)]
    [InlineData(8, 16)]
    [InlineData(16, 8)]
    [InlineData(10, 13)]
    public void The_hash_keys_are_divided_evenly_and_every_lineage_is_whole(int from, int to)
    {
        Create(from);
        Change(() => Scale(to));

        Shard[] shards = Shards();
        Assert.Equal(HashKeys.Divide(to), OpenRanges());
        Assert.Equal(to, View().OpenShardCount);
        Dictionary<string, Shard> byId = shards.ToDictionary(static shard => shard.ShardId);
        foreach (Shard child in shards.Where(static shard => shard.ParentShardId is not null))
        {
            Shard[] parents = [byId[child.ParentShardId!], .. child.AdjacentParentShardId is { } adjacent ? [byId[adjacent]] : (Shard[])[]];
            Assert.All(parents, parent => Assert.True(parent.EndingSequenceNumber is not null, parent.ShardId));
            Assert.All(parents, parent => Assert.True(parent.StartingSequenceNumber < child.StartingSequenceNumber, child.ShardId));
            Assert.Contains(parents, parent => Overlap(parent.HashKeyRange, child.HashKeyRange));
        }

        Assert.Equal(from, shards.Count(static shard => shard.ParentShardId is null));
    }

    [Fact]
    public void Doubling_splits_each_shard_and_halving_merges_neighbours()
    {
        Create(2);
        Change(() => Scale(4));
        Assert.Equal(
            ["0 <- ", "1 <- ", "2 <- 0", "3 <- 0", "4 <- 1", "5 <- 1"],
            Shards().Select(Lineage));

        Change(() => Scale(2));
        Assert.Equal(["6 <- 2 3", "7 <- 4 5"], Shards().Skip(6).Select(Lineage));
    }

    [Fact]
    public void Until_the_update_ends_the_stream_has_its_old_shards_and_takes_records()
    {
        Create(2);
        UpdateShardCountResult result = Scale(4);
        Assert.Equal(new UpdateShardCountResult("s", Arn(), 2, 4), result);
        Assert.Equal(2, View().OpenShardCount);
        Put();
        Clock.Advance(UpdateDelay - TimeSpan.FromMilliseconds(1));
        Assert.Equal(StreamStatus.Updating, View().Status);
        Refused(InUse, () => Scale(3));
        Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(4, View().OpenShardCount);
    }

    [Fact]
    public void A_reader_comes_from_each_shard_through_the_short_lived_ones_to_all_open_ones()
    {
        Create(2);
        Put("a");
        Put("b");
        Put("c");
        Change(() => Scale(3));
        HashSet<string> seen = [];
        Queue<string> next = new(["shardId-000000000000", "shardId-000000000001"]);
        int records = 0;
        while (next.TryDequeue(out string? shardId))
        {
            if (seen.Add(shardId))
            {
                GetRecordsResult read = Read(shardId);
                records += read.Records.Length;
                foreach (ChildShard child in read.ChildShards)
                {
                    next.Enqueue(child.ShardId);
                }
            }
        }

        Assert.Equal(3, records);
        Assert.Equal(Shards().Select(static shard => shard.ShardId), seen.Order());
    }

    [Fact]
    public void Uneven_shards_are_evened_out_by_their_own_number()
    {
        Create(1);
        Change(() => Engine.SplitShard(new SplitShardRequest(S, "shardId-000000000000", "1000")));
        Change(() => Scale(2));
        Assert.Equal(HashKeys.Divide(2), OpenRanges());
    }

    [Theory]
    [InlineData(4, 9, Limit)]
    [InlineData(5, 2, Limit)]
    [InlineData(4, 0, Validation)]
    [InlineData(25, 41, Limit)]
    [InlineData(4, null, Validation)]
    public void Targets_out_of_range_are_refused(int from, int? to, string errorCode)
    {
        Create(from);
        Refused(errorCode, () => Engine.UpdateShardCount(new UpdateShardCountRequest(S, to)));
        Assert.Equal(StreamStatus.Active, View().Status);
    }

    [Fact]
    public void Half_of_an_odd_number_is_rounded_up()
    {
        Create(5);
        Change(() => Scale(3));
    }

    [Fact]
    public void The_shards_of_other_streams_count_for_the_accounts_limit()
    {
        Create(30, name: "other");
        Create(6);
        Refused(Limit, () => Scale(11), "Limit: 40");
        Change(() => Scale(10));
    }

    [Fact]
    public void A_stream_is_scaled_ten_times_in_24_hours()
    {
        Create(2);
        DateTimeOffset first = Clock.GetUtcNow();
        for (int i = 0; i < 10; i++)
        {
            Change(() => Scale(i % 2 == 0 ? 3 : 2));
        }

        Refused(Limit, () => Scale(3), "10 times");
        Clock.Advance(first.AddHours(24) - Clock.GetUtcNow() - TimeSpan.FromMilliseconds(1));
        Refused(Limit, () => Scale(3));
        Clock.Advance(TimeSpan.FromMilliseconds(1));
        Change(() => Scale(3));
    }

    [Fact]
    public void Refused_scalings_do_not_count()
    {
        Create(2);
        for (int i = 0; i < 20; i++)
        {
            Refused(Limit, () => Scale(5));
        }

        Change(() => Scale(3));
    }

    [Fact]
    public void Only_provisioned_streams_that_are_active_are_scaled_uniformly()
    {
        Refused(NotFound, () => Scale(1));
        Engine.CreateStream(new CreateStreamRequest("s", 2));
        Refused(InUse, () => Scale(3));
        Clock.Advance(TimeSpan.FromSeconds(10));
        Refused(Validation, () => Engine.UpdateShardCount(new UpdateShardCountRequest(S, 3, null)));
        Refused(Validation, () => Engine.UpdateShardCount(new UpdateShardCountRequest(S, 3, "RANDOM")), "UNIFORM_SCALING");
        Change(() => Mode(StreamModes.OnDemand));
        Refused(Validation, () => Scale(3), "ON_DEMAND");
    }

    [Fact]
    public void A_mode_is_changed_twice_in_24_hours_and_the_shards_stay()
    {
        Create(3);
        Change(() => Mode(StreamModes.OnDemand));
        Assert.Equal((StreamModes.OnDemand, 3), (View().Mode, View().OpenShardCount));
        Mode(StreamModes.OnDemand);
        Assert.Equal(StreamStatus.Active, View().Status);
        Refused(Validation, () => Engine.MergeShards(new MergeShardsRequest(S, "shardId-000000000000", "shardId-000000000001")));
        Change(() => Mode(StreamModes.Provisioned));
        Refused(Limit, () => Mode(StreamModes.OnDemand), "2 times");
        Clock.Advance(TimeSpan.FromHours(24));
        Change(() => Mode(StreamModes.OnDemand));
    }

    [Fact]
    public void A_warm_throughput_needs_the_mode_and_the_commitment()
    {
        Create(2);
        Refused(Validation, () => Warm(5), "PROVISIONED");
        Change(() => Mode(StreamModes.OnDemand));
        Refused(Argument, () => Warm(5), "MinimumThroughputBillingCommitment");
        Assert.Null(View().WarmThroughput);
        Engine.UpdateAccountSettings("ENABLED");
        Assert.Equal(new WarmThroughput(2, 2), View().WarmThroughput);
        Refused(Argument, () => Engine.UpdateStreamMode(new UpdateStreamModeRequest(Arn(), StreamModes.OnDemand, 5)), "already");
        Refused(Limit, () => Warm(10_241));
        Refused(Validation, () => Warm(-1));

        Change(() => Assert.Equal(new WarmThroughput(10, 2), Warm(10).WarmThroughput));
        Assert.Equal(new WarmThroughput(10, 10), View().WarmThroughput);
        Change(() => Warm(0));
        Assert.Equal(new WarmThroughput(0, 4), View().WarmThroughput);
    }

    [Fact]
    public void A_stream_can_begin_warm()
    {
        Engine.UpdateAccountSettings("ENABLED");
        Engine.CreateStream(new CreateStreamRequest("s", null, StreamModes.OnDemand) { WarmThroughputMiBps = 9 });
        Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(new WarmThroughput(9, 9), View().WarmThroughput);
        Change(() => Mode(StreamModes.Provisioned));
        Assert.Null(View().WarmThroughput);
        Change(() => Engine.UpdateStreamMode(new UpdateStreamModeRequest(Arn(), StreamModes.OnDemand, 12)));
        Assert.Equal(new WarmThroughput(12, 12), View().WarmThroughput);
    }

    private UpdateShardCountResult Scale(int target) => Engine.UpdateShardCount(new UpdateShardCountRequest(S, target));

    private UpdateWarmThroughputResult Warm(int mebibytes) =>
        Engine.UpdateStreamWarmThroughput(new UpdateWarmThroughputRequest(S, mebibytes));

    private void Mode(string mode) => Engine.UpdateStreamMode(new UpdateStreamModeRequest(Arn(), mode));

    private Shard[] Shards() => [.. Engine.ListShards(new ListShardsRequest(S)).Shards];

    private IEnumerable<HashKeyRange> OpenRanges() => Shards()
        .Where(static shard => shard.EndingSequenceNumber is null)
        .Select(static shard => shard.HashKeyRange)
        .OrderBy(static range => range.StartingHashKey);

    private static string Lineage(Shard shard) => string.Join(
        ' ', new[] { Short(shard.ShardId) + " <-", Short(shard.ParentShardId), Short(shard.AdjacentParentShardId) }
            .Where((text, index) => index < 2 || text.Length > 0));

    private static string Short(string? shardId) =>
        shardId is null ? "" : int.Parse(shardId["shardId-".Length..], CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture);

    private static bool Overlap(HashKeyRange one, HashKeyRange other) =>
        one.StartingHashKey <= other.EndingHashKey && other.StartingHashKey <= one.EndingHashKey;
}

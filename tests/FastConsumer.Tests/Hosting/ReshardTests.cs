using FastConsumer.Kinesis;

namespace FastConsumer.Tests.Hosting;

public sealed class ReshardTests : WorkerTest
{
    [Fact]
    public async Task Splits_and_merges_under_way_lose_and_repeat_nothing_and_keep_the_order_of_keys()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(100);
        await using (WorkerHost host = await StartAsync())
        {
            await Journal.WaitForAsync(texts, host.Log);
            Kinesis.SplitShard(Stream, OpenShards()[0]);
            texts.AddRange(Put(100));
            string[] open = [.. Kinesis.ListShards(Stream).Where(static shard => shard.EndingSequenceNumber is null)
                .OrderBy(static shard => shard.HashKeyRange.StartingHashKey).Select(static shard => shard.ShardId)];
            Kinesis.MergeShards(Stream, open[1], open[2]);
            texts.AddRange(Put(100));
            await Journal.WaitForAsync(texts, host.Log);
            await EndedAsync(host, closed: 3);
        }

        Journal.AssertEachOnce(texts);
        AssertParentsBeforeChildren();
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task Generations_that_were_closed_before_the_start_are_read_from_the_oldest()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(50);
        for (int generation = 0; generation < 3; generation++)
        {
            foreach (string shardId in OpenShards())
            {
                Kinesis.SplitShard(Stream, shardId);
            }

            texts.AddRange(Put(50));
            string[] open = [.. Kinesis.ListShards(Stream).Where(static shard => shard.EndingSequenceNumber is null)
                .OrderBy(static shard => shard.HashKeyRange.StartingHashKey).Select(static shard => shard.ShardId)];
            Kinesis.MergeShards(Stream, open[0], open[1]);
            texts.AddRange(Put(50));
        }

        await using (WorkerHost host = await StartAsync())
        {
            await Journal.WaitForAsync(texts, host.Log);
        }

        Journal.AssertEachOnce(texts);
        AssertParentsBeforeChildren();
    }

    [Fact]
    public async Task A_reshard_while_no_worker_runs_is_followed_by_the_next()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(50);
        await using (WorkerHost host = await StartAsync())
        {
            await Journal.WaitForAsync(texts, host.Log);
        }

        texts.AddRange(Put(20));
        Kinesis.SplitShard(Stream, OpenShards()[0]);
        texts.AddRange(Put(20));
        await using WorkerHost next = await StartAsync();
        await Journal.WaitForAsync(texts, next.Log);
        Journal.AssertEachOnce(texts);
        AssertParentsBeforeChildren();
    }

    [Fact]
    public async Task The_children_of_a_finished_shard_are_named_in_its_lease()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync();
        await Eventually.TrueAsync(() => Rows.Count == 1, () => host.Log.ToString());
        string parent = OpenShards()[0];
        Kinesis.SplitShard(Stream, parent);
        await Eventually.TrueAsync(() => Row(parent).ChildShardIds.Count == 2 && Rows.Count == 3, () => host.Log.ToString());
        Assert.Equal(OpenShards(), Row(parent).ChildShardIds);
        Assert.True(Row(parent).IsFinished);
        Assert.All(Rows.Where(row => row.LeaseKey != parent), row => Assert.Equal([parent], row.ParentShardIds));
    }

    [Fact]
    public async Task Two_workers_follow_a_reshard_together()
    {
        Kinesis.CreateStream(Stream, shardCount: 4);
        List<string> texts = Put(200);
        await using WorkerHost first = await StartAsync();
        await using WorkerHost second = await StartAsync();
        await Journal.WaitForAsync(texts, first.Log);
        foreach (string shardId in OpenShards())
        {
            Kinesis.SplitShard(Stream, shardId);
        }

        texts.AddRange(Put(200));
        await Journal.WaitForAsync(texts, second.Log);
        await Eventually.TrueAsync(
            () => Rows.Where(static row => !row.IsFinished).Select(static row => row.LeaseOwner).OfType<string>()
                .GroupBy(static owner => owner).Select(static group => group.Count()).Order().SequenceEqual([4, 4]),
            () => string.Join('\n', Rows) + first.Log);
    }

    private Task EndedAsync(WorkerHost host, int closed) => Eventually.TrueAsync(
        () => Journal.Events.Count(static what => what.EndsWith(" ended", StringComparison.Ordinal)) == closed,
        () => string.Join('\n', Rows) + host.Log);

    private void AssertParentsBeforeChildren()
    {
        IReadOnlyList<string> events = Journal.Events;
        foreach (Shard shard in Kinesis.ListShards(Stream))
        {
            foreach (string parent in new[] { shard.ParentShardId, shard.AdjacentParentShardId }.OfType<string>())
            {
                int ended = events.ToList().IndexOf($"{Number(parent)} ended");
                int started = events.ToList().IndexOf($"{Number(shard.ShardId)} started");
                Assert.True(
                    ended >= 0 && (started < 0 || ended < started),
                    $"{parent} ended at {ended}, {shard.ShardId} started at {started}:\n{string.Join('\n', events)}");
            }
        }

        static string Number(string shardId) => int.Parse(shardId["shardId-".Length..], System.Globalization.CultureInfo.InvariantCulture)
            .ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}

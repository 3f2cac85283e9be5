using System.Text;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>A split and merges under a running worker, while records keep coming.</summary>
public sealed class ReshardingTests(LocalAws aws)
{
    private const int Keys = 40;

    [Fact]
    public async Task Follows_splits_and_merges_in_order()
    {
        const string stream = "reshard";
        var cancellationToken = TestContext.Current.CancellationToken;
        await aws.Producer.CreateStreamAsync(stream, 2, cancellationToken);
        var journal = new Journal();
        await using var worker = await TestWorker.StartAsync(journal, aws.KinesisUrl, aws.DynamoUrl, stream);

        using var enough = new CancellationTokenSource();
        var producing = ProduceAsync(stream, enough.Token);
        await journal.HasAsync(2 * Keys, worker);
        var first = (await aws.Producer.ListShardsAsync(stream, cancellationToken)).OrderBy(shard => shard.StartingHashKey).ToList();
        var children = (await aws.Producer.SplitShardAsync(stream, first[0].ShardId, cancellationToken))
            .OrderBy(shard => shard.StartingHashKey).ToList();
        await Eventually.ThatAsync("a child of the split is read", () => Any(journal, children[1].ShardId), worker.Log.ToString);
        // the right child merges with the other first shard, then all is merged into one
        var merged = await aws.Producer.MergeShardsAsync(stream, children[1].ShardId, first[1].ShardId, cancellationToken);
        await Eventually.ThatAsync("the child of the first merge is read", () => Any(journal, merged.ShardId), worker.Log.ToString);
        var last = await aws.Producer.MergeShardsAsync(stream, children[0].ShardId, merged.ShardId, cancellationToken);
        await Eventually.ThatAsync("the last shard is read", () => Any(journal, last.ShardId), worker.Log.ToString);
        await enough.CancelAsync();
        var (rounds, produced) = await producing;
        await journal.HasAsync(rounds * Keys, worker);
        var shards = await aws.Producer.ListShardsAsync(stream, cancellationToken);
        await Eventually.ThatAsync(
            "all closed shards are done and named their children",
            async () => (await LeaseRows.ReadAsync(aws.Tables, stream, cancellationToken)).Values
                .Count(row => row.Checkpoint() == "SHARD_END" && row.ContainsKey("childShardIds")) == 5,
            worker.Log.ToString);
        await worker.StopAsync();

        // nothing lost, nothing twice, each key in the order in which it was put
        Assert.Equal(produced.Order(), journal.Records.Select(record => (record.ShardId, record.SequenceNumber)).Order());
        foreach (var key in journal.Records.GroupBy(record => record.PartitionKey))
        {
            Assert.Equal(
                Enumerable.Range(0, rounds).Select(round => $"{key.Key["key-".Length..]}:{round}"),
                key.Select(record => Encoding.UTF8.GetString(record.Data)));
        }

        Assert.Equal(6, shards.Count);
        var rows = await LeaseRows.ReadAsync(aws.Tables, stream, cancellationToken);
        var events = journal.Events;
        foreach (var shard in shards)
        {
            var row = rows[shard.ShardId];
            string[] parents = [.. new[] { shard.ParentShardId, shard.AdjacentParentShardId }.OfType<string>()];
            Assert.All(parents, parent => Assert.True(
                IndexOf(events, $"ended {parent}") < IndexOf(events, $"started {shard.ShardId}"),
                $"{shard.ShardId} began before {parent} ended."));
            Assert.Equal(parents.Length > 0, row.ContainsKey("parentShardId"));
            if (parents.Length > 0)
                Assert.Equal($"SS {string.Join(',', parents.Order(StringComparer.Ordinal))}", row["parentShardId"].Typed());
            var isLast = shard.ShardId == last.ShardId;
            Assert.Equal(isLast, row.Checkpoint() != "SHARD_END");
            Assert.Equal(isLast ? 0 : 1, events.Count(what => what == $"ended {shard.ShardId}"));
            Assert.Null(row.Owner());
            if (!isLast)
            {
                var itsChildren = shards.Where(
                    child => child.ParentShardId == shard.ShardId || child.AdjacentParentShardId == shard.ShardId);
                Assert.Equal(
                    $"SS {string.Join(',', itsChildren.Select(child => child.ShardId).Order(StringComparer.Ordinal))}",
                    row["childShardIds"].Typed());
            }
        }
    }

    private static bool Any(Journal journal, string shardId) => journal.Records.Any(record => record.ShardId == shardId);

    private static int IndexOf(IReadOnlyList<string> events, string what)
    {
        var index = events.ToList().IndexOf(what);
        Assert.True(index >= 0, $"There was no '{what}'.");
        return index;
    }

    /// <summary>Puts one record of each key, again and again: each round once the one before is written, so keys have an order.</summary>
    private async Task<(int Rounds, IReadOnlyList<(string ShardId, string SequenceNumber)> Produced)> ProduceAsync(
        string stream, CancellationToken enough)
    {
        var produced = new List<(string ShardId, string SequenceNumber)>();
        for (var round = 0; ; round++)
        {
            if (enough.IsCancellationRequested)
                return (round, produced);
            var written = await aws.Producer.PutRecordsAsync(stream, TestRecords.Round(round, Keys), TestContext.Current.CancellationToken);
            produced.AddRange(written.Select(record => (record.ShardId, record.SequenceNumber)));
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}

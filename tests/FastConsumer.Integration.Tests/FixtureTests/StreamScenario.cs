using System.Text;
using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.FixtureTests;

/// <summary>What every Kinesis here must be able to do.</summary>
internal static class StreamScenario
{
    public static async Task RunAsync(LocalServer server, string stream, CancellationToken cancellationToken)
    {
        LoopbackListeners.AssertOnly(server.ServiceUrl);
        await using var producer = await SdkProducer.StartAsync(server.ServiceUrl, cancellationToken);
        await producer.CreateStreamAsync(stream, 3, cancellationToken);

        var records = Enumerable.Range(0, 300).Select(i => new RecordToPut($"key-{i}", Encoding.UTF8.GetBytes($"record {i}"))).ToArray();
        var produced = await producer.PutRecordsAsync(stream, records, cancellationToken);
        Assert.Equal(300, produced.Count);
        Assert.Equal(300, produced.Select(record => (record.ShardId, record.SequenceNumber)).Distinct().Count());

        var shards = await producer.ListShardsAsync(stream, cancellationToken);
        Assert.Equal(3, shards.Count);
        Assert.All(shards, shard => Assert.True(shard.IsOpen));
        Assert.Equal(UInt128.Zero, shards.Min(shard => shard.StartingHashKey));
        Assert.Equal(UInt128.MaxValue, shards.Max(shard => shard.EndingHashKey));
        Assert.Equal(shards.Select(shard => shard.ShardId).Order(), produced.Select(record => record.ShardId).Distinct().Order());

        var last = shards.MaxBy(shard => shard.StartingHashKey)!;
        var directed = await producer.PutRecordsAsync(
            stream, [new RecordToPut("anything", "x"u8.ToArray(), last.StartingHashKey)], cancellationToken);
        Assert.Equal(last.ShardId, Assert.Single(directed).ShardId);

        var children = await producer.SplitShardAsync(stream, shards[0].ShardId, cancellationToken);
        Assert.Equal(2, children.Count);
        Assert.All(children, child => Assert.Equal(shards[0].ShardId, child.ParentShardId));

        var merged = await producer.MergeShardsAsync(stream, children[0].ShardId, children[1].ShardId, cancellationToken);
        Assert.Equal(
            children.Select(child => child.ShardId).Order(),
            new[] { merged.ParentShardId, merged.AdjacentParentShardId }.Order());
        Assert.Equal(shards[0].StartingHashKey, merged.StartingHashKey);
        Assert.Equal(shards[0].EndingHashKey, merged.EndingHashKey);
        Assert.Equal(3, (await producer.ListShardsAsync(stream, cancellationToken)).Count(shard => shard.IsOpen));

        await producer.DeleteStreamAsync(stream, cancellationToken);
        var exception = await Assert.ThrowsAsync<SdkProducerException>(() => producer.ListShardsAsync(stream, cancellationToken));
        Assert.StartsWith("ResourceNotFoundException", exception.Message, StringComparison.Ordinal);
    }
}

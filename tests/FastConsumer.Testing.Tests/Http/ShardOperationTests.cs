using System.Globalization;
using System.Text.Json;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

public sealed class ShardOperationTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new();
    private EmbeddedKinesis _kinesis = null!;
    private RawClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { TimeProvider = _clock }, RawClient.Cancellation);
        _client = new RawClient(_kinesis.ServiceUrl);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _kinesis.DisposeAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    public void New_shards_cover_the_ring_without_gap_or_overlap(int count)
    {
        _kinesis.CreateStream("s", count);
        UInt128 next = 0;
        IReadOnlyList<Shard> shards = _kinesis.ListShards("s");
        foreach (Shard shard in shards)
        {
            Assert.Equal(next, shard.HashKeyRange.StartingHashKey);
            next = shard.HashKeyRange.EndingHashKey + 1;
            Assert.Matches("^4\\d{55}$", shard.StartingSequenceNumber.ToString());
        }

        Assert.Equal(count, shards.Count);
        Assert.Equal(UInt128.MaxValue, shards[^1].HashKeyRange.EndingHashKey);
    }

    [Fact]
    public async Task Shards_are_listed_in_pages_by_a_token_that_stands_for_the_stream()
    {
        _kinesis.CreateStream("s", 2500);
        JsonElement page = await _client.OkAsync("ListShards", """{"StreamName":"s"}""");
        Assert.Equal(1000, page.GetProperty("Shards").GetArrayLength());
        string token = page.GetProperty("NextToken").GetString()!;

        await _client.RefusedAsync("ListShards", $$"""{"StreamName":"s","NextToken":"{{token}}"}""", "InvalidArgumentException");
        await _client.RefusedAsync("ListShards", """{"NextToken":"bm9uc2Vuc2U="}""", "InvalidArgumentException");
        JsonElement second = await _client.OkAsync("ListShards", $$"""{"NextToken":"{{token}}","MaxResults":10000}""");
        Assert.Equal(1000, second.GetProperty("Shards").GetArrayLength());
        Assert.Equal("shardId-000000001000", second.GetProperty("Shards")[0].GetProperty("ShardId").GetString());
        JsonElement third = await _client.OkAsync("ListShards", $$"""{"NextToken":"{{second.GetProperty("NextToken").GetString()}}"}""");
        Assert.Equal(500, third.GetProperty("Shards").GetArrayLength());
        Assert.False(third.TryGetProperty("NextToken", out _));

        _clock.Advance(TimeSpan.FromSeconds(300));
        await _client.OkAsync("ListShards", $$"""{"NextToken":"{{token}}"}""");
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        await _client.RefusedAsync("ListShards", $$"""{"NextToken":"{{token}}"}""", "ExpiredNextTokenException");
    }

    [Fact]
    public async Task Filters_choose_shards()
    {
        _kinesis.CreateStream("s", 2);
        _clock.Advance(TimeSpan.FromMinutes(1));
        _kinesis.SplitShard("s", "shardId-000000000000");
        string atSplit = Seconds(_clock.GetUtcNow());
        string beforeSplit = Seconds(_clock.GetUtcNow().AddMilliseconds(-1));

        await ListedAsync("", 0, 1, 2, 3);
        await ListedAsync(""","ShardFilter":{"Type":"AT_LATEST"}""", 1, 2, 3);
        await ListedAsync(""","ShardFilter":{"Type":"FROM_TRIM_HORIZON"}""", 0, 1, 2, 3);
        await ListedAsync(""","ShardFilter":{"Type":"AT_TRIM_HORIZON"}""", 0, 1);
        await ListedAsync(""","ShardFilter":{"Type":"AFTER_SHARD_ID","ShardId":"shardId-000000000001"}""", 2, 3);
        await ListedAsync(""","ExclusiveStartShardId":"shardId-000000000001" """, 2, 3);
        await ListedAsync($$""","ShardFilter":{"Type":"AT_TIMESTAMP","Timestamp":{{beforeSplit}}}""", 0, 1);
        await ListedAsync($$""","ShardFilter":{"Type":"AT_TIMESTAMP","Timestamp":{{atSplit}}}""", 1, 2, 3);
        await ListedAsync($$""","ShardFilter":{"Type":"FROM_TIMESTAMP","Timestamp":{{beforeSplit}}}""", 0, 1, 2, 3);
        await ListedAsync($$""","ShardFilter":{"Type":"FROM_TIMESTAMP","Timestamp":{{atSplit}}}""", 1, 2, 3);
        await _client.RefusedAsync("ListShards", """{"StreamName":"s","ShardFilter":{"Type":"SOME"}}""", "ValidationException");
        await _client.RefusedAsync(
            "ListShards", """{"StreamName":"s","ShardFilter":{"Type":"AT_TIMESTAMP"}}""", "InvalidArgumentException");
        await _client.RefusedAsync("ListShards", """{"StreamName":"s","MaxResults":0}""", "ValidationException");

        // A filter goes on from page to page.
        JsonElement first = await _client.OkAsync("ListShards", """{"StreamName":"s","MaxResults":1,"ShardFilter":{"Type":"AT_LATEST"}}""");
        JsonElement rest = await _client.OkAsync("ListShards", $$"""{"NextToken":"{{first.GetProperty("NextToken").GetString()}}"}""");
        Assert.Equal([2, 3], Ids(rest));
    }

    [Fact]
    public async Task A_creation_timestamp_selects_the_streams_life()
    {
        _kinesis.CreateStream("s");
        await _client.OkAsync("ListShards", $$"""{"StreamName":"s","StreamCreationTimestamp":{{Seconds(_clock.GetUtcNow())}}}""");
        await _client.RefusedAsync("ListShards", """{"StreamName":"s","StreamCreationTimestamp":1.5E9}""", "ResourceNotFoundException");
    }

    [Fact]
    public async Task A_split_and_a_merge_leave_a_lineage_that_reads_from_parent_to_child()
    {
        _kinesis.CreateStream("s", 2);
        SequenceNumber last = _kinesis.Put("s", "k", "before", 0).SequenceNumber;
        await _client.OkAsync("SplitShard", """{"StreamName":"s","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"5000"}""");
        await _client.OkAsync("MergeShards", $$"""{"StreamARN":"{{_kinesis.StreamArn("s")}}","ShardToMerge":"shardId-000000000001","AdjacentShardToMerge":"shardId-000000000003"}""");
        PutRecordResponse after = _kinesis.Put("s", "k", "after", 4999);
        Assert.Equal("shardId-000000000002", after.ShardId);
        Assert.True(after.SequenceNumber > last);
        Assert.Equal("shardId-000000000004", _kinesis.Put("s", "k", "after", 5000).ShardId);

        IReadOnlyList<Shard> shards = _kinesis.ListShards("s");
        Assert.Equal(5, shards.Count);
        Assert.Equal(new HashKeyRange(0, 4999), shards[2].HashKeyRange);
        Assert.Equal("shardId-000000000000", shards[2].ParentShardId);
        Assert.Null(shards[2].AdjacentParentShardId);
        Assert.Equal("shardId-000000000001", shards[4].ParentShardId);
        Assert.Equal("shardId-000000000003", shards[4].AdjacentParentShardId);
        Assert.Equal(new HashKeyRange(5000, UInt128.MaxValue), shards[4].HashKeyRange);
        Assert.Equal([false, false, true, false, true], shards.Select(static shard => shard.EndingSequenceNumber is null));
        Assert.All(
            shards.Where(static shard => shard.ParentShardId is not null),
            child => Assert.All(
                shards.Where(shard => shard.ShardId == child.ParentShardId || shard.ShardId == child.AdjacentParentShardId),
                parent => Assert.True(parent.StartingSequenceNumber < parent.EndingSequenceNumber
                    && parent.EndingSequenceNumber < child.StartingSequenceNumber)));
        Assert.True(last < shards[0].EndingSequenceNumber);

        JsonElement split = await _client.RecordsAsync(await _client.IteratorAsync("s", "shardId-000000000000"));
        Assert.Equal(1, split.GetProperty("Records").GetArrayLength());
        Assert.False(split.TryGetProperty("NextShardIterator", out _));
        JsonElement[] children = [.. split.GetProperty("ChildShards").EnumerateArray()];
        Assert.Equal(
            ["shardId-000000000002", "shardId-000000000003"], children.Select(static child => child.GetProperty("ShardId").GetString()));
        Assert.All(
            children,
            static child => Assert.Equal("shardId-000000000000", child.GetProperty("ParentShards").EnumerateArray().Single().GetString()));
        Assert.Equal("5000", children[1].GetProperty("HashKeyRange").GetProperty("StartingHashKey").GetString());

        JsonElement merged = await _client.RecordsAsync(await _client.IteratorAsync("s", "shardId-000000000003", "LATEST"));
        JsonElement only = merged.GetProperty("ChildShards").EnumerateArray().Single();
        Assert.Equal(
            ["shardId-000000000001", "shardId-000000000003"],
            only.GetProperty("ParentShards").EnumerateArray().Select(static parent => parent.GetString()));
        JsonElement open = await _client.RecordsAsync(await _client.IteratorAsync("s", "shardId-000000000004"));
        Assert.True(open.TryGetProperty("NextShardIterator", out _));
        Assert.False(open.TryGetProperty("ChildShards", out _));

        // The number a shard ends with is a position like any other: its end.
        JsonElement atEnd = await _client.RecordsAsync(await _client.IteratorAsync(
            "s",
            "shardId-000000000000",
            "AFTER_SEQUENCE_NUMBER",
            $",\"StartingSequenceNumber\":\"{shards[0].EndingSequenceNumber}\""));
        Assert.Equal(2, atEnd.GetProperty("ChildShards").GetArrayLength());
    }

    [Fact]
    public async Task A_closed_shards_last_page_alone_names_the_children()
    {
        _kinesis.CreateStream("s");
        for (int i = 0; i < 3; i++)
        {
            _kinesis.Put("s", "k", "x");
        }

        _kinesis.SplitShard("s", "shardId-000000000000");
        JsonElement first = await _client.RecordsAsync(await _client.IteratorAsync("s", "shardId-000000000000"), 2);
        Assert.False(first.TryGetProperty("ChildShards", out _));
        JsonElement second = await _client.RecordsAsync(first.GetProperty("NextShardIterator").GetString()!, 2);
        Assert.Equal(1, second.GetProperty("Records").GetArrayLength());
        Assert.Equal(2, second.GetProperty("ChildShards").GetArrayLength());
    }

    [Fact]
    public async Task Invalid_reshards_are_refused()
    {
        _kinesis.CreateStream("s", 3);
        await Split("shardId-000000000009", "5", "ResourceNotFoundException");
        await Split("shardId-000000000000", "x", "ValidationException");
        await Split("shardId-000000000000", "1", "InvalidArgumentException");
        await Split("shardId-000000000000", "340282366920938463463374607431768211455", "InvalidArgumentException");
        await Split("shardId-000000000000", "340282366920938463463374607431768211456", "InvalidArgumentException");
        await Merge("shardId-000000000000", "shardId-000000000002", "InvalidArgumentException");
        await Merge("shardId-000000000000", "shardId-000000000000", "InvalidArgumentException");
        _kinesis.MergeShards("s", "shardId-000000000001", "shardId-000000000000");
        await Merge("shardId-000000000000", "shardId-000000000002", "InvalidArgumentException");
        await Split("shardId-000000000000", "5", "InvalidArgumentException");

        await _client.OkAsync("CreateStream", """{"StreamName":"d","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}""");
        await _client.RefusedAsync(
            "SplitShard", """{"StreamName":"d","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"5"}""", "ValidationException");
        _kinesis.SplitShard("d", "shardId-000000000000");
        Assert.Equal(6, _kinesis.ListShards("d").Count);

        Task Split(string shardId, string hashKey, string errorCode) => _client.RefusedAsync(
            "SplitShard",
            $$"""{"StreamName":"s","ShardToSplit":"{{shardId}}","NewStartingHashKey":"{{hashKey}}"}""",
            errorCode);

        Task Merge(string shardId, string adjacent, string errorCode) => _client.RefusedAsync(
            "MergeShards",
            $$"""{"StreamName":"s","ShardToMerge":"{{shardId}}","AdjacentShardToMerge":"{{adjacent}}"}""",
            errorCode);
    }

    [Fact]
    public async Task A_closed_shard_disappears_with_its_last_record()
    {
        _kinesis.CreateStream("s");
        _kinesis.Put("s", "k", "x");
        _kinesis.SplitShard("s", "shardId-000000000000");
        _clock.Advance(TimeSpan.FromHours(24));
        Assert.Equal(3, _kinesis.ListShards("s").Count);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["shardId-000000000001", "shardId-000000000002"], _kinesis.ListShards("s").Select(static shard => shard.ShardId));
        await _client.RefusedAsync(
            "GetShardIterator",
            """{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"TRIM_HORIZON"}""",
            "ResourceNotFoundException");
    }

    private async Task ListedAsync(string more, params int[] expected) =>
        Assert.Equal(expected, Ids(await _client.OkAsync("ListShards", $$"""{"StreamName":"s"{{more}}}""")));

    private static int[] Ids(JsonElement page) =>
        [.. page.GetProperty("Shards").EnumerateArray()
            .Select(static shard => int.Parse(shard.GetProperty("ShardId").GetString()![8..], CultureInfo.InvariantCulture))];

    private static string Seconds(DateTimeOffset time) => (time.ToUnixTimeMilliseconds() / 1000m).ToString(CultureInfo.InvariantCulture);
}

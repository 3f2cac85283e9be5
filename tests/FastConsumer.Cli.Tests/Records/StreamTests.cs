using FastConsumer.Cli.Tests.Fleets;
using FastConsumer.Kinesis;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Tests.Records;

/// <summary><c>stream create</c>, <c>delete</c>, <c>split</c> and <c>merge</c>.</summary>
public sealed class StreamTests : RecordsTest
{
    private const string Left = "shardId-000000000000";
    private const string Right = "shardId-000000000001";

    // the tool is to wait for it
    protected override EmbeddedKinesisOptions Options => new()
    {
        CreateDelay = TimeSpan.FromSeconds(1),
        UpdateDelay = TimeSpan.FromSeconds(1),
        DeleteDelay = TimeSpan.FromSeconds(1),
    };

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Kinesis.CreateStream("waited-for");
    }

    [Fact]
    public async Task A_stream_is_created_and_deleted_when_it_is_confirmed()
    {
        ToolRun plan = await SucceedAsync("stream", "create", "new", "--shards", "3", "--dry-run");
        Assert.Contains("3 shards", plan.Output, StringComparison.Ordinal);
        (await RunAsync("stream", "create", "new", "--shards", "3")).AssertRefused("Nothing was changed");
        Assert.Throws<KinesisException>(() => Kinesis.ListShards("new"));

        ToolRun created = await SucceedAsync("stream", "create", "new", "--shards", "3", "--yes", "-o", "json");
        Assert.Equal(("changes", "create", "new", true), (
            created.Document.GetProperty("kind").GetString()!,
            created.Items.Single().GetProperty("change").GetString()!,
            created.Items.Single().GetProperty("target").GetString()!,
            created.Items.Single().GetProperty("isDone").GetBoolean()));
        Assert.Equal(3, Kinesis.ListShards("new").Count);
        (await RunAsync("stream", "create", "new", "--shards", "1", "--yes")).AssertRefused("exists already, with 3 open shards");

        (await RunAsync("stream", "delete", "new")).AssertRefused("Nothing was changed");
        await SucceedAsync("stream", "delete", "new", "--yes");
        Assert.Throws<KinesisException>(() => Kinesis.ListShards("new"));
    }

    [Fact]
    public async Task A_stream_on_demand_is_created_and_not_resharded_by_hand()
    {
        await SucceedAsync("stream", "create", "free", "--on-demand", "--yes");

        (await RunAsync("stream", "split", "--stream", "free", "--shard", Left, "--yes")).AssertRefused("on demand");
    }

    [Fact]
    public async Task A_stream_with_consumers_is_deleted_only_with_them()
    {
        await ActiveAsync("waited-for");
        using KinesisClient client = CreateClient();
        await client.RegisterStreamConsumerAsync(Kinesis.StreamArn("waited-for"), "desk", Cancellation);

        (await RunAsync("stream", "delete", "waited-for", "--yes")).AssertRefused("1 registered consumers");
        await SucceedAsync("stream", "delete", "waited-for", "--with-consumers", "--yes");

        Assert.Throws<KinesisException>(() => Kinesis.ListShards("waited-for"));
    }

    [Fact]
    public async Task Shards_are_split_and_merged()
    {
        await ActiveAsync();
        (await RunAsync("stream", "split", "--shard", Left)).AssertRefused("Nothing was changed");
        Assert.Equal(2, Kinesis.ListShards(Stream).Count);

        await SucceedAsync("stream", "split", "--shard", Left, "--yes");
        IReadOnlyList<Shard> halves = [.. Kinesis.ListShards(Stream).Where(static shard => shard.ParentShardId == Left)];
        Assert.Equal(2, halves.Count);
        Assert.Equal(
            halves[0].HashKeyRange.EndingHashKey - halves[0].HashKeyRange.StartingHashKey,
            halves[1].HashKeyRange.EndingHashKey - halves[1].HashKeyRange.StartingHashKey);

        (await RunAsync("stream", "merge", "--shard", halves[0].ShardId, "--with", Right, "--yes"))
            .AssertRefused($"Beside {halves[0].ShardId} there are: {halves[1].ShardId}");
        (await RunAsync("stream", "split", "--shard", Left, "--yes")).AssertRefused("is closed");

        await SucceedAsync("stream", "merge", "--shard", halves[1].ShardId, "--with", Right, "--yes");
        Shard merged = Kinesis.ListShards(Stream)
            .Single(shard => shard.ParentShardId is not null && shard.AdjacentParentShardId is not null);
        Assert.Equal(halves[1].HashKeyRange.StartingHashKey, merged.HashKeyRange.StartingHashKey);

        UInt128 at = merged.HashKeyRange.EndingHashKey - 1;
        await SucceedAsync("stream", "split", "--shard", merged.ShardId, "--at", $"{at}", "--yes");
        Assert.Contains(Kinesis.ListShards(Stream), shard => shard.HashKeyRange.StartingHashKey == at);
    }

    [Theory]
    [InlineData(2, "create new", "--shards N")]
    [InlineData(2, "create new --shards 0 --yes", "--shards 0")]
    [InlineData(2, "create no/name --shards 1", "'no/name' is no stream")]
    [InlineData(1, "delete nothere --yes", "nothere")]
    [InlineData(2, "split --yes", "--shard")]
    [InlineData(1, "split --shard shardId-9 --yes", "has no shard 'shardId-9'")]
    [InlineData(2, "split --shard shardId-000000000000 --at 0 --yes", "--at 0 does not part shardId-000000000000")]
    [InlineData(2, "split --shard shardId-000000000000 --at middle --yes", "--at 'middle' is no hash key")]
    [InlineData(2, "merge --shard shardId-000000000000 --yes", "--with")]
    [InlineData(1, "merge --shard shardId-000000000000 --with shardId-9 --yes", "has no shard 'shardId-9'")]
    public async Task What_is_wrong_is_said_in_a_line_and_nothing_is_changed(int exitCode, string arguments, string said)
    {
        await ActiveAsync();

        (await RunAsync(["stream", .. arguments.Split(' ')])).AssertFails(exitCode, said);
        Assert.Equal(2, Kinesis.ListShards(Stream).Count);
    }

    private async Task ActiveAsync(string stream = Stream)
    {
        using KinesisClient client = CreateClient();
        await Integration.Tests.Fixtures.Eventually.ThatAsync(
            "the stream is ACTIVE",
            async () => (await client.DescribeStreamSummaryAsync(StreamIdentifier.Parse(stream), Cancellation)).StreamStatus == "ACTIVE");
    }
}

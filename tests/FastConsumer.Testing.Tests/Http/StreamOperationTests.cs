using System.Net;
using System.Text.Json;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

public sealed class StreamOperationTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new();
    private EmbeddedKinesis _kinesis = null!;
    private RawClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions
            {
                TimeProvider = _clock,
                CreateDelay = TimeSpan.FromSeconds(10),
                UpdateDelay = TimeSpan.FromSeconds(20),
                DeleteDelay = TimeSpan.FromSeconds(30),
                AccountId = "123456789012",
                Region = "eu-west-1",
                ShardLimit = 50,
            },
            RawClient.Cancellation);
        _client = new RawClient(_kinesis.ServiceUrl);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _kinesis.DisposeAsync();
    }

    [Fact]
    public async Task A_stream_goes_through_its_states_as_time_passes()
    {
        await _client.OkAsync("CreateStream", """{"StreamName":"s","ShardCount":3}""");
        Assert.Equal("CREATING", await StatusAsync());
        await _client.RefusedAsync("ListShards", """{"StreamName":"s"}""", "ResourceInUseException");
        await _client.RefusedAsync("PutRecord", """{"StreamName":"s","PartitionKey":"k","Data":""}""", "ResourceNotFoundException");
        await _client.RefusedAsync(
            "GetShardIterator",
            """{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"LATEST"}""",
            "ResourceNotFoundException");

        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("ACTIVE", await StatusAsync());

        await _client.OkAsync("SplitShard", """{"StreamName":"s","ShardToSplit":"shardId-000000000000","NewStartingHashKey":"1000"}""");
        Assert.Equal("UPDATING", await StatusAsync());
        await _client.RefusedAsync(
            "MergeShards",
            """{"StreamName":"s","ShardToMerge":"shardId-000000000001","AdjacentShardToMerge":"shardId-000000000002"}""",
            "ResourceInUseException");
        Assert.Equal(3, (await _client.OkAsync("ListShards", """{"StreamName":"s"}""")).GetProperty("Shards").GetArrayLength());
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal("ACTIVE", await StatusAsync());
        Assert.Equal(5, (await _client.OkAsync("ListShards", """{"StreamName":"s"}""")).GetProperty("Shards").GetArrayLength());

        await _client.OkAsync("DeleteStream", """{"StreamName":"s"}""");
        Assert.Equal("DELETING", await StatusAsync());
        await _client.RefusedAsync("DeleteStream", """{"StreamName":"s"}""", "ResourceInUseException");
        await _client.RefusedAsync("CreateStream", """{"StreamName":"s","ShardCount":1}""", "ResourceInUseException");
        _clock.Advance(TimeSpan.FromSeconds(30));
        string message = await _client.RefusedAsync("DescribeStreamSummary", """{"StreamName":"s"}""", "ResourceNotFoundException");
        Assert.Equal("Stream s under account 123456789012 not found.", message);
    }

    [Fact]
    public async Task A_description_names_everything()
    {
        await _client.OkAsync("CreateStream", """{"StreamName":"s","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}""");
        DateTimeOffset created = _clock.GetUtcNow();
        _clock.Advance(TimeSpan.FromSeconds(10));

        JsonElement summary = (await _client.OkAsync(
            "DescribeStreamSummary", """{"StreamARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s"}"""))
            .GetProperty("StreamDescriptionSummary");
        Assert.Equal("s", summary.GetProperty("StreamName").GetString());
        Assert.Equal(_kinesis.StreamArn("s"), summary.GetProperty("StreamARN").GetString());
        Assert.Equal("ON_DEMAND", summary.GetProperty("StreamModeDetails").GetProperty("StreamMode").GetString());
        Assert.Equal(24, summary.GetProperty("RetentionPeriodHours").GetInt32());
        Assert.Equal(created.ToUnixTimeMilliseconds() / 1000m, summary.GetProperty("StreamCreationTimestamp").GetDecimal());
        Assert.Equal(4, summary.GetProperty("OpenShardCount").GetInt32());
        Assert.Equal(0, summary.GetProperty("ConsumerCount").GetInt32());
        Assert.Equal("NONE", summary.GetProperty("EncryptionType").GetString());

        JsonElement first = (await _client.OkAsync("DescribeStream", """{"StreamName":"s","Limit":3}""")).GetProperty("StreamDescription");
        Assert.True(first.GetProperty("HasMoreShards").GetBoolean());
        Assert.Equal(3, first.GetProperty("Shards").GetArrayLength());
        JsonElement rest = (await _client.OkAsync(
            "DescribeStream", """{"StreamName":"s","ExclusiveStartShardId":"shardId-000000000002"}"""))
            .GetProperty("StreamDescription");
        Assert.False(rest.GetProperty("HasMoreShards").GetBoolean());
        Assert.Equal("shardId-000000000003", rest.GetProperty("Shards").EnumerateArray().Single().GetProperty("ShardId").GetString());
    }

    [Theory]
    [InlineData("""{"ShardCount":1}""", "ValidationException")]
    [InlineData("""{"StreamName":"","ShardCount":1}""", "ValidationException")]
    [InlineData("""{"StreamName":"a b","ShardCount":1}""", "ValidationException")]
    [InlineData("""{"StreamName":"s","ShardCount":0}""", "ValidationException")]
    [InlineData("""{"StreamName":"s"}""", "ValidationException")]
    [InlineData("""{"StreamName":"s","ShardCount":1,"StreamModeDetails":{"StreamMode":"ON_DEMAND"}}""", "ValidationException")]
    [InlineData("""{"StreamName":"s","StreamModeDetails":{"StreamMode":"SOMETIMES"}}""", "ValidationException")]
    [InlineData("""{"StreamName":"s","ShardCount":51}""", "LimitExceededException")]
    public Task Invalid_creations_are_refused(string request, string errorCode) => _client.RefusedAsync("CreateStream", request, errorCode);

    [Fact]
    public async Task At_most_five_streams_are_in_creation()
    {
        for (int i = 0; i < 5; i++)
        {
            await _client.OkAsync("CreateStream", $$"""{"StreamName":"s{{i}}","ShardCount":1}""");
        }

        await _client.RefusedAsync("CreateStream", """{"StreamName":"s5","ShardCount":1}""", "LimitExceededException");
        _clock.Advance(TimeSpan.FromSeconds(10));
        await _client.OkAsync("CreateStream", """{"StreamName":"s5","ShardCount":1}""");
    }

    [Fact]
    public async Task Streams_are_listed_page_by_page()
    {
        foreach (string name in (string[])["c", "a", "b"])
        {
            await _client.OkAsync("CreateStream", $$"""{"StreamName":"{{name}}","ShardCount":1}""");
        }

        JsonElement first = await _client.OkAsync("ListStreams", """{"Limit":2}""");
        Assert.Equal(["a", "b"], first.GetProperty("StreamNames").EnumerateArray().Select(static name => name.GetString()));
        Assert.True(first.GetProperty("HasMoreStreams").GetBoolean());
        Assert.Equal("CREATING", first.GetProperty("StreamSummaries")[1].GetProperty("StreamStatus").GetString());
        string token = first.GetProperty("NextToken").GetString()!;
        JsonElement byToken = await _client.OkAsync("ListStreams", $$"""{"NextToken":"{{token}}"}""");
        JsonElement byName = await _client.OkAsync("ListStreams", """{"ExclusiveStartStreamName":"b"}""");
        foreach (JsonElement rest in (JsonElement[])[byToken, byName])
        {
            Assert.Equal(["c"], rest.GetProperty("StreamNames").EnumerateArray().Select(static name => name.GetString()));
            Assert.False(rest.GetProperty("HasMoreStreams").GetBoolean());
            Assert.False(rest.TryGetProperty("NextToken", out _));
        }

        _clock.Advance(TimeSpan.FromSeconds(301));
        await _client.RefusedAsync("ListStreams", $$"""{"NextToken":"{{token}}"}""", "ExpiredNextTokenException");
    }

    [Theory]
    [InlineData("{}", "InvalidArgumentException")]
    [InlineData("""{"StreamARN":"nonsense"}""", "ValidationException")]
    [InlineData("""{"StreamARN":"arn:aws:kinesis:eu-west-1:999999999999:stream/s"}""", "ResourceNotFoundException")]
    [InlineData("""{"StreamARN":"arn:aws:kinesis:eu-west-1:123456789012:stream/s","StreamName":"t"}""", "InvalidArgumentException")]
    [InlineData("""{"StreamName":"absent"}""", "ResourceNotFoundException")]
    public Task A_stream_must_be_named_once_and_exist(string request, string errorCode) =>
        _client.RefusedAsync("DescribeStream", request, errorCode);

    [Fact]
    public async Task A_stream_of_the_same_name_is_another_stream()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { TimeProvider = _clock }, RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);
        kinesis.CreateStream("s");
        SequenceNumber former = kinesis.Put("s", "k", "x").SequenceNumber;
        string iterator = await client.IteratorAsync("s", "shardId-000000000000");
        kinesis.DeleteStream("s");
        _clock.Advance(TimeSpan.FromSeconds(2));
        kinesis.CreateStream("s");

        await client.RefusedAsync("GetRecords", $$"""{"ShardIterator":"{{iterator}}"}""", "ResourceNotFoundException");
        await client.RefusedAsync(
            "GetShardIterator",
            $$"""{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"{{former}}"}""",
            "InvalidArgumentException");
        Assert.True(kinesis.Put("s", "k", "x").SequenceNumber > former);
    }

    [Fact]
    public void Shortcuts_refuse_with_the_clients_exception()
    {
        KinesisException exception = Assert.Throws<KinesisException>(() => _kinesis.Put("absent", "k", "x"));
        Assert.Equal(KinesisErrorKind.NotFound, exception.Kind);
        Assert.Equal("ResourceNotFoundException", exception.ErrorCode);
        Assert.Equal((int)HttpStatusCode.BadRequest, exception.StatusCode);
    }

    [Fact]
    public async Task Options_are_checked_at_the_start()
    {
        await Assert.ThrowsAsync<ArgumentException>(
            () => EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { AccountId = "12" }, RawClient.Cancellation));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { Port = -1 }, RawClient.Cancellation));
        int taken = new Uri(_kinesis.ServiceUrl).Port;
        await Assert.ThrowsAsync<IOException>(
            () => EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { Port = taken }, RawClient.Cancellation));
    }

    private async Task<string?> StatusAsync() => (await _client.OkAsync("DescribeStreamSummary", """{"StreamName":"s"}"""))
        .GetProperty("StreamDescriptionSummary").GetProperty("StreamStatus").GetString();
}

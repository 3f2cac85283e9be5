using System.Net;
using System.Text;
using Amazon.Runtime;
using FastConsumer.Kinesis;
using FastConsumer.Testing;
using FastConsumer.Tests.Buffers;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis;

/// <summary>The client's side of SubscribeToShard, on EmbeddedKinesis and on bytes made up by the test.</summary>
public sealed class SubscribeToShardTests
{
    private const string Arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/app:1";
    private const string Shard = "shardId-000000000000";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Records_come_as_they_are_put()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { Credentials = new("AKID", "secret") }, Token);
        kinesis.CreateStream("orders");
        using KinesisClient client = Client(kinesis.ServiceUrl);
        Consumer consumer = await client.RegisterStreamConsumerAsync(kinesis.StreamArn("orders"), "app", Token);
        PutRecordResponse first = kinesis.Put("orders", "k", "one");

        await using IShardSubscription subscription = await client.SubscribeToShardAsync(
            consumer.ConsumerARN, Shard, StartingPosition.TrimHorizon, Token);
        using (GetRecordsResponse page = await NextAsync(subscription))
        {
            Assert.Equal(first.SequenceNumber, page.GetSequenceNumber(0));
            Assert.Equal(first.SequenceNumber, page.ContinuationSequenceNumber);
            Assert.Equal("one", Encoding.UTF8.GetString(page.GetDataSpan(0)));
            Assert.Equal("k", Encoding.UTF8.GetString(page.GetPartitionKeyUtf8(0)));
            Assert.Equal(0, page.MillisBehindLatest);
            Assert.Empty(page.ChildShards);
        }

        kinesis.Put("orders", "k", "two");
        using GetRecordsResponse next = await NextAsync(subscription);
        Assert.Equal("two", Encoding.UTF8.GetString(next.GetDataSpan(0)));
        Assert.Equal(1, kinesis.RequestCount("SubscribeToShard"));
    }

    [Fact]
    public async Task Refusals_are_mapped_as_those_of_every_operation()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Token);
        kinesis.CreateStream("orders");
        using KinesisClient client = Client(kinesis.ServiceUrl);
        Consumer consumer = await client.RegisterStreamConsumerAsync(kinesis.StreamArn("orders"), "app", Token);

        KinesisException unknown = await Assert.ThrowsAsync<KinesisException>(
            () => client.SubscribeToShardAsync(consumer.ConsumerARN, "shardId-000000000009", StartingPosition.Latest, Token));
        Assert.Equal(KinesisErrorKind.NotFound, unknown.Kind);

        await using IShardSubscription subscription = await client.SubscribeToShardAsync(
            consumer.ConsumerARN, Shard, StartingPosition.Latest, Token);
        KinesisException inUse = await Assert.ThrowsAsync<KinesisException>(
            () => client.SubscribeToShardAsync(consumer.ConsumerARN, Shard, StartingPosition.Latest, Token));
        Assert.Equal(KinesisErrorKind.ResourceInUse, inUse.Kind);

        kinesis.Faults.Fail("SubscribeToShard", "AccessDeniedException", "not allowed");
        KinesisException denied = await Assert.ThrowsAsync<KinesisException>(
            () => client.SubscribeToShardAsync(consumer.ConsumerARN, Shard, StartingPosition.Latest, Token));
        Assert.Equal(KinesisErrorKind.Denied, denied.Kind);
        Assert.Contains("kinesis:SubscribeToShard", denied.Message, StringComparison.Ordinal);

        kinesis.Faults.Fail("SubscribeToShard", "LimitExceededException");
        KinesisException throttled = await Assert.ThrowsAsync<KinesisException>(
            () => client.SubscribeToShardAsync(consumer.ConsumerARN, Shard, StartingPosition.Latest, Token));
        Assert.Equal(KinesisErrorKind.Throttled, throttled.Kind);
        Assert.Equal(5, kinesis.RequestCount("SubscribeToShard"));
    }

    [Theory]
    [InlineData("arn:aws:kinesis:eu-west-1:123456789012:stream/orders")]
    [InlineData("orders")]
    public async Task What_is_no_consumer_is_refused_here(string arn)
    {
        using KinesisClient client = Client("http://127.0.0.1:1");
        await Assert.ThrowsAsync<ArgumentException>(() => client.SubscribeToShardAsync(arn, Shard, StartingPosition.Latest, Token));
    }

    [Fact]
    public async Task The_request_is_http2_in_json_to_the_consumers_account()
    {
        using var handler = new OneAnswer(Frames.Event("initial-response", "{}"));
        var options = new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret"), Region = "us-east-1" };
        using var client = new KinesisClient(options, handler);

        await using IShardSubscription subscription = await client.SubscribeToShardAsync(
            Arn, Shard, StartingPosition.AtTimestamp(DateTimeOffset.FromUnixTimeMilliseconds(1_787_036_486_712)), Token);

        Assert.Equal("https://123456789012.data-kinesis.eu-west-1.amazonaws.com/", handler.Uri);
        Assert.Equal((HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact), handler.Version);
        Assert.Equal(
            $$$"""{"ConsumerARN":"{{{Arn}}}","ShardId":"{{{Shard}}}","StartingPosition":{"Type":"AT_TIMESTAMP","Timestamp":1787036486.712}}""",
            handler.RequestBody);
        Assert.Null(await subscription.WaitForEventAsync(Token));
        Assert.Null(await subscription.ReadAsync(Token));
    }

    [Fact]
    public async Task Notes_between_events_go_by_and_announced_sizes_are_the_events()
    {
        string large = $$"""{"Records":[],"ContinuationSequenceNumber":"8","Unknown":"{{new string('x', 3000)}}"}""";
        var pool = new CountingPool<byte>();
        using var handler = new OneAnswer(
            Frames.Event("initial-response", "{}"),
            Frames.Event("Later", "{}"),
            Frames.Event("SubscribeToShardEvent", """{"Records":[],"ContinuationSequenceNumber":"7"}"""),
            Frames.Event("SubscribeToShardEvent", large));
        using var client = new KinesisClient(
            new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret") }, handler, pool);
        await using (IShardSubscription subscription = await client.SubscribeToShardAsync(Arn, Shard, StartingPosition.Latest, Token))
        {
            Assert.Equal(47, await subscription.WaitForEventAsync(Token));
            Assert.Equal(47, await subscription.WaitForEventAsync(Token));
            using (GetRecordsResponse first = await NextAsync(subscription))
            {
                Assert.Equal(SequenceNumber.Parse("7"), first.ContinuationSequenceNumber);
            }

            Assert.Equal(large.Length, await subscription.WaitForEventAsync(Token));
            using (GetRecordsResponse second = await NextAsync(subscription))
            {
                Assert.Equal(SequenceNumber.Parse("8"), second.ContinuationSequenceNumber);
            }

            Assert.Null(await subscription.ReadAsync(Token));
        }

        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData("application/x-amz-cbor-1.1")]
    [InlineData("application/json")]
    public async Task Events_in_cbor_are_read_whatever_they_are_labelled(string label)
    {
        SampleRecord[] records = SampleAnswers.Records(3, 2000);
        byte[] answer = SampleAnswers.Cbor(records);
        byte[] headers = [.. Frames.Text(":event-type", "SubscribeToShardEvent"), .. Frames.Text(":content-type", label),
            .. Frames.Text(":message-type", "event")];
        byte[] last = new CborBytes().Map(4)
            .Text("Records").Array(0).Text("MillisBehindLatest").Integer(5).Text("ContinuationSequenceNumber").Text("77")
            .Text("ChildShards").Array(1).Map(3).Text("ShardId").Text("shardId-000000000001").Text("ParentShards").Array(1).Text(Shard)
            .Text("HashKeyRange").Map(2).Text("StartingHashKey").Text("0").Text("EndingHashKey").Text("9").ToArray();
        var pool = new CountingPool<byte>();
        using var handler = new OneAnswer(Frames.Frame(headers, answer), Frames.Frame(headers, last));
        using var client = new KinesisClient(
            new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret") }, handler, pool);
        await using (IShardSubscription subscription = await client.SubscribeToShardAsync(Arn, Shard, StartingPosition.Latest, Token))
        {
            using (GetRecordsResponse first = await NextAsync(subscription))
            {
                Assert.Equal(records.Length, first.Count);
                Assert.Null(first.ContinuationSequenceNumber);
                for (int i = 0; i < records.Length; i++)
                {
                    Assert.Equal(records[i].Data, first.GetDataSpan(i).ToArray());
                    Assert.Equal(records[i].PartitionKey, Encoding.UTF8.GetString(first.GetPartitionKeyUtf8(i)));
                }
            }

            using GetRecordsResponse second = await NextAsync(subscription);
            Assert.Equal(0, second.Count);
            Assert.Equal(5, second.MillisBehindLatest);
            Assert.Equal(SequenceNumber.Parse("77"), second.ContinuationSequenceNumber);
            Assert.Equal("shardId-000000000001", Assert.Single(second.ChildShards).ShardId);
        }

        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public async Task A_huge_event_takes_memory_as_it_comes()
    {
        string json = $$"""{"Records":[],"ContinuationSequenceNumber":"8","Unknown":"{{new string('x', 30 * 1024 * 1024)}}"}""";
        byte[] frame = Frames.Event("SubscribeToShardEvent", json);
        var pool = new CountingPool<byte>();
        using (var handler = new OneAnswer(frame))
        using (var client = new KinesisClient(
            new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret") }, handler, pool))
        {
            await using IShardSubscription subscription = await client.SubscribeToShardAsync(Arn, Shard, StartingPosition.Latest, Token);
            Assert.Equal(json.Length, await subscription.WaitForEventAsync(Token));
            using GetRecordsResponse page = await NextAsync(subscription);
            Assert.Equal(SequenceNumber.Parse("8"), page.ContinuationSequenceNumber);
            Assert.Equal(json.Length, pool.Largest);
        }

        // the same announcement with little behind it
        pool = new CountingPool<byte>();
        using (var handler = new OneAnswer(frame[..100_000]))
        using (var client = new KinesisClient(
            new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret") }, handler, pool))
        {
            await using IShardSubscription subscription = await client.SubscribeToShardAsync(Arn, Shard, StartingPosition.Latest, Token);
            await Assert.ThrowsAsync<KinesisException>(async () => await subscription.ReadAsync(Token));
            Assert.InRange(pool.Largest, 1, 4 * 1024 * 1024);
        }

        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public async Task Exception_frames_are_mapped_by_the_error_catalog()
    {
        Assert.Equal(
            KinesisErrorKind.ResourceInUse,
            (await FailAsync(Frames.Exception("ResourceInUseException", """{"message":"taken over"}"""))).Kind);
        KinesisException denied = await FailAsync(Frames.Exception("KMSAccessDeniedException", """{"message":"no key"}"""));
        Assert.Equal(KinesisErrorKind.Denied, denied.Kind);
        Assert.Contains("kms:Decrypt", denied.Message, StringComparison.Ordinal);
        Assert.Equal(KinesisErrorKind.Throttled, (await FailAsync(Frames.Exception("KMSThrottlingException", "{}"))).Kind);
        Assert.Equal(KinesisErrorKind.Unavailable, (await FailAsync(Frames.Exception("InternalFailureException", "not json"))).Kind);
        Assert.Equal(KinesisErrorKind.NotFound, (await FailAsync(Frames.Exception("ResourceNotFoundException", "{}"))).Kind);
        KinesisException error = await FailAsync(Frames.Error("InternalError", "it broke"));
        Assert.Equal(KinesisErrorKind.Unavailable, error.Kind);
        Assert.Contains("InternalError: it broke.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Broken_streams_are_told_apart()
    {
        byte[] whole = Frames.Event(
            "SubscribeToShardEvent", $$"""{"Records":[],"ContinuationSequenceNumber":"7","X":"{{new string('x', 2000)}}"}""");
        for (int length = 1; length < whole.Length; length += length < 120 ? 1 : 97)
        {
            KinesisException cut = await FailAsync(whole[..length]);
            Assert.Equal(KinesisErrorKind.Unavailable, cut.Kind);
        }

        whole[^20] ^= 1;
        Assert.Equal(KinesisErrorKind.InvalidResponse, (await FailAsync(whole)).Kind);
        Assert.Equal(KinesisErrorKind.InvalidResponse, (await FailAsync(Frames.Event("SubscribeToShardEvent", "{}"))).Kind);
        Assert.Equal(
            KinesisErrorKind.InvalidResponse,
            (await FailAsync(Frames.Event("SubscribeToShardEvent", """{"Records":[],"ContinuationSequenceNumber":"x"}"""))).Kind);
    }

    [Fact]
    public async Task A_cancellation_that_nobody_asked_for_is_a_broken_connection()
    {
        using var handler = new OneAnswer([]) { Body = new GivenUpStream() };
        using var client = new KinesisClient(new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret") }, handler);
        await using IShardSubscription subscription = await client.SubscribeToShardAsync(Arn, Shard, StartingPosition.Latest, Token);
        KinesisException broken = await Assert.ThrowsAsync<KinesisException>(async () => await subscription.WaitForEventAsync(Token));
        Assert.Equal(KinesisErrorKind.Unavailable, broken.Kind);
    }

    [Fact]
    public async Task An_answer_that_is_no_event_stream_is_refused()
    {
        using var handler = new OneAnswer([]) { ContentType = "text/html" };
        using var client = new KinesisClient(new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret") }, handler);
        KinesisException refused = await Assert.ThrowsAsync<KinesisException>(
            () => client.SubscribeToShardAsync(Arn, Shard, StartingPosition.Latest, Token));
        Assert.Equal(KinesisErrorKind.InvalidResponse, refused.Kind);
    }

    [Fact]
    public async Task Disposing_ends_a_wait_and_the_servers_subscription()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Token);
        kinesis.CreateStream("orders");
        var pool = new CountingPool<byte>();
        using var client = new KinesisClient(
            new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret"), ServiceUrl = kinesis.ServiceUrl },
            null, pool);
        Consumer consumer = await client.RegisterStreamConsumerAsync(kinesis.StreamArn("orders"), "app", Token);
        IShardSubscription subscription = await client.SubscribeToShardAsync(consumer.ConsumerARN, Shard, StartingPosition.Latest, Token);
        (await NextAsync(subscription)).Dispose();

        Task<int?> waiting = subscription.WaitForEventAsync(Token).AsTask();
        await subscription.DisposeAsync();

        Assert.Null(await waiting.WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.Equal(0, pool.Outstanding);
    }

    private static async Task<KinesisException> FailAsync(byte[] body)
    {
        var pool = new CountingPool<byte>();
        using var handler = new OneAnswer(body);
        using var client = new KinesisClient(
            new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret") }, handler, pool);
        IShardSubscription subscription = await client.SubscribeToShardAsync(Arn, Shard, StartingPosition.Latest, Token);
        KinesisException failure = await Assert.ThrowsAsync<KinesisException>(async () => await subscription.ReadAsync(Token));
        await Assert.ThrowsAsync<KinesisException>(async () => await subscription.WaitForEventAsync(Token));
        await subscription.DisposeAsync();
        Assert.Equal(0, pool.Outstanding);
        Assert.Contains("request id req-1", failure.Message, StringComparison.Ordinal);
        return failure;
    }

    private static async Task<GetRecordsResponse> NextAsync(IShardSubscription subscription)
    {
        GetRecordsResponse? page = await subscription.ReadAsync(Token);
        return page ?? throw new InvalidOperationException("The subscription has ended.");
    }

    private static KinesisClient Client(string url) =>
        new(new KinesisClientOptions { Credentials = new BasicAWSCredentials("AKID", "secret"), ServiceUrl = url, Region = "us-east-1" });

    /// <summary>Answers everything with the same event stream.</summary>
    private sealed class OneAnswer(params byte[][] frames) : HttpMessageHandler
    {
        public string? Uri { get; private set; }

        public (Version, HttpVersionPolicy) Version { get; private set; }

        public string? RequestBody { get; private set; }

        public Stream? Body { get; init; }

        public string ContentType { get; init; } = "application/vnd.amazon.eventstream";

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Uri = request.RequestUri!.ToString();
            Version = (request.Version, request.VersionPolicy);
            RequestBody = await request.Content!.ReadAsStringAsync(cancellationToken);
            var response = new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = Body is null ? new ByteArrayContent([.. frames.SelectMany(static frame => frame)]) : new StreamContent(Body)
            };
            response.Content.Headers.TryAddWithoutValidation("Content-Type", ContentType);
            response.Headers.TryAddWithoutValidation("x-amzn-RequestId", "req-1");
            return response;
        }
    }

    private sealed class GivenUpStream : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new TaskCanceledException("The connection was closed.");
    }
}

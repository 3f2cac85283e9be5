using System.Text;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Tests.Kinesis;

/// <summary>Every operation over a real socket: what is asked, and what is made of the answer.</summary>
public class KinesisClientTests
{
    private const string Arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";
    private const string ConsumerJson =
        """{"ConsumerName":"c","ConsumerARN":"arn:c","ConsumerStatus":"ACTIVE","ConsumerCreationTimestamp":1.787036486712E9}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<KinesisProtocol> Protocols => [KinesisProtocol.Auto, KinesisProtocol.Cbor, KinesisProtocol.Json];

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task Sends_a_signed_post_with_the_operation_in_a_header(KinesisProtocol protocol)
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json("""{"Shards":[]}"""));
        using var fixture = new ClientFixture(server.Url, options => options.Protocol = protocol);
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        ScriptedRequest request = Assert.Single(server.Requests);
        Assert.Equal("POST / HTTP/1.1", request.RequestLine);
        Assert.Equal("Kinesis_20131202.ListShards", request.Headers["X-Amz-Target"]);
        Assert.Equal(protocol == KinesisProtocol.Json ? "application/x-amz-json-1.1" : "application/x-amz-cbor-1.1", request.ContentType);
        Assert.Equal($"127.0.0.1:{server.Port}", request.Headers["Host"]);
        Assert.Equal("20260801T120000Z", request.Headers["X-Amz-Date"]);
        Assert.Equal("token-of-the-test", request.Headers["X-Amz-Security-Token"]);
        Assert.Matches(
            "^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260801/eu-west-1/kinesis/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=[0-9a-f]{64}$",
            request.Headers["Authorization"]);
        Assert.StartsWith("FastConsumer/", request.Headers["User-Agent"], StringComparison.Ordinal);
        Assert.Equal("orders", request.Content["StreamName"].AsText());
        Assert.Equal(0, fixture.Pool.Outstanding);
    }

    [Fact]
    public async Task Sends_no_token_header_for_plain_credentials()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json("""{"Shards":[]}"""));
        using var fixture = new ClientFixture(
            server.Url, static options => options.Credentials = new Amazon.Runtime.BasicAWSCredentials("a", "b"));
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        ScriptedRequest request = Assert.Single(server.Requests);
        Assert.False(request.Headers.ContainsKey("X-Amz-Security-Token"));
        Assert.Contains(
            "SignedHeaders=content-type;host;x-amz-date;x-amz-target,", request.Headers["Authorization"], StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task Reads_records_in_either_format(KinesisProtocol protocol)
    {
        SampleRecord[] records = SampleAnswers.Records(50, 200);
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            foreach (bool chunked in (bool[])[false, true])
            {
                await using var server = new ScriptedServer(new ScriptedAnswer
                {
                    Body = SampleAnswers.Encode(format, records, "next", 77),
                    ContentType = format.MediaType(),
                    Chunked = chunked
                });
                using var fixture = new ClientFixture(server.Url, options => options.Protocol = protocol);
                using (GetRecordsResponse response = await fixture.Client.GetRecordsAsync(ClientFixture.Orders, "iterator", 100, Token))
                {
                    Assert.Equal(50, response.Count);
                    Assert.Equal("next", response.NextShardIterator);
                    Assert.Equal(77, response.MillisBehindLatest);
                    Assert.Empty(response.ChildShards);
                    Assert.Equal(records.Sum(static record => record.Data.Length + record.PartitionKey.Length), response.PayloadBytes);
                    Assert.Equal(1, fixture.Pool.Outstanding);
                    for (int i = 0; i < records.Length; i++)
                    {
                        Assert.Equal(records[i].Data, response.GetData(i).ToArray());
                        Assert.Equal(records[i].PartitionKey, Encoding.UTF8.GetString(response.GetPartitionKeyUtf8(i)));
                        Assert.Equal(SequenceNumber.Parse(records[i].SequenceNumber), response.GetSequenceNumber(i));
                        Assert.Equal(records[i].ArrivalMilliseconds, response.Entry(i).ArrivalMilliseconds);
                    }
                }

                Assert.Equal(0, fixture.Pool.Outstanding);
                WireValue asked = Assert.Single(server.Requests).Content;
                Assert.Equal("iterator", asked["ShardIterator"].AsText());
                Assert.Equal(100, asked["Limit"].AsInteger());
                Assert.True(asked["StreamName"].IsNull);
                Assert.True(asked["StreamARN"].IsNull);
            }
        }
    }

    [Fact]
    public async Task Names_the_children_at_the_end_of_a_shard()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json(
            """{"Records":[],"NextShardIterator":null,"ChildShards":[{"ShardId":"s-1","ParentShards":["s-0"],"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"340282366920938463463374607431768211455"}}]}"""));
        using var fixture = new ClientFixture(server.Url);
        using GetRecordsResponse response = await fixture.Client.GetRecordsAsync(
            StreamIdentifier.Parse(Arn), "iterator", cancellationToken: Token);
        Assert.Null(response.NextShardIterator);
        ChildShard child = Assert.Single(response.ChildShards);
        Assert.Equal("s-1", child.ShardId);
        Assert.Equal(["s-0"], child.ParentShards);
        Assert.Equal(new HashKeyRange(0, UInt128.MaxValue), child.HashKeyRange);
        WireValue asked = Assert.Single(server.Requests).Content;
        Assert.Equal(Arn, asked["StreamARN"].AsText());
        Assert.True(asked["Limit"].IsNull);
    }

    [Fact]
    public async Task Lists_shards_by_name_arn_and_token()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json(
            """{"NextToken":"t","Shards":[{"ShardId":"s-2","ParentShardId":"s-0","AdjacentParentShardId":"s-1","HashKeyRange":{"StartingHashKey":"1","EndingHashKey":"2"},"SequenceNumberRange":{"StartingSequenceNumber":"10","EndingSequenceNumber":"20"}},{"ShardId":"s-3","HashKeyRange":{"StartingHashKey":"3","EndingHashKey":"4"},"SequenceNumberRange":{"StartingSequenceNumber":"30"}}]}"""));
        using var fixture = new ClientFixture(server.Url);
        ListShardsResponse page = await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, page.NextToken, Token);
        await fixture.Client.ListShardsAsync(StreamIdentifier.Parse(Arn), cancellationToken: Token);
        await fixture.Client.ListShardsAsync(StreamIdentifier.Parse(Arn), page.NextToken, Token);

        Assert.Equal("t", page.NextToken);
        Assert.Equal(2, page.Shards.Count);
        Assert.Equal(
            new Shard
            {
                ShardId = "s-2",
                ParentShardId = "s-0",
                AdjacentParentShardId = "s-1",
                HashKeyRange = new HashKeyRange(1, 2),
                StartingSequenceNumber = SequenceNumber.Parse("10"),
                EndingSequenceNumber = SequenceNumber.Parse("20"),
            },
            page.Shards[0]);
        Assert.Null(page.Shards[1].EndingSequenceNumber);
        Assert.Null(page.Shards[1].ParentShardId);

        Assert.Equal(
            [("orders", null, null), (null, null, "t"), (null, Arn, null), (null, Arn, "t")],
            server.Requests.Select(
                static r => (r.Content["StreamName"].AsText(), r.Content["StreamARN"].AsText(), r.Content["NextToken"].AsText())));
    }

    [Fact]
    public async Task Describes_a_stream()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json(
            $$"""{"StreamDescriptionSummary":{"StreamName":"orders","StreamARN":"{{Arn}}","StreamStatus":"ACTIVE","StreamModeDetails":{"StreamMode":"ON_DEMAND"},"RetentionPeriodHours":24,"StreamCreationTimestamp":1.787036486E9,"OpenShardCount":4,"ConsumerCount":2,"EncryptionType":"KMS","KeyId":"k","EnhancedMonitoring":[{"ShardLevelMetrics":[]}] } }"""));
        using var fixture = new ClientFixture(server.Url);
        StreamDescriptionSummary summary = await fixture.Client.DescribeStreamSummaryAsync(ClientFixture.Orders, Token);
        Assert.Equal(
            new StreamDescriptionSummary
            {
                StreamName = "orders",
                StreamARN = Arn,
                StreamStatus = "ACTIVE",
                StreamMode = "ON_DEMAND",
                RetentionPeriodHours = 24,
                StreamCreationTimestamp = DateTimeOffset.FromUnixTimeSeconds(1_787_036_486),
                OpenShardCount = 4,
                ConsumerCount = 2,
                EncryptionType = "KMS",
                KeyId = "k",
            },
            summary);
    }

    [Theory]
    [MemberData(nameof(Protocols))]
    public async Task Asks_for_every_kind_of_iterator(KinesisProtocol protocol)
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json("""{"ShardIterator":"i"}"""));
        using var fixture = new ClientFixture(server.Url, options => options.Protocol = protocol);
        SequenceNumber number = SequenceNumber.Parse("49");
        DateTimeOffset time = DateTimeOffset.FromUnixTimeMilliseconds(1_787_036_486_712);
        foreach (StartingPosition position in (StartingPosition[])[StartingPosition.TrimHorizon, StartingPosition.Latest,
            StartingPosition.At(number), StartingPosition.After(number), StartingPosition.AtTimestamp(time)])
        {
            Assert.Equal("i", await fixture.Client.GetShardIteratorAsync(ClientFixture.Orders, "s-0", position, Token));
        }

        Assert.All(server.Requests, static r => Assert.Equal("s-0", r.Content["ShardId"].AsText()));
        Assert.Equal(
            [("TRIM_HORIZON", null, null), ("LATEST", null, null), ("AT_SEQUENCE_NUMBER", "49", null),
                ("AFTER_SEQUENCE_NUMBER", "49", null), ("AT_TIMESTAMP", null, (DateTimeOffset?)time)],
            server.Requests.Select(static r => (r.Content["ShardIteratorType"].AsText()!, r.Content["StartingSequenceNumber"].AsText(),
                r.Content["Timestamp"].AsTimestamp())));
        if (protocol == KinesisProtocol.Json)
        {
            Assert.Contains("\"Timestamp\":1787036486.712", Encoding.UTF8.GetString(server.Requests[4].Body), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Puts_one_record_with_base64_in_json()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json("""{"ShardId":"s-0","SequenceNumber":"12"}"""));
        using var fixture = new ClientFixture(server.Url, static options => options.Protocol = KinesisProtocol.Json);
        PutRecordResponse answer = await fixture.Client.PutRecordAsync(
            ClientFixture.Orders, new PutRecordsRequestEntry("hello"u8.ToArray(), "k", UInt128.MaxValue), Token);
        Assert.Equal(new PutRecordResponse("s-0", SequenceNumber.Parse("12")), answer);
        WireValue asked = Assert.Single(server.Requests).Content;
        Assert.Equal("aGVsbG8=", asked["Data"].AsText());
        Assert.Equal("k", asked["PartitionKey"].AsText());
        Assert.Equal("340282366920938463463374607431768211455", asked["ExplicitHashKey"].AsText());
    }

    [Fact]
    public async Task Puts_records_raw_in_cbor_and_tells_the_fate_of_each()
    {
        byte[] answer = new CborBytes().OpenMap().Text("FailedRecordCount").Integer(1).Text("Records").OpenArray()
            .Map(2).Text("ShardId").Text("s-0").Text("SequenceNumber").Text("12")
            .Map(2).Text("ErrorCode").Text("ProvisionedThroughputExceededException").Text("ErrorMessage").Text("slow down")
            .Break().Break().ToArray();
        await using var server = new ScriptedServer(ScriptedAnswer.Cbor(answer));
        using var fixture = new ClientFixture(server.Url, static options => options.Protocol = KinesisProtocol.Cbor);
        PutRecordsResponse response = await fixture.Client.PutRecordsAsync(
            ClientFixture.Orders, [new(new byte[] { 1, 2, 3 }, "a"), new(new byte[] { 4 }, "b", 5)], Token);
        Assert.Equal(1, response.FailedRecordCount);
        Assert.Equal(new PutRecordsResultEntry("s-0", SequenceNumber.Parse("12"), null, null), response.Records[0]);
        Assert.Equal(new PutRecordsResultEntry(null, null, "ProvisionedThroughputExceededException", "slow down"), response.Records[1]);
        byte[] expected = new CborBytes().OpenMap().Text("StreamName").Text("orders").Text("Records").OpenArray()
            .OpenMap().Text("Data").Blob(1, 2, 3).Text("PartitionKey").Text("a").Break()
            .OpenMap().Text("Data").Blob(4).Text("PartitionKey").Text("b").Text("ExplicitHashKey").Text("5").Break()
            .Break().Break().ToArray();
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(Assert.Single(server.Requests).Body));
    }

    [Fact]
    public async Task Changes_streams_without_reading_an_answer()
    {
        await using var server = new ScriptedServer(new ScriptedAnswer { ContentType = null });
        using var fixture = new ClientFixture(server.Url, static options => options.Protocol = KinesisProtocol.Json);
        await fixture.Client.CreateStreamAsync("orders", 3, Token);
        await fixture.Client.CreateStreamAsync("orders", null, Token);
        await fixture.Client.DeleteStreamAsync(ClientFixture.Orders, true, Token);
        await fixture.Client.SplitShardAsync(ClientFixture.Orders, "s-0", 7, Token);
        await fixture.Client.MergeShardsAsync(StreamIdentifier.Parse(Arn), "s-0", "s-1", Token);
        await fixture.Client.DeregisterStreamConsumerAsync(Arn, "c", Token);
        Assert.Equal(
            [
                """CreateStream {"StreamName":"orders","ShardCount":3}""",
                """CreateStream {"StreamName":"orders","StreamModeDetails":{"StreamMode":"ON_DEMAND"}}""",
                """DeleteStream {"StreamName":"orders","EnforceConsumerDeletion":true}""",
                """SplitShard {"StreamName":"orders","ShardToSplit":"s-0","NewStartingHashKey":"7"}""",
                $$"""MergeShards {"StreamARN":"{{Arn}}","ShardToMerge":"s-0","AdjacentShardToMerge":"s-1"}""",
                $$"""DeregisterStreamConsumer {"StreamARN":"{{Arn}}","ConsumerName":"c"}""",
            ],
            server.Requests.Select(static r => $"{r.Operation} {Encoding.UTF8.GetString(r.Body)}"));
    }

    [Fact]
    public async Task Registers_describes_and_lists_consumers()
    {
        await using var server = new ScriptedServer(
            ScriptedAnswer.Json($$"""{"Consumer":{{ConsumerJson}}}"""),
            ScriptedAnswer.Json($$"""{"ConsumerDescription":{{ConsumerJson}}}"""),
            ScriptedAnswer.Json($$"""{"Consumers":[{{ConsumerJson}}],"NextToken":"t"}"""));
        using var fixture = new ClientFixture(server.Url);
        var expected = new Consumer
        {
            ConsumerName = "c",
            ConsumerARN = "arn:c",
            ConsumerStatus = "ACTIVE",
            ConsumerCreationTimestamp = DateTimeOffset.FromUnixTimeMilliseconds(1_787_036_486_712),
        };
        Assert.Equal(expected, await fixture.Client.RegisterStreamConsumerAsync(Arn, "c", Token));
        Assert.Equal(expected, await fixture.Client.DescribeStreamConsumerAsync(Arn, "c", Token));
        ListStreamConsumersResponse page = await fixture.Client.ListStreamConsumersAsync(Arn, "from", Token);
        Assert.Equal(expected, Assert.Single(page.Consumers));
        Assert.Equal("t", page.NextToken);
        Assert.Equal("from", server.Requests[2].Content["NextToken"].AsText());
    }

    [Fact]
    public async Task Refuses_wrong_arguments_before_anything_is_sent()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json("{}"));
        using var fixture = new ClientFixture(server.Url);
        KinesisClient client = fixture.Client;
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => client.GetRecordsAsync(ClientFixture.Orders, "i", 0, Token));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => client.GetRecordsAsync(ClientFixture.Orders, "i", 10_001, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => client.GetRecordsAsync(ClientFixture.Orders, "", null, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => client.ListShardsAsync(default, cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(() => client.CreateStreamAsync(Arn, 1, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => client.RegisterStreamConsumerAsync("orders", "c", Token));
        await Assert.ThrowsAsync<ArgumentException>(
            () => client.PutRecordAsync(ClientFixture.Orders, new PutRecordsRequestEntry(default, ""), Token));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => client.GetShardIteratorAsync(ClientFixture.Orders, "s", new StartingPosition((ShardIteratorType)9), Token));
        Assert.Empty(server.Requests);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ClientFixture(server.Url, static options => options.MaxAttempts = 0));
        Assert.Contains(
            "50.00:00:00",
            Assert.Throws<ArgumentOutOfRangeException>(
                () => new ClientFixture(server.Url, static options => options.RequestTimeout = TimeSpan.FromDays(50))).Message,
            StringComparison.Ordinal);
        ArgumentOutOfRangeException unknown = Assert.Throws<ArgumentOutOfRangeException>(
            () => new ClientFixture(server.Url, static options => options.Protocol = (KinesisProtocol)9));
        Assert.Equal((KinesisProtocol)9, unknown.ActualValue);
        Assert.Contains("Protocol is Auto, Cbor or Json.", unknown.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new ClientFixture(server.Url, static options => options.RequestTimeout = TimeSpan.Zero));
    }

    [Fact]
    public async Task A_custom_path_is_kept_and_encoded_twice_for_the_signature()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json("""{"Shards":[]}"""));
        using var fixture = new ClientFixture(server.Url + "/a%20b/c");
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        Assert.Equal("POST /a%20b/c HTTP/1.1", Assert.Single(server.Requests).RequestLine);
        Assert.Equal("/a%2520b/c", new ServiceEndpoint(new Uri(server.Url + "/a%20b/c"), "eu-west-1").CanonicalPath);
    }

    [Fact]
    public async Task Sends_through_the_handler_it_is_given_and_leaves_it_open()
    {
        using var handler = new FixedHandler();
        using (var client = new KinesisClient(
            new KinesisClientOptions { Credentials = new Amazon.Runtime.BasicAWSCredentials("a", "b"), Region = "eu-west-1" }, handler))
        {
            await client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
            await client.ListShardsAsync(
                StreamIdentifier.Parse("arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders"), cancellationToken: Token);
        }

        Assert.Equal(
            ["https://kinesis.eu-west-1.amazonaws.com/", "https://123456789012.control-kinesis.cn-north-1.amazonaws.com.cn/"],
            handler.Uris);
        Assert.False(handler.IsDisposed);
    }

    private sealed class FixedHandler : HttpMessageHandler
    {
        public List<string> Uris { get; } = [];

        public bool IsDisposed { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Uris.Add(request.RequestUri!.ToString());
            return Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent("{\"Shards\":[]}"u8.ToArray()) });
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }

    [Fact]
    public async Task The_records_of_an_answer_are_read_and_belong_to_it()
    {
        SampleRecord[] records = SampleAnswers.Records(3, 20);
        await using var server = new ScriptedServer(ScriptedAnswer.Cbor(SampleAnswers.Cbor(records)));
        using var fixture = new ClientFixture(server.Url);
        KinesisRecord first;
        KinesisRecord owned;
        using (GetRecordsResponse response = await fixture.Client.GetRecordsAsync(
            ClientFixture.Orders, "iterator", cancellationToken: Token))
        {
            Assert.Equal(
                records.Select(static record => record.SequenceNumber),
                response.EnumerateRecords().Select(static record => record.SequenceNumber.ToString()));
            Assert.Equal(records[1].Data, response.GetRecord(1).Data.ToArray());
            Assert.Equal(records[1].PartitionKey, response.GetRecord(1).PartitionKey);
            Assert.Throws<ArgumentOutOfRangeException>(() => response.GetRecord(3));
            Assert.Throws<ArgumentOutOfRangeException>(() => response.GetRecord(-1));
            first = response.GetRecord(0);
            owned = first.ToOwned();
        }

        Assert.Throws<ObjectDisposedException>(() => first.Data.ToArray());
        Assert.Equal(records[0].Data, owned.Data.ToArray());
    }

    [Fact]
    public async Task A_proxy_is_set_on_the_clients_own_handler()
    {
        // as a proxy sees it, the request names the whole address
        await using var proxy = new ScriptedServer(ScriptedAnswer.Json("""{"Shards":[]}"""));
        using var fixture = new ClientFixture("http://kinesis.example.test:4567", options => options.ConfigureHttpHandler = handler =>
        {
            handler.UseProxy = true;
            handler.Proxy = new System.Net.WebProxy(proxy.Url);
        });
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        Assert.Equal("kinesis.example.test:4567", Assert.Single(proxy.Requests).Headers["Host"]);
    }

    [Fact]
    public void A_handler_that_cannot_be_configured_is_told_at_once()
    {
        KinesisException exception = Assert.Throws<KinesisException>(static () => new KinesisClient(
            new KinesisClientOptions
            {
                Region = "eu-west-1",
                ConfigureHttpHandler = static _ => throw new InvalidOperationException("no such file")
            }));
        Assert.Contains("ConfigureHttpHandler threw InvalidOperationException: no such file", exception.Message, StringComparison.Ordinal);
    }
}

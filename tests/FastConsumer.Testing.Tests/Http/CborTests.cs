using System.Net;
using System.Text;
using FastConsumer.Testing.Http.Codecs;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

public sealed class CborTests
{
    private const string LongKey = "ein Schlüssel, länger als ein Stück Text: ключ 鍵 🔑🔑🔑🔑🔑🔑🔑🔑";

    [Theory]
    [InlineData(CborStyle.Definite)]
    [InlineData(CborStyle.Indefinite)]
    public async Task Records_travel_as_byte_strings_and_times_as_tagged_milliseconds(CborStyle style)
    {
        var clock = new ManualClock();
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { TimeProvider = clock, CborStyle = style },
            RawClient.Cancellation);
        kinesis.CreateStream("s");
        using var client = new RawClient(kinesis.ServiceUrl);
        byte[] data = [.. Enumerable.Range(0, 5000).Select(static i => (byte)i)];
        clock.Advance(TimeSpan.FromMilliseconds(7));

        Dictionary<string, object?> put = await OkAsync(client, "PutRecords", new()
        {
            ["StreamName"] = "s",
            ["Records"] = new List<object?>
            {
                new Dictionary<string, object?> { ["PartitionKey"] = LongKey, ["Data"] = data },
                new Dictionary<string, object?> { ["PartitionKey"] = "empty", ["Data"] = Array.Empty<byte>(), ["ExplicitHashKey"] = null },
            },
        });
        Assert.Equal(0L, put["FailedRecordCount"]);

        Dictionary<string, object?> iterator = await OkAsync(client, "GetShardIterator", new()
        {
            ["StreamName"] = "s",
            ["ShardId"] = "shardId-000000000000",
            ["ShardIteratorType"] = "AT_TIMESTAMP",
            ["Timestamp"] = new RawCbor.Tagged(1, clock.GetUtcNow().ToUnixTimeMilliseconds()),
        });
        Dictionary<string, object?> answer = await OkAsync(
            client, "GetRecords", new() { ["ShardIterator"] = iterator["ShardIterator"], ["Limit"] = 10 });

        var records = (List<object?>)answer["Records"]!;
        var first = (Dictionary<string, object?>)records[0]!;
        Assert.Equal(data, first["Data"]);
        Assert.Equal(LongKey, first["PartitionKey"]);
        Assert.Equal(new RawCbor.Tagged(1, clock.GetUtcNow().ToUnixTimeMilliseconds()), first["ApproximateArrivalTimestamp"]);
        Assert.Equal(((Dictionary<string, object?>)((List<object?>)put["Records"]!)[0]!)["SequenceNumber"], first["SequenceNumber"]);
        Assert.Empty((byte[])((Dictionary<string, object?>)records[1]!)["Data"]!);
        Assert.Equal(0L, answer["MillisBehindLatest"]);
        Assert.IsType<string>(answer["NextShardIterator"]);
    }

    [Theory]
    [InlineData(CborStyle.Definite, 0xA0)]
    [InlineData(CborStyle.Indefinite, 0xBF)]
    public async Task The_style_shows_in_the_first_byte(CborStyle style, byte expected)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { CborStyle = style }, RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);
        (_, _, byte[] bytes) = await client.CborAsync("ListStreams", new Dictionary<string, object?>());
        Assert.Equal(expected, style == CborStyle.Definite ? bytes[0] & 0xE0 : bytes[0]);
    }

    [Fact]
    public async Task An_error_comes_in_the_requests_encoding()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);
        (HttpStatusCode status, object? root, _) = await client.CborAsync(
            "GetRecords", new Dictionary<string, object?> { ["ShardIterator"] = "garbage" });
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("InvalidArgumentException", ((Dictionary<string, object?>)root!)["__type"]);
        Assert.Equal("Invalid ShardIterator.", ((Dictionary<string, object?>)root)["message"]);
    }

    [Fact]
    public async Task Every_answer_is_well_formed_cbor_of_the_announced_length()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl, HttpVersion.Version20);
        await OkAsync(client, "CreateStream", new() { ["StreamName"] = "s", ["ShardCount"] = 2 });
        string arn = kinesis.StreamArn("s");
        kinesis.Put("s", "k", "x", 0);
        kinesis.SplitShard("s", "shardId-000000000000");
        await OkAsync(client, "DescribeStream", new() { ["StreamName"] = "s" });
        var summary = (Dictionary<string, object?>)(await OkAsync(
            client, "DescribeStreamSummary", new() { ["StreamName"] = "s" }))["StreamDescriptionSummary"]!;
        Assert.Equal(1UL, Assert.IsType<RawCbor.Tagged>(summary["StreamCreationTimestamp"]).Tag);
        await OkAsync(client, "ListStreams", new() { ["Limit"] = 1 });
        Dictionary<string, object?> page = await OkAsync(client, "ListShards", new() { ["StreamName"] = "s", ["MaxResults"] = 3 });
        await OkAsync(client, "ListShards", new() { ["NextToken"] = page["NextToken"] });
        await OkAsync(client, "PutRecord", new() { ["StreamName"] = "s", ["PartitionKey"] = "k", ["Data"] = new byte[] { 1 } });
        await OkAsync(client, "RegisterStreamConsumer", new() { ["StreamARN"] = arn, ["ConsumerName"] = "c" });
        await OkAsync(client, "DescribeStreamConsumer", new() { ["StreamARN"] = arn, ["ConsumerName"] = "c" });
        await OkAsync(client, "ListStreamConsumers", new() { ["StreamARN"] = arn });
        await OkAsync(client, "DeregisterStreamConsumer", new() { ["StreamARN"] = arn, ["ConsumerName"] = "c" });
        Dictionary<string, object?> iterator = await OkAsync(client, "GetShardIterator", new()
        {
            ["StreamName"] = "s",
            ["ShardId"] = "shardId-000000000000",
            ["ShardIteratorType"] = "TRIM_HORIZON",
        });
        Dictionary<string, object?> last = await OkAsync(client, "GetRecords", new() { ["ShardIterator"] = iterator["ShardIterator"] });
        Assert.Equal(2, ((List<object?>)last["ChildShards"]!).Count);
        Assert.False(last.ContainsKey("NextShardIterator"));
        await OkAsync(
            client,
            "MergeShards",
            new() { ["StreamName"] = "s", ["ShardToMerge"] = "shardId-000000000002", ["AdjacentShardToMerge"] = "shardId-000000000003" });
        await OkAsync(
            client, "SplitShard", new() { ["StreamName"] = "s", ["ShardToSplit"] = "shardId-000000000004", ["NewStartingHashKey"] = "9" });
        await OkAsync(client, "DeleteStream", new() { ["StreamName"] = "s", ["EnforceConsumerDeletion"] = true });
    }

    /// <summary>RFC 8949, appendix A, as far as requests use it.</summary>
    [Theory]
    [InlineData("A1616E1903E8", 1000L)]
    [InlineData("A1616E1A000F4240", 1000000L)]
    [InlineData("A1616E1BFFFFFFFFFFFFFFFF", null)]
    [InlineData("A1616E3903E7", -1000L)]
    public void Integers_are_read(string hex, long? expected)
    {
        if (expected is null)
        {
            Assert.Throws<RequestFormatException>(() => CborRequestReader.Read(Convert.FromHexString(hex)));
        }
        else
        {
            Assert.Equal((int)expected.Value, CborRequestReader.Read(Convert.FromHexString(hex)).Integer("n"));
        }
    }

    [Theory]
    [InlineData("BF616E7F657374726561646D696E67FFFF", "streaming")]
    [InlineData("A1616E60", "")]
    [InlineData("A1616EF6", null)]
    [InlineData("A1616EF7", null)]
    [InlineData("A1616E62C3BC", "ü")]
    public void Texts_are_read(
        string hex, string? expected) => Assert.Equal(expected, CborRequestReader.Read(Convert.FromHexString(hex)).Text("n"));

    [Fact]
    public void Byte_strings_may_come_in_chunks_and_times_as_floats()
    {
        RequestMap map = CborRequestReader.Read(Convert.FromHexString("A261625F42010243030405FF6174C1FB427A009CEF1C0000"));
        Assert.Equal([1, 2, 3, 4, 5], map.Blob("b"));
        Assert.Equal(1786870952384L, map.Timestamp("t"));
    }

    [Theory]
    [InlineData("A1616E5F6161FF")]
    [InlineData("A1616E5F5F4101FFFF")]
    [InlineData("A1616E61FF")]
    [InlineData("A1616EC16161")]
    [InlineData("A10102")]
    [InlineData("A1616EF8FF")]
    [InlineData("A1616E9B7FFFFFFFFFFFFFFF")]
    public void Malformed_cbor_is_refused(string hex) =>
        Assert.Throws<RequestFormatException>(() => CborRequestReader.Read(Convert.FromHexString(hex)));

    [Fact]
    public void Deep_nesting_is_refused_rather_than_overflowing_the_stack() =>
        Assert.Throws<RequestFormatException>(() => CborRequestReader.Read([0xA1, 0x61, 0x6E, .. Enumerable.Repeat((byte)0x81, 100_000)]));

    [Fact]
    public void The_size_counter_agrees_with_the_writer()
    {
        foreach (int length in (int[])[0, 23, 24, 255, 256, 65_535, 65_536])
        {
            using var buffer = new FastConsumer.Testing.Http.PooledBuffer();
            var counter = new CborSizeCounter();
            foreach (WireWriter writer in (WireWriter[])[counter, new CborWireWriter(buffer)])
            {
                writer.StartMap(6);
                writer.Pair("Text"u8, new string('ü', length));
                writer.Pair("Number"u8, length);
                writer.Pair("Negative"u8, -length - 1L);
                writer.Pair("Flag"u8, true);
                writer.PairTimestamp("Time"u8, 1_786_870_952_384);
                writer.Name("Blob"u8);
                writer.Blob(Encoding.ASCII.GetBytes(new string('x', length)));
                writer.StartArray(length);
                writer.EndArray();
                writer.EndMap();
            }

            Assert.Equal(buffer.Written.Length, counter.Bytes);
        }
    }

    private static async Task<Dictionary<string, object?>> OkAsync(RawClient client, string operation, Dictionary<string, object?> request)
    {
        (HttpStatusCode status, object? root, byte[] bytes) = await client.CborAsync(operation, request);
        Assert.True(status == HttpStatusCode.OK, $"{operation}: {status} {Encoding.UTF8.GetString(bytes)}");
        return root as Dictionary<string, object?> ?? [];
    }
}

using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

/// <summary>HTTP/1.1 and HTTP/2 on one URL, and what every answer carries.</summary>
public sealed class ProtocolTests
{
    [Fact]
    public async Task Both_versions_work_on_one_url_at_the_same_time()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        kinesis.CreateStream("orders");
        using var http1 = new RawClient(kinesis.ServiceUrl, HttpVersion.Version11);
        using var http2 = new RawClient(kinesis.ServiceUrl, HttpVersion.Version20);

        RawAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? http1 : http2).JsonAsync(
            "PutRecord",
            $$"""{"StreamName":"orders","PartitionKey":"k{{i}}","Data":"AQID"}""")));

        Assert.All(answers, static answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(100, answers.Count(static answer => answer.Version == HttpVersion.Version20));
        Assert.Equal(100, answers.Count(static answer => answer.Version == HttpVersion.Version11));
        Assert.Equal(100, kinesis.Http2RequestCount);
        Assert.Equal(200, kinesis.RequestCount("PutRecord"));
        JsonElement read = await http2.RecordsAsync(await http1.IteratorAsync("orders", "shardId-000000000000"));
        Assert.Equal(200, read.GetProperty("Records").GetArrayLength());
    }

    [Fact]
    public async Task A_preface_that_arrives_byte_by_byte_is_still_recognized()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, new Uri(kinesis.ServiceUrl).Port, RawClient.Cancellation);
        NetworkStream stream = client.GetStream();
        // The preface and an empty SETTINGS frame.
        foreach (byte item in (byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0])
        {
            await stream.WriteAsync(new[] { item }, RawClient.Cancellation);
            await stream.FlushAsync(RawClient.Cancellation);
        }

        byte[] frame = new byte[9];
        await stream.ReadExactlyAsync(frame, RawClient.Cancellation);
        Assert.Equal(4, frame[3]);
    }

    [Fact]
    public async Task A_method_that_begins_like_the_preface_is_http_1()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(kinesis.ServiceUrl).Port, RawClient.Cancellation);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync("PRO / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray(), RawClient.Cancellation);
        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 404", await reader.ReadToEndAsync(RawClient.Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopping_closes_connections_that_have_not_said_anything()
    {
        EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        int port = new Uri(kinesis.ServiceUrl).Port;
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, port, RawClient.Cancellation);

        await kinesis.DisposeAsync();
        await kinesis.DisposeAsync();

        // Closed, or reset where it was still waiting to be accepted.
        Assert.Equal(0, await ReadOrResetAsync(silent.GetStream()));
        using var late = new TcpClient();
        await Assert.ThrowsAsync<SocketException>(async () => await late.ConnectAsync(IPAddress.Loopback, port, RawClient.Cancellation));
    }

    private static async Task<int> ReadOrResetAsync(NetworkStream stream)
    {
        try
        {
            return await stream.ReadAsync(new byte[1], RawClient.Cancellation);
        }
        catch (IOException exception) when (exception.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            return 0;
        }
    }

    [Fact]
    public async Task Answers_carry_ids_date_length_and_the_exact_content_type()
    {
        var clock = new ManualClock();
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { TimeProvider = clock, Seed = 7 }, RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);

        using HttpResponseMessage response = await client.SendAsync("ListStreams", "{}"u8.ToArray(), "application/x-amz-json-1.1");

        Assert.True(Guid.TryParse(response.Headers.GetValues("x-amzn-RequestId").Single(), out _));
        Assert.NotEmpty(response.Headers.GetValues("x-amz-id-2").Single());
        Assert.Equal(clock.GetUtcNow(), response.Headers.Date);
        Assert.NotNull(response.Content.Headers.ContentLength);
        Assert.Equal("application/x-amz-json-1.1", response.Content.Headers.GetValues("Content-Type").Single());
    }

    [Fact]
    public async Task Unknown_operations_types_and_paths_are_refused()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);

        await client.RefusedAsync("Frobnicate", "{}", "UnknownOperationException");
        using HttpResponseMessage wrongType = await client.SendAsync("ListStreams", "{}"u8.ToArray(), "text/plain");
        Assert.Equal(HttpStatusCode.NotFound, wrongType.StatusCode);
        using HttpResponseMessage wrongPath = await client.SendAsync(
            "ListStreams",
            "{}"u8.ToArray(),
            "application/x-amz-json-1.1",
            static request => request.RequestUri = new Uri("/elsewhere", UriKind.Relative));
        Assert.Equal(HttpStatusCode.NotFound, wrongPath.StatusCode);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"StreamName\":5}")]
    [InlineData("{\"StreamName\":\"x\",\"PartitionKey\":\"k\",\"Data\":\"%%\"}")]
    public async Task Malformed_json_is_a_serialization_error(string body)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);
        await client.RefusedAsync("PutRecord", body, "SerializationException");
    }

    [Theory]
    [InlineData("A1")]
    [InlineData("80")]
    [InlineData("A0A0")]
    [InlineData("A16A53747265616D4E616D6505")]
    [InlineData("5B7FFFFFFFFFFFFFFF")]
    [InlineData("BF")]
    [InlineData("1C")]
    public async Task Malformed_cbor_is_a_serialization_error_in_cbor(string hex)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        using var client = new RawClient(kinesis.ServiceUrl);

        using HttpResponseMessage response = await client.SendAsync("PutRecord", Convert.FromHexString(hex), "application/x-amz-cbor-1.1");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = (Dictionary<string, object?>)RawCbor.Read(await response.Content.ReadAsByteArrayAsync(RawClient.Cancellation))!;
        Assert.Equal("SerializationException", error["__type"]);
    }

    [Fact]
    public async Task The_same_seed_and_clock_give_the_same_bytes()
    {
        string[] runs = [await RunAsync(), await RunAsync()];
        Assert.Equal(runs[0], runs[1]);

        static async Task<string> RunAsync()
        {
            await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
                new EmbeddedKinesisOptions { TimeProvider = new ManualClock(), Seed = 42 },
                RawClient.Cancellation);
            kinesis.CreateStream("orders", 2);
            kinesis.Put("orders", "a", "1");
            using var client = new RawClient(kinesis.ServiceUrl);
            string iterator = await client.IteratorAsync("orders", "shardId-000000000000");
            using HttpResponseMessage response = await client.SendAsync(
                "GetRecords",
                Encoding.UTF8.GetBytes($$"""{"ShardIterator":"{{iterator}}"}"""),
                "application/x-amz-json-1.1");
            return $"{response.Headers} {await response.Content.ReadAsStringAsync(RawClient.Cancellation)}";
        }
    }
}

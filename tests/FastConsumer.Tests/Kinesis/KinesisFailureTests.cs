using System.Net;
using System.Net.Sockets;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Tests.Kinesis.Wire;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Kinesis;

/// <summary>What is repeated, what is not, and what a failure says. Every test ends with all buffers returned.</summary>
public class KinesisFailureTests
{
    private const string NoShards = """{"Shards":[]}""";
    private const string Arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, int, KinesisErrorKind, string> Errors => new()
    {
        { "ProvisionedThroughputExceededException", 400, KinesisErrorKind.Throttled, "" },
        { "LimitExceededException", 400, KinesisErrorKind.Throttled, "" },
        { "KMSThrottlingException", 400, KinesisErrorKind.Throttled, "" },
        { "ThrottlingException", 400, KinesisErrorKind.Throttled, "" },
        { "ExpiredIteratorException", 400, KinesisErrorKind.ExpiredIterator, "5 minutes" },
        { "InvalidArgumentException", 400, KinesisErrorKind.ExpiredIterator, "does not take this iterator: ask for a new one" },
        { "ResourceNotFoundException", 400, KinesisErrorKind.NotFound, "Check the name, region and account." },
        { "ResourceInUseException", 400, KinesisErrorKind.ResourceInUse, "" },
        { "AccessDeniedException", 400, KinesisErrorKind.Denied, "kinesis:GetRecords" },
        { "UnrecognizedClientException", 400, KinesisErrorKind.Denied, "access key" },
        { "ExpiredTokenException", 400, KinesisErrorKind.Denied, "session token" },
        { "IncompleteSignatureException", 400, KinesisErrorKind.Denied, "access key" },
        { "KMSAccessDeniedException", 400, KinesisErrorKind.Denied, "kms:Decrypt" },
        { "KMSDisabledException", 400, KinesisErrorKind.Denied, "kms:Decrypt" },
        { "KMSInvalidStateException", 400, KinesisErrorKind.Denied, "kms:Decrypt" },
        { "KMSNotFoundException", 400, KinesisErrorKind.Denied, "kms:Decrypt" },
        { "KMSOptInRequired", 400, KinesisErrorKind.Denied, "kms:Decrypt" },
        { "InternalFailureException", 500, KinesisErrorKind.Unavailable, "" },
        { "ServiceUnavailableException", 503, KinesisErrorKind.Unavailable, "" },
        { "SomethingNew", 400, KinesisErrorKind.Client, "" },
        { "SomethingNew", 403, KinesisErrorKind.Denied, "" },
        { "SomethingNew", 429, KinesisErrorKind.Throttled, "" },
        { "SomethingNew", 599, KinesisErrorKind.Unavailable, "" },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task Tells_what_failed_and_what_helps(string code, int status, KinesisErrorKind kind, string remedy)
    {
        foreach (bool asCbor in (bool[])[false, true])
        {
            ScriptedAnswer answer = ScriptedAnswer.Error(status, code, "the service's words");
            if (asCbor)
            {
                answer = answer with
                {
                    Body = new CborBytes().Map(2).Text("__type").Text(code).Text("message").Text("the service's words").ToArray(),
                    ContentType = WireFormats.CborMediaType,
                };
            }

            await using var server = new ScriptedServer(answer);
            using var fixture = new ClientFixture(server.Url);
            KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
                () => fixture.Client.GetRecordsAsync(ClientFixture.Orders, "iterator", cancellationToken: Token));
            Assert.Equal(kind, exception.Kind);
            Assert.Equal(code, exception.ErrorCode);
            Assert.Equal(status, exception.StatusCode);
            Assert.Equal("id-1", exception.RequestId);
            Assert.Equal("id-2", exception.ExtendedRequestId);
            Assert.StartsWith(
                $"GetRecords on stream 'orders' failed: {code}: the service's words.", exception.Message, StringComparison.Ordinal);
            Assert.Contains(remedy, exception.Message, StringComparison.Ordinal);
            Assert.Equal(
                code.StartsWith("KMS", StringComparison.Ordinal) && kind == KinesisErrorKind.Denied,
                exception.Message.Contains("(access key id AKIDEXAMPLE)", StringComparison.Ordinal));
            Assert.EndsWith(
                $"[{server.Url} (region eu-west-1), HTTP {status}, request id id-1, extended request id id-2]",
                exception.Message,
                StringComparison.Ordinal);
            Assert.Equal(kind == KinesisErrorKind.Unavailable ? 3 : 1, server.Requests.Count);
            Assert.Equal(0, fixture.Pool.Outstanding);
        }
    }

    [Theory]
    [InlineData("""{"__type":"com.amazonaws.kinesis#ResourceNotFoundException:http://x/","Message":"m"}""", null)]
    [InlineData("""{"message":"m"}""", "ResourceNotFoundException:http://internal.amazon.com/coral/")]
    [InlineData("""{"message":"m"}""", "ns#ResourceNotFoundException")]
    [InlineData("""{"code":"ResourceNotFoundException","message":"m"}""", null)]
    [InlineData("", "ResourceNotFoundException")]
    [InlineData("{\"__type\":", "ResourceNotFoundException")]
    public async Task Finds_the_name_of_an_error(string body, string? header)
    {
        ScriptedAnswer answer = ScriptedAnswer.Json(body) with { Status = 400 };
        if (header is not null)
        {
            answer.Headers["x-amzn-ErrorType"] = header;
        }

        await using var server = new ScriptedServer(answer);
        using var fixture = new ClientFixture(server.Url);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Equal("ResourceNotFoundException", exception.ErrorCode);
        Assert.Equal(KinesisErrorKind.NotFound, exception.Kind);
    }

    [Fact]
    public async Task An_empty_500_is_transient()
    {
        await using var server = new ScriptedServer(
            new ScriptedAnswer { Status = 500, ContentType = null },
            new ScriptedAnswer { Status = 502, Body = "<html>bad gateway</html>"u8.ToArray(), ContentType = "text/html" },
            ScriptedAnswer.Json("""{"Records":[]}"""));
        using var fixture = new ClientFixture(server.Url);
        using GetRecordsResponse response = await fixture.Client.GetRecordsAsync(
            ClientFixture.Orders, "iterator", cancellationToken: Token);
        Assert.Equal(0, response.Count);
        Assert.Equal(3, server.Requests.Count);
        Assert.Equal(2, fixture.Clock.Delays.Count);
        Assert.All(fixture.Clock.Delays, static delay => Assert.InRange(delay, TimeSpan.Zero, TimeSpan.FromMilliseconds(200)));
        Assert.Equal(2, fixture.Log.Entries.Count(static entry => entry is { Id: 1001, Level: LogLevel.Debug }));
    }

    [Fact]
    public async Task Throttles_are_waited_for_a_second_and_more_but_never_those_of_GetRecords()
    {
        ScriptedAnswer throttle = ScriptedAnswer.Error(400, "LimitExceededException", "slow down");
        await using var server = new ScriptedServer(throttle);
        using var fixture = new ClientFixture(server.Url, static options => options.MaxAttempts = 5);
        await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Equal(5, server.Requests.Count);
        for (int i = 0; i < 4; i++)
        {
            Assert.InRange(fixture.Clock.Delays[i], TimeSpan.FromSeconds(1 << i), TimeSpan.FromSeconds(2 << i));
        }

        await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.GetRecordsAsync(ClientFixture.Orders, "iterator", cancellationToken: Token));
        Assert.Equal(6, server.Requests.Count);
        await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.CreateStreamAsync("orders", 1, Token));
        Assert.Equal(11, server.Requests.Count);
    }

    [Fact]
    public async Task The_jitter_comes_from_the_seed()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Error(500, "InternalFailure", "x"));
        var delays = new List<IReadOnlyList<TimeSpan>>();
        foreach (int seed in (int[])[7, 7, 8])
        {
            using var fixture = new ClientFixture(server.Url, options => options.RandomSeed = seed);
            await Assert.ThrowsAsync<KinesisException>(
                () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
            delays.Add(fixture.Clock.Delays);
        }

        Assert.Equal(delays[0], delays[1]);
        Assert.NotEqual(delays[0], delays[2]);
    }

    [Fact]
    public async Task A_broken_connection_is_repeated_except_for_changes()
    {
        ScriptedAnswer hangup = new() { Hangup = true };
        await using var server = new ScriptedServer(
            hangup, hangup, ScriptedAnswer.Json(NoShards), hangup, ScriptedAnswer.Json("""{"ShardId":"s","SequenceNumber":"1"}"""), hangup);
        using var fixture = new ClientFixture(server.Url);
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        Assert.Equal(3, server.Requests.Count);
        await fixture.Client.PutRecordAsync(ClientFixture.Orders, new PutRecordsRequestEntry(default, "k"), Token);
        Assert.Equal(5, server.Requests.Count);

        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.SplitShardAsync(ClientFixture.Orders, "s-0", 1, Token));
        Assert.Equal(KinesisErrorKind.Unavailable, exception.Kind);
        Assert.Contains($"the connection to 127.0.0.1:{server.Port} broke", exception.Message, StringComparison.Ordinal);
        Assert.Equal(6, server.Requests.Count);
    }

    [Fact]
    public async Task A_5xx_is_not_repeated_for_changes()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Error(500, "InternalFailure", "x"));
        using var fixture = new ClientFixture(server.Url);
        await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.CreateStreamAsync("orders", 1, Token));
        await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.DeleteStreamAsync(ClientFixture.Orders, cancellationToken: Token));
        await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.MergeShardsAsync(ClientFixture.Orders, "a", "b", Token));
        await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.RegisterStreamConsumerAsync(Arn, "c", Token));
        Assert.Equal(4, server.Requests.Count);
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_asked_for_again()
    {
        foreach (WireFormat format in Enum.GetValues<WireFormat>())
        {
            var whole = new ScriptedAnswer
            {
                Body = SampleAnswers.Encode(format, SampleAnswers.Records(20, 100)),
                ContentType = format.MediaType()
            };
            await using var server = new ScriptedServer(whole with { CutAfter = 0 }, whole with { CutAfter = 1500 }, whole);
            using var fixture = new ClientFixture(server.Url);
            using (GetRecordsResponse response = await fixture.Client.GetRecordsAsync(
                ClientFixture.Orders, "iterator", cancellationToken: Token))
            {
                Assert.Equal(20, response.Count);
                Assert.Equal(3, server.Requests.Count);
            }

            Assert.Equal(0, fixture.Pool.Outstanding);
        }
    }

    [Fact]
    public async Task A_port_that_nobody_listens_on_is_named_with_a_remedy()
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        using var fixture = new ClientFixture($"http://127.0.0.1:{port}");
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(() => fixture.Client.CreateStreamAsync("orders", 1, Token));
        Assert.Equal(KinesisErrorKind.Unavailable, exception.Kind);
        Assert.Null(exception.StatusCode);
        Assert.Contains($"127.0.0.1:{port} cannot be reached", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Check that the address is right", exception.Message, StringComparison.Ordinal);
        // nothing was sent, so that even a change may be repeated
        Assert.Equal(2, fixture.Clock.Delays.Count);
    }

    [Fact]
    public async Task A_host_that_does_not_exist_is_named_with_a_remedy()
    {
        // a real lookup would depend on the resolver of the machine
        using var handler = new UnknownHostHandler();
        using var client = new KinesisClient(
            new KinesisClientOptions
            {
                Credentials = new Amazon.Runtime.BasicAWSCredentials("a", "b"),
                Region = "xx-future-9",
                TimeProvider = new ImpatientClock(KinesisClientOptions.DefaultRequestTimeout),
            },
            handler);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(() => client.CreateStreamAsync("orders", 1, Token));
        Assert.Equal(KinesisErrorKind.Unavailable, exception.Kind);
        Assert.Contains("the host kinesis.xx-future-9.amazonaws.com:443 cannot be found", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Check the region's name", exception.Message, StringComparison.Ordinal);
        Assert.Equal(3, handler.Calls);
    }

    [Fact]
    public async Task Https_against_a_plain_port_says_so()
    {
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        Task hangup = Task.Run(async () =>
        {
            for (int i = 0; i < 3; i++)
            {
                using Socket socket = await plain.AcceptSocketAsync(Token);
                await socket.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), Token);
            }
        }, Token);
        using var fixture = new ClientFixture($"https://127.0.0.1:{((IPEndPoint)plain.LocalEndpoint).Port}");
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Contains("TLS", exception.Message, StringComparison.Ordinal);
        await hangup;
    }

    [Fact]
    public async Task A_silent_server_times_out_on_the_given_clock()
    {
        await using var server = new ScriptedServer(new ScriptedAnswer { Silent = true }, ScriptedAnswer.Json(NoShards));
        using var fixture = new ClientFixture(server.Url);
        Task<ListShardsResponse> call = fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        await server.WaitForRequestAsync();
        Assert.False(call.IsCompleted);
        fixture.Clock.PassTimeouts();
        Assert.Empty((await call).Shards);
        Assert.Equal(2, server.Requests.Count);
        Assert.Contains(
            fixture.Log.Entries, static entry => entry.Text.Contains("no complete answer came within 00:00:30", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Cancelling_ends_a_call_at_once()
    {
        await using var server = new ScriptedServer(new ScriptedAnswer { Silent = true });
        using var fixture = new ClientFixture(server.Url);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<GetRecordsResponse> call = fixture.Client.GetRecordsAsync(
            ClientFixture.Orders, "iterator", cancellationToken: cancellation.Token);
        await server.WaitForRequestAsync();
        await cancellation.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.Single(server.Requests);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: cancellation.Token));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_is_refused_and_returned()
    {
        const long Announced = 41L * 1024 * 1024;
        await using var server = new ScriptedServer(
            new ScriptedAnswer { Announce = Announced, CutAfter = 0 },
            new ScriptedAnswer { Body = new byte[Announced], Chunked = true });
        using var fixture = new ClientFixture(server.Url, static options =>
        {
            options.MaxAttempts = 1;
            options.Protocol = KinesisProtocol.Cbor;
        });
        for (int i = 0; i < 2; i++)
        {
            KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
                () => fixture.Client.GetRecordsAsync(ClientFixture.Orders, "iterator", cancellationToken: Token));
            Assert.Equal(KinesisErrorKind.InvalidResponse, exception.Kind);
            Assert.Equal(0, fixture.Pool.Outstanding);
        }
    }

    [Theory]
    [InlineData("""{"Records":[{"SequenceNumber":"1"}],"ChildShards":[{"ShardId":"s"}]}""")]
    [InlineData("""{"Records":[],"ChildShards":[{"ShardId":"s","HashKeyRange":{"StartingHashKey":"x","EndingHashKey":"1"}}]}""")]
    [InlineData("""{"Records":[],"ChildShards":{"a":1}}""")]
    [InlineData("""{"Records":""")]
    [InlineData("<html>")]
    [InlineData("")]
    [InlineData("{}")]
    public async Task An_answer_that_cannot_be_decoded_is_returned_to_the_pool(string body)
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json(body));
        using var fixture = new ClientFixture(server.Url, static options => options.Protocol = KinesisProtocol.Json);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.GetRecordsAsync(ClientFixture.Orders, "iterator", cancellationToken: Token));
        Assert.Equal(KinesisErrorKind.InvalidResponse, exception.Kind);
        Assert.Contains("cannot be decoded", exception.Message, StringComparison.Ordinal);
        Assert.Equal(3, server.Requests.Count);
        Assert.Equal(0, fixture.Pool.Outstanding);
    }

    [Theory]
    [InlineData("RequestTimeTooSkewed")]
    [InlineData("InvalidSignatureException")]
    [InlineData("SignatureDoesNotMatch")]
    [InlineData("RequestExpired")]
    [InlineData("RequestInTheFuture")]
    [InlineData("AuthFailure")]
    public async Task A_clock_that_is_off_is_corrected_once_and_for_all(string code)
    {
        ScriptedAnswer skewed = ScriptedAnswer.Error(403, code, "Signature expired").At("Sat, 01 Aug 2026 14:00:00 GMT");
        await using var server = new ScriptedServer(skewed, ScriptedAnswer.Json(NoShards));
        using var fixture = new ClientFixture(server.Url, static options => options.MaxAttempts = 1);
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        await fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token);
        Assert.Equal(
            ["20260801T120000Z", "20260801T140000Z", "20260801T140000Z"], server.Requests.Select(static r => r.Headers["X-Amz-Date"]));
        Assert.Single(fixture.Log.Entries, static entry => entry.Id == 1002);
    }

    [Fact]
    public async Task A_wrong_secret_is_not_taken_for_a_wrong_clock()
    {
        ScriptedAnswer wrong = ScriptedAnswer.Error(
            403,
            "InvalidSignatureException",
            "no match. The Canonical String for this request should have been 'x-amz-security-token:token-of-the-test'")
            .At("Sat, 01 Aug 2026 12:00:02 GMT");
        await using var server = new ScriptedServer(wrong);
        using var fixture = new ClientFixture(server.Url);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Single(server.Requests);
        Assert.Equal(KinesisErrorKind.Denied, exception.Kind);
        Assert.DoesNotContain("token-of-the-test", exception.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret-of-the-test", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_clock_that_stays_wrong_is_reported()
    {
        ScriptedAnswer skewed = ScriptedAnswer.Error(403, "RequestTimeTooSkewed", "still wrong").At("Sat, 01 Aug 2026 14:00:00 GMT");
        await using var server = new ScriptedServer(skewed);
        using var fixture = new ClientFixture(server.Url);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Equal(2, server.Requests.Count);
        Assert.Contains("Check this machine's clock", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Puts_ask_for_another_key_permission_than_reads()
    {
        await using var server = new ScriptedServer(
            ScriptedAnswer.Error(400, "KMSAccessDeniedException", "no access to key arn:aws:kms:eu-west-1:1:key/k"));
        using var fixture = new ClientFixture(server.Url);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.PutRecordAsync(ClientFixture.Orders, new PutRecordsRequestEntry(default, "k"), Token));
        Assert.Contains("key/k", exception.Message, StringComparison.Ordinal);
        Assert.Contains("kms:GenerateDataKey", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_expired_token_of_a_listing_says_to_start_again()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Error(400, "ExpiredNextTokenException", "expired"));
        using var fixture = new ClientFixture(server.Url);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, "t", Token));
        Assert.Equal(KinesisErrorKind.Client, exception.Kind);
        Assert.Contains("start the listing again", exception.Message, StringComparison.Ordinal);
    }

    private sealed class UnknownHostHandler : HttpMessageHandler
    {
        public int Calls { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Calls++;
            throw new HttpRequestException(HttpRequestError.NameResolutionError, "No such host is known.");
        }
    }
}

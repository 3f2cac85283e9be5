using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace FastConsumer.Testing.Tests.S3;

/// <summary>What no SDK shows: raw requests and answers, and faults.</summary>
public sealed class EmbeddedS3Tests : IAsyncLifetime
{
    private const string Signature =
        "Credential=AKIDEXAMPLE/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0000";

    private readonly ManualClock _clock = new();
    private readonly HttpClient _client = new();
    private EmbeddedS3 _s3 = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _s3 = await EmbeddedS3.StartAsync(new EmbeddedS3Options { TimeProvider = _clock }, Cancellation);
        _s3.CreateBucket("bucket");
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _s3.DisposeAsync();
    }

    [Theory]
    [InlineData("bucket.localhost")]
    [InlineData("bucket.s3.amazonaws.com")]
    [InlineData("bucket.s3.eu-central-1.amazonaws.com")]
    [InlineData("BUCKET.localhost", false)]
    [InlineData("with.dots.localhost", true, "with.dots")]
    public async Task A_bucket_is_named_by_the_host_too(string host, bool isFound = true, string bucket = "bucket")
    {
        _s3.CreateBucket("with.dots");
        _s3.Put(bucket, "a b/c", "hello"u8);
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, "/a%20b/c", host: host);

        Assert.Equal(isFound ? HttpStatusCode.OK : HttpStatusCode.NotFound, answer.StatusCode);
        if (isFound)
        {
            Assert.Equal("hello", await answer.Content.ReadAsStringAsync(Cancellation));
        }
    }

    [Fact]
    public async Task A_request_must_be_signed_but_the_signature_is_not_verified()
    {
        _s3.Put("bucket", "a", "hello"u8);
        using HttpResponseMessage unsigned = await SendAsync(HttpMethod.Get, "/bucket/a", isSigned: false);
        Assert.Equal(HttpStatusCode.Forbidden, unsigned.StatusCode);
        Assert.Equal("AccessDenied", (await ErrorAsync(unsigned)).Code);

        using HttpResponseMessage presigned = await SendAsync(
            HttpMethod.Get,
            "/bucket/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20261201%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0",
            isSigned: false);
        Assert.Equal(HttpStatusCode.OK, presigned.StatusCode);
    }

    [Fact]
    public async Task A_refusal_has_the_services_form()
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, "/bucket/absent");

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("application/xml", answer.Content.Headers.ContentType?.MediaType);
        XElement error = XElement.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(["Code", "Message", "Key", "RequestId", "HostId"], error.Elements().Select(static one => one.Name.LocalName));
        Assert.Equal("NoSuchKey", error.Element("Code")?.Value);
        Assert.Equal("absent", error.Element("Key")?.Value);
        Assert.Equal(answer.Headers.GetValues("x-amz-request-id").Single(), error.Element("RequestId")?.Value);
    }

    [Fact]
    public async Task Frames_with_signatures_and_a_trailer_are_taken_off()
    {
        const string Body = "5;chunk-signature=00\r\nhello\r\n6;chunk-signature=11\r\n world\r\n0;chunk-signature=22\r\n"
            + "x-amz-checksum-crc32:DUoRhQ==\r\nx-amz-trailer-signature:33\r\n\r\n";
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Put, "/bucket/a", Body, ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", "11"), ("x-amz-trailer", "x-amz-checksum-crc32"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("hello world", Text("a"));
    }

    [Theory]
    [InlineData("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "5", "BadDigest")]
    [InlineData("5\r\nhello\r\n0\r\n\r\n", "5", "MalformedTrailerError")]
    [InlineData("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "6", "IncompleteBody")]
    [InlineData("5\r\nhel", "5", "IncompleteBody")]
    [InlineData("5\r\nhello\r\n", "5", "IncompleteBody")]
    [InlineData("zz\r\nhello\r\n0\r\n\r\n", "5", "IncompleteBody")]
    [InlineData("FFFFFFFF\r\nhello\r\n0\r\n\r\n", "5", "IncompleteBody")]
    [InlineData("", "0", "IncompleteBody")]
    public async Task Frames_that_are_damaged_are_refused(string body, string length, string code)
    {
        using HttpResponseMessage answer = await SendAsync(
            HttpMethod.Put, "/bucket/a", body, ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", length), ("x-amz-trailer", "x-amz-checksum-crc32"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal(code, (await ErrorAsync(answer)).Code);
        Assert.Empty(_s3.Keys("bucket"));
    }

    [Theory]
    [InlineData("x-amz-content-sha256", "0000000000000000000000000000000000000000000000000000000000000000", "XAmzContentSHA256Mismatch")]
    [InlineData("x-amz-checksum-crc32c", "AAAAAA==", "BadDigest")]
    [InlineData("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest")]
    [InlineData("x-amz-checksum-sha1", "AAAA", "BadDigest")]
    [InlineData("If-None-Match", "\"etag\"", "NotImplemented")]
    [InlineData("x-amz-copy-source", "/bucket/b", "NotImplemented")]
    public async Task A_put_that_the_service_would_refuse_is_refused(string header, string value, string code)
    {
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Put, "/bucket/a", "hello", (header, value));

        Assert.Equal(code, (await ErrorAsync(answer)).Code);
        Assert.Empty(_s3.Keys("bucket"));
    }

    [Fact]
    public async Task If_Match_holds_too()
    {
        _s3.Put("bucket", "a", "hello"u8);
        using HttpResponseMessage other = await SendAsync(HttpMethod.Put, "/bucket/a", "x", ("If-Match", "\"0\""));
        using HttpResponseMessage absent = await SendAsync(HttpMethod.Put, "/bucket/b", "x", ("If-Match", "\"0\""));
        using HttpResponseMessage same = await SendAsync(
            HttpMethod.Put, "/bucket/a", "x", ("If-Match", "\"5d41402abc4b2a76b9719d911017c592\""));

        Assert.Equal(
            (HttpStatusCode.PreconditionFailed, HttpStatusCode.NotFound, HttpStatusCode.OK),
            (other.StatusCode, absent.StatusCode, same.StatusCode));
        Assert.Equal("x", Text("a"));
    }

    [Fact]
    public async Task A_lost_answer_comes_after_the_effect()
    {
        _s3.Faults.LoseAnswer("PutObject");
        await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(HttpMethod.Put, "/bucket/a", "hello"));
        Assert.Equal("hello", Text("a"));

        _s3.Faults.Cut("PutObject");
        await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(HttpMethod.Put, "/bucket/b", "hello"));
        Assert.Equal(["a"], _s3.Keys("bucket"));
    }

    [Fact]
    public async Task A_request_that_was_held_up_takes_effect_though_its_client_has_gone()
    {
        _s3.Faults.Delay("PutObject", TimeSpan.FromMinutes(5));
        using var gaveUp = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<HttpResponseMessage> held = SendAsync(HttpMethod.Put, "/bucket/a", "late", cancellationToken: gaveUp.Token);
        while (_clock.NextDue is null)
        {
            await Task.Yield();
        }

        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => held);
        Assert.Empty(_s3.Keys("bucket"));
        _clock.Advance(TimeSpan.FromMinutes(5));
        while (_s3.Read("bucket", "a") is null)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        Assert.Equal("late", Text("a"));
    }

    [Fact]
    public async Task Failures_have_the_code_and_status_that_they_are_told()
    {
        _s3.Faults.Fail("PutObject", "SlowDown", "Please reduce your request rate.", 503);
        using HttpResponseMessage slow = await SendAsync(HttpMethod.Put, "/bucket/a", "hello");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, slow.StatusCode);
        Assert.Equal(("SlowDown", "Please reduce your request rate."), await ErrorAsync(slow));
        using HttpResponseMessage done = await SendAsync(HttpMethod.Put, "/bucket/a", "hello");
        Assert.Equal(HttpStatusCode.OK, done.StatusCode);
    }

    [Fact]
    public async Task What_is_denied_names_action_and_resource()
    {
        _s3.Deny("s3:PutObject");
        using HttpResponseMessage denied = await SendAsync(HttpMethod.Put, "/bucket/a", "hello");
        (string code, string message) = await ErrorAsync(denied);
        Assert.Equal((HttpStatusCode.Forbidden, "AccessDenied"), (denied.StatusCode, code));
        Assert.Contains("s3:PutObject on resource: \"arn:aws:s3:::bucket/a\"", message, StringComparison.Ordinal);
        _s3.Allow("s3:PutObject");
        using HttpResponseMessage allowed = await SendAsync(HttpMethod.Put, "/bucket/a", "hello");
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);

        _s3.Deny("s3:ListBucket");
        using HttpResponseMessage missing = await SendAsync(HttpMethod.Get, "/bucket/absent");
        Assert.Equal(HttpStatusCode.Forbidden, missing.StatusCode);
    }

    [Fact]
    public async Task A_bucket_may_ignore_conditions()
    {
        _s3.Put("bucket", "a", "first"u8);
        using HttpResponseMessage refused = await SendAsync(HttpMethod.Put, "/bucket/a", "second", ("If-None-Match", "*"));
        Assert.Equal(HttpStatusCode.PreconditionFailed, refused.StatusCode);
        _s3.IgnoreConditions("bucket");
        using HttpResponseMessage taken = await SendAsync(HttpMethod.Put, "/bucket/a", "second", ("If-None-Match", "*"));
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        Assert.Equal("second", Text("a"));
    }

    [Fact]
    public async Task A_damaged_object_keeps_its_checksum()
    {
        using HttpResponseMessage put = await SendAsync(HttpMethod.Put, "/bucket/a", "hello");
        _s3.Alter("bucket", "a", 0);
        _s3.Truncate("bucket", "a", 4);
        using HttpResponseMessage got = await SendAsync(HttpMethod.Get, "/bucket/a", null, ("x-amz-checksum-mode", "ENABLED"));

        Assert.Equal(4, (await got.Content.ReadAsByteArrayAsync(Cancellation)).Length);
        Assert.Equal(put.Headers.GetValues("x-amz-checksum-crc64nvme"), got.Headers.GetValues("x-amz-checksum-crc64nvme"));
        Assert.Equal(put.Headers.ETag, got.Headers.ETag);
        Assert.Throws<ArgumentOutOfRangeException>(() => _s3.Truncate("bucket", "a", 5));
        Assert.Throws<KeyNotFoundException>(() => _s3.Alter("bucket", "b", 0));
        Assert.Throws<KeyNotFoundException>(() => _s3.Keys("absent"));
        Assert.Throws<ArgumentException>(() => _s3.CreateBucket("bucket"));
    }

    [Fact]
    public async Task Names_are_listed_in_the_order_of_their_bytes()
    {
        string[] ordered = ["A", "a", "a/b", "b", "\u00e4", "\uffee", "\ud83d\ude00"];
        foreach (string key in ordered.Reverse())
        {
            _s3.Put("bucket", key, []);
        }

        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, "/bucket?list-type=2");
        XElement list = XElement.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(ordered, list.Descendants().Where(static one => one.Name.LocalName == "Key").Select(static one => one.Value));
    }

    [Theory]
    [InlineData("bytes=0-0", 206, "h")]
    [InlineData("bytes=-100", 206, "hello")]
    [InlineData("bytes=2-100", 206, "llo")]
    [InlineData("bytes=5-5", 416, null)]
    [InlineData("bytes=-0", 416, null)]
    [InlineData("bytes=3-2", 200, "hello")]
    [InlineData("bytes=-", 200, "hello")]
    [InlineData("bytes=0-1,3-4", 200, "hello")]
    [InlineData("lines=0-1", 200, "hello")]
    public async Task Ranges_are_read_as_the_service_reads_them(string range, int status, string? content)
    {
        _s3.Put("bucket", "a", "hello"u8);
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, "/bucket/a", null, ("Range", range));

        Assert.Equal(status, (int)answer.StatusCode);
        if (content is not null)
        {
            Assert.Equal(content, await answer.Content.ReadAsStringAsync(Cancellation));
        }
    }

    [Theory]
    [InlineData("<Delete><Object><Key>a</Key></Object>")]
    [InlineData("<Delete/>")]
    [InlineData("<Other/>")]
    [InlineData("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/hostname\">]><Delete><Object><Key>&e;</Key></Object></Delete>")]
    public async Task A_document_that_is_damaged_is_refused(string body)
    {
        string md5 = Convert.ToBase64String(MD5.HashData(Encoding.UTF8.GetBytes(body)));
        using HttpResponseMessage answer = await SendAsync(HttpMethod.Post, "/bucket?delete", body, ("Content-MD5", md5));

        Assert.Equal("MalformedXML", (await ErrorAsync(answer)).Code);
    }

    [Fact]
    public async Task Requests_about_what_is_not_there_say_so()
    {
        foreach (string path in new[] { "/bucket?acl", "/bucket?versioning", "/bucket/a?tagging", "/bucket/a?versionId=1", "/bucket" })
        {
            using HttpResponseMessage answer = await SendAsync(HttpMethod.Get, path);
            Assert.Equal(HttpStatusCode.NotImplemented, answer.StatusCode);
        }

        using HttpResponseMessage tooLong = await SendAsync(HttpMethod.Put, $"/bucket/{new string('a', 1025)}", "x");
        Assert.Equal("KeyTooLongError", (await ErrorAsync(tooLong)).Code);
    }

    private static async Task<(string Code, string Message)> ErrorAsync(HttpResponseMessage answer)
    {
        XElement error = XElement.Parse(await answer.Content.ReadAsStringAsync(Cancellation));
        return (error.Element("Code")!.Value, error.Element("Message")!.Value);
    }

    private string Text(string key) => Encoding.UTF8.GetString(_s3.Read("bucket", key)!.Value.Span);

    private Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        bool isSigned = true,
        string? host = null) => SendAsync(method, path, null, [], isSigned, host, Cancellation);

    private Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, string? body, params (string Name, string Value)[] headers) =>
        SendAsync(method, path, body, headers, true, null, Cancellation);

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string body, CancellationToken cancellationToken) =>
        SendAsync(method, path, body, [], true, null, cancellationToken);

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        string? body,
        (string Name, string Value)[] headers,
        bool isSigned,
        string? host,
        CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(_s3.ServiceUrl + path))
        {
            Content = body is null ? null : new ByteArrayContent(Encoding.UTF8.GetBytes(body)),
        };
        request.Headers.Host = host;
        if (isSigned)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("AWS4-HMAC-SHA256", Signature);
        }

        foreach ((string name, string value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content!.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return await _client.SendAsync(request, cancellationToken);
    }
}

using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Amazon.Runtime;
using Amazon.Runtime.Internal.Auth;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

/// <summary>
/// Requests signed with the parts of AWSSDK.Core's signer; the AWS SDK for JavaScript signs in <see cref="NodeSdkTests"/>.
/// </summary>
public sealed class SignatureTests : IAsyncLifetime
{
    private const string AccessKey = "AKIDEXAMPLE";
    private const string Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private readonly ManualClock _clock = new();
    private EmbeddedKinesis _kinesis = null!;

    public async ValueTask InitializeAsync() => _kinesis = await StartAsync(null);

    public ValueTask DisposeAsync() => _kinesis.DisposeAsync();

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task A_good_signature_is_accepted(string version)
    {
        using var client = new RawClient(_kinesis.ServiceUrl, Version.Parse(version));
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(client, new Signing())).Status);
    }

    [Fact]
    public async Task What_is_wrong_is_refused_by_its_name()
    {
        await RefusedAsync(null, "MissingAuthenticationTokenException");
        await RefusedAsync(new Signing { AccessKeyId = "AKIDOTHER" }, "UnrecognizedClientException");
        await RefusedAsync(
            new Signing { SecretAccessKey = "other" }, "InvalidSignatureException", "does not match the signature you provided");
        await RefusedAsync(new Signing { Region = "eu-west-1" }, "InvalidSignatureException", "valid region, not 'eu-west-1'");
        await RefusedAsync(new Signing { Service = "dynamodb" }, "InvalidSignatureException", "correct service: 'kinesis'");
        await RefusedAsync(new Signing { SignedBody = "{ }" }, "InvalidSignatureException", "does not match");
        await RefusedAsync(new Signing { Skew = TimeSpan.FromSeconds(-301) }, "InvalidSignatureException", "Signature expired: ");
        await RefusedAsync(new Signing { Skew = TimeSpan.FromSeconds(301) }, "InvalidSignatureException", "Signature not yet current: ");
        await RefusedAsync(new Signing { SignsTarget = false }, "InvalidSignatureException", "'x-amz-target' must be a 'SignedHeader'");
        await RefusedAsync(new Signing { SessionToken = "unexpected" }, "UnrecognizedClientException");
        await RefusedAsync(new Signing { Authorization = "Basic abc" }, "IncompleteSignatureException");
        await RefusedAsync(new Signing { Authorization = "AWS4-HMAC-SHA256 Credential=x" }, "IncompleteSignatureException");
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(null, new Signing { Skew = TimeSpan.FromSeconds(-300) })).Status);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(null, new Signing { Skew = TimeSpan.FromSeconds(300) })).Status);
    }

    [Fact]
    public async Task A_session_token_must_be_there_and_be_the_right_one()
    {
        await _kinesis.DisposeAsync();
        _kinesis = await StartAsync("session");
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(null, new Signing { SessionToken = "session" })).Status);
        await RefusedAsync(new Signing(), "UnrecognizedClientException");
        await RefusedAsync(new Signing { SessionToken = "former" }, "UnrecognizedClientException");
    }

    private Task<EmbeddedKinesis> StartAsync(string? sessionToken) => EmbeddedKinesis.StartAsync(
        new EmbeddedKinesisOptions { TimeProvider = _clock, Credentials = new EmbeddedKinesisCredentials(AccessKey, Secret, sessionToken) },
        RawClient.Cancellation);

    private async Task RefusedAsync(Signing? signing, string errorCode, string message = "")
    {
        (HttpStatusCode status, string text) = await SendAsync(null, signing);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        JsonElement error = JsonDocument.Parse(text).RootElement;
        Assert.Equal(errorCode, error.GetProperty("__type").GetString());
        Assert.Contains(message, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
    }

    private async Task<(HttpStatusCode Status, string Text)> SendAsync(RawClient? client, Signing? signing)
    {
        using RawClient? own = client is null ? new RawClient(_kinesis.ServiceUrl) : null;
        using HttpResponseMessage response = await (client ?? own!).SendAsync(
            "ListStreams",
            "{}"u8.ToArray(),
            "application/x-amz-json-1.1",
            request => signing?.Apply(request, new Uri(_kinesis.ServiceUrl).Authority, _clock.GetUtcNow()));
        return (response.StatusCode, await response.Content.ReadAsStringAsync(RawClient.Cancellation));
    }

    private sealed record Signing
    {
        public string AccessKeyId { get; init; } = AccessKey;

        public string SecretAccessKey { get; init; } = Secret;

        public string Region { get; init; } = "us-east-1";

        public string Service { get; init; } = "kinesis";

        public string SignedBody { get; init; } = "{}";

        public TimeSpan Skew { get; init; }

        public bool SignsTarget { get; init; } = true;

        public string? SessionToken { get; init; }

        public string? Authorization { get; init; }

        public void Apply(HttpRequestMessage request, string host, DateTimeOffset now)
        {
            string time = (now + Skew).ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
            request.Headers.Add("X-Amz-Date", time);
            var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                ["content-type"] = "application/x-amz-json-1.1",
                ["host"] = host,
                ["x-amz-date"] = time,
            };
            if (SignsTarget)
            {
                headers["x-amz-target"] = "Kinesis_20131202.ListStreams";
            }

            if (SessionToken is not null)
            {
                request.Headers.Add("X-Amz-Security-Token", SessionToken);
                headers["x-amz-security-token"] = SessionToken;
            }

            string names = string.Join(';', headers.Keys);
            string canonical =
                $"POST\n/\n\n{string.Concat(headers.Select(static pair => $"{pair.Key}:{pair.Value}\n"))}\n{names}\n{Hash(SignedBody)}";
            string scope = $"{time[..8]}/{Region}/{Service}/aws4_request";
            byte[] key = AWS4Signer.ComposeSigningKey(SecretAccessKey, Region, time[..8], Service);
            byte[] signature = AWS4Signer.ComputeKeyedHash(
                SigningAlgorithm.HmacSHA256,
                key,
                Encoding.UTF8.GetBytes($"AWS4-HMAC-SHA256\n{time}\n{scope}\n{Hash(canonical)}"));
            request.Headers.TryAddWithoutValidation(
                "Authorization",
                Authorization ?? $"AWS4-HMAC-SHA256 Credential={AccessKeyId}/{scope}, SignedHeaders={names}, "
                    + $"Signature={Convert.ToHexStringLower(signature)}");
        }

        private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}

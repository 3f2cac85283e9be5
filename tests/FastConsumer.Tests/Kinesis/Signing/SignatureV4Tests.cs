using System.Globalization;
using System.Text;
using Amazon.Runtime;
using Amazon.Runtime.Internal.Auth;
using FastConsumer.Kinesis.Signing;

namespace FastConsumer.Tests.Kinesis.Signing;

public class SignatureV4Tests
{
    private const string Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    private const string Time = "20150830T123600Z";

    private static readonly ImmutableCredentials s_example = new("AKIDEXAMPLE", Secret, null);

    [Fact]
    public void Derives_the_key_of_the_AWS_example()
    {
        byte[] key = new byte[SignatureV4.KeyLength];
        SignatureV4.DeriveKey(Secret, Time.AsSpan(0, 8), "us-east-1", "iam", key);
        Assert.Equal("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9", Convert.ToHexStringLower(key));
    }

    [Fact]
    public void Signs_the_AWS_example_of_ListUsers()
    {
        var request = new SigningRequest
        {
            Method = "GET",
            Path = "/",
            Query = "Action=ListUsers&Version=2010-05-08",
            Headers =
            [
                new("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
                new("host", "iam.amazonaws.com"),
                new("x-amz-date", Time),
            ],
            Payload = [],
        };
        Assert.Equal("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", Sign(request, "iam"));
        Assert.Equal(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, "
                + "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            new RequestSigner("us-east-1", "iam").Authorize(s_example, Time, request));
    }

    [Theory]
    [InlineData("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    [InlineData("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    public void Signs_the_vanilla_cases_of_the_test_suite(string method, string expected)
    {
        var request = new SigningRequest
        {
            Method = method,
            Path = "/",
            Headers = [new("host", "example.amazonaws.com"), new("x-amz-date", Time)],
            Payload = [],
        };
        Assert.Equal(expected, Sign(request, "service"));
    }

    [Fact]
    public void Agrees_with_the_signer_of_the_AWS_SDK()
    {
        var random = new Random(4);
        string[] regions = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "ap-southeast-4"];
        string[] targets = ["Kinesis_20131202.GetRecords", "Kinesis_20131202.PutRecords", "Kinesis_20131202.ListShards"];
        for (int i = 0; i < 500; i++)
        {
            string region = regions[random.Next(regions.Length)];
            string host = random.Next(2) == 0 ? $"kinesis.{region}.amazonaws.com" : $"123456789012.data-kinesis.{region}.amazonaws.com";
            string? token = random.Next(2) == 0 ? null : Convert.ToBase64String(Bytes(random, random.Next(1, 2000)));
            var credentials = new ImmutableCredentials("AKIA" + random.Next(), Convert.ToBase64String(Bytes(random, 30)), token);
            byte[] payload = Bytes(random, random.Next(0, 3000));
            string time = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(random.Next(100_000_000))
                .ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
            string target = targets[random.Next(targets.Length)];
            var headers = new List<SignedHeader>
            {
                new("content-type", random.Next(2) == 0 ? "application/x-amz-json-1.1" : "application/x-amz-cbor-1.1"),
                new("host", host),
                new("x-amz-date", time),
            };
            if (token is not null)
            {
                headers.Add(new("x-amz-security-token", token));
            }

            headers.Add(new("x-amz-target", target));

            string ours = new RequestSigner(region).Authorize(credentials, time, new SigningRequest
            {
                Method = "POST",
                Path = "/",
                Headers = headers.ToArray(),
                Payload = payload,
            });

            Assert.Equal(SignWithSdk(credentials, region, host, time, headers, payload), ours);
        }
    }

    [Fact]
    public void Keeps_the_key_of_a_day_until_the_day_or_the_secret_changes()
    {
        var signer = new RequestSigner("us-east-1");
        foreach (string time in (string[])["20260101T000000Z", "20260101T235959Z", "20260102T000000Z", "20260101T000000Z"])
        {
            foreach (string secret in (string[])["one", "two"])
            {
                var credentials = new ImmutableCredentials("AKIDEXAMPLE", secret, null);
                var request = new SigningRequest { Method = "POST", Path = "/", Headers = [new("host", "h")], Payload = [] };
                Assert.Equal(
                    new RequestSigner("us-east-1").Authorize(credentials, time, request),
                    signer.Authorize(credentials, time, request));
            }
        }
    }

    [Fact]
    public void Signs_secrets_and_tokens_that_do_not_fit_the_stack()
    {
        var credentials = new ImmutableCredentials("AKIDEXAMPLE", new string('s', 5000), new string('t', 20_000));
        SignedHeader[] headers = [new("host", "h"), new("x-amz-date", Time), new("x-amz-security-token", credentials.Token)];
        var request = new SigningRequest { Method = "POST", Path = "/", Headers = headers, Payload = "x"u8 };
        Assert.Equal(
            SignWithSdk(credentials, "us-east-1", "h", Time, headers, "x"u8.ToArray()),
            new RequestSigner("us-east-1").Authorize(credentials, Time, request));
    }

    [Fact]
    public void Allocates_nothing()
    {
        var signer = new RequestSigner("us-east-1");
        Span<char> signature = stackalloc char[SignatureV4.SignatureLength];
        byte[] payload = Encoding.UTF8.GetBytes("{\"ShardIterator\":\"" + new string('A', 200) + "\",\"Limit\":10000}");
        for (int i = 0; i < 10; i++)
        {
            Once(signer, payload, signature);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Once(signer, payload, signature);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        static void Once(RequestSigner signer, byte[] payload, Span<char> signature)
        {
            ReadOnlySpan<SignedHeader> headers =
            [
                new("content-type", "application/x-amz-json-1.1"),
                new("host", "kinesis.us-east-1.amazonaws.com"),
                new("x-amz-date", Time),
                new("x-amz-target", "Kinesis_20131202.GetRecords"),
            ];
            signer.Sign(
                s_example, Time, new SigningRequest { Method = "POST", Path = "/", Headers = headers, Payload = payload }, signature);
        }
    }

    [Fact]
    public void Writes_the_time_in_utc() =>
        Assert.Equal(Time, RequestSigner.FormatTime(new DateTimeOffset(2015, 8, 30, 14, 36, 0, TimeSpan.FromHours(2))));

    private static byte[] Bytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static string Sign(in SigningRequest request, string service)
    {
        Span<char> signature = stackalloc char[SignatureV4.SignatureLength];
        new RequestSigner("us-east-1", service).Sign(s_example, Time, request, signature);
        return signature.ToString();
    }

    private static string SignWithSdk(
        ImmutableCredentials credentials, string region, string host, string time, IEnumerable<SignedHeader> headers, byte[] payload)
    {
        // AWS4Signer.SignRequest reads the clock for x-amz-date, so its parts are used: the same code with the time given.
        var sorted = new SortedDictionary<string, string>(
            headers.ToDictionary(static h => h.Name, static h => h.Value), StringComparer.OrdinalIgnoreCase);
        string hash = Convert.ToHexStringLower(AWS4Signer.ComputeHash(payload));
        string names = string.Join(';', sorted.Keys);
        string canonical = SdkSigner.Canonicalize(new Uri($"https://{host}/"), sorted, hash);
        var signedAt = DateTime.ParseExact(
            time, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        AWS4SigningResult result = AWS4Signer.ComputeSignature(credentials, region, signedAt, "kinesis", names, canonical);
        return result.ForAuthorizationHeader;
    }

    /// <summary>Reaches the SDK's own canonical form, which only derived classes see.</summary>
    private sealed class SdkSigner : AWS4Signer
    {
        public static string Canonicalize(Uri endpoint, IDictionary<string, string> headers, string bodyHash) =>
            CanonicalizeRequest(endpoint, null, "POST", headers, "", bodyHash);
    }
}

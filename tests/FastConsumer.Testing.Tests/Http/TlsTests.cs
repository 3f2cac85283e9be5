using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

public sealed class TlsTests
{
    private static readonly XNamespace Sts = "https://sts.amazonaws.com/doc/2011-06-15/";

    [Theory]
    [InlineData("default")]
    [InlineData("http1")]
    public async Task The_aws_sdk_for_javascript_drives_it_over_tls(string handler)
    {
        using X509Certificate2 certificate = EmbeddedKinesisCertificate.Create();
        await using EmbeddedKinesis kinesis = await StartAsync(certificate);
        string trusted = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.pem");
        await File.WriteAllTextAsync(trusted, certificate.ExportCertificatePem(), RawClient.Cancellation);
        try
        {
            string printed = await NodeSdk.RunAsync(
                "drive.mjs",
                [kinesis.ServiceUrl, handler],
                RawClient.Cancellation,
                new Dictionary<string, string?> { ["NODE_EXTRA_CA_CERTS"] = trusted });

            Assert.Equal(22, JsonDocument.Parse(printed).RootElement.GetProperty("records").GetArrayLength());
            Assert.Equal(handler == "default" ? kinesis.RequestCount() : 0, kinesis.Http2RequestCount);
            Assert.StartsWith("https://127.0.0.1:", kinesis.ServiceUrl, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(trusted);
        }
    }

    [Theory]
    [InlineData("1.1", "localhost")]
    [InlineData("2.0", "127.0.0.1")]
    public async Task A_client_that_trusts_the_certificate_negotiates_its_version_of_http(string version, string host)
    {
        using X509Certificate2 certificate = EmbeddedKinesisCertificate.Create();
        await using EmbeddedKinesis kinesis = await StartAsync(certificate);
        using HttpClient http = Trusting(certificate);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://{host}:{new Uri(kinesis.ServiceUrl).Port}/health")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        using HttpResponseMessage response = await http.SendAsync(request, RawClient.Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Version.Parse(version), response.Version);
    }

    [Fact]
    public async Task A_client_that_does_not_trust_it_and_one_without_tls_are_turned_away_and_others_are_served()
    {
        using X509Certificate2 certificate = EmbeddedKinesisCertificate.Create();
        using X509Certificate2 other = EmbeddedKinesisCertificate.Create();
        await using EmbeddedKinesis kinesis = await StartAsync(certificate);
        using HttpClient distrusting = Trusting(other);
        using var plain = new HttpClient();
        using HttpClient trusting = Trusting(certificate);

        await Assert.ThrowsAsync<HttpRequestException>(
            () => distrusting.GetStringAsync($"{kinesis.ServiceUrl}/health", RawClient.Cancellation));
        await Assert.ThrowsAsync<HttpRequestException>(() => plain.GetStringAsync(
            $"{kinesis.ServiceUrl.Replace("https", "http", StringComparison.Ordinal)}/health", RawClient.Cancellation));
        Assert.Equal("ok", await trusting.GetStringAsync($"{kinesis.ServiceUrl}/health", RawClient.Cancellation));
    }

    [Fact]
    public void The_certificate_names_the_loopback_addresses_and_those_asked_for()
    {
        using X509Certificate2 certificate = EmbeddedKinesisCertificate.Create([IPAddress.Parse("10.1.2.3")]);

        X509SubjectAlternativeNameExtension names = Assert.Single(certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>());
        Assert.Equal(["localhost"], names.EnumerateDnsNames());
        Assert.Equal(["127.0.0.1", "::1", "10.1.2.3"], names.EnumerateIPAddresses().Select(static address => address.ToString()));
    }

    [Fact]
    public async Task A_certificate_without_its_key_is_refused()
    {
        using X509Certificate2 certificate = EmbeddedKinesisCertificate.Create();
        using X509Certificate2 open = X509CertificateLoader.LoadCertificate(certificate.RawData);

        ArgumentException refusal = await Assert.ThrowsAsync<ArgumentException>(() => StartAsync(open));

        Assert.Contains("no private key", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_account_is_told_as_the_producer_library_asks()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { AccountId = "123456789012" }, RawClient.Cancellation);

        (HttpStatusCode status, XElement answer) = await AskAsync(kinesis, "Action=GetCallerIdentity&Version=2011-06-15");

        Assert.Equal(HttpStatusCode.OK, status);
        XElement result = answer.Element(Sts + "GetCallerIdentityResult")!;
        Assert.Equal("123456789012", result.Element(Sts + "Account")!.Value);
        Assert.Equal("arn:aws:iam::123456789012:user/local", result.Element(Sts + "Arn")!.Value);
    }

    [Theory]
    [InlineData(false, "Action=AssumeRole&Version=2011-06-15", "InvalidAction")]
    [InlineData(true, "Action=GetCallerIdentity&Version=2011-06-15", "MissingAuthenticationTokenException")]
    public async Task What_is_not_the_call_or_not_signed_is_refused(bool signed, string form, string code)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { Credentials = signed ? new EmbeddedKinesisCredentials("id", "secret") : null },
            RawClient.Cancellation);

        (HttpStatusCode status, XElement answer) = await AskAsync(kinesis, form);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(code, answer.Element(Sts + "Error")!.Element(Sts + "Code")!.Value);
    }

    private static Task<EmbeddedKinesis> StartAsync(X509Certificate2 certificate) =>
        EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { Certificate = certificate }, RawClient.Cancellation);

    private static async Task<(HttpStatusCode Status, XElement Answer)> AskAsync(EmbeddedKinesis kinesis, string form)
    {
        using var http = new HttpClient();
        using var content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded");
        using HttpResponseMessage response = await http.PostAsync(new Uri(kinesis.ServiceUrl), content, RawClient.Cancellation);
        return (response.StatusCode, XElement.Parse(await response.Content.ReadAsStringAsync(RawClient.Cancellation)));
    }

    /// <summary>Trusts one certificate, and nothing else; names are checked.</summary>
    private static HttpClient Trusting(X509Certificate2 certificate)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(certificate);
        return new HttpClient(
            new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy } });
    }
}

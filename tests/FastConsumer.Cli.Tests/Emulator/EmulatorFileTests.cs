using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using FastConsumer.Testing;

namespace FastConsumer.Cli.Tests.Emulator;

/// <summary>What the emulator reads from files, and writes to them.</summary>
public sealed class EmulatorFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("emulator-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Streams_of_a_file_are_created_with_all_that_it_says()
    {
        string config = await WriteAsync("""
            {
              // comments are welcome
              "version": 1,
              "streams": [
                {
                  "name": "orders", "shards": 2, "retentionHours": 48, "maxRecordBytes": 2097152, "encryptionKeyId": "alias/key",
                  "tags": { "team": "a" }, "consumers": ["billing", "audit"]
                },
                { "name": "clicks", "onDemand": true },
                { "name": "plain" },
              ],
            }
            """);
        await using Tool tool = await Tool.StartEmulatorAsync("--config", config, "--stream", "other:3", "--json");
        using var report = JsonDocument.Parse(tool.Output);

        Assert.Equal(
            ["other 3", "orders 2", "clicks 4", "plain 1"],
            report.RootElement.GetProperty("streams").EnumerateArray().Select(
                static stream => $"{stream.GetProperty("name").GetString()} {stream.GetProperty("shards").GetInt32()}"));
        using var http = new EmulatorHttp(report.RootElement.GetProperty("endpoint").GetString()!);
        JsonElement orders = (await http.CallAsync("DescribeStreamSummary", """{"StreamName":"orders"}"""))
            .GetProperty("StreamDescriptionSummary");
        Assert.Equal(48, orders.GetProperty("RetentionPeriodHours").GetInt32());
        Assert.Equal(2048, orders.GetProperty("MaxRecordSizeInKiB").GetInt32());
        Assert.Equal("alias/key", orders.GetProperty("KeyId").GetString());
        Assert.Equal(2, orders.GetProperty("ConsumerCount").GetInt32());
        JsonElement tags = await http.CallAsync("ListTagsForStream", """{"StreamName":"orders"}""");
        Assert.Equal("team", tags.GetProperty("Tags")[0].GetProperty("Key").GetString());
        JsonElement clicks = (await http.CallAsync("DescribeStreamSummary", """{"StreamName":"clicks"}"""))
            .GetProperty("StreamDescriptionSummary");
        Assert.Equal("ON_DEMAND", clicks.GetProperty("StreamModeDetails").GetProperty("StreamMode").GetString());
    }

    [Theory]
    [InlineData("""{"streams":[]}""", "version is missing")]
    [InlineData("""{"version":2,"streams":[]}""", "version 2 is not known to this version of the tool: it reads version 1")]
    [InlineData("""{"version":1,"streems":[]}""", "streems is not known. The properties here are version, streams")]
    [InlineData("""{"version":1,"streams":[{"shards":2}]}""", "streams[0].name is missing")]
    [InlineData("""{"version":1,"streams":[{"name":"a b"}]}""", "streams[0].name \"a b\" is no name")]
    [InlineData("""{"version":1,"streams":[{"name":"a","shards":0}]}""", "streams[0].shards 0 is not a number of shards: give 1 or more")]
    [InlineData("""{"version":1,"streams":[{"name":"a","shards":1,"onDemand":true}]}""", "streams[0].shards 1 is given together with")]
    [InlineData("""{"version":1,"streams":[{"name":"a","retentionHours":5}]}""", "streams[0].retentionHours 5 is not")]
    [InlineData("""{"version":1,"streams":[{"name":"a","maxRecordBytes":1048577}]}""", "maxRecordBytes 1048577 is not in whole KiB")]
    [InlineData("""{"version":1,"streams":[{"name":"a","tags":{"k":1}}]}""", "streams[0].tags.k 1 is not a text")]
    [InlineData("""{"version":1,"streams":[{"name":"a"},{"name":"a"}]}""", "streams[1].name \"a\" names a stream that was named before")]
    [InlineData("""{"version":1,"streams":[{"name":"other"}]}""", "stream other is named by --stream other:1 too")]
    [InlineData("""{"version":1,"streams":[{"name":"a","tags":{"aws:k":"v"}}]}""", "aws:")]
    [InlineData("""{"version":1""", "is no JSON")]
    public async Task What_is_wrong_in_the_file_is_named(string json, string complaint)
    {
        string config = await WriteAsync(json);
        await using Tool tool = Tool.Start("emulator", "--port", "0", "--stream", "other", "--config", config);

        Assert.Equal(1, await tool.ExitCodeAsync());
        Assert.Contains(config, tool.Errors, StringComparison.Ordinal);
        Assert.Contains(complaint, tool.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", tool.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "--tls-key", "--tls-cert", "no.pem")]
    [InlineData(2, "--tls-cert", "--tls-key", "no.pem")]
    [InlineData(2, "needs --tls", "--tls-export", "no.pem")]
    [InlineData(1, "cannot be used", "--tls-cert", "no.pem", "--tls-key", "no.pem")]
    [InlineData(1, "cannot be written to '/no/such.pem'", "--tls", "--tls-export", "/no/such.pem")]
    [InlineData(1, "/no/config.json cannot be read", "--config", "/no/config.json")]
    public async Task Files_that_cannot_be_used_are_named(int exitCode, string complaint, params string[] options)
    {
        await using Tool tool = Tool.Start(["emulator", "--port", "0", .. options]);

        Assert.Equal(exitCode, await tool.ExitCodeAsync());
        Assert.Contains(complaint, tool.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", tool.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Over_tls_it_is_trusted_by_the_certificate_that_it_writes_or_is_given(bool given)
    {
        string written = Path.Combine(_folder, "written.pem");
        string[] options = given ? await GiveAsync() : ["--tls"];
        await using Tool tool = await Tool.StartEmulatorAsync([.. options, "--tls-export", written, "--json"]);
        using var report = JsonDocument.Parse(tool.Output);
        string endpoint = report.RootElement.GetProperty("endpoint").GetString()!;
        Assert.Equal(written, report.RootElement.GetProperty("environment").GetProperty("AWS_CA_BUNDLE").GetString());
        using X509Certificate2 trusted = X509CertificateLoader.LoadCertificateFromFile(written);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(trusted);
        using var http = new HttpClient(
            new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy } })
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        Assert.Equal("ok", await http.GetStringAsync($"{endpoint}/health", Cancellation));
        Assert.DoesNotContain("PRIVATE", await File.ReadAllTextAsync(written, Cancellation), StringComparison.Ordinal);
    }

    private async Task<string[]> GiveAsync()
    {
        using X509Certificate2 certificate = EmbeddedKinesisCertificate.Create();
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        string cert = Path.Combine(_folder, "cert.pem");
        string keyPath = Path.Combine(_folder, "key.pem");
        await File.WriteAllTextAsync(cert, certificate.ExportCertificatePem(), Cancellation);
        await File.WriteAllTextAsync(keyPath, key.ExportPkcs8PrivateKeyPem(), Cancellation);
        return ["--tls-cert", cert, "--tls-key", keyPath];
    }

    private async Task<string> WriteAsync(string json)
    {
        string path = Path.Combine(_folder, "streams.json");
        await File.WriteAllTextAsync(path, json, Cancellation);
        return path;
    }
}

using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.FixtureTests;

public sealed class KinesisLocalServerTests(KinesisLocalServer server) : IClassFixture<KinesisLocalServer>
{
    [Fact]
    public Task Takes_records_and_reshards() =>
        StreamScenario.RunAsync(server, "reshards", TestContext.Current.CancellationToken);

    [Fact]
    public async Task Takes_commands_in_parallel()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var producer = await SdkProducer.StartAsync(server.ServiceUrl, cancellationToken);
        await producer.CreateStreamAsync("parallel", 2, cancellationToken);

        var puts = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => producer.PutRecordsAsync(
            "parallel",
            Enumerable.Range(0, 600).Select(j => new RecordToPut($"key-{i}-{j}", new byte[100])),
            cancellationToken)));

        Assert.Equal(4800, puts.SelectMany(put => put).Select(record => (record.ShardId, record.SequenceNumber)).Distinct().Count());
    }

    [Fact]
    public async Task Answers_behind_tls_too()
    {
        using var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, certificate, _, _) =>
            certificate?.Subject.Contains("FS2 Tests", StringComparison.Ordinal) == true;
        using var client = new HttpClient(handler);

        using var response = await client.GetAsync(
            new Uri(server.TlsServiceUrl + "/healthcheck"), TestContext.Current.CancellationToken);

        Assert.True(response.IsSuccessStatusCode);
    }
}

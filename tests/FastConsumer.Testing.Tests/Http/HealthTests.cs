using System.Net;
using System.Net.Sockets;
using FastConsumer.Testing.Tests.Wire;

namespace FastConsumer.Testing.Tests.Http;

public sealed class HealthTests
{
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Health_is_answered_without_a_signature_and_counts_as_no_request(string version)
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { Credentials = new EmbeddedKinesisCredentials("id", "secret") }, RawClient.Cancellation);
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{kinesis.ServiceUrl}/health")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        using HttpResponseMessage response = await http.SendAsync(request, RawClient.Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("ok", await response.Content.ReadAsStringAsync(RawClient.Cancellation));
        Assert.Equal(0, kinesis.RequestCount());
        using var client = new RawClient(kinesis.ServiceUrl);
        await client.RefusedAsync("ListStreams", "{}", "MissingAuthenticationTokenException");
    }

    [Fact]
    public async Task Bound_to_every_address_it_is_reached_by_others_and_named_by_the_loopback_one()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { Bind = IPAddress.Any }, RawClient.Cancellation);
        var url = new Uri(kinesis.ServiceUrl);
        Assert.Equal("127.0.0.1", url.Host);

        foreach (string host in (string[])["127.0.0.1", "127.0.0.2"])
        {
            using var client = new RawClient($"http://{host}:{url.Port}");
            await client.OkAsync("ListStreams", "{}");
        }
    }

    [Fact]
    public async Task An_address_of_another_machine_cannot_be_bound() =>
        await Assert.ThrowsAsync<SocketException>(() => EmbeddedKinesis.StartAsync(
            new EmbeddedKinesisOptions { Bind = IPAddress.Parse("203.0.113.1") }, RawClient.Cancellation));

    [Fact]
    public async Task By_default_it_listens_on_the_loopback_address_alone()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: RawClient.Cancellation);
        using var client = new RawClient($"http://127.0.0.2:{new Uri(kinesis.ServiceUrl).Port}");
        await Assert.ThrowsAsync<HttpRequestException>(() => client.OkAsync("ListStreams", "{}"));
    }
}

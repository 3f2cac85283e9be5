using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using FastConsumer.Kinesis;

namespace FastConsumer.Tests.Kinesis;

/// <summary>Cancellations that the caller did not ask for are failures like others.</summary>
public class ConnectTimeoutTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_connection_that_does_not_come_about_in_time_is_tried_again_even_for_a_change()
    {
        // it accepts and says nothing, so that TLS waits for the connections' own time-out
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        int port = ((IPEndPoint)silent.LocalEndpoint).Port;
        using SocketsHttpHandler handler = KinesisConnections.Create(useProxy: false);
        handler.ConnectTimeout = TimeSpan.FromMilliseconds(50);
        var clock = new ImpatientClock(KinesisClientOptions.DefaultRequestTimeout);
        using KinesisClient client = Client(handler, $"https://127.0.0.1:{port}", clock);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(() => client.CreateStreamAsync("orders", 1, Token));
        Assert.Equal(KinesisErrorKind.Unavailable, exception.Kind);
        Assert.Contains($"no connection to 127.0.0.1:{port} came about in time. Check that", exception.Message, StringComparison.Ordinal);
        Assert.Equal(2, clock.Delays.Count);
    }

    [Fact]
    public async Task A_request_that_its_connection_gives_up_is_tried_again_unless_it_changes_something()
    {
        using var handler = new GivingUpHandler();
        var clock = new ImpatientClock(KinesisClientOptions.DefaultRequestTimeout);
        using KinesisClient client = Client(handler, "http://127.0.0.1:1", clock);
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => client.GetRecordsAsync(ClientFixture.Orders, "iterator", cancellationToken: Token));
        Assert.Equal(KinesisErrorKind.Unavailable, exception.Kind);
        Assert.Contains("was given up on its way", exception.Message, StringComparison.Ordinal);
        Assert.Equal(3, handler.Calls);
        await Assert.ThrowsAsync<KinesisException>(() => client.SplitShardAsync(ClientFixture.Orders, "s-0", 1, Token));
        Assert.Equal(4, handler.Calls);
    }

    [Fact]
    public async Task Credentials_that_come_too_late_are_credentials_that_cannot_be_had()
    {
        await using var server = new ScriptedServer(ScriptedAnswer.Json("""{"Shards":[]}"""));
        using var fixture = new ClientFixture(server.Url, static options => options.Credentials = new LateCredentials());
        KinesisException exception = await Assert.ThrowsAsync<KinesisException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: Token));
        Assert.Equal(KinesisErrorKind.Denied, exception.Kind);
        Assert.Contains(nameof(LateCredentials), exception.Message, StringComparison.Ordinal);

        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => fixture.Client.ListShardsAsync(ClientFixture.Orders, cancellationToken: cancelled.Token));
    }

    private static KinesisClient Client(HttpMessageHandler handler, string url, TimeProvider clock) => new(
        new KinesisClientOptions
        {
            Credentials = new BasicAWSCredentials("a", "b"),
            ServiceUrl = url,
            TimeProvider = clock,
            RandomSeed = 1
        },
        handler);

    private sealed class GivingUpHandler : HttpMessageHandler
    {
        public int Calls { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Calls++;
            throw new TaskCanceledException("The connection was closed.");
        }
    }

    private sealed class LateCredentials : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => throw new TaskCanceledException(
            "The request was canceled due to the configured timeout.");
    }
}

using Amazon.Runtime;
using FastConsumer.Kinesis;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Kinesis;

/// <summary>Connections that stay open and carry nothing any more: what is tried again goes over others.</summary>
public sealed class DeadConnectionTests
{
    private static readonly StreamIdentifier s_orders = StreamIdentifier.Parse("orders");
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_dead_connection_lets_the_next_attempt_use_none_of_its_age()
    {
        var clock = new ManualClock();
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { TimeProvider = clock }, Token);
        kinesis.CreateStream("orders");
        await using var middle = new ForgetfulMiddle(kinesis.ServiceUrl);
        using KinesisClient client = Client(middle.Url, clock);

        // three requests at once open three connections, which are kept
        kinesis.Faults.Delay("ListShards", TimeSpan.FromSeconds(1), times: 3);
        Task[] calls = [.. Enumerable.Range(0, 3).Select(_ => client.ListShardsAsync(s_orders, cancellationToken: Token))];
        await UntilAsync(() => kinesis.RequestCount("ListShards") == 3);
        clock.Advance(TimeSpan.FromSeconds(2));
        await Task.WhenAll(calls).WaitAsync(s_patience, Token);
        Assert.Equal(3, middle.Opened);

        middle.ForgetAll();
        DateTimeOffset start = clock.GetUtcNow();
        Task<ListShardsResponse> call = client.ListShardsAsync(s_orders, cancellationToken: Token);
        await UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(500));
                return call.IsCompleted;
            });
        Assert.Single((await call).Shards);
        // one time-out, not one for each connection; the clock runs on a little while the answer travels
        Assert.InRange(clock.GetUtcNow() - start, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(59));
        Assert.Equal(4, middle.Opened);
    }

    [Fact]
    public async Task Hundreds_of_calls_at_once_share_a_bounded_number_of_connections()
    {
        var clock = new ManualClock();
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(new EmbeddedKinesisOptions { TimeProvider = clock }, Token);
        kinesis.CreateStream("orders");
        await using var middle = new ForgetfulMiddle(kinesis.ServiceUrl);
        using KinesisClient client = Client(middle.Url, clock);
        kinesis.Faults.Delay("ListShards", TimeSpan.FromSeconds(1), times: 300);
        Task[] calls = [.. Enumerable.Range(0, 300).Select(_ => client.ListShardsAsync(s_orders, cancellationToken: Token))];
        await UntilAsync(() => kinesis.RequestCount("ListShards") == KinesisConnections.MaxConnectionsPerServer);
        await UntilAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return calls.All(static call => call.IsCompleted);
            });
        await Task.WhenAll(calls);
        Assert.InRange(middle.Opened, 1, KinesisConnections.MaxConnectionsPerServer);
    }

    [Fact]
    public async Task A_ping_that_is_not_answered_ends_a_subscription_and_nobody_blames_a_proxy()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Token);
        kinesis.CreateStream("orders");
        await using var middle = new ForgetfulMiddle(kinesis.ServiceUrl);
        using KinesisClient client = Client(middle.Url, TimeProvider.System, static handler =>
        {
            handler.KeepAlivePingDelay = TimeSpan.FromSeconds(1);
            handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(1);
        });
        Consumer consumer = await client.RegisterStreamConsumerAsync(kinesis.StreamArn("orders"), "app", Token);
        string shard = kinesis.ListShards("orders")[0].ShardId;
        await using (IShardSubscription subscription = await client.SubscribeToShardAsync(
            consumer.ConsumerARN, shard, StartingPosition.TrimHorizon, Token))
        {
            middle.ForgetAll();
            KinesisException broken = await Assert.ThrowsAsync<KinesisException>(async () =>
            {
                while (await subscription.ReadAsync(Token) is { } page)
                {
                    page.Dispose();
                }
            }).WaitAsync(s_patience, Token);
            Assert.Equal(KinesisErrorKind.Unavailable, broken.Kind);
            Assert.DoesNotContain("proxy", broken.Message, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("does not answer in HTTP/2", broken.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_call_on_a_connection_whose_pings_are_not_answered_is_not_told_that_the_server_lacks_http2()
    {
        await using EmbeddedKinesis kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Token);
        kinesis.CreateStream("orders");
        await using var middle = new ForgetfulMiddle(kinesis.ServiceUrl);
        using KinesisClient client = Client(middle.Url, TimeProvider.System, static handler =>
        {
            handler.KeepAlivePingDelay = TimeSpan.FromSeconds(1);
            handler.KeepAlivePingTimeout = TimeSpan.FromSeconds(1);
        });
        Consumer consumer = await client.RegisterStreamConsumerAsync(kinesis.StreamArn("orders"), "app", Token);
        string shard = kinesis.ListShards("orders")[0].ShardId;
        await using IShardSubscription subscription = await client.SubscribeToShardAsync(
            consumer.ConsumerARN, shard, StartingPosition.TrimHorizon, Token);
        middle.ForgetAll();
        // over the same connection, for nothing has shown yet that it is dead
        KinesisException broken = await Assert.ThrowsAsync<KinesisException>(
            () => client.SubscribeToShardAsync(consumer.ConsumerARN, shard, StartingPosition.TrimHorizon, Token))
            .WaitAsync(s_patience, Token);
        Assert.Equal(KinesisErrorKind.Unavailable, broken.Kind);
        Assert.DoesNotContain("proxy", broken.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("does not answer in HTTP/2", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Connections_of_subscriptions_are_pinged_so_that_a_dead_one_is_known_before_35_seconds_of_silence()
    {
        using SocketsHttpHandler handler = KinesisConnections.CreateForStreams(
            useProxy: false, KinesisClientOptions.DefaultStreamWindowBytes);
        Assert.InRange(handler.KeepAlivePingDelay + handler.KeepAlivePingTimeout, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(25));
        Assert.Equal(HttpKeepAlivePingPolicy.WithActiveRequests, handler.KeepAlivePingPolicy);
    }

    [Fact]
    public void Connections_that_are_given_up_are_closed_when_their_last_request_has_ended()
    {
        List<Closing> made = [];
        using var pool = new ConnectionPool(
            () =>
            {
                made.Add(new Closing());
                return new HttpMessageInvoker(made[^1]);
            },
            isRenewable: true);
        ConnectionPool.Generation first = pool.Enter();
        Assert.Same(first, pool.Enter());
        first.GiveUp();
        ConnectionPool.Generation second = pool.Enter();
        Assert.NotSame(first, second);
        // who still uses the old ones says nothing of the new
        first.GiveUp();
        Assert.Same(second, pool.Enter());
        first.Exit();
        Assert.False(made[0].IsClosed);
        first.Exit();
        Assert.True(made[0].IsClosed);
        second.Exit();
        second.Exit();
        Assert.False(made[1].IsClosed);
        second.GiveUp();
        Assert.True(made[1].IsClosed);
        Assert.Equal(2, made.Count);
    }

    [Fact]
    public void A_callers_own_handler_has_no_other_connections()
    {
        using var handler = new Closing();
        using var pool = new ConnectionPool(() => new HttpMessageInvoker(handler, disposeHandler: false), isRenewable: false);
        ConnectionPool.Generation only = pool.Enter();
        only.GiveUp();
        Assert.Same(only, pool.Enter());
        only.Exit();
        only.Exit();
        Assert.False(handler.IsClosed);
    }

    private static KinesisClient Client(string url, TimeProvider clock, Action<SocketsHttpHandler>? configure = null) =>
        new(new KinesisClientOptions
        {
            Credentials = new BasicAWSCredentials("AKID", "secret"),
            ServiceUrl = url,
            Region = "us-east-1",
            TimeProvider = clock,
            RandomSeed = 1,
            ConfigureHttpHandler = configure,
        });

    private static async Task UntilAsync(Func<bool> condition)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < s_patience, "Waited in vain.");
            await Task.Delay(10, Token);
        }
    }

    private sealed class Closing : HttpMessageHandler
    {
        public bool IsClosed { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            IsClosed = true;
            base.Dispose(disposing);
        }
    }
}

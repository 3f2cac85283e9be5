using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Reading;

namespace FastConsumer.Tests.Reading;

/// <summary>
/// The guarantee: what comes out is a contiguous run of the shard's records, each once, whatever happens to subscriptions.
/// </summary>
public sealed class FanOutReaderTests
{
    [Fact]
    public async Task Records_before_and_after_the_start_come_in_order()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Put(500);
        bench.Read();
        await bench.AllAsync();
        for (int i = 0; i < 20; i++)
        {
            bench.Put(3);
            await bench.AllAsync();
        }

        Assert.Equal(1, bench.Subscriptions);
        await bench.StopAsync();
    }

    [Fact]
    public async Task Subscriptions_that_end_are_followed_by_others_without_gap_or_repeat()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync(lifetime: TimeSpan.FromSeconds(7));
        bench.Read();
        while (bench.Subscriptions < 5)
        {
            bench.Put();
            await bench.PassAsync(TimeSpan.FromMilliseconds(250));
        }

        await bench.AllAsync();
        Assert.Empty(bench.Findings.Current);
        await bench.StopAsync();
    }

    [Fact]
    public async Task A_subscription_is_renewed_before_its_five_minutes_are_over()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync(lifetime: TimeSpan.FromHours(10));
        bench.Read();
        bench.Put();
        await bench.AllAsync();
        DateTimeOffset start = bench.Clock.GetUtcNow();
        while (bench.Subscriptions < 3)
        {
            bench.Put();
            await bench.PassAsync(TimeSpan.FromSeconds(4));
        }

        Assert.InRange(bench.Clock.GetUtcNow() - start, TimeSpan.FromSeconds(540), TimeSpan.FromSeconds(620));
        await bench.AllAsync();
        await bench.StopAsync();
    }

    [Fact]
    public async Task A_renewal_that_is_refused_leaves_the_old_subscription_alone()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync(lifetime: TimeSpan.FromHours(10));
        bench.Read();
        bench.Put();
        await bench.AllAsync();
        bench.Kinesis.Faults.Fail("SubscribeToShard", "LimitExceededException", times: 2);
        while (bench.Subscriptions < 4)
        {
            bench.Put();
            await bench.PassAsync(TimeSpan.FromSeconds(4));
        }

        await bench.AllAsync();
        Assert.Empty(bench.Findings.Current);
        await bench.StopAsync();
    }

    [Fact]
    public async Task The_continuation_number_counts_where_no_record_has_come()
    {
        // LATEST is now but once: only the continuation number of empty events says where the second subscription starts
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Kinesis.Put(FanOutBench.StreamName, "key", "before");
        bench.Read(CheckpointPosition.Latest);
        await bench.UntilAsync(() => bench.Subscriptions == 1);
        await bench.PassAsync(TimeSpan.FromSeconds(6));

        // another one takes the shard over and goes away again, while records are put
        Consumer consumer = await bench.Client.DescribeStreamConsumerAsync(
            bench.Kinesis.StreamArn(FanOutBench.StreamName), "app", FanOutBench.Token);
        await using (IShardSubscription other = await bench.Client.SubscribeToShardAsync(
            consumer.ConsumerARN, FanOutBench.Shard, StartingPosition.Latest, FanOutBench.Token))
        {
            bench.Put(10);
        }

        await bench.AllAsync();
        Assert.InRange(bench.Subscriptions, 3, int.MaxValue);
        await bench.StopAsync();
    }

    [Fact]
    public async Task A_subscription_in_use_is_waited_for()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        FanOutConsumer consumer = bench.Consumer();
        string arn = await bench.ArnAsync(consumer);
        await using IShardSubscription other = await bench.Client.SubscribeToShardAsync(
            arn, FanOutBench.Shard, StartingPosition.Latest, FanOutBench.Token);
        DateTimeOffset start = bench.Clock.GetUtcNow();
        bench.Put(5);
        bench.Read(consumer: consumer);
        await bench.AllAsync();

        Assert.InRange(bench.Clock.GetUtcNow() - start, TimeSpan.FromSeconds(5), TimeSpan.MaxValue);
        KinesisException replaced = await Assert.ThrowsAsync<KinesisException>(async () =>
        {
            while (await other.ReadAsync(FanOutBench.Token) is { } page)
            {
                page.Dispose();
            }
        });
        Assert.Equal(KinesisErrorKind.ResourceInUse, replaced.Kind);
        await bench.StopAsync();
    }

    [Fact]
    public async Task Another_application_that_reads_as_the_same_consumer_shows_in_health()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        FanOutConsumer consumer = bench.Consumer();
        string arn = await bench.ArnAsync(consumer);
        bench.Read(consumer: consumer);
        for (int round = 0; bench.Findings.Current.Count == 0; round++)
        {
            Assert.InRange(round, 0, 40);
            bench.Put();
            await bench.PassAsync(TimeSpan.FromSeconds(6));
            try
            {
                await using IShardSubscription other = await bench.Client.SubscribeToShardAsync(
                    arn, FanOutBench.Shard, StartingPosition.Latest, FanOutBench.Token);
                await bench.PassAsync(TimeSpan.FromSeconds(1));
            }
            catch (KinesisException e) when (e.Kind == KinesisErrorKind.ResourceInUse)
            {
                // it has been as quick as we were
            }
        }

        Finding condition = Assert.Single(bench.Findings.Current);
        Assert.Equal(FindingSeverity.Degraded, condition.Severity);
        Assert.Contains("FastConsumer:ConsumerName", condition.Message, StringComparison.Ordinal);

        // the other one goes away
        await bench.UntilAsync(() => bench.Findings.Current.Count == 0, TimeSpan.FromMilliseconds(500));
        await bench.AllAsync();
        await bench.StopAsync();
    }

    [Fact]
    public async Task Latest_of_a_lease_that_says_no_time_is_the_time_of_its_first_subscription()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Kinesis.Put(FanOutBench.StreamName, "key", "before");
        await bench.PassAsync(TimeSpan.FromSeconds(3));
        // no event of the first ones comes through, so that nothing says where to go on
        bench.Kinesis.Faults.Cut("SubscribeToShard", times: 3, afterBytes: 0);
        bench.Read(CheckpointPosition.Latest);
        await bench.UntilAsync(() => bench.Subscriptions == 1);
        bench.Put(5);
        await bench.AllAsync();
        await bench.StopAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    [InlineData(40)]
    [InlineData(700)]
    [InlineData(5000)]
    public async Task Cuts_anywhere_lose_and_repeat_nothing(int afterBytes)
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Kinesis.Faults.Cut("SubscribeToShard", times: 3, afterBytes: afterBytes);
        bench.Put(100);
        bench.Read();
        await bench.UntilAsync(() => bench.Subscriptions >= 4);
        bench.Put(10);
        await bench.AllAsync();
        await bench.StopAsync();
    }

    [Fact]
    public async Task Throttles_and_outages_are_waited_out_at_no_more_than_a_call_a_second()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Kinesis.Faults.Fail("SubscribeToShard", "LimitExceededException", times: 2);
        bench.Kinesis.Faults.Fail("SubscribeToShard", "InternalFailure", status: 500, times: 2);
        bench.Kinesis.Faults.Cut("SubscribeToShard", times: 1);
        bench.Put(10);
        DateTimeOffset start = bench.Clock.GetUtcNow();
        bench.Read();
        await bench.AllAsync();

        Assert.Equal(6, bench.Subscriptions);
        Assert.InRange(bench.Clock.GetUtcNow() - start, TimeSpan.FromSeconds(5), TimeSpan.MaxValue);
        await bench.UntilAsync(() => bench.Findings.Current.Count == 0);
        await bench.StopAsync();
    }

    [Fact]
    public async Task The_end_of_a_shard_comes_behind_its_last_record_with_its_children()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Put(10);
        bench.Read();
        await bench.AllAsync();
        bench.Put(5);
        bench.Kinesis.SplitShard(FanOutBench.StreamName, FanOutBench.Shard);
        await bench.UntilAsync(() => bench.Children is not null);

        Assert.Equal(bench.Expected, bench.Texts);
        Assert.Equal(["shardId-000000000001", "shardId-000000000002"], bench.Children!.Select(static child => child.ShardId));
        Assert.All(bench.Children!, static child => Assert.Equal([FanOutBench.Shard], child.ParentShards));
        Assert.Equal(1, bench.Subscriptions);
        await bench.StopAsync();
    }

    [Fact]
    public async Task Both_parents_of_a_merge_name_the_child()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Kinesis.SplitShard(FanOutBench.StreamName, FanOutBench.Shard);
        bench.Kinesis.ListShards(FanOutBench.StreamName);
        bench.Read(shard: "shardId-000000000001");
        await bench.UntilAsync(() => bench.Subscriptions == 1);
        bench.Kinesis.MergeShards(FanOutBench.StreamName, "shardId-000000000001", "shardId-000000000002");
        await bench.UntilAsync(() => bench.Children is not null);

        ChildShard child = Assert.Single(bench.Children!);
        Assert.Equal(["shardId-000000000001", "shardId-000000000002"], child.ParentShards);
        await bench.StopAsync();
    }

    [Fact]
    public async Task A_slow_handler_holds_the_service_back()
    {
        long received = 0;
        using SocketsHttpHandler handler = Counting(64 * 1024, count => Interlocked.Add(ref received, count));
        const int Records = 30;
        const int RecordBytes = 600_000;
        // disposed after the bench, whose reader may wait for it: a wait for a disposed one never ends
        using var gate = new SemaphoreSlim(0);
        await using FanOutBench bench = await FanOutBench.StartAsync(budget: 1024 * 1024, handler: handler);
        byte[] data = new byte[RecordBytes];
        for (int i = 0; i < Records; i++)
        {
            bench.Kinesis.Put(FanOutBench.StreamName, "key", data);
        }

        bench.Read(gate: gate);
        await bench.UntilAsync(() => bench.Budget.Used > 0);
        await bench.PassAsync(TimeSpan.FromSeconds(20));

        // one event over the budget, and what windows and buffers hold: far less than the 24 MB that wait in the shard
        Assert.InRange(Interlocked.Read(ref received), 1, 6 * 1024 * 1024);
        Assert.InRange(bench.Budget.Used, 1, 4 * 1024 * 1024);
        gate.Release(Records);
        await bench.UntilAsync(() => bench.Texts.Count == Records);
        await bench.StopAsync();
    }

    [Fact]
    public async Task What_the_connection_holds_beside_the_budget_is_no_more_than_the_largest_window()
    {
        long received = 0;
        using SocketsHttpHandler handler = Counting(
            KinesisClientOptions.DefaultStreamWindowBytes, count => Interlocked.Add(ref received, count));
        const int Records = 60;
        const int RecordBytes = 600_000;
        const long EventBytes = RecordBytes * 4L / 3;
        const long Budget = 1024 * 1024;
        // disposed after the bench, whose reader may wait for it: a wait for a disposed one never ends
        using var gate = new SemaphoreSlim(0);
        await using FanOutBench bench = await FanOutBench.StartAsync(budget: Budget, handler: handler);
        byte[] data = new byte[RecordBytes];
        for (int i = 0; i < Records; i++)
        {
            bench.Kinesis.Put(FanOutBench.StreamName, "key", data);
        }

        bench.Read(gate: gate);
        await bench.UntilAsync(() => bench.Budget.Used > 0);
        await bench.PassAsync(TimeSpan.FromSeconds(20));
        // how far .NET has widened the window by now depends on how fast the first events came
        Assert.InRange(Interlocked.Read(ref received), 1, (3 * EventBytes) + KinesisClientOptions.LargestStreamWindowBytes);

        for (int handled = 4; handled <= 20; handled += 4)
        {
            gate.Release(4);
            await bench.UntilAsync(() => bench.Texts.Count == handled);
            await bench.PassAsync(TimeSpan.FromSeconds(5));
            await bench.UntilAsync(() => bench.Budget.Used > 0);
            long used = bench.Budget.Used;
            Assert.InRange(used, 0, Budget + (2 * EventBytes));
            // the reader goes on meanwhile, so there is a bound above only
            long beside = Interlocked.Read(ref received) - (handled * EventBytes) - used;
            Assert.True(
                beside <= KinesisClientOptions.LargestStreamWindowBytes + EventBytes, $"{beside} bytes are held beside the budget.");
        }

        gate.Release(Records);
        await bench.UntilAsync(() => bench.Texts.Count == Records);
        await bench.StopAsync();
    }

    [Fact]
    public async Task A_stop_returns_everything_and_ends_the_subscription()
    {
        // disposed after the bench, whose reader may wait for it: a wait for a disposed one never ends
        using var gate = new SemaphoreSlim(0);
        await using FanOutBench bench = await FanOutBench.StartAsync(budget: 100);
        bench.Put(1000);
        bench.Read(gate: gate);
        await bench.UntilAsync(() => bench.Budget.Used > 0);
        await bench.StopAsync();
    }

    [Fact]
    public async Task A_consumer_that_somebody_deregistered_is_registered_again()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Read();
        bench.Put(3);
        await bench.AllAsync();
        await bench.Client.DeregisterStreamConsumerAsync(bench.Kinesis.StreamArn(FanOutBench.StreamName), "app", FanOutBench.Token);
        bench.Put(3);
        await bench.AllAsync();
        Assert.Equal(2, bench.Kinesis.RequestCount("RegisterStreamConsumer"));
        await bench.StopAsync();
    }

    [Fact]
    public async Task Without_permission_it_says_what_is_missing_and_goes_on_when_it_is_there()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Kinesis.Faults.Fail("SubscribeToShard", "AccessDeniedException", "not allowed", times: 2);
        bench.Put(3);
        bench.Read();
        await bench.UntilAsync(() => bench.Findings.Current.Count > 0);
        Finding condition = Assert.Single(bench.Findings.Current);
        Assert.Equal(FindingSeverity.Unhealthy, condition.Severity);
        Assert.Contains("kinesis:SubscribeToShard", condition.Message, StringComparison.Ordinal);
        await bench.UntilAsync(() => bench.Texts.Count == 3, TimeSpan.FromMilliseconds(500));
        Assert.Empty(bench.Findings.Current);
        await bench.StopAsync();
    }

    [Fact]
    public async Task Polling_takes_over_where_the_options_allow_it_and_only_where_a_permission_is_missing()
    {
        await using FanOutBench bench = await FanOutBench.StartAsync();
        bench.Kinesis.Faults.Fail("SubscribeToShard", "KMSAccessDeniedException");
        bench.Put(5);
        bench.Read(consumer: bench.Consumer(mayFallBack: true));
        await bench.UntilAsync(() => bench.Texts.Count == 5, TimeSpan.FromMilliseconds(500));
        Assert.Equal(0, bench.Kinesis.RequestCount("GetRecords"));

        // the next subscription, after a take-over, is not allowed any more
        bench.Kinesis.Faults.Fail("SubscribeToShard", "AccessDeniedException", times: int.MaxValue);
        await bench.PassAsync(TimeSpan.FromSeconds(6));
        bench.Kinesis.Faults.Clear();
        Consumer consumer = await bench.Client.DescribeStreamConsumerAsync(
            bench.Kinesis.StreamArn(FanOutBench.StreamName), "app", FanOutBench.Token);
        await using IShardSubscription other = await bench.Client.SubscribeToShardAsync(
            consumer.ConsumerARN, FanOutBench.Shard, StartingPosition.Latest, FanOutBench.Token);
        bench.Kinesis.Faults.Fail("SubscribeToShard", "AccessDeniedException", times: int.MaxValue);
        bench.Put(5);
        await bench.AllAsync();
        Assert.InRange(bench.Kinesis.RequestCount("GetRecords"), 1, int.MaxValue);
        bench.Put(5);
        await bench.AllAsync();
        await bench.StopAsync();
    }

    /// <summary>Connections as the product makes them, counted.</summary>
    private static SocketsHttpHandler Counting(int windowBytes, Action<int> count)
    {
        SocketsHttpHandler handler = KinesisConnections.CreateForStreams(useProxy: false, windowBytes);
        handler.ConnectCallback = async (context, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(context.DnsEndPoint, cancellation);
            return new CountingStream(new NetworkStream(socket, ownsSocket: true), count);
        };
        return handler;
    }

    private sealed class CountingStream(Stream inner, Action<int> count) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken);
            count(read);
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(buffer, cancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override void Flush() => inner.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }

    [Fact]
    public async Task A_continuation_number_that_the_service_refuses_is_asked_for_once()
    {
        using var handler = new ContinuationRefusal();
        await using FanOutBench bench = await FanOutBench.StartAsync(lifetime: TimeSpan.FromSeconds(7), handler: handler);
        bench.Put();
        bench.Read();
        await bench.AllAsync();
        // an empty event or two move the continuation number beyond the record
        await bench.UntilAsync(() => handler.Refusals == 1);
        bench.Put(3);
        DateTimeOffset refusedAt = bench.Clock.GetUtcNow();
        await bench.AllAsync();

        Assert.InRange(bench.Clock.GetUtcNow() - refusedAt, TimeSpan.Zero, TimeSpan.FromSeconds(25));
        Assert.Equal(1, handler.Refusals);
        string message = Assert.Single(bench.Log.Of(2008)).Message;
        Assert.Contains(handler.Refused!, message, StringComparison.Ordinal);
        Assert.Contains("read again from", message, StringComparison.Ordinal);
        Assert.Empty(bench.Findings.Current);
        await bench.StopAsync();
    }

    /// <summary>Refuses the first number behind the last record that a subscription wants to go on after, and that one always.</summary>
    private sealed class ContinuationRefusal() : DelegatingHandler(new SocketsHttpHandler { UseProxy = false })
    {
        private int _subscriptions;

        public string? Refused { get; private set; }

        public int Refusals { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Headers.GetValues("X-Amz-Target").Single().EndsWith(".SubscribeToShard", StringComparison.Ordinal))
            {
                JsonElement position = JsonDocument.Parse(await request.Content!.ReadAsByteArrayAsync(cancellationToken)).RootElement
                    .GetProperty("StartingPosition");
                if (++_subscriptions == 2)
                {
                    Refused = position.GetProperty("SequenceNumber").GetString();
                }

                if (Refused is not null && position.TryGetProperty("SequenceNumber", out JsonElement number)
                    && number.GetString() == Refused)
                {
                    Refusals++;
                    return new HttpResponseMessage(HttpStatusCode.BadRequest)
                    {
                        Content = new StringContent(
                            """{"__type":"InvalidArgumentException","message":"StartingSequenceNumber is invalid."}""",
                            null,
                            "application/x-amz-json-1.1"),
                    };
                }
            }

            return await base.SendAsync(request, cancellationToken);
        }
    }
}

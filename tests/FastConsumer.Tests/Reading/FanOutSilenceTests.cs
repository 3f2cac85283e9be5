using FastConsumer.Testing;
using FastConsumer.Tests.Kinesis;

namespace FastConsumer.Tests.Reading;

/// <summary>
/// A connection that stands still, as one that is half open does, or one to a server that sends no more than a first window.
/// </summary>
public sealed class FanOutSilenceTests
{
    private const int SilentBetweenEvents = 2055;
    private const int SilentInEvent = 2057;

    // four seconds of virtual time on one of real time: a silence is 35 s
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(250);

    [Theory]
    [InlineData(0, SilentBetweenEvents)]
    [InlineData(11, SilentBetweenEvents)]
    [InlineData(3000, SilentInEvent)]
    public async Task Silence_ends_a_subscription_and_the_next_one_goes_on_without_gap_or_repeat(int afterBytes, int said)
    {
        var clock = new ManualClock();
        using var handler = new SlowSubscriptions(clock, times: 2, afterBytes, pause: Timeout.InfiniteTimeSpan);
        await using FanOutBench bench = await FanOutBench.StartAsync(handler: handler, manual: clock);
        bench.Put(200);
        DateTimeOffset start = clock.GetUtcNow();
        bench.Read();
        await bench.UntilAsync(() => bench.Texts.Count == 200, s_step);
        Assert.Empty(bench.Findings.Current);
        Assert.InRange(clock.GetUtcNow() - start, TimeSpan.FromSeconds(70), TimeSpan.MaxValue);
        bench.Put(5);
        await bench.AllAsync();

        Assert.Equal(3, bench.Subscriptions);
        Assert.Equal(
            [said, said],
            bench.Log.Entries.Select(static entry => entry.Id).Where(static id => id is SilentBetweenEvents or SilentInEvent));
        await bench.StopAsync();
    }

    [Fact]
    public async Task After_a_silence_the_next_subscription_goes_over_another_connection()
    {
        ForgetfulMiddle? middle = null;
        await using FanOutBench bench = await FanOutBench.StartAsync(through: url => (middle = new ForgetfulMiddle(url)).Url);
        await using ForgetfulMiddle between = middle!;
        bench.Put();
        bench.Read();
        await bench.AllAsync();
        between.ForgetAll();
        bench.Put(3);
        DateTimeOffset start = bench.Clock.GetUtcNow();
        await bench.UntilAsync(() => bench.Texts.Count == 4, s_step);

        // a second try on the dead connection would have waited for an hour, the bench's time-out
        Assert.InRange(bench.Clock.GetUtcNow() - start, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(10));
        Assert.Contains("another connection", Assert.Single(bench.Log.Of(SilentBetweenEvents)).Message, StringComparison.Ordinal);
        await bench.AllAsync();
        await bench.StopAsync();
    }

    [Fact]
    public async Task Silence_inside_an_event_says_which_setting_helps_where_it_is_the_window()
    {
        var clock = new ManualClock();
        using var handler = new SlowSubscriptions(clock, times: 1, afterBytes: 3000, pause: Timeout.InfiniteTimeSpan);
        await using FanOutBench bench = await FanOutBench.StartAsync(handler: handler, manual: clock);
        bench.Put(200);
        bench.Read();
        await bench.UntilAsync(() => bench.Texts.Count == 200, s_step);
        string message = Assert.Single(bench.Log.Of(SilentInEvent)).Message;
        Assert.Contains(FanOutBench.Shard, message, StringComparison.Ordinal);
        Assert.Contains("00:00:35", message, StringComparison.Ordinal);
        Assert.Contains("3000 bytes", message, StringComparison.Ordinal);
        Assert.Contains("FastConsumer:StreamWindowBytes", message, StringComparison.Ordinal);
        await bench.StopAsync();
    }

    [Fact]
    public async Task A_shard_whose_events_never_come_to_their_end_is_degraded()
    {
        var clock = new ManualClock();
        using var handler = new SlowSubscriptions(clock, times: int.MaxValue, afterBytes: 3000, pause: Timeout.InfiniteTimeSpan);
        await using FanOutBench bench = await FanOutBench.StartAsync(handler: handler, manual: clock);
        bench.Put(200);
        bench.Read();
        await bench.UntilAsync(
            () => bench.Findings.Current.Any(static condition => condition.Message.Contains(
                "times in a row. Events of its subscription stop in their midst.", StringComparison.Ordinal)),
            s_step);
        Assert.Empty(bench.Texts);
        await bench.StopAsync();
        Assert.Empty(bench.Findings.Current);
    }

    [Fact]
    public async Task An_event_that_comes_slowly_is_waited_for()
    {
        var clock = new ManualClock();
        using var handler = new SlowSubscriptions(clock, times: 1, afterBytes: 3000, pause: TimeSpan.FromSeconds(25));
        await using FanOutBench bench = await FanOutBench.StartAsync(handler: handler, manual: clock, lifetime: TimeSpan.FromHours(1));
        bench.Put(120);
        DateTimeOffset start = clock.GetUtcNow();
        bench.Read();
        await bench.UntilAsync(() => bench.Texts.Count == 120, s_step);

        // it took longer than any silence may
        Assert.InRange(clock.GetUtcNow() - start, TimeSpan.FromSeconds(50), TimeSpan.MaxValue);
        Assert.Equal(1, bench.Subscriptions);
        Assert.Empty(bench.Log.Of(SilentInEvent));
        await bench.StopAsync();
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_the_rest_of_an_event()
    {
        var clock = new ManualClock();
        using var handler = new SlowSubscriptions(clock, times: 1, afterBytes: 3000, pause: Timeout.InfiniteTimeSpan);
        await using FanOutBench bench = await FanOutBench.StartAsync(handler: handler, manual: clock);
        bench.Put(200);
        bench.Read();
        await bench.UntilAsync(() => handler.Pauses == 1 && bench.Budget.Used > 0);
        await bench.StopAsync();
    }

    /// <summary>The first answers of SubscribeToShard come in pieces of so many bytes, with a pause after each.</summary>
    private sealed class SlowSubscriptions(TimeProvider time, int times, int afterBytes, TimeSpan pause)
        : DelegatingHandler(new SocketsHttpHandler { UseProxy = false })
    {
        private int _left = times;
        private int _pauses;

        public int Pauses => Volatile.Read(ref _pauses);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            HttpResponseMessage response = await base.SendAsync(request, cancellationToken);
            bool isSubscription = request.Headers.GetValues("X-Amz-Target").Single()
                .EndsWith(".SubscribeToShard", StringComparison.Ordinal);
            if (isSubscription && response.IsSuccessStatusCode && Interlocked.Decrement(ref _left) >= 0)
            {
                HttpContent whole = response.Content;
                response.Content = new StreamContent(new Slow(await whole.ReadAsStreamAsync(cancellationToken), this));
                foreach ((string name, IEnumerable<string> values) in whole.Headers)
                {
                    response.Content.Headers.TryAddWithoutValidation(name, values);
                }
            }

            return response;
        }

        private Task PauseAsync(CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _pauses);
            return Task.Delay(pause, time, cancellationToken);
        }

        private int Piece => afterBytes;

        private sealed class Slow(Stream whole, SlowSubscriptions owner) : Stream
        {
            private int _left = owner.Piece;

            public override bool CanRead => true;

            public override bool CanSeek => false;

            public override bool CanWrite => false;

            public override long Length => throw new NotSupportedException();

            public override long Position
            {
                get => throw new NotSupportedException();
                set => throw new NotSupportedException();
            }

            public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            {
                if (_left == 0)
                {
                    await owner.PauseAsync(cancellationToken);
                    _left = owner.Piece;
                }

                int read = await whole.ReadAsync(buffer[..Math.Min(buffer.Length, _left)], cancellationToken);
                _left -= read;
                return read;
            }

            public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override void Flush()
            {
                // nothing is written
            }

            public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

            public override void SetLength(long value) => throw new NotSupportedException();

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                {
                    whole.Dispose();
                }

                base.Dispose(disposing);
            }
        }
    }
}

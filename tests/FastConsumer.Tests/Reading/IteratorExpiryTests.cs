using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Reading;
using FastConsumer.Testing;
using FastConsumer.Tests.Dispatch;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Reading;

/// <summary>Iterators that expire again and again have a cause, and health says what is known of it.</summary>
public sealed class IteratorExpiryTests : IDisposable
{
    private const string ShardId = "shardId-000000000000";
    private const int IteratorsExpire = 2031;

    private readonly ManualClock _clock = new();
    private readonly FakeKinesis _kinesis = new();
    private readonly ByteBudget _budget = new(1_000_000);
    private readonly Findings _findings = new(TimeProvider.System);
    private readonly LogRecorder _log = new();
    private readonly CancellationTokenSource _stop = new();
    private int _next;

    public void Dispose()
    {
        _stop.Dispose();
        _kinesis.Dispose();
        _log.Dispose();
    }

    [Theory]
    [InlineData(null, "give it more lanes with [Concurrency].")]
    [InlineData(12, "The lease table throttled this worker's writes 00:00:12 ago, and a handler that awaits a checkpoint waits for it: "
        + "give the table more write units")]
    public async Task Where_the_handler_keeps_the_reader_waiting_health_says_how_often_and_for_how_long(int? throttledFor, string table)
    {
        // as the service does it: an iterator lasts for five minutes
        int expired = 0;
        DateTimeOffset givenAt = default;
        _kinesis.Iterator = position =>
        {
            givenAt = _clock.GetUtcNow();
            return position.ToString();
        };
        _kinesis.Records = _ =>
        {
            if (_clock.GetUtcNow() - givenAt >= TimeSpan.FromMinutes(5))
            {
                Interlocked.Increment(ref expired);
                throw Expired();
            }

            givenAt = _clock.GetUtcNow();
            return Pages.Answer(Interlocked.Add(ref _next, 5), 5, behind: 1000);
        };
        Channel<ReadItem> items = Channel.CreateBounded<ReadItem>(1);
        Task run = Reader(() => throttledFor is { } seconds ? TimeSpan.FromSeconds(seconds) : null).RunAsync(items.Writer, _stop.Token);
        for (int times = 1; times <= 3; times++)
        {
            Assert.Empty(_findings.Current);
            await AdvanceUntilAsync(() => items.Reader.Count == 1);
            _clock.Advance(TimeSpan.FromMinutes(6));
            await AdvanceUntilAsync(() => Take(items.Reader) >= 0 && Volatile.Read(ref expired) == times);
        }

        // the finding stands a moment before it is logged
        await AdvanceUntilAsync(() => Said.Length > 0 && _log.Of(IteratorsExpire).Any());
        string said = Said;
        Assert.Contains(
            $"Iterators of shard {ShardId} expire again and again: 3 times within the last hour.", said, StringComparison.Ordinal);
        // six minutes, less what the clock had moved on before the reader was blocked
        Assert.Matches("the reader had waited 00:0[56]:", said);
        Assert.Contains(table, said, StringComparison.Ordinal);
        Assert.Equal(throttledFor is not null, said.Contains("lease table", StringComparison.Ordinal));
        Assert.Single(_log.Of(IteratorsExpire));

        // it stays while the next one may be on its way, although records come meanwhile
        DateTimeOffset since = _clock.GetUtcNow();
        await AdvanceUntilAsync(() => Take(items.Reader) > 0 && _findings.Current.Count == 0, TimeSpan.FromSeconds(10));
        Assert.InRange(_clock.GetUtcNow() - since, TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(20));
        Assert.Equal(3, Volatile.Read(ref expired));
        await StopAsync(run, items.Reader);
    }

    [Theory]
    [InlineData(null, "It has throttled none of this worker's writes lately.")]
    [InlineData(
        5,
        "The lease table throttled this worker's writes 00:00:05 ago, so give the table more write units, or set CheckpointInterval or "
            + "LeaseDuration higher.")]
    public async Task Where_they_expire_before_they_can_be_used_the_lease_table_is_named(int? throttledFor, string table)
    {
        int expired = 0;
        bool isOver = false;
        _kinesis.Records = _ =>
        {
            if (Volatile.Read(ref isOver))
            {
                return Pages.Answer(Interlocked.Add(ref _next, 5), 5, behind: 1000);
            }

            Interlocked.Increment(ref expired);
            throw Expired();
        };
        Channel<ReadItem> items = Channel.CreateUnbounded<ReadItem>();
        Task run = Reader(() => throttledFor is { } seconds ? TimeSpan.FromSeconds(seconds) : null).RunAsync(items.Writer, _stop.Token);
        await AdvanceUntilAsync(() => Said.Contains("4 times within the last hour", StringComparison.Ordinal));
        Assert.Contains("AWS names a lease table with too little capacity as the usual cause.", Said, StringComparison.Ordinal);
        Assert.Contains(table, Said, StringComparison.Ordinal);

        // a read that succeeds ends it
        Volatile.Write(ref isOver, true);
        await AdvanceUntilAsync(() => items.Reader.Count > 0 && _findings.Current.Count == 0);
        Assert.Single(_log.Of(IteratorsExpire));
        await StopAsync(run, items.Reader);
    }

    [Fact]
    public async Task Two_within_an_hour_are_no_storm()
    {
        int expired = 2;
        _kinesis.Records = _ => Interlocked.Decrement(ref expired) >= 0
            ? throw Expired()
            : Pages.Answer(Interlocked.Add(ref _next, 5), 5, behind: 0);
        Channel<ReadItem> items = Channel.CreateUnbounded<ReadItem>();
        Task run = Reader(static () => null).RunAsync(items.Writer, _stop.Token);
        await AdvanceUntilAsync(() => items.Reader.Count > 0);
        Assert.Empty(_log.Of(IteratorsExpire));
        await StopAsync(run, items.Reader);
    }

    [Fact]
    public async Task What_expires_while_reading_is_denied_is_no_storm_and_the_denial_stays_what_is_said()
    {
        // as the service does it: an iterator lasts for five minutes, and is looked at before the key
        DateTimeOffset givenAt = default;
        bool isDenied = true;
        int denied = 0;
        _kinesis.Iterator = position =>
        {
            givenAt = _clock.GetUtcNow();
            return position.ToString();
        };
        _kinesis.Records = _ =>
        {
            if (_clock.GetUtcNow() - givenAt >= TimeSpan.FromMinutes(5))
            {
                throw Expired();
            }

            if (Volatile.Read(ref isDenied))
            {
                Interlocked.Increment(ref denied);
                throw new KinesisException("the key is denied", KinesisErrorKind.Denied, "KMSAccessDeniedException");
            }

            givenAt = _clock.GetUtcNow();
            return Pages.Answer(Interlocked.Add(ref _next, 5), 5, behind: 1000);
        };
        Channel<ReadItem> items = Channel.CreateUnbounded<ReadItem>();
        Task run = Reader(static () => null).RunAsync(items.Writer, _stop.Token);
        // half an hour, with a try each 30 s
        await AdvanceUntilAsync(() =>
        {
            Assert.DoesNotContain(
                _findings.Current, static condition => condition.Message.Contains("expire", StringComparison.Ordinal));
            return Volatile.Read(ref denied) >= 60;
        });
        Assert.Contains("the key is denied", Assert.Single(_findings.Current).Message, StringComparison.Ordinal);

        Volatile.Write(ref isDenied, false);
        await AdvanceUntilAsync(() => items.Reader.Count > 0 && _findings.Current.Count == 0);
        Assert.Empty(_log.Of(IteratorsExpire));
        await StopAsync(run, items.Reader);
    }

    [Fact]
    public async Task What_expires_while_the_service_is_away_is_no_storm()
    {
        bool isExpired = false;
        int away = 0;
        _kinesis.Records = _ =>
        {
            isExpired = !isExpired;
            Interlocked.Increment(ref away);
            throw isExpired ? new KinesisException("unreachable", KinesisErrorKind.Unavailable) : Expired();
        };
        Channel<ReadItem> items = Channel.CreateUnbounded<ReadItem>();
        Task run = Reader(static () => null).RunAsync(items.Writer, _stop.Token);
        await AdvanceUntilAsync(() => Volatile.Read(ref away) >= 40);
        Assert.Equal("", Said);
        await StopAsync(run, items.Reader);
    }

    /// <summary>What health says of the iterators.</summary>
    private string Said => _findings.Current.Where(static condition => condition.Id is "FCF1011" or "FCF1012")
        .Select(static condition => condition.Message).SingleOrDefault("");

    private static KinesisException Expired() => new("expired", KinesisErrorKind.ExpiredIterator, "ExpiredIteratorException");

    private static int Take(ChannelReader<ReadItem> items)
    {
        int taken = 0;
        while (items.TryRead(out ReadItem item))
        {
            item.Page?.Dispose();
            taken++;
        }

        return taken;
    }

    private async Task StopAsync(Task run, ChannelReader<ReadItem> items)
    {
        await _stop.CancelAsync();
        await Eventually.WithinAsync(run);
        Take(items);
        Assert.Empty(_findings.Current);
        Assert.Equal(0, _budget.Used);
    }

    private ShardReader Reader(Func<TimeSpan?> sinceTableThrottle) => new(
        _kinesis,
        new ShardReaderSettings(
            StreamIdentifier.Parse("events"),
            Pages.Of("events", ShardId, time: _clock), CheckpointPosition.TrimHorizon, null, false, 100, TimeSpan.FromMilliseconds(200))
        {
            SinceTableThrottle = sinceTableThrottle,
        },
        _budget.OpenAccount(),
        _clock,
        new Random(1),
        _findings,
        _log.CreateLogger("reader"));

    private Task AdvanceUntilAsync(Func<bool> condition, TimeSpan? atLeast = null) => Eventually.TrueAsync(
        () =>
        {
            if (condition())
            {
                return true;
            }

            _clock.AdvanceToNextTimer();
            _clock.Advance(atLeast ?? TimeSpan.Zero);
            return condition();
        },
        _log.ToString);
}

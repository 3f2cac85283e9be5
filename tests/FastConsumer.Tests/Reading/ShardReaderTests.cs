using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Reading;
using FastConsumer.Testing;
using FastConsumer.Tests.Dispatch;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Reading;

public sealed class ShardReaderTests : IDisposable
{
    private const string ShardId = "shardId-000000000000";

    private readonly ManualClock _clock = new();
    private readonly FakeKinesis _kinesis = new();
    private readonly ByteBudget _budget = new(1_000_000);
    private readonly Findings _findings = new(TimeProvider.System);
    private readonly LogRecorder _log = new();
    private readonly CancellationTokenSource _stop = new();

    public void Dispose()
    {
        _stop.Dispose();
        _kinesis.Dispose();
        _log.Dispose();
    }

    [Fact]
    public async Task The_end_without_children_is_believed_once_the_listing_says_closed()
    {
        // a server that names no children (kinesalite): the last answer holds records too
        int calls = 0;
        _kinesis.Records = _ => Interlocked.Increment(ref calls) == 1 ? Pages.Answer(100, 5) : Pages.Answer(105, 5, next: null);
        _kinesis.Shards = static () => [
            Shard(ShardId, closed: true), Shard("child-1", parent: ShardId), Shard("child-2", parent: ShardId), Shard("other")];
        List<ReadItem> items = await ReadAsync();
        Assert.Equal(["100-104", "105-109"], Ranges(items));
        Assert.Equal(["child-1", "child-2"], items[^1].Children!.Select(static child => child.ShardId));
        Release(items);
    }

    [Fact]
    public async Task The_end_of_an_open_shard_is_not_believed()
    {
        int calls = 0;
        _kinesis.Records = _ => Interlocked.Increment(ref calls) switch
        {
            1 => Pages.Answer(100, 5),
            < 8 => Pages.Answer(105, 0, next: null),
            8 => Pages.Answer(105, 5),
            _ => Pages.Answer(110, 0, next: null, children: [Child()]),
        };
        _kinesis.Shards = static () => [Shard(ShardId)];
        List<ReadItem> items = await ReadAsync();
        Assert.Equal(["100-104", "105-109"], Ranges(items));
        Assert.Equal(StartingPosition.After(SequenceNumber.Parse("104")), _kinesis.Iterators[^1]);
        Assert.NotEmpty(_log.Of(2005));
        Release(items);
    }

    [Fact]
    public async Task Whatever_breaks_an_iterator_the_next_goes_on_after_the_last_page()
    {
        int calls = 0;
        _kinesis.Records = _ => Interlocked.Increment(ref calls) switch
        {
            1 => Pages.Answer(100, 5),
            2 => throw new KinesisException("expired", KinesisErrorKind.ExpiredIterator),
            3 => Pages.Answer(105, 5),
            4 => throw new KinesisException("wrong", KinesisErrorKind.Client),
            5 => throw new KinesisException("wrong still", KinesisErrorKind.Client),
            6 => throw new KinesisException("denied", KinesisErrorKind.Denied),
            7 => Pages.Answer(110, 5),
            _ => Pages.Answer(115, 1, next: null, children: [Child()]),
        };
        List<ReadItem> items = await ReadAsync();
        Assert.Equal(["100-104", "105-109", "110-114", "115-115"], Ranges(items));
        Assert.Equal(
            [StartingPosition.TrimHorizon, After(104), After(109), After(109)],
            _kinesis.Iterators);
        Assert.Empty(_findings.Current);
        Release(items);
    }

    [Fact]
    public async Task A_shard_that_is_no_longer_in_the_stream_ends_with_a_word_about_what_is_lost()
    {
        _kinesis.Iterator = static _ => throw new KinesisException("no such shard", KinesisErrorKind.NotFound);
        int listings = 0;
        _kinesis.Shards = () =>
        {
            listings++;
            return [Shard("child", parent: ShardId), Shard("other")];
        };
        DateTimeOffset start = _clock.GetUtcNow();
        List<ReadItem> items = await ReadAsync(CheckpointPosition.At(SequenceNumber.Parse("77")));
        Assert.Equal(["child"], Assert.Single(items).Children!.Select(static child => child.ShardId));
        LogEntry logged = Assert.Single(_log.Of(2006));
        // what is lost is shown until somebody has seen it
        Finding lost = Assert.Single(_findings.Current);
        Assert.Equal(("FCF1018", FindingSeverity.Unhealthy), (lost.Id, lost.Severity));
        Assert.Equal(LogLevel.Error, logged.Level);
        Assert.Contains("77", logged.Message, StringComparison.Ordinal);
        Assert.Equal(2, listings);
        Assert.True(_clock.GetUtcNow() - start >= TimeSpan.FromSeconds(5));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_listing_that_leaves_a_shard_out_by_mistake_ends_nothing(bool hasHoles)
    {
        // the first listing forgets it, or all of them have no open shard for some hash keys
        int listings = 0;
        _kinesis.Shards = () => hasHoles ? [Shard("child", isWhole: false)] : ++listings == 1 ? [Shard("other")] : [Shard(ShardId)];
        int calls = 0;
        _kinesis.Iterator = position => ++calls < 3
            ? throw new KinesisException("no such shard", KinesisErrorKind.NotFound)
            : position.ToString();
        _kinesis.Records = static _ => Pages.Answer(100, 1, next: null, children: [Child()]);
        List<ReadItem> items = await ReadAsync();
        Assert.Equal(["100-100"], Ranges(items));
        Assert.Empty(_log.Of(2006));
        Release(items);
    }

    [Fact]
    public async Task A_stream_that_is_gone_is_no_end_of_its_shards()
    {
        int calls = 0;
        _kinesis.Shards = () => Volatile.Read(ref calls) < 3
            ? throw new KinesisException("no such stream", KinesisErrorKind.NotFound)
            : [Shard(ShardId)];
        _kinesis.Iterator = position => Interlocked.Increment(ref calls) < 4
            ? throw new KinesisException("no such stream", KinesisErrorKind.NotFound)
            : position.ToString();
        _kinesis.Records = static _ => Pages.Answer(100, 1, next: null, children: [Child()]);
        List<ReadItem> items = await ReadAsync();
        Assert.Equal(["100-100"], Ranges(items));
        Assert.Empty(_log.Of(2006));
        Release(items);
    }

    [Fact]
    public async Task Latest_is_now_but_once()
    {
        DateTimeOffset started = _clock.GetUtcNow();
        int calls = 0;
        _kinesis.Iterator = position => Interlocked.Increment(ref calls) == 1
            ? throw new KinesisException("down", KinesisErrorKind.Unavailable)
            : position.ToString();
        _kinesis.Records = static _ => Pages.Answer(100, 1, next: null, children: [Child()]);
        Release(await ReadAsync(CheckpointPosition.Latest, started, isFirstStart: true));
        Assert.Equal([StartingPosition.Latest, StartingPosition.AtTimestamp(started)], _kinesis.Iterators);

        _kinesis.Iterators.Clear();
        Release(await ReadAsync(CheckpointPosition.Latest, started, isFirstStart: false));
        Assert.Equal([StartingPosition.AtTimestamp(started)], _kinesis.Iterators);
    }

    [Theory]
    [InlineData(KinesisErrorKind.ExpiredIterator)]
    [InlineData(KinesisErrorKind.Client)]
    [InlineData(KinesisErrorKind.NotFound)]
    [InlineData(KinesisErrorKind.Unavailable)]
    public async Task Latest_of_a_lease_that_says_no_time_is_the_time_of_its_first_iterator(KinesisErrorKind kind)
    {
        _kinesis.AnsweredAt = _clock.GetUtcNow() - TimeSpan.FromHours(1);
        _kinesis.Shards = static () => [Shard(ShardId)];
        int calls = 0;
        _kinesis.Records = _ => ++calls switch
        {
            1 => Pages.Answer(0, 0),
            < 4 => throw new KinesisException("wrong", kind) { StatusCode = kind == KinesisErrorKind.Unavailable ? 500 : 400 },
            _ => Pages.Answer(100, 1, next: null, children: [Child()]),
        };
        Release(await ReadAsync(CheckpointPosition.Latest));
        StartingPosition pinned = StartingPosition.AtTimestamp(_kinesis.AnsweredAt.Value - TimeSpan.FromSeconds(1));
        Assert.Equal([StartingPosition.Latest, pinned, pinned], _kinesis.Iterators);
    }

    [Fact]
    public async Task Latest_of_a_lease_that_says_no_time_needs_no_listing()
    {
        int listings = 0;
        _kinesis.Shards = () =>
        {
            listings++;
            throw new KinesisException("ListShards is denied", KinesisErrorKind.Denied, "AccessDeniedException");
        };
        DateTimeOffset began = _clock.GetUtcNow();
        int calls = 0;
        _kinesis.Records = _ => ++calls switch
        {
            1 => Pages.Answer(0, 0),
            2 => throw new KinesisException("expired", KinesisErrorKind.ExpiredIterator, "ExpiredIteratorException"),
            _ => Pages.Answer(100, 1, next: null, children: [Child()]),
        };
        Release(await ReadAsync(CheckpointPosition.Latest));
        Assert.Equal(1, listings);
        Assert.Equal([StartingPosition.Latest, StartingPosition.AtTimestamp(began)], _kinesis.Iterators);
    }

    [Fact]
    public async Task A_refusal_leaves_an_iterator_alone()
    {
        int calls = 0;
        _kinesis.Records = _ => ++calls < 4
            ? throw new KinesisException("denied", KinesisErrorKind.Denied)
            : Pages.Answer(100, 1, next: null, children: [Child()]);
        Release(await ReadAsync());
        Assert.Single(_kinesis.Iterators);
    }

    [Theory]
    [InlineData("KMSThrottlingException")]
    [InlineData("LimitExceededException")]
    public async Task A_throttle_that_is_not_for_throughput_says_nothing_of_the_quota(string code)
    {
        int calls = 0;
        _kinesis.Records = _ => ++calls switch
        {
            1 => throw new KinesisException("slow down", KinesisErrorKind.Throttled, code),
            2 => Pages.Answer(100, 1),
            _ => Pages.Answer(101, 1, next: null, children: [Child()]),
        };
        Release(await ReadAsync());
        Assert.Single(_log.Of(2004));
        Assert.Empty(_log.Of(2002));
        Assert.Single(_kinesis.Iterators);
    }

    [Fact]
    public async Task Throttles_that_go_on_are_said_once_and_shown_until_records_come()
    {
        int calls = 0;
        List<Finding> shown = [];
        _kinesis.Records = _ =>
        {
            shown.AddRange(_findings.Current);
            return ++calls switch
            {
                5 => Pages.Answer(100, 1),
                < 15 => throw new KinesisException("rate exceeded", KinesisErrorKind.Throttled, "ProvisionedThroughputExceededException"),
                _ => Pages.Answer(101, 1, next: null, children: [Child()]),
            };
        };
        Release(await ReadAsync());
        // the 5th to the 9th of the second row, seen at the call after each
        Assert.Equal(5, shown.Count);
        Assert.All(shown, static condition => Assert.Equal(FindingSeverity.Degraded, condition.Severity));
        Assert.Contains("FastConsumer:ReadMode", shown[0].Message, StringComparison.Ordinal);
        Assert.Contains("rate exceeded", shown[0].Message, StringComparison.Ordinal);
        Assert.Equal(LogLevel.Warning, Assert.Single(_log.Of(2007)).Level);
        Assert.Equal(13, _log.Of(2002).Count());
        Assert.Empty(_findings.Current);
    }

    [Fact]
    public async Task A_page_that_nobody_takes_over_is_returned_at_a_stop()
    {
        int next = 0;
        _kinesis.Records = _ => Pages.Answer(Interlocked.Add(ref next, 5), 5, behind: 1000);
        Channel<ReadItem> channel = Channel.CreateBounded<ReadItem>(1);
        Task run = Reader(CheckpointPosition.TrimHorizon, null, false).RunAsync(channel.Writer, _stop.Token);
        await AdvanceUntilAsync(() => Volatile.Read(ref next) >= 10);
        await _stop.CancelAsync();
        await Eventually.WithinAsync(run);
        while (channel.Reader.TryRead(out ReadItem item))
        {
            item.Page!.Dispose();
        }

        Assert.Equal(0, _budget.Used);
    }

    [Fact]
    public async Task An_answer_that_cannot_be_read_fails_the_reader_and_returns_its_memory()
    {
        _kinesis.Records = static _ => throw new InvalidOperationException("a bug");
        Channel<ReadItem> channel = Channel.CreateBounded<ReadItem>(1);
        Task run = Reader(CheckpointPosition.TrimHorizon, null, false).RunAsync(channel.Writer, _stop.Token);
        await Assert.ThrowsAsync<InvalidOperationException>(() => Eventually.WithinAsync(run));
        await Assert.ThrowsAsync<InvalidOperationException>(() => channel.Reader.Completion);
        Assert.Equal(0, _budget.Used);
    }

    private static StartingPosition After(int number) => StartingPosition.After(SequenceNumber.Parse($"{number}"));

    private static ChildShard Child() => new("child", [ShardId], new HashKeyRange(0, 0));

    private static Shard Shard(string id, bool closed = false, string? parent = null, bool isWhole = true) => new()
    {
        ShardId = id,
        ParentShardId = parent,
        HashKeyRange = new HashKeyRange(0, isWhole ? UInt128.MaxValue : 0),
        StartingSequenceNumber = SequenceNumber.Parse("1"),
        EndingSequenceNumber = closed ? SequenceNumber.Parse("999") : null,
    };

    private static List<string> Ranges(List<ReadItem> items) =>
        [.. items.Where(static item => item.Page is not null)
            .Select(static item => $"{item.Page!.PositionOf(0)}-{item.Page.PositionOf(item.Page.Count - 1)}")];

    private void Release(List<ReadItem> items)
    {
        items.ForEach(static item => item.Page?.Dispose());
        Assert.Equal(0, _budget.Used);
    }

    private ShardReader Reader(CheckpointPosition start, DateTimeOffset? startedAt, bool isFirstStart) => new(
        _kinesis,
        new ShardReaderSettings(
            StreamIdentifier.Parse("events"),
            Pages.Of("events", ShardId, time: _clock), start, startedAt, isFirstStart, 100, TimeSpan.FromMilliseconds(200)),
        _budget.OpenAccount(),
        _clock,
        new Random(1),
        _findings,
        _log.CreateLogger("reader"));

    private async Task<List<ReadItem>> ReadAsync(
        CheckpointPosition start = default, DateTimeOffset? startedAt = null, bool isFirstStart = false)
    {
        Channel<ReadItem> channel = Channel.CreateUnbounded<ReadItem>();
        Task run = Reader(start, startedAt, isFirstStart).RunAsync(channel.Writer, _stop.Token);
        await AdvanceUntilAsync(() => run.IsCompleted);
        await run;
        List<ReadItem> items = [];
        while (channel.Reader.TryRead(out ReadItem item))
        {
            items.Add(item);
        }

        return items;
    }

    private Task AdvanceUntilAsync(Func<bool> condition) => Eventually.TrueAsync(
        () =>
        {
            _clock.AdvanceToNextTimer();
            return condition();
        },
        _log.ToString);
}

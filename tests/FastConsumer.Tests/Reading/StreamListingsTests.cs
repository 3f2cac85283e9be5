using FastConsumer.Kinesis;
using FastConsumer.Reading;
using FastConsumer.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Tests.Reading;

/// <summary>Many shards that may have ended ask for the stream's listing together: it is listed once for all of them.</summary>
public sealed class StreamListingsTests : IDisposable
{
    private readonly ManualClock _clock = new();
    private readonly Listed _kinesis = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _kinesis.Dispose();

    [Fact]
    public async Task A_hundred_trimmed_shards_take_two_listings()
    {
        Task<IReadOnlyList<ChildShard>?>[] found = FindTrimmed(100);
        _kinesis.Answer();
        await UntilDoneAsync(found);
        Assert.All(found, static shard => Assert.NotNull(shard.Result));
        Assert.Equal(2, _kinesis.Calls);
    }

    [Fact]
    public async Task A_listing_that_fails_is_not_asked_for_again_by_each_of_them()
    {
        Task<IReadOnlyList<ChildShard>?>[] found = FindTrimmed(100);
        _kinesis.Fail();
        await UntilDoneAsync(found);
        Assert.All(found, static shard => Assert.Null(shard.Result));
        Assert.Equal(1, _kinesis.Calls);
    }

    [Fact]
    public async Task Who_needs_a_newer_one_gets_it()
    {
        var listings = new StreamListings(_kinesis, StreamIdentifier.Parse("events"), _clock);
        _kinesis.Answer();
        (_, long first) = await listings.SinceAsync(_clock.GetTimestamp(), Token);
        Assert.Equal(first, (await listings.SinceAsync(first, Token)).BegunAt);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.NotEqual(first, (await listings.SinceAsync(_clock.GetTimestamp(), Token)).BegunAt);
        Assert.Equal(2, _kinesis.Calls);
    }

    [Fact]
    public async Task Who_gives_up_waiting_leaves_the_others_a_listing()
    {
        var listings = new StreamListings(_kinesis, StreamIdentifier.Parse("events"), _clock);
        using var impatient = new CancellationTokenSource();
        Task given = listings.SinceAsync(_clock.GetTimestamp(), impatient.Token).AsTask();
        Task<(ShardListing Listing, long)> patient = listings.SinceAsync(_clock.GetTimestamp(), Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        _kinesis.Answer();
        Assert.Single((await patient).Listing.Shards);
    }

    private Task<IReadOnlyList<ChildShard>?>[] FindTrimmed(int count)
    {
        var listings = new StreamListings(_kinesis, StreamIdentifier.Parse("events"), _clock);
        return [.. Enumerable.Range(0, count)
            .Select(i => new ShardEnding(listings, $"gone-{i}", _clock, NullLogger.Instance).FindTrimmedAsync(Token).AsTask())];
    }

    private async Task UntilDoneAsync(Task[] tasks)
    {
        while (!tasks.All(static task => task.IsCompleted))
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, Token);
        }
    }

    /// <summary>A stream of one open shard, which is listed when the test says so.</summary>
    private sealed class Listed : FakeKinesis
    {
        private readonly TaskCompletionSource<ListShardsResponse> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public void Answer() => _answer.SetResult(new ListShardsResponse(
            [new Shard
            {
                ShardId = "open",
                HashKeyRange = new HashKeyRange(0, UInt128.MaxValue),
                StartingSequenceNumber = SequenceNumber.Parse("1")
            }],
            null));

        public void Fail() => _answer.SetException(new KinesisException("no", KinesisErrorKind.Throttled));

        public override Task<ListShardsResponse> ListShardsAsync(
            StreamIdentifier stream, string? nextToken = null, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _calls);
            return _answer.Task.WaitAsync(cancellationToken);
        }
    }
}

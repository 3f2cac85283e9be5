using FastConsumer.Diagnostics;
using FastConsumer.Monitoring;
using FastConsumer.Reading;
using FastConsumer.Testing;
using FastConsumer.Tests.Dispatch;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Monitoring;

/// <summary>The watch by itself, minute by minute; that a worker has one is shown in the simulation.</summary>
public sealed class HotShardWatchTests : IDisposable
{
    private const string Stream = "hot-shards";
    private const int HotShard = 2030;
    private const long KiB = 1024;

    private readonly ManualClock _clock = new();
    private readonly LogRecorder _log = new();
    private readonly Findings _findings;
    private readonly HotShardWatch _watch;
    private readonly Dictionary<string, (ShardTelemetry Shard, ThroughputMeter Intake)> _shards = [];

    public HotShardWatchTests()
    {
        _findings = new Findings(_clock);
        _watch = new HotShardWatch(_findings, _clock, _log.CreateLogger("watch"));
    }

    public void Dispose()
    {
        _log.Dispose();
    }

    [Fact]
    public void It_is_named_with_its_rate_its_share_and_what_helps()
    {
        Minute(600, 30, 20, 10);
        LogEntry said = Assert.Single(_log.Of(HotShard));
        Assert.StartsWith(
            $"Shard s0 of {Stream} is hot: it yields 600 KiB a second, 91 % of what this worker reads, and the 3 other shards here yield "
                + "20 each;",
            said.Message,
            StringComparison.Ordinal);
        Assert.Contains("partition keys", said.Message, StringComparison.Ordinal);
        Assert.Contains("split", said.Message, StringComparison.Ordinal);
        Assert.Equal(600 / 660.0, _shards["s0"].Shard.BytesShare!.Value, 3);
        Assert.Equal(10 / 660.0, _shards["s3"].Shard.BytesShare!.Value, 3);
        Finding finding = Assert.Single(_findings.Current);
        Assert.Equal(("FCF1005", $"tests/{Stream}/s0"), (finding.Id, finding.Scope));
        Assert.Equal(600 * KiB, finding.Figures.Single(static figure => figure.Name == "rate").Value, 0);
        Assert.Equal(20 * KiB, finding.Figures.Single(static figure => figure.Name == "mean of the others").Value, 0);
    }

    [Fact]
    public void A_shard_that_has_gone_is_forgotten()
    {
        Minute(400, 10, 10);
        _shards.Remove("s0");
        _clock.Advance(HotShardWatch.Interval);
        Look();
        // it comes back with a meter of its own, within the hour in which it would not be said again
        Minute(400, 10, 10);
        Assert.Equal(2, _log.Of(HotShard).Count());
    }

    [Fact]
    public void It_is_said_again_when_it_has_changed_or_after_an_hour()
    {
        Minute(400, 10, 10);
        for (int i = 0; i < 59; i++)
        {
            Minute(420 + (i % 20), 10, 10);
        }

        Assert.Single(_log.Of(HotShard));
        Minute(400, 10, 10);
        Assert.Equal(2, _log.Of(HotShard).Count());
        Minute(700, 10, 10);
        Assert.Equal(3, _log.Of(HotShard).Count());
        // another one is another matter
        Minute(10, 10, 700);
        Assert.Equal(4, _log.Of(HotShard).Count());
    }

    [Theory]
    [InlineData(1000, 900, 800)]
    [InlineData(700, 300, 300)]
    [InlineData(200, 1, 1)]
    [InlineData(0, 0, 0)]
    [InlineData(1000)]
    public void What_is_fair_small_or_alone_is_not_hot(params int[] kibPerSecond)
    {
        Minute(kibPerSecond);
        Minute(kibPerSecond);
        Assert.Empty(_log.Of(HotShard));
    }

    [Fact]
    public void Two_of_many_are_both_named()
    {
        Minute(500, 400, 5, 5, 5, 5, 5, 5, 5, 5);
        Assert.Equal(2, _log.Of(HotShard).Count());
    }

    [Fact]
    public void A_shard_that_catches_up_is_judged_by_what_came_in_and_not_by_how_fast_it_is_read()
    {
        Minute(10, 10, 10);
        // two MiB a second for a minute, which came within twenty
        Add("s0", 120 * 1024 * KiB, over: TimeSpan.FromMinutes(20));
        Minute(0, 10, 10);
        Assert.Empty(_log.Of(HotShard));
        // and with what came within five, it is one
        Add("s0", 120 * 1024 * KiB, over: TimeSpan.FromMinutes(5));
        Minute(0, 10, 10);
        Assert.Contains("yields 410 KiB", Assert.Single(_log.Of(HotShard)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_that_was_taken_a_moment_ago_waits_for_the_next_look()
    {
        Minute(10, 10);
        _clock.Advance(TimeSpan.FromSeconds(40));
        // its first answers hold what has waited for the worker
        Add("new", 20 * 1024 * KiB, over: TimeSpan.FromSeconds(1));
        _clock.Advance(TimeSpan.FromSeconds(20));
        Look();
        Assert.Empty(_log.Of(HotShard));
        Assert.Null(_shards["new"].Shard.BytesShare);
        Minute(10, 10);
        Assert.NotNull(_shards["new"].Shard.BytesShare);
    }

    private void Minute(params int[] kibPerSecond)
    {
        for (int i = 0; i < kibPerSecond.Length; i++)
        {
            Add($"s{i}", kibPerSecond[i] * KiB * 60, over: TimeSpan.FromSeconds(59));
        }

        _clock.Advance(HotShardWatch.Interval);
        Look();
    }

    private void Add(string shardId, long bytes, TimeSpan over)
    {
        if (!_shards.TryGetValue(shardId, out (ShardTelemetry Shard, ThroughputMeter Intake) shard))
        {
            _shards.Add(shardId, shard = (Pages.Of(Stream, shardId), new ThroughputMeter(_clock)));
        }

        long now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        if (bytes > 0)
        {
            shard.Intake.Add(bytes / 2, now - (long)over.TotalMilliseconds, now);
            shard.Intake.Add(bytes - (bytes / 2), now, now);
        }
    }

    private void Look() => _watch.Look(_shards.Values);
}

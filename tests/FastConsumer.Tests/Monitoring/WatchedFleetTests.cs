using System.Diagnostics;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;

namespace FastConsumer.Tests.Monitoring;

/// <summary>What whole workers find, and what they do not, in virtual time.</summary>
public sealed class WatchedFleetTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_handler_that_hangs_lets_the_lag_grow_by_a_second_a_second_and_is_found_within_three_minutes(bool moreComes)
    {
        using var fleet = new WatchedFleet(shards: 1);
        fleet.Settle(1);
        WatchedWorker worker = fleet.Workers[0];
        Shard shard = fleet.OpenShards[0];
        bool hangs = false;
        bool isOver = false;
        fleet.Handler = (_, stop) => hangs ? fleet.WaitAsync(Timeout.InfiniteTimeSpan, stop) : default;
        fleet.Each(TimeSpan.FromSeconds(1), () =>
        {
            if (!isOver)
            {
                fleet.Put(shard);
                isOver = hangs && !moreComes;
            }
        });
        for (int i = 0; i < 60; i++)
        {
            fleet.Run(5);
            Assert.InRange(worker.Lag, 0, 3);
        }

        hangs = true;
        fleet.Run(3);
        double before = worker.Lag;
        fleet.Run(60);
        Assert.Equal(60, worker.Lag - before, 3);
        double found = 63 + fleet.RunUntil(() => worker.Find("FCF2002") is not null, 117);
        output.WriteLine($"found after {found} s: {worker.Find("FCF2002")!.Message}");
        Assert.Contains(fleet.Seen, static text => text.StartsWith("FCF2002 (Degraded", StringComparison.Ordinal));
        Assert.EndsWith(
            moreComes ? "Its reader waits for the handler." : "The handler has been given records, and has not done them.",
            worker.Find("FCF2002")!.Message,
            StringComparison.Ordinal);
        fleet.Run(600);
        Assert.Equal(found + 597, worker.Lag - before, 3);
        Assert.NotNull(worker.Find("FCF2002"));
        Assert.Null(worker.Find("FCF2001"));
        Assert.Null(worker.Find("FCF2009"));
        Assert.Null(worker.Find("FCF2003"));
    }

    [Fact]
    public void After_each_hand_over_exactly_one_worker_tells_the_lag_of_a_shard()
    {
        using var fleet = new WatchedFleet(shards: 6);
        List<string> overlaps = [];
        fleet.Each(TimeSpan.FromMilliseconds(100), () => overlaps.AddRange(fleet.Workers
            .SelectMany(static worker => worker.Lags.Select(lag => (lag.ShardId, worker.Name)))
            .GroupBy(static lag => lag.ShardId)
            .Where(static told => told.Count() > 1)
            .Select(told => $"{fleet.Time.Now} {told.Key}: {string.Join(", ", told.Select(static lag => lag.Name))}")));
        fleet.Each(TimeSpan.FromSeconds(2), () => fleet.OpenShards.ToList().ForEach(shard => fleet.Put(shard)));
        fleet.Settle(1);
        fleet.Run(5);
        AssertEachIsToldOnce(fleet);
        WatchedWorker joiner = fleet.Start("joiner");
        fleet.RunUntil(() => fleet.IsEven(2), 60);
        fleet.Run(5);
        AssertEachIsToldOnce(fleet);
        Assert.All(fleet.Workers, static worker => Assert.Equal(3, worker.Lags.Count));
        fleet.Start("another");
        fleet.RunUntil(() => fleet.IsEven(3), 60);
        fleet.Run(5);
        AssertEachIsToldOnce(fleet);
        fleet.Stop(joiner);
        fleet.RunUntil(() => fleet.IsEven(2), 60);
        fleet.Run(5);
        AssertEachIsToldOnce(fleet);
        Assert.Empty(fleet.Seen);
        // nor do two tell it while it goes from one to the other
        Assert.True(overlaps.Count == 0, string.Join('\n', overlaps));
    }

    [Fact]
    public void An_hour_of_ordinary_life_is_no_finding()
    {
        var watch = Stopwatch.StartNew();
        using var fleet = new WatchedFleet(shards: 100);
        var random = new Random(1);
        string[] keys = [.. fleet.OpenShards.Select(WatchedFleet.MiddleOf)];
        int second = 0;
        fleet.Each(TimeSpan.FromSeconds(1), () =>
        {
            second++;
            for (int i = 0; i < keys.Length; i++)
            {
                // steadily; in small bursts; and a tenth of them hardly ever
                int records = (i % 10) switch
                {
                    0 => second % 700 == i ? 1 : 0,
                    < 6 => second % 5 == i % 5 ? 1 : 0,
                    _ => random.Next(60) == 0 ? random.Next(1, 40) : 0,
                };
                fleet.Put(keys[i], bytes: random.Next(10, 2000), records);
            }
        });
        int handled = 0;
        fleet.Handler = async (_, stop) =>
        {
            if (random.Next(3) == 0)
            {
                await fleet.WaitAsync(TimeSpan.FromMilliseconds(random.Next(50)), stop);
            }

            handled++;
        };
        fleet.Settle(4);
        fleet.Run(600);
        Shard split = fleet.OpenShards[10];
        fleet.Split(split);
        fleet.Run(300);
        fleet.Merge(fleet.OpenShards[40], fleet.OpenShards[41]);
        fleet.Run(300);
        // a restart, one after the other
        foreach (WatchedWorker worker in fleet.Workers.ToList())
        {
            fleet.Start($"{worker.Name}-again");
            fleet.Run(30);
            fleet.Stop(worker);
            fleet.Run(30);
        }

        fleet.Run(300);
        WatchedWorker joiner = fleet.Start("joiner");
        fleet.RunUntil(() => fleet.IsEven(5), 60);
        fleet.Run(600);
        fleet.Stop(joiner);
        fleet.RunUntil(() => fleet.IsEven(4), 60);
        fleet.Run(3600 - fleet.Time.Now.TotalSeconds);
        fleet.Run(10);
        output.WriteLine($"{watch.Elapsed}, {fleet.Warnings.Count} warnings");
        Assert.True(fleet.Seen.Count == 0, fleet.Describe());
        Assert.Empty(fleet.Warnings);
        // it was an hour's work: all was handled but what came a moment ago, the reshards were followed, and nobody was left out
        Assert.InRange(fleet.Count, 50_000, 1_000_000);
        Assert.InRange(handled, fleet.Count - 1000, fleet.Count + 1000);
        // the lease of a parent goes when all of its children have got on; one half of what was split had no record
        Assert.Equal(
            [.. fleet.OpenShards.Select(static shard => shard.ShardId).Append(split.ShardId).Order(StringComparer.Ordinal)],
            fleet.Rows.Select(static row => row.LeaseKey).Order(StringComparer.Ordinal));
        Assert.Equal(100, fleet.OpenShards.Count);
        Assert.All(fleet.Workers.SelectMany(static worker => worker.Lags), static lag => Assert.InRange(lag.Seconds, 0, 5));
        AssertEachIsToldOnce(fleet);
    }

    [Fact]
    public void Bursts_that_take_some_time_and_a_restart_of_all_workers_are_no_finding()
    {
        using var fleet = new WatchedFleet(shards: 10);
        string[] keys = [.. fleet.OpenShards.Select(WatchedFleet.MiddleOf)];
        int second = 0;
        fleet.Each(TimeSpan.FromSeconds(1), () =>
        {
            second++;
            for (int i = 0; i < keys.Length; i++)
            {
                // each five minutes as much as takes forty seconds
                fleet.Put(keys[i], records: (second + (17 * i)) % 300 == 0 ? 400 : 1);
            }
        });
        fleet.Handler = (_, stop) => fleet.WaitAsync(TimeSpan.FromMilliseconds(100), stop);
        fleet.Settle(3);
        double most = 0;
        for (int i = 0; i < 180; i++)
        {
            fleet.Run(10);
            most = Math.Max(most, fleet.Workers.SelectMany(static worker => worker.Lags).Max(static lag => lag.Seconds));
        }

        Assert.InRange(most, 30, 60);
        Assert.True(fleet.Seen.Count == 0, fleet.Describe());
        fleet.Workers.ToList().ForEach(fleet.Stop);
        fleet.Run(90);
        for (int i = 0; i < 3; i++)
        {
            fleet.Start($"new-{i}");
        }

        fleet.Run(600);
        Assert.True(fleet.Seen.Count == 0, fleet.Describe());
        Assert.InRange(fleet.Workers.SelectMany(static worker => worker.Lags).Count(static lag => lag.Seconds < 5), 6, 10);
    }

    /// <summary>Nothing of it is read, and yet its records grow old.</summary>
    [Fact]
    public void A_paused_shard_is_told_at_half_of_the_retention_whoever_holds_it()
    {
        using var fleet = new WatchedFleet(shards: 1) { RetentionHours = 24 };
        fleet.Settle(1);
        Shard shard = fleet.OpenShards[0];
        fleet.Put(shard);
        fleet.Run(5);
        fleet.On(() => fleet.Operator().PauseAsync(null, "ann", null, until: null, CancellationToken.None));
        fleet.RunUntil(() => fleet.Workers[0].Find("FCF6001") is not null, 10);
        fleet.Run(120);
        // nothing has come since
        Assert.Empty(fleet.Workers[0].Lags);
        fleet.Put(shard);
        fleet.Run(3600);
        Assert.InRange(fleet.Workers[0].Lag, 3500, 3610);
        fleet.Start("next");
        fleet.Stop(fleet.Workers[0]);
        fleet.Run(120);
        WatchedWorker next = Assert.Single(fleet.Workers);
        Assert.InRange(next.Lag, 3600, 3900);
        Assert.NotNull(next.Find("FCF6001"));
        Assert.Null(next.Find("FCF2001"));
        fleet.Run(11.5 * 3600);
        Assert.NotNull(next.Find("FCF2001"));
        fleet.On(() => fleet.Operator().ResumeAsync(null, CancellationToken.None));
        fleet.RunUntil(() => next.Find("FCF6001") is null && next.Lags.All(static lag => lag.Seconds < 3), 60);
        fleet.RunUntil(() => next.Find("FCF2001") is null, 600);
    }

    [Fact]
    public void A_handler_that_fails_and_is_tried_again_is_the_cause_of_the_lag_and_not_slow()
    {
        using var fleet = new WatchedFleet(shards: 1);
        fleet.Settle(1);
        WatchedWorker worker = fleet.Workers[0];
        Shard shard = fleet.OpenShards[0];
        bool fails = true;
        fleet.Handler = (_, _) => fails ? throw new InvalidOperationException("It fails.") : default;
        fleet.Each(TimeSpan.FromSeconds(1), () => fleet.Put(shard));
        fleet.RunUntil(() => worker.Find("FCF2002") is not null, 180);
        fleet.Run(120);
        Assert.EndsWith("Its handler waits to try a record again.", worker.Find("FCF2002")!.Message, StringComparison.Ordinal);
        Assert.Equal(["FCF2002", "FCF3002"], worker.Findings.Current.Select(static finding => finding.Id));
        fails = false;
        fleet.RunUntil(() => worker.Find("FCF3002") is null, 120);
        fleet.Run(130);
        Assert.Empty(worker.Findings.Current);
        Assert.InRange(worker.Lag, 0, 3);
    }

    [Fact]
    public void A_backlog_of_twenty_hours_that_is_caught_up_with_is_degraded_and_tells_when_it_is_gone()
    {
        using var fleet = new WatchedFleet(shards: 1);
        Shard shard = fleet.OpenShards[0];
        for (int minute = 0; minute < 20 * 60; minute++)
        {
            fleet.Put(shard);
            fleet.Time.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        // fifteen times as fast as records came
        fleet.Handler = (_, stop) => fleet.WaitAsync(TimeSpan.FromSeconds(4), stop);
        WatchedWorker worker = fleet.Start("worker");
        bool wasEverNear = false;
        fleet.RunUntil(() => worker.Find("FCF2001") is not null, 90);
        for (int i = 0; i < 400 && worker.Find("FCF2001") is { } finding; i++)
        {
            Assert.Equal(FindingSeverity.Degraded, finding.Severity);
            wasEverNear |= worker.Lag > 0.8 * 24 * 3600;
            if (i > 3)
            {
                Assert.Contains("It catches up, and has done so in 0", finding.Message, StringComparison.Ordinal);
            }

            fleet.Run(10);
        }

        Assert.True(wasEverNear, fleet.Describe());
        Assert.Null(worker.Find("FCF2001"));
        Assert.InRange(worker.Lag, 9 * 3600, 12 * 3600);
        fleet.RunUntil(() => worker.Lag < 5, 4500);
        fleet.Run(600);
        Assert.Empty(worker.Findings.Current);
        Assert.DoesNotContain(fleet.Seen, static text => text.StartsWith("FCF2009", StringComparison.Ordinal));
        Assert.DoesNotContain(fleet.Seen, static text => text.StartsWith("FCF2002", StringComparison.Ordinal));
        Assert.DoesNotContain(fleet.Seen, static text => text.StartsWith("FCF2003", StringComparison.Ordinal));
    }

    [Fact]
    public void A_handler_that_is_slower_than_the_puts_is_named_then_the_lag_then_the_loss()
    {
        using var fleet = new WatchedFleet(shards: 1) { LeaseDuration = TimeSpan.FromSeconds(60) };
        fleet.Settle(1);
        WatchedWorker worker = fleet.Workers[0];
        Shard shard = fleet.OpenShards[0];
        // the handler takes twice as long as it is to the next record
        fleet.Each(TimeSpan.FromSeconds(10), () => fleet.Put(shard));
        fleet.Handler = (_, stop) => fleet.WaitAsync(TimeSpan.FromSeconds(20), stop);
        double isSlow = fleet.RunUntil(() => worker.Find("FCF2004") is not null, 600);
        double isGradual = isSlow + fleet.RunUntil(() => worker.Find("FCF2003") is not null, 1800);
        output.WriteLine($"FCF2004 after {isSlow} s, FCF2003 after {isGradual} s: {worker.Find("FCF2003")!.Message}");
        Assert.Contains("Its reader waits for the handler.", worker.Find("FCF2003")!.Message, StringComparison.Ordinal);
        Assert.Null(worker.Find("FCF2002"));
        double half = isGradual + fleet.RunUntil(() => worker.Find("FCF2001") is not null, 100_000);
        Assert.Equal(0.5, worker.Lag / (24 * 3600), 2);
        Assert.Contains("If that goes on, the first record is lost in ", worker.Find("FCF2001")!.Message, StringComparison.Ordinal);
        double near = half + fleet.RunUntil(() => worker.Find("FCF2009") is not null, 100_000);
        Finding loss = worker.Find("FCF2009")!;
        output.WriteLine($"FCF2001 after {half} s, FCF2009 after {near} s: {loss.Message}");
        Assert.Equal(FindingSeverity.Unhealthy, loss.Severity);
        Assert.Equal(0.8, worker.Lag / (24 * 3600), 2);
        Assert.InRange(loss.Figures.Single(static figure => figure.Name == "loss in").Value, 9 * 3600, 10 * 3600);
        Assert.NotNull(worker.Find("FCF2004"));
    }

    [Fact]
    public void The_loss_is_near_four_hours_before_it_whatever_the_part_of_the_retention()
    {
        using var fleet = new WatchedFleet(shards: 1) { LeaseDuration = TimeSpan.FromSeconds(60), UnhealthyAt = 0.99 };
        fleet.Settle(1);
        WatchedWorker worker = fleet.Workers[0];
        fleet.Handler = (_, stop) => fleet.WaitAsync(Timeout.InfiniteTimeSpan, stop);
        fleet.Put(fleet.OpenShards[0]);
        fleet.RunUntil(() => worker.Find("FCF2009") is not null, 24 * 3600);
        Assert.InRange(worker.Lag, 20 * 3600, (20 * 3600) + 120);
        Assert.InRange(
            worker.Find("FCF2009")!.Figures.Single(static figure => figure.Name == "loss in").Value, (4 * 3600) - 120, 4 * 3600);
        fleet.RunUntil(() => worker.Find("FCF2001") is null, 120);
    }

    [Fact]
    public void A_retention_that_is_raised_is_noticed_within_a_quarter_of_an_hour()
    {
        using var fleet = new WatchedFleet(shards: 1) { LeaseDuration = TimeSpan.FromSeconds(60) };
        fleet.Settle(1);
        WatchedWorker worker = fleet.Workers[0];
        fleet.Handler = (_, stop) => fleet.WaitAsync(Timeout.InfiniteTimeSpan, stop);
        fleet.Put(fleet.OpenShards[0]);
        fleet.RunUntil(() => worker.Find("FCF2001") is not null, 13 * 3600);
        // once it cannot be asked for: the retention that was known stays
        fleet.BeforeDescribing = static _ => throw new KinesisException("Not now.", KinesisErrorKind.Unavailable);
        fleet.Run(900);
        Assert.NotNull(worker.Find("FCF2001"));
        fleet.RetentionHours = 48;
        fleet.BeforeDescribing = static _ => Task.CompletedTask;
        fleet.RunUntil(() => worker.Find("FCF2001") is null, 900);
        Assert.NotNull(worker.Find("FCF2002"));
    }

    [Fact]
    public void A_description_that_does_not_come_holds_up_no_sample_and_no_stop()
    {
        using var fleet = new WatchedFleet(shards: 1);
        fleet.Settle(1);
        WatchedWorker worker = fleet.Workers[0];
        bool isAsked = false;
        fleet.BeforeDescribing = async cancelled =>
        {
            isAsked = true;
            await fleet.WaitAsync(Timeout.InfiniteTimeSpan, cancelled);
        };
        fleet.RunUntil(() => isAsked, 900);
        fleet.Handler = (_, stop) => fleet.WaitAsync(Timeout.InfiniteTimeSpan, stop);
        fleet.Put(fleet.OpenShards[0]);
        fleet.RunUntil(() => worker.Find("FCF2002") is not null, 180);
        fleet.Stop(worker);
        Assert.Empty(worker.Findings.Current);
    }

    [Fact]
    public void A_table_that_throttles_is_found_and_cleared()
    {
        using var fleet = new WatchedFleet(shards: 40);
        fleet.Each(TimeSpan.FromSeconds(2), () => fleet.OpenShards.ToList().ForEach(shard => fleet.Put(shard)));
        fleet.Settle(1);
        fleet.Run(120);
        Assert.Empty(fleet.Seen);
        fleet.Costs.WriteUnits = 3;
        fleet.RunUntil(() => fleet.Workers[0].Find("FCF4005") is not null, 60);
        Assert.Contains("throttled", fleet.Workers[0].Find("FCF4005")!.Message, StringComparison.Ordinal);
        fleet.Costs.WriteUnits = null;
        fleet.Run(20);
        Assert.NotNull(fleet.Workers[0].Find("FCF4005"));
        fleet.RunUntil(() => fleet.Workers[0].Find("FCF4005") is null, 180);
    }

    [Fact]
    public void A_backlog_that_is_read_as_fast_as_the_service_allows_is_worth_knowing()
    {
        using var fleet = new WatchedFleet(shards: 1);
        for (int minute = 0; minute < 60; minute++)
        {
            fleet.Put(fleet.OpenShards[0], bytes: 1_000_000, records: 7);
            fleet.Time.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        WatchedWorker worker = fleet.Start("worker");
        fleet.RunUntil(() => worker.Find("FCF1002") is not null, 180);
        Assert.Equal(FindingSeverity.Information, Assert.Single(worker.Findings.Current).Severity);
        fleet.RunUntil(() => worker.Lag == 0, 180);
        fleet.Run(130);
        Assert.Empty(worker.Findings.Current);
        Assert.Empty(fleet.Warnings);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(10_000)]
    public void A_limit_that_is_too_low_is_named_and_that_calls_are_the_limit(int limit)
    {
        using var fleet = new WatchedFleet(shards: 1) { Limit = limit };
        for (int minute = 0; minute < 60; minute++)
        {
            fleet.Put(fleet.OpenShards[0], records: 400);
            fleet.Time.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        WatchedWorker worker = fleet.Start("worker");
        fleet.Run(180);
        Assert.Equal(limit == 10 ? ["FCF1004", "FCF1008"] : [], worker.Findings.Current.Select(static finding => finding.Id));
        Assert.Equal(limit == 10, worker.Lag > 5);
    }

    [Theory]
    [InlineData(1_000_000, true)]
    [InlineData(100_000_000, false)]
    public void A_byte_budget_that_is_too_small_is_named(long bytes, bool isFinding)
    {
        using var fleet = new WatchedFleet(shards: 4) { PrefetchBytes = bytes };
        for (int minute = 0; minute < 60; minute++)
        {
            fleet.OpenShards.ToList().ForEach(shard => fleet.Put(shard, bytes: 50_000, records: 5));
            fleet.Time.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        fleet.Handler = (_, stop) => fleet.WaitAsync(TimeSpan.FromSeconds(1), stop);
        fleet.Start("worker");
        fleet.Run(180);
        Assert.Equal(isFinding, fleet.Seen.Any(static text => text.StartsWith("FCF1009", StringComparison.Ordinal)));
        // whatever the budget is, it is the handler that takes the time
        Assert.Contains(fleet.Seen, static text => text.StartsWith("FCF2004", StringComparison.Ordinal));
    }

    [Fact]
    public void A_stream_that_is_polled_since_fan_out_was_refused_is_named()
    {
        using var fleet = new WatchedFleet(shards: 1) { IsDeniedFanOut = true };
        fleet.Settle(1);
        fleet.Run(30);
        Assert.Contains("polls events", fleet.Workers[0].Find("FCF1017")!.Message, StringComparison.Ordinal);
        WatchedWorker worker = fleet.Workers[0];
        fleet.Stop(worker);
        Assert.Empty(worker.Findings.Current);
    }

    [Fact]
    public void A_worker_that_has_stopped_has_no_findings_of_shards_any_more_and_keeps_nothing_of_them()
    {
        using var fleet = new WatchedFleet(shards: 3);
        fleet.Settle(1);
        WatchedWorker first = fleet.Workers[0];
        fleet.Handler = (_, stop) => fleet.WaitAsync(Timeout.InfiniteTimeSpan, stop);
        fleet.OpenShards.ToList().ForEach(shard => fleet.Put(shard));
        fleet.RunUntil(() => first.Findings.Current.Count(static finding => finding.Id == "FCF2002") == 3, 180);
        fleet.Start("second");
        fleet.RunUntil(() => fleet.IsEven(2), 120);
        fleet.Run(20);
        // those that the other has now are its concern
        Assert.Equal(first.Lags.Select(static lag => lag.ShardId).Order(), first.Findings.Current
            .Where(static finding => finding.Id == "FCF2002").Select(static finding => finding.Scope.Split('/')[^1]).Order());
        fleet.Stop(first);
        Assert.Empty(first.Findings.Current);
    }

    private static void AssertEachIsToldOnce(WatchedFleet fleet) => Assert.Equal(
        fleet.OpenShards.Select(static shard => shard.ShardId).Order(),
        fleet.Workers.SelectMany(static worker => worker.Lags).Select(static lag => lag.ShardId).Order());
}

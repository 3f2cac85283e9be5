using FastConsumer.Diagnostics;
using FastConsumer.Monitoring;
using FastConsumer.Testing;
using FastConsumer.Tests.Dispatch;

namespace FastConsumer.Tests.Monitoring;

/// <summary>Each rule by itself: it is raised where its condition holds, and silent just below.</summary>
public sealed class SampledRulesTests
{
    private const int MiB = 1024 * 1024;

    private static readonly TimeSpan s_retention = TimeSpan.FromHours(24);

    private readonly ManualClock _clock = new();
    private readonly Findings _findings;
    private readonly ShardTelemetry _shard;
    private readonly ShardWatch _watch;
    private int _limit = 10_000;
    private TimeSpan _checkpointInterval = TimeSpan.FromSeconds(5);
    private LagLimits _limits = new(0.5, 0.8, TimeSpan.FromHours(4));
    private double _lag;
    private double? _readShare = 1;
    private TimeSpan _checkpointAge;
    private TimeSpan _longestCall;

    public SampledRulesTests()
    {
        _findings = new Findings(_clock);
        _shard = Pages.Of("events", "shard-1", time: _clock);
        _watch = new ShardWatch(_shard);
    }

    [Fact]
    public void A_quota_that_is_filled_is_worth_knowing_where_the_shard_lags()
    {
        _lag = 60;
        Minutes(3, () => Read(calls: 20, bytes: 19 * MiB));
        Finding finding = Is("FCF1002");
        Assert.Equal(FindingSeverity.Information, finding.Severity);
        Assert.Contains("is read at 1946 KiB a second", finding.Message, StringComparison.Ordinal);
    }

    [Theory]
    // less than 0.9 of 2 MiB a second; no lag; not all of the quota; by fan-out
    [InlineData(17.9, 60, 1.0)]
    [InlineData(19, 5, 1.0)]
    [InlineData(19, 60, 0.5)]
    [InlineData(19, 60, null)]
    public void A_quota_that_is_not_filled_or_lets_nothing_wait_is_no_finding(double mibPerSample, double lag, double? share)
    {
        _lag = lag;
        _readShare = share;
        Minutes(3, () => Read(calls: 20, bytes: (long)(mibPerSample * MiB)));
        Silent();
    }

    [Fact]
    public void Large_answers_tell_the_time_that_they_cost()
    {
        int sample = 0;
        Minutes(3, () => Read(calls: 1, bytes: 100, large: sample++ % 2 == 0));
        Assert.Contains("3 answers", Is("FCF1003").Message, StringComparison.Ordinal);
        Assert.Contains("15 seconds in all", Is("FCF1003").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_large_answer_a_minute_is_no_finding()
    {
        int sample = 0;
        Minutes(5, () => Read(calls: 1, bytes: 100, large: sample++ % 6 == 0));
        Silent();
    }

    [Fact]
    public void Calls_are_the_limit_where_they_are_all_used_for_little_data()
    {
        _lag = 60;
        Minutes(3, () => Read(calls: 48, bytes: 4 * MiB));
        Assert.Contains("is read by 4.8 calls a second", Is("FCF1004").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(42, 4, 60, 1.0)]
    [InlineData(48, 11, 60, 1.0)]
    [InlineData(48, 4, 5, 1.0)]
    [InlineData(48, 4, 60, null)]
    public void Calls_are_no_limit_below_or_with_much_data_or_where_nothing_waits(int calls, int mib, double lag, double? share)
    {
        _lag = lag;
        _readShare = share;
        Minutes(3, () => Read(calls, (long)mib * MiB));
        Silent();
    }

    [Theory]
    [InlineData(0.34, true)]
    [InlineData(0.2, true)]
    [InlineData(0.35, false)]
    [InlineData(0.5, false)]
    [InlineData(null, false)]
    public void More_than_three_that_poll_are_too_many(double? share, bool isFinding)
    {
        _readShare = share;
        Minutes(2.9, () => Refuse(times: 2));
        Silent();
        Minutes(0.5, () => Refuse(times: 2));
        if (isFinding)
        {
            Assert.Contains("12 calls were refused", Is("FCF1007").Message, StringComparison.Ordinal);
        }
        else
        {
            Silent();
        }
    }

    [Theory]
    [InlineData(100, 10, 10, 60, true)]
    [InlineData(100, 10, 8, 60, true)]
    [InlineData(100, 10, 7, 60, false)]
    [InlineData(100, 10, 10, 5, false)]
    [InlineData(10_000, 10, 10, 60, false)]
    public void The_limit_holds_back_where_most_answers_are_full_and_the_shard_lags(
        int limit, int calls, int full, double lag, bool isFinding)
    {
        _limit = limit;
        _lag = lag;
        Minutes(3, () =>
        {
            for (int i = 0; i < calls; i++)
            {
                _shard.Read(records: 100, bytes: 100_000, isFull: i < full);
            }
        });
        Expect(isFinding, "FCF1008");
    }

    [Theory]
    [InlineData(3.1, 60, true)]
    [InlineData(2.9, 60, false)]
    // it waits for room, and nobody waits for it
    [InlineData(9, 5, false)]
    public void The_budget_holds_back_where_the_reader_waits_for_room_and_the_shard_lags(double seconds, double lag, bool isFinding)
    {
        _lag = lag;
        // less than what the handler's rule takes
        seconds = Math.Min(seconds, 7);
        Minutes(3, () => { }, (ShardState.Budget, seconds));
        Expect(isFinding, "FCF1009");
    }

    [Theory]
    [InlineData(8.1, 0, 6, true)]
    [InlineData(7.9, 0, 6, false)]
    [InlineData(9, 0, 5, false)]
    // it waits for a retry: the handler is not slow, it fails
    [InlineData(0, 9, 60, false)]
    public void The_handler_is_the_bottleneck_where_the_reader_waits_for_it_most_of_the_time(
        double handling, double retrying, double lag, bool isFinding)
    {
        _lag = lag;
        Minutes(3, () =>
        {
            _shard.Done(100);
            _shard.Processed(TimeSpan.FromSeconds(9), null);
        }, (ShardState.Handling, handling), (ShardState.Retrying, retrying));
        Expect(isFinding, "FCF2004");
        if (isFinding)
        {
            Assert.Contains("600 records were done, at 90000 us each", Is("FCF2004").Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    // microseconds a record and records each ten seconds: an hour ago, and now
    [InlineData(200, 100, 420, 100, "FCF2005")]
    [InlineData(200, 100, 420, 124, "FCF2005")]
    [InlineData(200, 100, 420, 130, "FCF2006")]
    [InlineData(200, 100, 380, 100, null)]
    [InlineData(200, 100, 380, 200, null)]
    // what takes microseconds
    [InlineData(10, 100, 90, 100, null)]
    // too few to tell
    [InlineData(200, 9, 900, 9, null)]
    // a batch handler whose calls cost the same with fewer records in the evening
    [InlineData(1000, 100, 5000, 20, null)]
    public void A_handler_that_has_become_slower_is_told_apart_by_its_load(
        int before, int recordsBefore, int now, int records, string? id)
    {
        _lag = 1;
        Minutes(61, () => Handle(recordsBefore, before));
        Silent();
        Minutes(13, () => Handle(records, now));
        Assert.Equal(id is null ? [] : [id], _findings.Current.Select(static finding => finding.Id));
    }

    [Fact]
    public void A_handler_that_is_so_slow_that_fewer_records_are_done_has_become_slower()
    {
        Minutes(61, () => Handle(1000, 1000));
        _lag = 100;
        Minutes(13, () => Handle(200, 5000));
        Is("FCF2005");
    }

    [Fact]
    public void What_was_left_out_counts_for_ten_minutes_from_the_first_record_on()
    {
        // before the first sample
        _shard.Skipped();
        _shard.Skipped();
        _shard.DeadLettered();
        _shard.LeftOut(7);
        Minutes(0.2, () => { });
        Assert.Equal(
            ["FCF3003", "FCF3004", "FCF3007"], _findings.Current.Select(static finding => finding.Id).Order(StringComparer.Ordinal));
        Assert.StartsWith("2 records of shard shard-1", Find("FCF3003")!.Message, StringComparison.Ordinal);
        Assert.StartsWith("1 records of shard shard-1", Find("FCF3004")!.Message, StringComparison.Ordinal);
        Assert.StartsWith("7 user records", Find("FCF3007")!.Message, StringComparison.Ordinal);
        Minutes(9.7, () => { });
        Assert.Equal(3, _findings.Current.Count);
        Minutes(0.4, () => { });
        Silent();
        _shard.DeadLettered();
        Minutes(0.2, () => { });
        Is("FCF3004");
    }

    [Theory]
    [InlineData(5, 300, true)]
    [InlineData(5, 299, false)]
    [InlineData(200, 599, false)]
    [InlineData(200, 600, true)]
    public void A_checkpoint_is_old_after_five_minutes_or_three_intervals(int interval, int age, bool isFinding)
    {
        _checkpointInterval = TimeSpan.FromSeconds(interval);
        _checkpointAge = TimeSpan.FromSeconds(age);
        Minutes(3, () => { });
        Expect(isFinding, "FCF4007");
    }

    [Theory]
    [InlineData(0.499, null)]
    [InlineData(0.501, "FCF2001")]
    [InlineData(0.799, "FCF2001")]
    [InlineData(0.801, "FCF2009")]
    [InlineData(0.999, "FCF2009")]
    public void Half_of_the_retention_is_degraded_and_four_fifths_are_unhealthy(double part, string? id)
    {
        _lag = part * s_retention.TotalSeconds;
        Minutes(5, () => { });
        Expect(id is not null, id ?? "");
        Assert.Equal(id == "FCF2009", _findings.Current.Any(static finding => finding.Severity == FindingSeverity.Unhealthy));
        Assert.All(_findings.Current, static finding => Assert.Contains("The lag stands.", finding.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_lag_beyond_the_retention_means_lost_records_until_somebody_has_seen_that()
    {
        _lag = s_retention.TotalSeconds + 599;
        Minutes(6, () => { });
        Is("FCF2009");
        _lag = s_retention.TotalSeconds + 600;
        Minutes(0.2, () => { });
        Assert.NotNull(Find("FCF1018"));
        _lag = 0;
        Minutes(5, () => { });
        Is("FCF1018");
        Rules().Forget(_watch);
        // the shard's next owner cannot know of it
        Is("FCF1018");
        _findings.ClearScope(_shard.Scope, FindingRules.RecordsLost);
        Silent();
    }

    [Theory]
    [InlineData(10, false)]
    [InlineData(10.1, true)]
    public void Calls_that_outlast_the_lease_are_a_finding(double seconds, bool isFinding)
    {
        _longestCall = TimeSpan.FromSeconds(seconds);
        Minutes(3, () => { });
        Expect(isFinding, "FCF4003");
    }

    [Theory]
    // two full seconds, or two with refusals, in a minute that is half empty
    [InlineData(2 * MiB, 0, true)]
    [InlineData((2 * MiB) - 1, 0, false)]
    [InlineData(1, 2, true)]
    [InlineData(1, 1, false)]
    // so full that the minute shows it
    [InlineData(11 * MiB, 0, false)]
    public void Seconds_that_a_minute_hides_are_a_finding(int bytes, int refusals, bool isFinding)
    {
        int sample = 0;
        Minutes(3, () =>
        {
            _shard.Seconds.Add(bytes);
            if (sample++ % 6 < refusals)
            {
                _shard.Seconds.Refused();
            }
        });
        Expect(isFinding, "FCF1006");
    }

    [Fact]
    public void Where_others_read_too_refusals_are_theirs()
    {
        _readShare = 0.5;
        Minutes(3, () => _shard.Seconds.Refused());
        Silent();
    }

    [Fact]
    public void The_marks_are_options()
    {
        _limits = new LagLimits(0.1, 0.2, TimeSpan.FromHours(1));
        _lag = 0.15 * s_retention.TotalSeconds;
        Minutes(3, () => { });
        Is("FCF2001");
        _lag = 0.25 * s_retention.TotalSeconds;
        Minutes(16, () => { });
        Is("FCF2009");
    }

    [Fact]
    public void A_loss_within_four_hours_is_unhealthy_below_all_marks()
    {
        _limits = new LagLimits(0.95, 0.95, TimeSpan.FromHours(4));
        _lag = 19.5 * 3600;
        // it stands, so that it is lost in four and a half hours
        Minutes(10, () => _lag += 10);
        Assert.DoesNotContain(_findings.Current, static finding => finding.Id == "FCF2009");
        Minutes(22, () => _lag += 10);
        Assert.Contains("If that goes on, the first record is lost in 03:5", Find("FCF2009")!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-20)]
    [InlineData(-0.5)]
    public void What_catches_up_stays_degraded_however_near_the_loss_is(double perSample)
    {
        _lag = 0.95 * s_retention.TotalSeconds;
        for (int i = 0; i < 100; i++)
        {
            Minutes(0.17, () => _lag += perSample);
            Assert.DoesNotContain(_findings.Current, static finding => finding.Id == "FCF2009");
        }

        Assert.Contains("It catches up, and has done so in", Is("FCF2001").Message, StringComparison.Ordinal);
        // and no longer, once it does so no more
        Minutes(5, () => _lag += 10);
        Assert.Contains(_findings.Current, static finding => finding.Id == "FCF2009");
    }

    [Fact]
    public void A_lag_that_wavers_by_single_samples_is_unhealthy_all_the_same()
    {
        _lag = 0.9 * s_retention.TotalSeconds;
        int sample = 0;
        Minutes(20, () => _lag += (sample++ % 6) switch { 0 => -2.5, 1 => 2.8, _ => 0.1 });
        Is("FCF2009");
    }

    [Fact]
    public void Without_a_retention_nothing_is_said_of_it()
    {
        _lag = 1_000_000;
        Minutes(3, static () => { }, retention: null);
        Silent();
    }

    [Theory]
    [InlineData(ShardState.Stopped, "The shard has stopped in front of a record.")]
    [InlineData(ShardState.Handling, "Its reader waits for the handler.")]
    [InlineData(ShardState.Refused, "Its reads are refused or fail.")]
    [InlineData(ShardState.Quota, "Its reader waits for the shard's read quota.")]
    [InlineData(ShardState.Budget, "Its reader waits for room in FastConsumer:PrefetchBytes.")]
    public void A_sudden_lag_names_its_cause(ShardState state, string cause)
    {
        Minutes(2, () => { });
        Minutes(2, () => _lag += 10, (state, 10));
        Assert.EndsWith(cause, Find("FCF2002")!.Message, StringComparison.Ordinal);
        Assert.Contains("100 % of a second more each second", Find("FCF2002")!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shard_that_is_gone_has_no_findings()
    {
        _lag = 0.9 * s_retention.TotalSeconds;
        _shard.Skipped();
        _checkpointAge = TimeSpan.FromHours(1);
        Minutes(3, () => _lag += 10, (ShardState.Handling, 10));
        Assert.True(_findings.Current.Count >= 4);
        Rules().Forget(_watch);
        Assert.Empty(_findings.Current);
    }

    private void Read(int calls, long bytes, bool large = false)
    {
        for (int i = 0; i < calls; i++)
        {
            _shard.Read(records: 10, bytes / calls, isLarge: large);
        }
    }

    private void Refuse(int times)
    {
        for (int i = 0; i < times; i++)
        {
            _shard.ReadThrottled();
        }
    }

    private void Handle(int records, double microsecondsEach)
    {
        _shard.Done(records);
        _shard.Processed(TimeSpan.FromMicroseconds(records * microsecondsEach), null);
    }

    /// <summary>Samples each ten seconds, in which the reader is in these states for so long, and else has nothing to read.</summary>
    private void Minutes(double minutes, Action what, params (ShardState State, double Seconds)[] states) =>
        Minutes(minutes, what, s_retention, states);

    private void Minutes(double minutes, Action what, TimeSpan? retention, params (ShardState State, double Seconds)[] states)
    {
        SampledRules rules = Rules();
        for (int i = 0; i < (int)Math.Round(minutes * 6); i++)
        {
            double left = 10;
            _shard.Time.Enter(ShardState.Idle);
            foreach ((ShardState state, double seconds) in states)
            {
                _shard.Time.Enter(state);
                _clock.Advance(TimeSpan.FromSeconds(seconds));
                left -= seconds;
            }

            if (left > 0)
            {
                _shard.Time.Enter(ShardState.Idle);
                _clock.Advance(TimeSpan.FromSeconds(left));
            }

            what();
            _watch.Sample(new ShardSnapshot
            {
                ShardId = _shard.ShardId,
                Taken = _clock.GetUtcNow(),
                Checkpoint = "1",
                State = _shard.Time.State,
                Lag = TimeSpan.FromSeconds(_lag),
                ReadShare = _readShare,
                CheckpointAge = _checkpointAge,
                LongestCall = _longestCall,
            });
            rules.Judge(_watch, retention);
        }
    }

    private SampledRules Rules() => new(_findings, _limits, () => _limit, () => _checkpointInterval, TimeSpan.FromSeconds(10));

    private Finding? Find(string id) => _findings.Current.SingleOrDefault(finding => finding.Id == id);

    /// <summary>It is there, and nothing else is.</summary>
    private Finding Is(string id)
    {
        Assert.Equal([id], _findings.Current.Select(static finding => finding.Id));
        return _findings.Current[0];
    }

    private void Silent() => Assert.Empty(_findings.Current);

    private void Expect(bool isFinding, string id)
    {
        if (isFinding)
        {
            Is(id);
        }
        else
        {
            Silent();
        }
    }
}

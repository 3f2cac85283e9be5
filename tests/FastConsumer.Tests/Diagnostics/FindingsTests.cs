using FastConsumer.Diagnostics;
using FastConsumer.Testing;
using FastConsumer.Tests.Hosting;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Tests.Diagnostics;

public sealed class FindingsTests : IDisposable
{
    private const string Scope = "tests/events/shard";
    private const int Raised = 2600;
    private const int Cleared = 2601;
    private const int Lasts = 2602;
    private const int More = 2603;
    private const int RaisedInformation = 2604;

    private readonly ManualClock _clock = new();
    private readonly LogRecorder _log = new();
    private readonly ILogger _logger;
    private readonly Dictionary<string, FindingOptions> _options = [];
    private readonly Findings _findings;

    public FindingsTests()
    {
        _logger = _log.CreateLogger("findings");
        _findings = new Findings(_clock, _options);
    }

    public void Dispose() => _log.Dispose();

    [Fact]
    public void An_event_is_raised_and_cleared_at_once()
    {
        DateTimeOffset since = _clock.GetUtcNow();
        _findings.Raise(FindingRules.ShardStopped, Scope, "It has stopped.", [new FindingFigure("attempts", 3, "1")]);
        Finding finding = Assert.Single(_findings.Current);
        Assert.Equal(
            ("FCF3001", Scope, FindingSeverity.Unhealthy, since, 1),
            (finding.Id, finding.Scope, finding.Severity, finding.Since, finding.Episodes));
        Assert.Equal("It has stopped.", finding.Message);
        Assert.Equal(FindingRules.ShardStopped.Remedy, finding.Remedy);
        Assert.Equal("findings/FCF3001.md", finding.Page);
        Assert.Equal(3, Assert.Single(finding.Figures).Value);

        _findings.Clear(FindingRules.ShardStopped, Scope);
        Assert.Empty(_findings.Current);
    }

    [Fact]
    public void What_is_sampled_is_raised_when_it_has_held_for_a_minute_and_cleared_when_it_was_over_for_one()
    {
        DateTimeOffset since = _clock.GetUtcNow();
        Sample(FindingRules.HalfRetention, holds: true, seconds: 50);
        Assert.Empty(_findings.Current);
        Sample(FindingRules.HalfRetention, holds: true, seconds: 10);
        Assert.Equal(since, Assert.Single(_findings.Current).Since);

        Sample(FindingRules.HalfRetention, holds: false, seconds: 50);
        Assert.Single(_findings.Current);
        Sample(FindingRules.HalfRetention, holds: false, seconds: 10);
        Assert.Empty(_findings.Current);
    }

    [Fact]
    public void What_does_not_hold_without_a_break_is_not_raised()
    {
        for (int i = 0; i < 20; i++)
        {
            Sample(FindingRules.HalfRetention, holds: true, seconds: 40);
            Sample(FindingRules.HalfRetention, holds: false, seconds: 10);
        }

        Assert.Empty(_findings.Current);
        Assert.Empty(Told());
    }

    [Fact]
    public void What_is_raised_and_breaks_off_for_a_moment_lasts()
    {
        Sample(FindingRules.HalfRetention, holds: true, seconds: 60);
        for (int i = 0; i < 20; i++)
        {
            Sample(FindingRules.HalfRetention, holds: false, seconds: 40);
            Sample(FindingRules.HalfRetention, holds: true, seconds: 10);
        }

        Assert.Equal(1, Assert.Single(_findings.Current).Episodes);
        Assert.Equal([Raised], Told());
    }

    [Theory]
    [InlineData("FCF1007", 120)]
    [InlineData("FCF2001", 60)]
    // it is judged by many samples, and raised with the first that says so: the next may say the contrary
    [InlineData("FCF2002", 60)]
    [InlineData("FCF2003", 60)]
    [InlineData("FCF4005", 60)]
    [InlineData("FCF3001", 0)]
    public void It_is_cleared_after_a_minute_or_what_it_was_raised_after_where_that_is_longer(string id, int seconds)
    {
        FindingRule rule = FindingRules.Find(id)!;
        Assert.Equal(TimeSpan.FromSeconds(seconds), rule.ClearAfter(rule.RaiseAfter));
        Sample(rule, holds: true, seconds: (int)rule.RaiseAfter.TotalSeconds);
        if (seconds > 0)
        {
            Sample(rule, holds: false, seconds - 10);
            Assert.Single(_findings.Current);
            Sample(rule, holds: false, seconds: 10);
        }
        else
        {
            _findings.Clear(rule, Scope);
        }

        Assert.Empty(_findings.Current);
    }

    [Fact]
    public void What_holds_again_within_five_minutes_is_the_same_finding()
    {
        for (int episode = 1; episode <= 3; episode++)
        {
            DateTimeOffset since = _clock.GetUtcNow();
            _findings.Raise(FindingRules.RecordRetried, Scope, "It fails.");
            Finding finding = Assert.Single(_findings.Current);
            Assert.Equal((episode, since), (finding.Episodes, finding.Since));
            Looks(seconds: 30);
            _findings.Clear(FindingRules.RecordRetried, Scope);
            Looks(seconds: 290);
        }

        Looks(seconds: 10);
        // it has come back twice, each time before it was said to be over for good
        Assert.Equal([Raised, Cleared, Raised, Cleared], Told());
        Assert.Contains("began 3 times", _log.Of(Cleared).Last().Message, StringComparison.Ordinal);

        _findings.Raise(FindingRules.RecordRetried, Scope, "It fails.");
        Assert.Equal(1, Assert.Single(_findings.Current).Episodes);
    }

    [Fact]
    public void The_five_minutes_begin_when_it_is_cleared()
    {
        // longer than the five minutes, before and after
        _options["FCF2001"] = new FindingOptions { RaiseAfter = TimeSpan.FromMinutes(10) };
        Sample(FindingRules.HalfRetention, holds: true, seconds: 600);
        Sample(FindingRules.HalfRetention, holds: false, seconds: 590);
        Assert.Single(_findings.Current);
        Sample(FindingRules.HalfRetention, holds: false, seconds: 10);
        Assert.Empty(_findings.Current);
        Looks(seconds: 240);
        _options["FCF2001"].RaiseAfter = TimeSpan.Zero;
        Sample(FindingRules.HalfRetention, holds: true, seconds: 0);
        Assert.Equal(2, Assert.Single(_findings.Current).Episodes);
    }

    [Fact]
    public void Options_turn_a_finding_off_change_its_severity_and_say_how_long_it_must_hold()
    {
        _options["FCF2001"] = new FindingOptions { Off = true };
        _options["FCF3003"] = new FindingOptions { Severity = FindingSeverity.Unhealthy };
        _options["FCF1005"] = new FindingOptions { RaiseAfter = TimeSpan.FromMinutes(5) };
        _findings.Raise(FindingRules.RecordsSkipped, Scope, "Skipped.", severity: FindingSeverity.Degraded);
        Sample(FindingRules.HalfRetention, holds: true, seconds: 120);
        Assert.Equal(FindingSeverity.Unhealthy, Assert.Single(_findings.Current).Severity);
        Assert.False(_findings.Holds(FindingRules.HalfRetention, Scope));

        Sample(FindingRules.HotShard, holds: true, seconds: 290);
        Assert.Single(_findings.Current);
        Sample(FindingRules.HotShard, holds: true, seconds: 10);
        Assert.Equal(["FCF3003", "FCF1005"], _findings.Current.Select(static finding => finding.Id));
        Sample(FindingRules.HotShard, holds: false, seconds: 290);
        Assert.Equal(2, _findings.Current.Count);
        Sample(FindingRules.HotShard, holds: false, seconds: 10);
        Assert.Single(_findings.Current);
    }

    [Fact]
    public void An_event_that_is_told_once_is_raised_when_its_options_say_even_though_nobody_tells_it_again()
    {
        _options["FCF3001"] = new FindingOptions { RaiseAfter = TimeSpan.FromMinutes(2) };
        _findings.Raise(FindingRules.ShardStopped, Scope, "It has stopped.");
        Looks(seconds: 110);
        Assert.Empty(_findings.Current);
        Assert.True(_findings.Holds(FindingRules.ShardStopped, Scope));
        Looks(seconds: 10);
        Assert.Single(_findings.Current);
        Assert.Equal([Raised], Told());
        _findings.Clear(FindingRules.ShardStopped, Scope);
        Assert.Empty(_findings.Current);
    }

    [Fact]
    public void Its_message_and_figures_are_the_last_ones_and_its_severity_too()
    {
        _findings.Raise(FindingRules.TableUnread, Scope, "Once.", [new FindingFigure("failures", 1, "1")]);
        _clock.Advance(TimeSpan.FromSeconds(5));
        _findings.Raise(FindingRules.TableUnread, Scope, "Twice.", severity: FindingSeverity.Unhealthy);
        Finding finding = Assert.Single(_findings.Current);
        Assert.Equal(("Twice.", FindingSeverity.Unhealthy), (finding.Message, finding.Severity));
        Assert.Empty(finding.Figures);
        Assert.Equal(_clock.GetUtcNow(), finding.LastSeen);
        Assert.Equal(TimeSpan.FromSeconds(5), finding.LastSeen - finding.Since);
    }

    [Fact]
    public void The_worst_come_first_then_by_id_and_scope()
    {
        _findings.Raise(FindingRules.RecordsSkipped, "b", "");
        _findings.Raise(FindingRules.RecordRetried, "b", "");
        _findings.Raise(FindingRules.RecordRetried, "a", "");
        _findings.Raise(FindingRules.ReadsFail, "z", "");
        _findings.Raise(FindingRules.CannotStart, "z", "");
        Assert.Equal(
            ["FCF5005 z", "FCF1010 z", "FCF3002 a", "FCF3002 b", "FCF3003 b"],
            _findings.Current.Select(static finding => $"{finding.Id} {finding.Scope}"));
    }

    [Fact]
    public void The_log_says_what_was_raised_what_lasts_each_hour_and_what_is_over()
    {
        _findings.Raise(FindingRules.ShardStopped, Scope, "Record 7 fails.");
        _findings.Raise(FindingRules.RecordsSkipped, Scope, "Two were skipped.");
        Looks(seconds: 10);
        LogEntry raised = Assert.Single(_log.Of(Raised));
        Assert.Equal(LogLevel.Warning, raised.Level);
        Assert.Equal(
            $"FCF3001 A shard has stopped in front of a record ({Scope}). Record 7 fails. See findings/FCF3001.md.", raised.Message);
        LogEntry information = Assert.Single(_log.Of(RaisedInformation));
        Assert.Equal(LogLevel.Information, information.Level);
        _findings.Clear(FindingRules.RecordsSkipped, Scope);
        Looks(seconds: 10);
        Assert.Contains("FCF3003 is over", Assert.Single(_log.Of(Cleared)).Message, StringComparison.Ordinal);

        Looks(seconds: 3580);
        Assert.Empty(_log.Of(Lasts));
        Looks(seconds: 20);
        Assert.Contains("FCF3001 has lasted for 01:00:10", Assert.Single(_log.Of(Lasts)).Message, StringComparison.Ordinal);
        Looks(seconds: 2 * 3600);
        Assert.Equal(3, _log.Of(Lasts).Count());

        _findings.Clear(FindingRules.ShardStopped, Scope);
        Looks(seconds: 10);
        Assert.Contains("FCF3001 is over", _log.Of(Cleared).Last().Message, StringComparison.Ordinal);
        Looks(seconds: 4 * 3600);
        Assert.Equal(3, _log.Of(Lasts).Count());
        Assert.Equal(2, _log.Of(Cleared).Count());
    }

    [Fact]
    public void Beyond_fifty_of_one_rule_it_says_how_many_more()
    {
        for (int i = 0; i < 73; i++)
        {
            _findings.Raise(FindingRules.RecordRetried, $"{Scope}-{i}", "It fails.");
        }

        for (int i = 0; i < 50; i++)
        {
            _findings.Raise(FindingRules.ShardStopped, $"{Scope}-{i}", "It has stopped.");
        }

        Looks(seconds: 10);
        Assert.Equal(50, _log.Of(Raised).Count(static entry => entry.Message.StartsWith("FCF3002", StringComparison.Ordinal)));
        Assert.Equal(50, _log.Of(Raised).Count(static entry => entry.Message.StartsWith("FCF3001", StringComparison.Ordinal)));
        Assert.Equal("FCF3002 A record fails and is tried again: 23 more.", Assert.Single(_log.Of(More)).Message);
        // all of them hold, whatever was written
        Assert.Equal(123, _findings.Current.Count);
        Looks(seconds: 60);
        Assert.Single(_log.Of(More));
    }

    [Fact]
    public void Nothing_is_kept_of_shards_that_are_gone()
    {
        for (int i = 0; i < 1000; i++)
        {
            string scope = $"{Scope}-{i}";
            // raised, and not yet
            _findings.Raise(FindingRules.SuddenLag, scope, "It grows.");
            _findings.Raise(FindingRules.HalfRetention, scope, "Half.");
            Looks(seconds: 10);
            _findings.ClearScope(scope, FindingRules.SuddenLag, FindingRules.HalfRetention, FindingRules.LossNear);
            Assert.Empty(_findings.Current);
            Assert.InRange(_findings.Count, 0, 70);
        }

        Looks(seconds: 310);
        Assert.Equal(0, _findings.Count);
        Assert.Equal(_log.Of(Raised).Count(), _log.Of(Cleared).Count());
    }

    [Fact]
    public void Clearing_what_was_never_raised_keeps_nothing()
    {
        _findings.Clear(FindingRules.HalfRetention, Scope);
        _findings.ClearScope(Scope, FindingRules.HalfRetention);
        _options["FCF2002"] = new FindingOptions { Off = true };
        _findings.Raise(FindingRules.SuddenLag, Scope, "");
        Assert.Equal(0, _findings.Count);
    }

    [Fact]
    public void Threads_raise_clear_and_look_at_the_same_time()
    {
        const int Rounds = 2000;
        int failed = 0;
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(n => new Thread(() =>
        {
            string scope = $"{Scope}-{n}";
            for (int i = 0; i < Rounds; i++)
            {
                _findings.Raise(FindingRules.RecordRetried, scope, "It fails.");
                // only this thread clears it
                Require(_findings.Current.Any(finding => finding.Scope == scope));
                _findings.Raise(FindingRules.ShardStopped, Scope, "It has stopped.");
                _findings.Clear(FindingRules.RecordRetried, scope);
                Require(_findings.Current.All(finding => finding.Scope != scope));
                _findings.ClearScope(Scope, FindingRules.ShardStopped);
            }
        }))];
        var looking = new Thread(() =>
        {
            while (threads.Any(static thread => thread.IsAlive))
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                _findings.Look(_logger);
            }
        });
        Array.ForEach(threads, static thread => thread.Start());
        looking.Start();
        Array.ForEach(threads, static thread => thread.Join());
        looking.Join();
        Assert.Equal(0, failed);
        Assert.Empty(_findings.Current);
        Looks(seconds: 310);
        Assert.Equal(0, _findings.Count);

        void Require(bool isSo)
        {
            if (!isSo)
            {
                Interlocked.Increment(ref failed);
            }
        }
    }

    [Fact]
    public void Each_rule_has_an_id_of_its_own_in_its_area_and_all_its_texts()
    {
        Assert.Equal(FindingRules.All.Count, FindingRules.All.Select(static rule => rule.Id).Distinct().Count());
        Assert.All(FindingRules.All, static rule =>
        {
            Assert.Matches("^FCF[1-6][0-9]{3}$", rule.Id);
            Assert.DoesNotMatch("[.:]$", rule.Title);
            Assert.Matches("[.]$", rule.Remedy);
            Assert.Same(rule, FindingRules.Find(rule.Id));
        });
    }

    /// <summary>As the worker samples: now, and then each ten seconds, with a look after each.</summary>
    private void Sample(FindingRule rule, bool holds, int seconds)
    {
        Judge();
        for (int i = 0; i < seconds / 10; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(10));
            Judge();
        }

        void Judge()
        {
            if (holds)
            {
                _findings.Raise(rule, Scope, "It holds.");
            }
            else
            {
                _findings.Clear(rule, Scope);
            }

            _findings.Look(_logger);
        }
    }

    private void Looks(int seconds)
    {
        for (int i = 0; i < seconds / 10; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(10));
            _findings.Look(_logger);
        }
    }

    private IEnumerable<int> Told() => _log.Entries.Select(static entry => entry.Id);
}

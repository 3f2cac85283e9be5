using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.Testing;
using FastConsumer.Timing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Tests.Dispatch;

public sealed class FailurePolicyTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Findings _findings = new(TimeProvider.System);
    private readonly FailurePolicy _policy;

    public FailurePolicyTests() => _policy = new FailurePolicy(
        new ShardContext("Tested", "tests", "stream", "shard", fencingToken: 1),
        new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8), new Random(1)),
        new ManualClock(),
        Pages.Of("stream", "shard"),
        _findings,
        NullLogger.Instance);

    public void Dispose() => _services.Dispose();

    [Fact]
    public void Without_a_rule_what_cannot_pass_stops_and_the_rest_is_tried_for_ever()
    {
        for (int attempt = 1; attempt < 100; attempt++)
        {
            FailureDecision decision = Decide(new FormatException(), null, attempt);
            Assert.Equal(ErrorAction.Retry, decision.Action);
            Assert.InRange(decision.Wait, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(8));
        }

        Assert.Equal(ErrorAction.Retry, _policy.Decide(new IOException(), null, default, 1, inHandler: false).Action);
        Assert.Throws<ShardStoppedException>(() => _policy.Decide(new FormatException(), null, default, 1, inHandler: false));
        Assert.Equal(FindingSeverity.Unhealthy, Assert.Single(_findings.Current).Severity);
    }

    [Fact]
    public void A_rule_wins_over_what_cannot_pass() =>
        Assert.Equal(
            ErrorAction.Skip, _policy.Decide(new FormatException(), new ErrorRule(ErrorAction.Skip), default, 1, inHandler: false).Action);

    [Theory]
    [InlineData(ErrorAction.Skip)]
    [InlineData(ErrorAction.DeadLetter)]
    [InlineData(ErrorAction.Retry)]
    [InlineData(ErrorAction.StopHost)]
    public void No_rule_takes_a_stored_value_that_does_not_deserialize(ErrorAction action)
    {
        var unreadable = new StateUnreadableException("totals", "c7", "The value does not deserialize.", new FormatException());
        foreach (Exception error in (Exception[])
            [unreadable, new InvalidOperationException("wrapped", unreadable), new AggregateException(new IOException(), unreadable)])
        {
            Assert.True(FailurePolicy.Takes(error, TestContext.Current.CancellationToken));
            ShardStoppedException stopped = Assert.Throws<ShardStoppedException>(() => Decide(error, new ErrorRule(action), 1));
            Assert.Contains("state", stopped.Message, StringComparison.Ordinal);
            Assert.Same(error, stopped.InnerException);
            Assert.Throws<ShardStoppedException>(() => Decide(error, null, 1));
        }

        Assert.Equal(FindingSeverity.Unhealthy, Assert.Single(_findings.Current).Severity);
    }

    [Fact]
    public void Waits_double_from_the_rules_first_to_its_longest()
    {
        var rule = new ErrorRule(ErrorAction.Retry)
        {
            InitialBackoff = TimeSpan.FromMilliseconds(100),
            MaxBackoff = TimeSpan.FromMilliseconds(350)
        };
        foreach (int bound in (int[])[100, 200, 350, 350])
        {
            Assert.InRange(Decide(new FormatException(), rule, 1).Wait.TotalMilliseconds, bound / 2.0, bound);
        }

        _policy.Succeeded();
        Assert.InRange(Decide(new FormatException(), rule, 1).Wait.TotalMilliseconds, 50, 100);
        // even after very many
        for (int i = 0; i < 5000; i++)
        {
            Assert.InRange(Decide(new FormatException(), rule, i).Wait.TotalMilliseconds, 0, 350);
        }
    }

    [Fact]
    public void Attempts_are_counted_for_each_rule_and_record()
    {
        var one = new ErrorRule(ErrorAction.Retry) { MaxAttempts = 2, Then = ErrorAction.DeadLetter };
        var other = new ErrorRule(ErrorAction.Retry) { MaxAttempts = 2 };
        Assert.Equal(ErrorAction.Retry, Decide(new FormatException(), null, 1).Action);
        Assert.Equal(ErrorAction.Retry, Decide(new FormatException(), one, 2).Action);
        Assert.Equal(ErrorAction.Retry, Decide(new FormatException(), other, 3).Action);
        Assert.Equal(
            ErrorAction.Retry,
            _policy.Decide(new FormatException(), one, CheckpointPosition.At(SequenceNumber.Parse("5"u8)), 1, inHandler: true).Action);
        Assert.Equal(ErrorAction.DeadLetter, Decide(new FormatException(), one, 4).Action);
        ShardStoppedException stopped = Assert.Throws<ShardStoppedException>(() => Decide(new FormatException(), other, 5));
        Assert.Contains("2 attempts", stopped.Message, StringComparison.Ordinal);
    }

    private FailureDecision Decide(Exception error, ErrorRule? rule, int attempt) =>
        _policy.Decide(error, rule, default, attempt, inHandler: true);
}

using FastConsumer.Kinesis;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Kinesis;

/// <summary>The tokens of attempts: ended by their time or their caller, used again only where neither has touched them.</summary>
public sealed class AttemptTimeoutsTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromHours(1);

    [Fact]
    public void An_attempt_ends_at_its_timeout()
    {
        var clock = new ManualClock();
        var timeouts = new AttemptTimeouts(TimeSpan.FromSeconds(10), clock);
        using AttemptTimeouts.Attempt attempt = timeouts.Start(CancellationToken.None);
        clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(attempt.Token.IsCancellationRequested);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(attempt.Token.IsCancellationRequested);
    }

    [Fact]
    public void An_attempt_ends_with_its_caller_who_may_have_ended_before()
    {
        var timeouts = new AttemptTimeouts(s_long, TimeProvider.System);
        using var caller = new CancellationTokenSource();
        using AttemptTimeouts.Attempt attempt = timeouts.Start(caller.Token);
        Assert.False(attempt.Token.IsCancellationRequested);
        caller.Cancel();
        Assert.True(attempt.Token.IsCancellationRequested);
        using AttemptTimeouts.Attempt next = timeouts.Start(caller.Token);
        Assert.True(next.Token.IsCancellationRequested);
    }

    [Fact]
    public void What_was_not_touched_is_used_again_and_then_obeys_its_new_caller_only()
    {
        var timeouts = new AttemptTimeouts(s_long, TimeProvider.System);
        using var first = new CancellationTokenSource();
        AttemptTimeouts.Attempt former = timeouts.Start(first.Token);
        CancellationToken token = former.Token;
        former.Dispose();

        using var second = new CancellationTokenSource();
        using AttemptTimeouts.Attempt attempt = timeouts.Start(second.Token);
        Assert.Equal(token, attempt.Token);
        first.Cancel();
        Assert.False(attempt.Token.IsCancellationRequested);
        second.Cancel();
        Assert.True(attempt.Token.IsCancellationRequested);
    }

    [Fact]
    public void What_was_cancelled_is_never_used_again()
    {
        var timeouts = new AttemptTimeouts(s_long, TimeProvider.System);
        using var caller = new CancellationTokenSource();
        AttemptTimeouts.Attempt former = timeouts.Start(caller.Token);
        caller.Cancel();
        former.Dispose();
        using AttemptTimeouts.Attempt attempt = timeouts.Start(CancellationToken.None);
        Assert.False(attempt.Token.IsCancellationRequested);
    }

    [Fact]
    public void Attempts_at_once_have_tokens_of_their_own()
    {
        var timeouts = new AttemptTimeouts(s_long, TimeProvider.System);
        AttemptTimeouts.Attempt one = timeouts.Start(CancellationToken.None);
        AttemptTimeouts.Attempt two = timeouts.Start(CancellationToken.None);
        Assert.NotEqual(one.Token, two.Token);
        one.Dispose();
        two.Dispose();
    }
}

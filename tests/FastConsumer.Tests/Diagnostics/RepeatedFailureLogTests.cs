using FastConsumer.Diagnostics;
using FastConsumer.Testing;

namespace FastConsumer.Tests.Diagnostics;

public sealed class RepeatedFailureLogTests
{
    private readonly ManualClock _clock = new();
    private readonly RepeatedFailureLog _log;

    public RepeatedFailureLogTests() => _log = new RepeatedFailureLog(_clock);

    [Fact]
    public void The_stack_comes_once_and_then_a_count()
    {
        FailureText first = _log.Next(Error("not found [request id 1a2b]"));
        Assert.Equal("not found [request id 1a2b]", first.Text);
        Assert.NotNull(first.Error);
        _clock.Advance(TimeSpan.FromSeconds(90));
        FailureText second = _log.Next(Error("not found [request id 3c4d]"));
        Assert.Equal(
            "not found [request id 3c4d] (The same failure for the 2nd time in 00:01:30; its stack is logged with the first.)",
            second.Text);
        Assert.Null(second.Error);
    }

    [Fact]
    public void Another_failure_has_its_own_stack_and_the_first_stays_known()
    {
        Assert.NotNull(_log.Next(Error("a")).Error);
        Assert.NotNull(_log.Next(Error("b")).Error);
        Assert.NotNull(_log.Next(new InvalidOperationException("a")).Error);
        Assert.NotNull(_log.Next(new IOException("a", new FormatException("inner"))).Error);
        Assert.Null(_log.Next(Error("a")).Error);
    }

    [Fact]
    public void After_a_success_the_next_failure_is_a_new_one()
    {
        _log.Next(Error("a"));
        _log.Reset();
        Assert.NotNull(_log.Next(Error("a")).Error);
    }

    [Fact]
    public void What_is_remembered_is_bounded()
    {
        for (int i = 0; i < 100; i++)
        {
            Assert.NotNull(_log.Next(Error(new string('x', i + 1))).Error);
        }

        Assert.Null(_log.Next(Error(new string('x', 100))).Error);
    }

    [Theory]
    [InlineData(11, "11th")]
    [InlineData(21, "21st")]
    [InlineData(23, "23rd")]
    [InlineData(112, "112th")]
    public void It_counts_as_English_does(int times, string expected)
    {
        FailureText last = default;
        for (int i = 0; i < times; i++)
        {
            last = _log.Next(Error("a"));
        }

        Assert.Contains($"for the {expected} time", last.Text, StringComparison.Ordinal);
    }

    private static IOException Error(string message) => new(message);
}

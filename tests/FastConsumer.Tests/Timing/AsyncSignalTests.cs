using FastConsumer.Testing;
using FastConsumer.Tests.Hosting;
using FastConsumer.Timing;

namespace FastConsumer.Tests.Timing;

public sealed class AsyncSignalTests
{
    private readonly ManualClock _clock = new();
    private readonly AsyncSignal _signal = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_signal_ends_the_wait_and_one_that_nobody_waited_for_is_kept_once()
    {
        Task waiting = _signal.WaitAsync(TimeSpan.FromHours(1), _clock, Cancellation);
        Assert.False(waiting.IsCompleted);
        _signal.Set();
        await Eventually.WithinAsync(waiting);
        _signal.Set();
        _signal.Set();
        Assert.True(_signal.WaitAsync(TimeSpan.FromHours(1), _clock, Cancellation).IsCompleted);
        Assert.False(_signal.WaitAsync(TimeSpan.FromHours(1), _clock, Cancellation).IsCompleted);
    }

    [Fact]
    public async Task A_wait_ends_with_its_time()
    {
        Task waiting = _signal.WaitAsync(TimeSpan.FromSeconds(5), _clock, Cancellation);
        _clock.Advance(TimeSpan.FromSeconds(5));
        await Eventually.WithinAsync(waiting);
        Assert.Null(_clock.NextDue);
    }

    [Fact]
    public async Task A_cancelled_wait_throws_and_leaves_no_timer_behind()
    {
        using var stop = new CancellationTokenSource();
        Task waiting = _signal.WaitAsync(TimeSpan.FromSeconds(5), _clock, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.WithinAsync(waiting));
        Assert.Null(_clock.NextDue);
    }
}

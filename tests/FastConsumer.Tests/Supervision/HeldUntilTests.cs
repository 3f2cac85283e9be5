using FastConsumer.Processors;
using FastConsumer.Testing;
using FastConsumer.Tests.Dispatch;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Supervision;

/// <summary>Next to nothing starts once a lease may have expired: lanes ask before they start something.</summary>
public sealed class HeldUntilTests
{
    private static readonly TimeSpan s_lasts = TimeSpan.FromSeconds(9);

    private readonly ManualClock _clock = new();

    [Fact]
    public async Task Who_waits_goes_on_when_it_is_moved_or_stopped()
    {
        var held = new HeldUntil(_clock);
        Assert.False(held.IsOver);
        held.MoveTo(s_lasts);
        Assert.False(held.IsOver);
        Assert.True(held.WaitAsync(CancellationToken.None).AsTask().IsCompletedSuccessfully);
        _clock.Advance(s_lasts);
        Assert.True(held.IsOver);
        Task waits = held.WaitAsync(CancellationToken.None).AsTask();
        // not far enough
        held.MoveTo(_clock.GetElapsedTime(0));
        Assert.False(waits.IsCompleted);
        held.MoveTo(_clock.GetElapsedTime(0) + s_lasts);
        await Eventually.WithinAsync(waits);

        _clock.Advance(s_lasts);
        using var stop = new CancellationTokenSource();
        waits = held.WaitAsync(stop.Token).AsTask();
        Assert.False(waits.IsCompleted);
        stop.Cancel();
        await Eventually.WithinAsync(waits);
    }

    [Fact]
    public async Task Of_the_system_clock_too()
    {
        var held = new HeldUntil(TimeProvider.System);
        held.MoveTo(TimeProvider.System.GetElapsedTime(0) + TimeSpan.FromMinutes(5));
        Assert.False(held.IsOver);
        held.MoveTo(TimeProvider.System.GetElapsedTime(0) - TimeSpan.FromMilliseconds(1));
        Assert.True(held.IsOver);
        Task waits = held.WaitAsync(CancellationToken.None).AsTask();
        held.MoveTo(TimeProvider.System.GetElapsedTime(0) + TimeSpan.FromMinutes(5));
        await Eventually.WithinAsync(waits);
    }

    /// <summary>
    /// The process stands still in the midst of a handler: at most the rest of a run between two looks starts after it, and nothing where
    /// handlers do not return at once, be it from the start or only since a moment ago.
    /// </summary>
    [Theory]
    [InlineData(int.MaxValue, 64)]
    [InlineData(0, 0)]
    [InlineData(1490, 0)]
    [InlineData(1500, 0)]
    public async Task After_a_pause_next_to_nothing_starts_until_the_lease_is_known_to_be_held(int asynchronousFrom, int most)
    {
        var held = new HeldUntil(_clock);
        held.MoveTo(s_lasts);
        int started = 0;
        int pausedAt = 0;
        var pipeline = new FunctionPipeline((record, _, _, _) =>
        {
            started++;
            if (record == 1500)
            {
                pausedAt = started;
                _clock.Advance(s_lasts);
            }

            return record >= asynchronousFrom
                ? new ValueTask(Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, TestContext.Current.CancellationToken))
                : default;
        });
        await using var lanes = new LaneHarness(1, pipeline, held: held);
        lanes.Start();
        // of a first page, and of handlers that do not return at once, each record is preceded by a look
        lanes.Put([.. Enumerable.Range(0, 1000).Select(static _ => "key")]);
        lanes.Put([.. Enumerable.Range(0, 1000).Select(static _ => "key")]);
        await Eventually.TrueAsync(() => Volatile.Read(ref pausedAt) > 0, () => $"{started} started");
        // nothing else is to come: waits until the lane does
        int seen = -1;
        await Eventually.TrueAsync(
            async () =>
            {
                int before = Volatile.Read(ref started);
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, TestContext.Current.CancellationToken);
                seen = Volatile.Read(ref started);
                return seen == before;
            },
            () => $"{started} started");
        Assert.InRange(seen - pausedAt, 0, most);
        Assert.True(seen < 2000, "The lane did not stop.");

        held.MoveTo(_clock.GetElapsedTime(0) + s_lasts);
        await Eventually.TrueAsync(() => lanes.Completed == 2000, () => $"{lanes.Completed} completed");
        Assert.Equal(2000, started);
    }
}

using FastConsumer.Dispatch;
using FastConsumer.Processors;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Dispatch;

/// <summary>
/// The wait for the lanes before a checkpoint that is aligned. What must hold: once it has ended, and until its answer is disposed, no lane
/// runs a record, but one that waits for its next try or for a checkpoint.
/// </summary>
public sealed class DrainTests
{
    private static readonly string[] s_keys = [.. Enumerable.Range(0, 40).Select(static i => $"key-{i}")];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_ends_when_the_lanes_are_empty_and_no_page_is_given_to_them_until_it_is_disposed()
    {
        using var first = new SemaphoreSlim(0);
        int running = 0;
        await using var harness = new LaneHarness(4, new FunctionPipeline(async (_, _, _, token) =>
        {
            Interlocked.Increment(ref running);
            await first.WaitAsync(token);
            Interlocked.Decrement(ref running);
        }));
        harness.Start();
        harness.Put(s_keys);
        await Eventually.TrueAsync(() => Volatile.Read(ref running) > 0, () => "No record has begun.");

        Task<IDisposable?> draining = harness.DrainAsync(Token);
        harness.Put(s_keys);
        first.Release(s_keys.Length - 1);
        await Eventually.TrueAsync(() => harness.Completed == s_keys.Length - 1, () => $"{harness.Completed} are done.");
        Assert.False(draining.IsCompleted);

        first.Release();
        IDisposable drain = (await Eventually.WithinAsync(draining))!;
        Assert.Equal(s_keys.Length, harness.Completed);
        first.Release(s_keys.Length);
        // whatever were given to a lane now would be run at once
        await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Token);
        Assert.Equal(s_keys.Length, harness.Completed);

        drain.Dispose();
        harness.End();
        Assert.Equal(DispatchEnd.ShardEnded, await Eventually.WithinAsync(harness.Running));
        Assert.Equal(2 * s_keys.Length, harness.Completed);
    }

    [Fact]
    public Task A_lane_that_waits_for_its_next_try_is_not_waited_for() => AssertNotWaitedForAsync(static (_, _) =>
        throw new InvalidOperationException("As the test wants it."));

    [Fact]
    public Task A_lane_that_waits_for_a_checkpoint_is_not_waited_for() => AssertNotWaitedForAsync(static (context, token) =>
        context.CheckpointAsync(token));

    [Fact]
    public async Task One_that_is_cancelled_lets_the_lanes_go_on()
    {
        using var all = new SemaphoreSlim(0);
        await using var harness = new LaneHarness(4, new FunctionPipeline(async (_, _, _, token) => await all.WaitAsync(token)));
        harness.Start();
        harness.Put(s_keys);
        await GivenAsync(harness);
        using var over = new CancellationTokenSource();
        Task<IDisposable?> draining = harness.DrainAsync(over.Token);
        harness.Put(s_keys);
        await over.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => draining);

        all.Release(2 * s_keys.Length);
        harness.End();
        Assert.Equal(DispatchEnd.ShardEnded, await Eventually.WithinAsync(harness.Running));
        Assert.Equal(2 * s_keys.Length, harness.Completed);
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_it_and_returns_the_page_that_was_not_given()
    {
        await using var harness = new LaneHarness(4, new FunctionPipeline(static (_, _, _, _) => default));
        harness.Start();
        using IDisposable? drain = await Eventually.WithinAsync(harness.DrainAsync(Token));
        harness.Put(s_keys);
        // the dispatcher has the page, and waits
        await Eventually.TrueAsync(() => harness.Unread == 0, () => $"{harness.Unread} pages are unread.");

        await harness.StopAsync();
        Assert.Equal(DispatchEnd.Stopped, await harness.Running);

        Assert.Equal(0, harness.Completed);
        Assert.Equal(0, harness.Outstanding);
    }

    [Fact]
    public async Task Lanes_that_have_ended_are_at_rest()
    {
        await using var harness = new LaneHarness(
            4,
            new FunctionPipeline(
                static (number, _, _, _) => number == 0 ? throw new FormatException("As the test wants it.") : default,
                static _ => new ErrorRule(ErrorAction.Stop)));
        harness.Start();
        harness.Put(["same", "same", "same"]);
        await Assert.ThrowsAsync<ShardStoppedException>(() => Eventually.WithinAsync(harness.Running));

        using IDisposable? drain = await Eventually.WithinAsync(harness.DrainAsync(Token));

        Assert.NotNull(drain);
        Assert.Equal(0, harness.Completed);
    }

    /// <summary>The drain ends although one record, with what stands behind it, is not done.</summary>
    private static async Task AssertNotWaitedForAsync(Func<RecordContext, CancellationToken, ValueTask> stubborn)
    {
        await using var harness = new LaneHarness(4, new FunctionPipeline((number, _, context, token) =>
            number == 7 ? stubborn(context, token) : default));
        harness.Start();
        harness.Put(s_keys);
        await GivenAsync(harness);

        using IDisposable? drain = await Eventually.WithinAsync(harness.DrainAsync(Token));

        Assert.NotNull(drain);
        Assert.InRange(harness.Completed, 1, s_keys.Length - 1);
    }

    private static Task GivenAsync(LaneHarness harness) =>
        Eventually.TrueAsync(() => harness.Progress.InFlight > 0, () => "The page was not given to the lanes.");
}

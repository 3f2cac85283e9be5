using System.Collections.Concurrent;
using FastConsumer.Supervision;
using FastConsumer.Tests.Hosting;

namespace FastConsumer.Tests.Supervision;

/// <summary>On real threads. What is waited for comes in any case; nothing here depends on how soon.</summary>
public sealed class HandlerSchedulerTests
{
    [Fact]
    public async Task Tasks_that_block_bring_threads_until_all_of_them_run()
    {
        const int tasks = 12;
        using var scheduler = new HandlerScheduler("test", most: 64);
        using var all = new CountdownEvent(tasks);
        Task[] blocked = [.. Enumerable.Range(0, tasks).Select(_ => Run(scheduler, () =>
        {
            // each waits until every other one runs too
            all.Signal();
            all.Wait(Eventually.Patience);
        }))];
        await Eventually.WithinAsync(Task.WhenAll(blocked));
        Assert.True(all.IsSet);
    }

    [Fact]
    public async Task The_bound_is_kept_and_what_waits_runs_later()
    {
        const int most = 3;
        using var scheduler = new HandlerScheduler("test", most);
        using var release = new ManualResetEventSlim();
        int running = 0;
        int highest = 0;
        Task[] tasks = [.. Enumerable.Range(0, 20).Select(_ => Run(scheduler, () =>
        {
            int now = Interlocked.Increment(ref running);
            InterlockedMax(ref highest, now);
            release.Wait(Eventually.Patience);
            Interlocked.Decrement(ref running);
        }))];
        await Eventually.TrueAsync(() => Volatile.Read(ref running) == most, () => $"{running} run");
        // several looks of the scheduler, each of which would add a thread
        await Task.Delay(6 * HandlerScheduler.BlockedAfter, TimeProvider.System, TestContext.Current.CancellationToken);
        release.Set();
        await Eventually.WithinAsync(Task.WhenAll(tasks));
        Assert.Equal(most, highest);
    }

    [Fact]
    public async Task Idle_threads_end_and_blocking_is_over_with_them()
    {
        using var scheduler = new HandlerScheduler("test", most: 64, idleTime: TimeSpan.FromMilliseconds(100));
        using var release = new ManualResetEventSlim();
        Task[] tasks = [.. Enumerable.Range(0, Environment.ProcessorCount + 4).Select(_ => Run(scheduler, () =>
            release.Wait(Eventually.Patience)))];
        await Eventually.TrueAsync(() => scheduler.IsBlocked, () => $"{scheduler.Threads} threads, {scheduler.Waiting} tasks wait");
        release.Set();
        await Eventually.WithinAsync(Task.WhenAll(tasks));
        await Eventually.TrueAsync(() => scheduler.Threads == 0, () => $"{scheduler.Threads} threads");
        Assert.False(scheduler.IsBlocked);
        // and others come when they are needed
        await Eventually.WithinAsync(Run(scheduler, static () => { }));
    }

    [Fact]
    public async Task What_is_awaited_goes_on_on_its_threads()
    {
        using var scheduler = new HandlerScheduler("handlers", most: 4);
        var names = new ConcurrentBag<(string? Name, bool IsPool, TaskScheduler Scheduler)>();
        await Eventually.WithinAsync(await Task.Factory.StartNew(
            async () =>
            {
                for (int i = 0; i < 50; i++)
                {
                    await Task.Run(static () => { }, TestContext.Current.CancellationToken);
                    names.Add((Thread.CurrentThread.Name, Thread.CurrentThread.IsThreadPoolThread, TaskScheduler.Current));
                }
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.None,
            scheduler));
        Assert.All(names, name => Assert.Equal(("handlers", false, scheduler), name));
    }

    [Fact]
    public async Task A_task_runs_inline_on_its_threads_only()
    {
        using var scheduler = new HandlerScheduler("test", most: 1);
        // with one thread a task that waits for another one of the scheduler goes on only by running it itself
        // (a wait with a time-out never does)
        await Eventually.WithinAsync(Run(scheduler, () => Run(scheduler, static () => { }).GetAwaiter().GetResult()));

        int elsewhere = Environment.CurrentManagedThreadId;
        var task = new Task<int>(static () => Environment.CurrentManagedThreadId);
        task.RunSynchronously(scheduler);
        Assert.NotEqual(elsewhere, await task);
    }

    [Fact]
    public async Task A_task_that_throws_ends_no_thread()
    {
        using var scheduler = new HandlerScheduler("test", most: 1);
        await Assert.ThrowsAsync<InvalidDataException>(() => Run(scheduler, static () => throw new InvalidDataException()));
        await Eventually.WithinAsync(Run(scheduler, static () => { }));
    }

    [Fact]
    public async Task Tasks_that_come_from_tasks_all_run()
    {
        using var scheduler = new HandlerScheduler("test", most: 4);
        int ran = 0;
        await Eventually.WithinAsync(SpreadAsync(10));
        Assert.Equal((1 << 11) - 1, ran);

        async Task SpreadAsync(int depth) => await await Task.Factory.StartNew(
            async () =>
            {
                Interlocked.Increment(ref ran);
                if (depth > 0)
                {
                    await Task.WhenAll(SpreadAsync(depth - 1), SpreadAsync(depth - 1));
                }
            },
            CancellationToken.None,
            TaskCreationOptions.None,
            scheduler);
    }

    [Fact]
    public async Task Disposed_it_ends_its_threads_and_still_runs_what_comes()
    {
        var scheduler = new HandlerScheduler("test", most: 4);
        await Eventually.WithinAsync(Run(scheduler, static () => { }));
        scheduler.Dispose();
        await Eventually.TrueAsync(() => scheduler.Threads == 0, () => $"{scheduler.Threads} threads");
        await Eventually.WithinAsync(Run(scheduler, static () => { }));
        await Eventually.TrueAsync(() => scheduler.Threads == 0, () => $"{scheduler.Threads} threads");
    }

    private static Task Run(TaskScheduler scheduler, Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.None, scheduler);

    private static void InterlockedMax(ref int target, int value)
    {
        for (int seen = Volatile.Read(ref target); seen < value; seen = Volatile.Read(ref target))
        {
            Interlocked.CompareExchange(ref target, value, seen);
        }
    }
}

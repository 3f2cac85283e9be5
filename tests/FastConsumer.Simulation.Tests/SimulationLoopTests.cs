using FastConsumer.Testing.Simulation;

namespace FastConsumer.Simulation.Tests;

/// <summary>The loop itself: order, time, and that nothing gets out of it unseen.</summary>
public sealed class SimulationLoopTests
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    [Fact]
    public void Time_leaps_to_what_is_due_next()
    {
        var (loop, process) = World();
        List<string> seen = [];
        loop.Run(process.Start(async () =>
        {
            Task late = WaitAsync("late", 50);
            Task early = WaitAsync("early", 10);
            await Task.WhenAll(late, early);
        }));
        Assert.Equal(["early", "late"], seen);
        Assert.InRange(TimeSpan.FromTicks(loop.Now), TimeSpan.FromMinutes(50), TimeSpan.FromMinutes(50.1));

        async Task WaitAsync(string name, int minutes)
        {
            await Task.Delay(TimeSpan.FromMinutes(minutes), process.Clock, TestContext.Current.CancellationToken);
            seen.Add(name);
        }
    }

    [Fact]
    public void The_seed_chooses_the_order()
    {
        HashSet<string> orders = [];
        for (int seed = 0; seed < 20; seed++)
        {
            string order = Order(seed);
            Assert.Equal(order, Order(seed));
            orders.Add(order);
        }

        Assert.True(orders.Count > 5);

        static string Order(int seed)
        {
            var (loop, process) = World(seed);
            string order = "";
            loop.Run(Task.WhenAll(Enumerable.Range(0, 5).Select(i => process.Start(() =>
            {
                order += i;
                return Task.CompletedTask;
            }))));
            return order;
        }
    }

    [Fact]
    public void Clocks_go_at_their_own_rates_and_have_their_own_dates()
    {
        var (loop, world) = World();
        var fast = new SimulatedProcess(loop, "fast", 1.5, TimeSpan.FromDays(2));
        loop.Run(world.Start(() => Task.Delay(TimeSpan.FromSeconds(100), world.Clock, TestContext.Current.CancellationToken)));
        Assert.InRange(fast.Clock.Elapsed, TimeSpan.FromSeconds(150), TimeSpan.FromSeconds(150.1));
        Assert.InRange(
            fast.Clock.GetUtcNow() - world.Clock.GetUtcNow(), TimeSpan.FromDays(2), TimeSpan.FromDays(2) + TimeSpan.FromSeconds(51));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_process_that_stands_still_does_nothing_until_it_goes_on(bool withClock)
    {
        var (loop, world) = World();
        var process = new SimulatedProcess(loop, "p");
        TimeSpan went = default;
        Task work = process.Start(async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(10), process.Clock, TestContext.Current.CancellationToken);
            went = TimeSpan.FromTicks(loop.Now);
        });
        loop.At(TimeSpan.FromSeconds(5), () => process.Pause(withClock));
        loop.At(TimeSpan.FromSeconds(60), process.Resume);
        loop.Run(world.Start(() => work));
        TimeSpan expected = TimeSpan.FromSeconds(withClock ? 65 : 60);
        Assert.InRange(went, expected, expected + TimeSpan.FromSeconds(0.1));
    }

    [Fact]
    public void A_process_that_vanishes_never_runs_again()
    {
        var (loop, world) = World();
        var process = new SimulatedProcess(loop, "p");
        bool hasRun = false;
        _ = process.Start(async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(10), process.Clock, TestContext.Current.CancellationToken);
            hasRun = true;
        });
        loop.At(TimeSpan.FromSeconds(5), process.Kill);
        loop.Run(world.Start(() => Task.Delay(TimeSpan.FromSeconds(60), world.Clock, TestContext.Current.CancellationToken)));
        Assert.False(hasRun);
    }

    [Fact]
    public void Work_on_the_thread_pool_ends_the_run_and_is_named()
    {
        var (loop, process) = World();
        var escaped = Assert.Throws<SimulationEscapedException>(() => loop.Run(process.Start(() => EscapeAsync(loop))));
        Assert.Contains(nameof(EscapeAsync), escaped.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_semaphore_s_way_over_the_thread_pool_is_seen()
    {
        var (loop, process) = World();
        using var semaphore = new SemaphoreSlim(0, 1);
        using var source = new CancellationTokenSource();
        Assert.Throws<SimulationEscapedException>(() => loop.Run(process.Start(async () =>
        {
            // the pool may be through before anybody waits: then it is no way, and the next one is
            for (int i = 0; i < 1000; i++)
            {
                Task waiting = semaphore.WaitAsync(source.Token);
                semaphore.Release();
                await waiting;
            }

            await KeepGoingAsync(process);
        })));
    }

    [Fact]
    public void What_never_ends_is_told_from_what_takes_long()
    {
        var (loop, process) = World();
        Assert.Throws<SimulationStuckException>(() => loop.Run(process.Start(() => new TaskCompletionSource().Task)));
        (loop, process) = World();
        Assert.Throws<SimulationStuckException>(() => loop.Run(process.Start(async () =>
        {
            while (true)
            {
                await Task.Yield();
            }
        })));
    }

    /// <summary>The other thread goes on only once its end is waited for: it cannot be over before, however busy the machine is.</summary>
    private static async Task EscapeAsync(SimulationLoop loop)
    {
        using var started = new ManualResetEventSlim();
        using var waitedFor = new ManualResetEventSlim();
        Task outside = Task.Run(() =>
        {
            started.Set();
            waitedFor.Wait();
        });
        started.Wait();
        loop.At(TimeSpan.FromSeconds(1), waitedFor.Set);
        await outside;
    }

    /// <summary>The world has something to do while the other thread takes its time.</summary>
    private static async Task KeepGoingAsync(SimulatedProcess process)
    {
        for (int i = 0; i < 30; i++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), process.Clock);
            Thread.Sleep(5);
        }
    }

    private static (SimulationLoop Loop, SimulatedProcess Process) World(int seed = 1)
    {
        var loop = new SimulationLoop(seed, mostTasks: 10_000, s_hour);
        return (loop, new SimulatedProcess(loop, "world"));
    }
}

namespace FastConsumer.Tests.Hosting;

public sealed class StopTests : WorkerTest
{
    [Fact]
    public async Task A_handler_that_ends_by_its_token_only_is_cancelled_and_its_record_runs_again()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5, keys: 1);
        var reached = new TaskCompletionSource();
        Journal.Handler = async (delivery, _, token) =>
        {
            if (delivery.Text == "key-0:2")
            {
                reached.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            }
        };
        await using (WorkerHost host = await StartAsync(static options => options.StopTimeout = TimeSpan.FromSeconds(8)))
        {
            await Eventually.WithinAsync(reached.Task);
            await host.StopAsync();
            Assert.Single(host.Log.Of(2403));
            Assert.Empty(host.Log.Of(2106));
        }

        Assert.Equal(2, Journal.Done.Count);
        AssertReleasedAtWhatIsDone();
        Journal.Handler = static (_, _, _) => default;
        await using WorkerHost next = await StartAsync();
        await Journal.WaitForAsync(texts, next.Log);
        Journal.AssertEachOnce(texts);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_ignores_its_token_does_not_keep_the_lease(bool blocksItsThread)
    {
        Kinesis.CreateStream(Stream);
        Put(5, keys: 1);
        var reached = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        using var unblock = new ManualResetEventSlim();
        Journal.Handler = async (delivery, _, _) =>
        {
            if (delivery.Text == "key-0:2")
            {
                reached.TrySetResult();
                if (blocksItsThread)
                {
                    unblock.Wait(CancellationToken.None);
                }
                else
                {
                    await release.Task;
                }
            }
        };
        await using WorkerHost host = await StartAsync(static options => options.StopTimeout = TimeSpan.FromSeconds(8));
        host.MustReturnMemory = false;
        await Eventually.WithinAsync(reached.Task);
        await host.StopAsync();
        Assert.Single(host.Log.Of(2403));
        Assert.Single(host.Log.Of(2106));
        Assert.Equal(2, Journal.Done.Count);
        Assert.Equal(0, Journal.Disposed);
        AssertReleasedAtWhatIsDone();
        CheckpointPosition released = Rows.Single().Checkpoint;
        release.SetResult();
        unblock.Set();
        // it ends after all, and nothing comes of it
        await Eventually.TrueAsync(() => Journal.Done.Count == 3, () => host.Log.ToString());
        Assert.Equal(released, Rows.Single().Checkpoint);
    }

    [Fact]
    public async Task A_life_cycle_method_that_hangs_does_not_keep_the_lease()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5, keys: 1);
        Journal.LifeCycle = static async (method, _, _) =>
        {
            if (method == "stopping")
            {
                await new TaskCompletionSource().Task;
            }
        };
        await using WorkerHost host = await StartAsync(static options => options.StopTimeout = TimeSpan.FromSeconds(10));
        await Journal.WaitForAsync(texts, host.Log);
        await host.StopAsync();
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_store_that_fails_for_a_moment_gets_its_release_all_the_same()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(20);
        var store = new ScriptedLeaseStoreFactory(Leases);
        int releases = 0;
        store.Store.BeforeRelease = _ => Interlocked.Increment(ref releases) <= 4
            ? throw new FastConsumer.Leases.LeaseStoreException("throttled", isTransient: true)
            : Task.CompletedTask;
        await using WorkerHost host = await StartAsync(store: store);
        await Journal.WaitForAsync(texts, host.Log);
        await host.StopAsync();
        Assert.Equal(6, releases);
        Assert.Equal(4, host.Log.Of(2307).Count());
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_store_that_is_gone_does_not_hold_up_the_stop_for_ever()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5);
        var store = new ScriptedLeaseStoreFactory(Leases);
        await using WorkerHost host = await StartAsync(
            static options => (options.StopTimeout, options.CheckpointInterval) = (TimeSpan.FromSeconds(4), TimeSpan.FromHours(1)), store);
        await Journal.WaitForAsync(texts, host.Log);
        store.Store.Die();
        await host.StopAsync();
        await host.WaitForLogAsync(2202);
        await host.WaitForLogAsync(2303);
    }

    [Fact]
    public async Task Stopping_twice_and_at_once_is_stopping_once()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5);
        await using WorkerHost host = await StartAsync();
        await Journal.WaitForAsync(texts, host.Log);
        await Task.WhenAll(host.StopAsync(), host.StopAsync());
        await host.StopAsync();
        Assert.Single(Journal.Events, static what => what == "0 stopping");
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_checkpoint_that_is_waited_for_at_the_stop_is_written()
    {
        Kinesis.CreateStream(Stream);
        Put(3, keys: 1);
        var store = new ScriptedLeaseStoreFactory(Leases);
        bool failing = true;
        store.Store.BeforeUpdate = (updates, _) => Volatile.Read(ref failing) && ScriptedLeaseStore.CheckpointOf(updates[0]) is not null
            ? throw new FastConsumer.Leases.LeaseStoreException("throttled", isTransient: true)
            : Task.CompletedTask;
        Journal.Handler = static (_, context, token) => context.CheckpointAsync(token);
        await using WorkerHost host = await StartAsync(store: store);
        await host.WaitForLogAsync(2200);
        Task stop = host.StopAsync();
        Volatile.Write(ref failing, false);
        await stop;
        Assert.Single(Journal.Done);
        AssertReleasedAtWhatIsDone();
    }
}

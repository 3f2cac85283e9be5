using FastConsumer.Leases;

namespace FastConsumer.Tests.Hosting;

public sealed class LeaseTests : WorkerTest
{
    [Fact]
    public async Task A_lease_that_is_taken_away_ends_the_handler_and_is_never_written_again()
    {
        Kinesis.CreateStream(Stream);
        Put(10, keys: 1);
        var reached = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource<Exception>();
        Journal.Handler = async (delivery, context, token) =>
        {
            if (delivery.Text == "key-0:3" && delivery.FencingToken == 1)
            {
                reached.TrySetResult();
                try
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
                }
                catch (OperationCanceledException)
                {
                    cancelled.TrySetResult(await Record(() => context.CheckpointAsync(CancellationToken.None)));
                    throw;
                }
            }
        };
        await using WorkerHost host = await StartAsync(static options => options.CheckpointInterval = TimeSpan.FromHours(1));
        await Eventually.WithinAsync(reached.Task);
        Lease stolen = Steal("somebody-else");
        LeaseLostException lost = Assert.IsType<LeaseLostException>(await Eventually.WithinAsync(cancelled.Task));
        Assert.Equal("shardId-000000000000", lost.ShardId);
        Assert.Contains("somebody-else", lost.Message, StringComparison.Ordinal);
        await host.WaitForLogAsync(2301);
        await Eventually.TrueAsync(() => Journal.Events.Contains("0 lost") && Journal.Disposed == 1, () => host.Log.ToString());
        Assert.Equal(3, Journal.Done.Count);
        // nothing but the next owner, who is dead and whose lease expires, or this worker's own next take, has written since
        Lease row = Rows.Single();
        Assert.True(row.LeaseCounter > stolen.LeaseCounter || row.LeaseOwner == "somebody-else");
        Assert.Equal(stolen.Checkpoint, row.Checkpoint);
        await Eventually.TrueAsync(
            () => Journal.Done.Any(static delivery => delivery.Text == "key-0:9" && delivery.FencingToken > 1), () => host.Log.ToString());
        Assert.Empty(host.Log.Of(2405));
    }

    [Fact]
    public async Task A_checkpoint_that_waits_is_told_of_the_loss()
    {
        Kinesis.CreateStream(Stream);
        Put(3, keys: 1);
        var result = new TaskCompletionSource<Exception>();
        var reached = new TaskCompletionSource();
        var store = new ScriptedLeaseStoreFactory(Leases);
        store.Store.BeforeUpdate = static (updates, _) => ScriptedLeaseStore.CheckpointOf(updates[0]) is not null
            ? throw new LeaseStoreException("throttled", isTransient: true) : Task.CompletedTask;
        Journal.Handler = async (delivery, context, token) =>
        {
            if (delivery.FencingToken == 1)
            {
                reached.TrySetResult();
                result.TrySetResult(await Record(() => context.CheckpointAsync(token)));
                // it goes on as if nothing were; the record must not count as done, nor the next one run
                throw new InvalidOperationException("after the loss");
            }
        };
        await using WorkerHost host = await StartAsync(store: store);
        await Eventually.WithinAsync(reached.Task);
        Steal("somebody-else");
        Assert.IsType<LeaseLostException>(await Eventually.WithinAsync(result.Task));
        await host.WaitForLogAsync(2301);
        Assert.Empty(host.Log.Of(2405));
        store.Store.BeforeUpdate = static (_, _) => Task.CompletedTask;
    }

    [Fact]
    public async Task A_handler_that_ignores_the_loss_holds_nothing()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(40);
        var stuck = new TaskCompletionSource<string>();
        var cancelled = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        Journal.Handler = async (delivery, _, token) =>
        {
            if (delivery.FencingToken == 1 && stuck.TrySetResult(delivery.ShardId))
            {
                await using (token.UnsafeRegister(_ => cancelled.TrySetResult(), null))
                {
                    await release.Task;
                }
            }
        };
        await using WorkerHost host = await StartAsync(static options => options.LeaseDuration = TimeSpan.FromSeconds(2));
        string shardId = await Eventually.WithinAsync(stuck.Task);
        Lease held = Rows.Single(row => row.LeaseKey == shardId);
        Leases.Put(WorkerHost.Application, held with { LeaseOwner = "somebody-else", LeaseCounter = held.LeaseCounter + 1 });
        await Eventually.WithinAsync(cancelled.Task);
        // whoever robbed it shows no sign of life, so the shard comes back, to another handler
        await host.WaitForLogAsync(2301);
        await host.WaitForLogAsync(2106);
        Assert.Single(host.Log.Of(2106));
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Equal(0, Journal.Disposed);
        // and when it ends after all, it leaves nothing behind
        release.SetResult();
        await Eventually.TrueAsync(() => Journal.Disposed == 1 && host.BudgetUsed == 0, () => host.Log.ToString());
        // it was promised the call, late as it is
        Assert.Single(Journal.Events, static what => what.EndsWith(" lost", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_call_of_OnLeaseLost_that_hangs_keeps_the_shard_from_nobody()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(10, keys: 1);
        var cancelled = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        Journal.LifeCycle = async (method, _, token) =>
        {
            if (method == "lost")
            {
                await using (token.UnsafeRegister(_ => cancelled.TrySetResult(), null))
                {
                    await release.Task;
                }
            }
        };
        await using WorkerHost host = await StartAsync(static options => options.LeaseDuration = TimeSpan.FromSeconds(2));
        await Journal.WaitForAsync(texts, host.Log);
        Steal("somebody-else");
        await Eventually.WithinAsync(cancelled.Task);
        texts.AddRange(Put(10, keys: 1));
        await Journal.WaitForAsync(texts, host.Log);
        LogEntry told = Assert.Single(host.Log.Of(2130));
        Assert.Contains("OnLeaseLost of shard shardId-000000000000", told.Message, StringComparison.Ordinal);
        // it keeps its services as long as it uses them
        Assert.Equal(0, Journal.Disposed);
        release.SetResult();
        await Eventually.TrueAsync(() => Journal.Disposed == 1, () => host.Log.ToString());
    }

    [Fact]
    public async Task Two_workers_settle_at_fair_shares_and_lose_nothing()
    {
        Kinesis.CreateStream(Stream, shardCount: 6);
        List<string> texts = Put(300);
        await using (WorkerHost first = await StartAsync())
        {
            await Journal.WaitForAsync(texts, first.Log);
            await using (WorkerHost second = await StartAsync())
            {
                await Eventually.TrueAsync(
                    () => Rows.Select(static row => row.LeaseOwner).OfType<string>().GroupBy(static owner => owner)
                        .Select(static group => group.Count()).SequenceEqual([3, 3]),
                    () => string.Join('\n', Rows) + first.Log + second.Log);
                texts.AddRange(Put(300));
                await Journal.WaitForAsync(texts, first.Log);
            }

            // the second is gone, and has given back what it held
            texts.AddRange(Put(300));
            await Journal.WaitForAsync(texts, first.Log);
        }

        Assert.Equal(
            texts.Order(StringComparer.Ordinal),
            Journal.Done.Select(static delivery => delivery.Text).Distinct().Order(StringComparer.Ordinal));
        Assert.All(Rows, static row => Assert.Null(row.LeaseOwner));
    }

    [Fact]
    public async Task The_shards_of_a_worker_whose_table_stops_answering_are_taken_over_and_it_notices_in_time()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(40);
        var dying = new ScriptedLeaseStoreFactory(Leases);
        await using WorkerHost first = await StartAsync(
            static options => (options.WorkerId, options.LeaseDuration) = ("first", TimeSpan.FromSeconds(2)), dying);
        await Journal.WaitForAsync(texts, first.Log);
        await Eventually.TrueAsync(
            () => Rows.All(row => row.LeaseOwner == "first" && row.Checkpoint == CheckpointPosition.At(
                Journal.Done.Where(delivery => delivery.ShardId == row.LeaseKey).Max(static delivery => delivery.Number))),
            () => first.Log.ToString());
        dying.Store.Die();
        await Eventually.TrueAsync(() => first.Log.Of(2301).Count() == 2, () => first.Log.ToString());
        await Eventually.TrueAsync(
            () => Journal.Events.Count(static what => what.EndsWith(" lost", StringComparison.Ordinal)) == 2, () => first.Log.ToString());
        await using WorkerHost second = await StartAsync(static options => options.WorkerId = "second");
        texts.AddRange(Put(40));
        await Journal.WaitForAsync(texts, second.Log);
        Assert.All(Rows, static row => Assert.Equal("second", row.LeaseOwner));
        // what the first had done was checkpointed, so nothing is repeated
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task A_host_that_is_disposed_without_a_stop_leaves_nothing_running()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(40);
        WorkerHost first = await StartAsync(static options => options.WorkerId = "first");
        await Journal.WaitForAsync(texts, first.Log);
        await first.DisposeWithoutStopAsync();
        Assert.True(Journal.Instances == Journal.Disposed, first.Log.ToString());
        long requests = Kinesis.RequestCount();
        await using WorkerHost second = await StartAsync(static options => options.WorkerId = "second");
        texts.AddRange(Put(40));
        await Journal.WaitForAsync(texts, second.Log);
        Assert.All(Rows, static row => Assert.Equal("second", row.LeaseOwner));
        Assert.True(Kinesis.RequestCount() > requests);
        Assert.Empty(first.Log.Of(2405));
    }

    [Fact]
    public async Task A_slow_handler_costs_no_lease()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(3, keys: 1);
        Journal.Handler = static async (delivery, _, token) =>
        {
            if (delivery.Text == "key-0:1")
            {
                await Task.Delay(TimeSpan.FromSeconds(4), TimeProvider.System, token);
            }
        };
        await using WorkerHost host = await StartAsync(static options => options.LeaseDuration = TimeSpan.FromSeconds(3));
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Empty(host.Log.Of(2301));
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task A_callback_that_blocks_on_the_handlers_token_costs_no_other_lease()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        string lost = OpenShards()[0];
        string other = OpenShards()[1];
        using var unblock = new ManualResetEventSlim();
        var reached = new TaskCompletionSource();
        FastConsumer.Kinesis.HashKeyRange range = Kinesis.ListShards(Stream)[0].HashKeyRange;
        Kinesis.Put(Stream, "key", "key:0", range.StartingHashKey);
        Journal.Handler = async (delivery, _, token) =>
        {
            if (delivery.FencingToken == 1)
            {
                await using CancellationTokenRegistration blocking = token.Register(() => unblock.Wait(TimeSpan.FromSeconds(30)));
                reached.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
            }
        };
        await using WorkerHost host = await StartAsync(static options => options.LeaseDuration = TimeSpan.FromSeconds(3));
        await Eventually.WithinAsync(reached.Task);
        await Eventually.TrueAsync(() => Rows.All(static row => row.LeaseOwner is not null), () => host.Log.ToString());
        Leases.Put(WorkerHost.Application, Row(lost) with { LeaseOwner = "somebody-else", LeaseCounter = Row(lost).LeaseCounter + 100 });
        long counter = Row(other).LeaseCounter;
        await Eventually.TrueAsync(() => Row(other).LeaseCounter > counter + 5, () => $"{Row(other)}\n{host.Log}");
        Assert.DoesNotContain(host.Log.Of(2301), entry => entry.Message.Contains(other, StringComparison.Ordinal));
        unblock.Set();
        // it was given up, and leaves nothing behind when it ends after all
        await Eventually.TrueAsync(() => host.BudgetUsed == 0, () => host.Log.ToString());
    }

    private static async Task<Exception> Record(Func<ValueTask> call)
    {
        try
        {
            await call();
            return new InvalidOperationException("It succeeded.");
        }
        catch (Exception e)
        {
            return e;
        }
    }

    private Lease Steal(string owner)
    {
        Lease row = Rows.Single();
        Lease stolen = row with { LeaseOwner = owner, LeaseCounter = row.LeaseCounter + 1 };
        Leases.Put(WorkerHost.Application, stolen);
        return stolen;
    }
}

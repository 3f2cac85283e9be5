
namespace FastConsumer.Tests.Hosting;

public sealed class ConsumingTests : WorkerTest
{
    [Fact]
    public async Task Three_shards_are_consumed_in_order_each_by_an_instance_of_its_own_and_released_at_what_is_done()
    {
        Kinesis.CreateStream(Stream, shardCount: 3);
        List<string> texts = Put(600);
        await using (WorkerHost host = await StartAsync())
        {
            await Journal.WaitForAsync(texts, host.Log);
            texts.AddRange(Put(100));
            await Journal.WaitForAsync(texts, host.Log);
            Assert.Equal(3, Journal.Instances);
            Assert.Equal(0, Journal.Disposed);
            await host.StopAsync();
        }

        Journal.AssertEachOnce(texts);
        Assert.Equal(3, Journal.Disposed);
        Assert.Equal(3, Rows.Count);
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_restart_repeats_nothing_and_leaves_nothing_out()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(100);
        for (int run = 0; run < 3; run++)
        {
            await using WorkerHost host = await StartAsync();
            await Journal.WaitForAsync(texts, host.Log);
            await host.StopAsync();
            AssertReleasedAtWhatIsDone();
            texts.AddRange(Put(50));
        }

        await using WorkerHost last = await StartAsync();
        await Journal.WaitForAsync(texts, last.Log);
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task A_stop_in_the_middle_of_a_page_checkpoints_exactly_what_is_done()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(200, keys: 1);
        var reached = new TaskCompletionSource();
        Journal.Handler = async (delivery, _, _) =>
        {
            if (delivery.Text == "key-0:57")
            {
                reached.TrySetResult();
                // the stop comes while this record runs: it is finished, and no other starts
                await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, CancellationToken.None);
            }
        };
        await using (WorkerHost host = await StartAsync())
        {
            await Eventually.WithinAsync(reached.Task);
            await host.StopAsync();
        }

        Assert.Equal(58, Journal.Done.Count);
        Assert.Equal(58, Journal.Begun.Count);
        AssertReleasedAtWhatIsDone();
        await using WorkerHost next = await StartAsync();
        await Journal.WaitForAsync(texts, next.Log);
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task Synchronous_handlers_are_stopped_between_two_records_too()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(5000, keys: 1);
        using var reached = new ManualResetEventSlim();
        Journal.Handler = (delivery, _, _) =>
        {
            if (delivery.Text == "key-0:10")
            {
                reached.Set();
            }

            // slow enough to be caught in the middle
            Thread.SpinWait(20_000);
            return default;
        };
        await using (WorkerHost host = await StartAsync<SyncProcessor>())
        {
            await Eventually.TrueAsync(() => reached.IsSet, () => host.Log.ToString());
            await host.StopAsync();
        }

        AssertReleasedAtWhatIsDone();
        await using WorkerHost next = await StartAsync<SyncProcessor>();
        await Journal.WaitForAsync(texts, next.Log);
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task Fencing_tokens_grow_with_every_owner()
    {
        Kinesis.CreateStream(Stream);
        List<long> tokens = [];
        for (int run = 0; run < 3; run++)
        {
            List<string> texts = Put(5);
            await using WorkerHost host = await StartAsync();
            await Journal.WaitForAsync(texts, host.Log);
            tokens.Add(Journal.Done[^1].FencingToken);
        }

        Assert.Equal(tokens.Order().Distinct(), tokens);
    }

    [Fact]
    public async Task Fifty_shards_and_twenty_thousand_records()
    {
        Kinesis.CreateStream(Stream, shardCount: 50);
        List<string> texts = Put(20_000, keys: 1000);
        await using (WorkerHost host = await StartAsync<SyncProcessor>())
        {
            await Eventually.TrueAsync(
                () => Journal.Done.Count >= texts.Count, () => $"{Journal.Done.Count} of {texts.Count}\n{host.Log.Entries.Count}");
        }

        Journal.AssertEachOnce(texts);
        Assert.Equal(50, Rows.Count);
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_budget_of_one_byte_still_lets_every_shard_read_and_every_stop_return()
    {
        Kinesis.CreateStream(Stream, shardCount: 4);
        List<(string Text, string ShardId)> puts = [
            .. Enumerable.Range(0, 400).Select(i => PutOne($"key-{i % 10}")).Select(static put => (put.Text, put.ShardId))];
        List<string> texts = [.. puts.Select(static put => put.Text)];
        var release = new TaskCompletionSource();
        string slow = puts[0].ShardId;
        Journal.Handler = async (delivery, _, token) =>
        {
            if (delivery.ShardId == slow)
            {
                await release.Task.WaitAsync(token);
            }
        };
        await using (WorkerHost host = await StartAsync(options =>
        {
            options.PrefetchBytes = 1;
            options.Limit = 10;
        }))
        {
            await Journal.WaitForAsync([.. puts.Where(put => put.ShardId != slow).Select(static put => put.Text)], host.Log);
            release.SetResult();
            await Journal.WaitForAsync(texts, host.Log);
        }

        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task A_stop_while_readers_wait_for_the_budget_returns()
    {
        Kinesis.CreateStream(Stream);
        Put(100);
        var reached = new TaskCompletionSource();
        Journal.Handler = async (_, _, _) =>
        {
            reached.TrySetResult();
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, CancellationToken.None);
        };
        await using WorkerHost host = await StartAsync(options =>
        {
            options.PrefetchBytes = 1;
            options.Limit = 10;
        });
        await Eventually.WithinAsync(reached.Task);
        await host.StopAsync();
        Assert.All(Rows, static row => Assert.Null(row.LeaseOwner));
    }
}

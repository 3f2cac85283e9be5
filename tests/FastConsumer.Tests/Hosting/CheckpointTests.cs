using FastConsumer.Leases;

namespace FastConsumer.Tests.Hosting;

public sealed class CheckpointTests : WorkerTest
{
    [Fact]
    public async Task A_checkpoint_that_has_returned_is_in_the_table()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        List<string> texts = Put(40);
        List<string> wrong = [];
        Journal.Handler = async (delivery, context, token) =>
        {
            if (delivery.Text.EndsWith(":1", StringComparison.Ordinal))
            {
                await context.CheckpointAsync(token);
                if (Row(delivery.ShardId).Checkpoint < CheckpointPosition.At(delivery.Number))
                {
                    lock (wrong)
                    {
                        wrong.Add(delivery.Text);
                    }
                }
            }
        };
        await using WorkerHost host = await StartAsync(static options => options.CheckpointInterval = TimeSpan.FromHours(1));
        await Journal.WaitForAsync(texts, host.Log);
        Assert.Empty(wrong);
        await host.StopAsync();
        Journal.AssertEachOnce(texts);
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_throw_after_a_checkpoint_is_logged_and_the_record_is_not_tried_again()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(10, keys: 1);
        Journal.Handler = static async (delivery, context, token) =>
        {
            if (delivery.Text == "key-0:4")
            {
                await context.CheckpointAsync(token);
                throw new InvalidOperationException("too late");
            }
        };
        await using WorkerHost host = await StartAsync();
        await Journal.WaitForAsync([.. texts.Where(static text => text != "key-0:4")], host.Log);
        LogEntry logged = await host.WaitForLogAsync(2102);
        Assert.Equal("too late", logged.Error!.Message);
        Assert.Equal(texts, Journal.Begun.Select(static delivery => delivery.Text));
        await host.StopAsync();
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_checkpoint_waits_for_a_store_that_fails_and_holds_up_no_other_shard()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        string blocked = OpenShards()[0];
        var store = new ScriptedLeaseStoreFactory(Leases);
        bool failing = true;
        store.Store.BeforeUpdate = (updates, _) => Volatile.Read(ref failing)
            && updates.Any(update => update.LeaseKey == blocked && ScriptedLeaseStore.CheckpointOf(update) is not null)
            ? throw new LeaseStoreException("The table is throttled.", isTransient: true)
            : Task.CompletedTask;
        List<string> texts = Put(40);
        string[] ofBlocked = [];
        Journal.Handler = async (delivery, context, token) =>
        {
            if (delivery.ShardId == blocked)
            {
                await context.CheckpointAsync(token);
            }
        };
        await using WorkerHost host = await StartAsync(store: store);
        await host.WaitForLogAsync(2200);
        await Eventually.TrueAsync(() => Journal.Begun.Any(delivery => delivery.ShardId == blocked), () => host.Log.ToString());
        texts.AddRange(Put(40));
        await Eventually.TrueAsync(
            () => Journal.Begun.Count == Journal.Done.Count + 1 && Journal.Done.Count > 0, () => host.Log.ToString());
        Assert.Single(Journal.Begun, delivery => delivery.ShardId == blocked);
        Volatile.Write(ref failing, false);
        await Journal.WaitForAsync(texts, host.Log);
        await host.StopAsync();
        Journal.AssertEachOnce(texts);
        AssertReleasedAtWhatIsDone();
        Assert.Empty(ofBlocked);
    }

    [Fact]
    public async Task A_write_whose_answer_is_lost_costs_neither_lease_nor_checkpoint()
    {
        Kinesis.CreateStream(Stream, shardCount: 2);
        var store = new ScriptedLeaseStoreFactory(Leases);
        int lost = 0;
        // two of seven writes take effect, and the store does not know it, or throws
        store.Store.AfterUpdate = results => (Interlocked.Increment(ref lost) % 7) switch
        {
            1 => [.. results.Select(static _ => new LeaseWrite.Result(LeaseWrite.Outcome.Unknown, Error: new TimeoutException("lost")))],
            4 => throw new LeaseStoreException("lost", isTransient: true),
            _ => results,
        };
        List<string> texts = Put(50);
        await using WorkerHost host = await StartAsync(static options => options.CheckpointInterval = TimeSpan.FromMilliseconds(50), store);
        await Journal.WaitForAsync(texts, host.Log);
        for (int i = 0; i < 20; i++)
        {
            texts.AddRange(Put(10));
            await Journal.WaitForAsync(texts, host.Log);
        }

        await host.StopAsync();
        Assert.True(lost > 10);
        Assert.True(!host.Log.Of(2301).Any(), host.Log.ToString());
        Journal.AssertEachOnce(texts);
        AssertReleasedAtWhatIsDone();
        Assert.Empty(host.Log.Of(2301));
    }

    [Fact]
    public async Task An_exception_that_no_store_should_throw_ends_neither_checkpoints_nor_renewals()
    {
        Kinesis.CreateStream(Stream);
        var store = new ScriptedLeaseStoreFactory(Leases);
        int calls = 0;
        store.Store.BeforeUpdate = (_, _) => Interlocked.Increment(ref calls) <= 3
            ? throw new NotSupportedException("a bug of the store")
            : Task.CompletedTask;
        List<string> texts = Put(10);
        await using WorkerHost host = await StartAsync(store: store);
        await Journal.WaitForAsync(texts, host.Log);
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint.Kind == CheckpointKind.Record, () => host.Log.ToString());
        await Eventually.TrueAsync(() => calls > 8, () => host.Log.ToString());
        Assert.Empty(host.Log.Of(2405));
    }

    [Fact]
    public async Task Checkpoints_never_go_back_and_never_stand_ahead_of_what_is_done()
    {
        Kinesis.CreateStream(Stream);
        var store = new ScriptedLeaseStoreFactory(Leases);
        List<string> ahead = [];
        store.Store.BeforeUpdate = (updates, _) =>
        {
            foreach (CheckpointPosition position in updates
                .Select(ScriptedLeaseStore.CheckpointOf)
                .OfType<CheckpointPosition>()
                .Where(static position => position.Kind == CheckpointKind.Record))
            {
                if (!Journal.Done.Any(delivery => CheckpointPosition.At(delivery.Number) == position))
                {
                    lock (ahead)
                    {
                        ahead.Add(position.ToString());
                    }
                }
            }

            return Task.CompletedTask;
        };
        List<string> texts = Put(500, keys: 3);
        Journal.Handler = static async (_, _, _) => await Task.Yield();
        await using (WorkerHost host = await StartAsync(
            static options =>
            {
                options.CheckpointInterval = TimeSpan.FromMilliseconds(1);
                options.Limit = 20;
            },
            store))
        {
            await Journal.WaitForAsync(texts, host.Log);
        }

        Assert.Empty(ahead);
        Assert.Equal(store.Store.Checkpoints.Order(), store.Store.Checkpoints);
        Journal.AssertEachOnce(texts);
    }

    [Fact]
    public async Task The_number_of_records_between_checkpoints_is_bounded()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(100);
        Journal.Handler = async (_, _, _) =>
        {
            if (Journal.Done.Count == 90)
            {
                await Eventually.TrueAsync(() => Rows.Single().Checkpoint.Kind == CheckpointKind.Record, () => "No checkpoint came.");
            }
        };
        await using WorkerHost host = await StartAsync(static options =>
        {
            options.CheckpointInterval = TimeSpan.FromHours(1);
            options.CheckpointRecords = 30;
        });
        await Journal.WaitForAsync(texts, host.Log);
    }
}

namespace FastConsumer.Tests.Hosting;

public sealed class BatchHandlerTests : WorkerTest
{
    [Fact]
    public async Task Batches_go_over_pages_and_hold_no_more_than_their_bounds()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(50, keys: 5);
        List<int> sizes = [];
        Journal.BatchHandler = (batch, _, _) =>
        {
            sizes.Add(batch.Count);
            return default;
        };
        await using (WorkerHost host = await StartAsync<SmallBatchProcessor>(static options => options.Limit = 3))
        {
            await Journal.WaitForAsync(texts, host.Log);
        }

        Journal.AssertEachOnce(texts);
        AssertReleasedAtWhatIsDone();
        Assert.All(sizes, static size => Assert.InRange(size, 1, 4));
        // pages hold three, and batches more
        Assert.Contains(4, sizes);
    }

    [Fact]
    public async Task The_bytes_of_a_batch_are_bounded()
    {
        Kinesis.CreateStream(Stream);
        string large = new('x', 150);
        Kinesis.Put(Stream, "a", new string('a', 60));
        Kinesis.Put(Stream, "a", new string('b', 60));
        Kinesis.Put(Stream, "a", large);
        Kinesis.Put(Stream, "a", new string('c', 40));
        Kinesis.Put(Stream, "a", new string('d', 60));
        List<string> batches = [];
        Journal.BatchHandler = (batch, _, _) =>
        {
            batches.Add(string.Concat(batch.Select(static delivery => delivery.Text[0])));
            return default;
        };
        await using WorkerHost host = await StartAsync<LargeBatchProcessor>();
        await Eventually.TrueAsync(() => Journal.Done.Count == 5, () => host.Log.ToString());
        Assert.Equal(["a", "b", "x", "cd"], batches);
    }

    [Fact]
    public async Task A_batch_that_throws_runs_again_as_a_whole()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(4, keys: 1);
        List<string> calls = [];
        Journal.BatchHandler = (batch, context, _) =>
        {
            calls.Add($"{context.Attempt}:{batch.Count}");
            if (context.Attempt < 3)
            {
                // what it named before it broke down says nothing of the rest
                context.Fail(1, new InvalidOperationException("one of them"));
                throw new InvalidOperationException("all of them");
            }

            return default;
        };
        await using (WorkerHost host = await StartAsync<FullBatchProcessor>())
        {
            await Journal.WaitForAsync(texts, host.Log);
        }

        Assert.Equal(["1:4", "2:4", "3:4"], calls);
        Journal.AssertEachOnce(texts);
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task Only_what_a_batch_named_runs_again_and_nothing_behind_it_meanwhile()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(8, keys: 1);
        List<string> calls = [];
        Journal.BatchHandler = (batch, context, _) =>
        {
            calls.Add(string.Join(' ', batch.Select(static delivery => delivery.Text)));
            for (int i = 0; i < batch.Count; i++)
            {
                if ((batch[i].Text == "key-0:1" && context.Attempt < 3) || (batch[i].Text == "key-0:2" && context.Attempt < 2))
                {
                    context.Fail(i, new InvalidOperationException("not yet"));
                }
            }

            return default;
        };
        await using (WorkerHost host = await StartAsync<FullBatchProcessor>(static options => options.Limit = 2))
        {
            await Journal.WaitForAsync(texts, host.Log);
            await Eventually.TrueAsync(() => calls.Count == 4, () => string.Join('\n', calls));
        }

        Assert.Equal(["key-0:0 key-0:1 key-0:2 key-0:3", "key-0:1 key-0:2", "key-0:1", "key-0:4 key-0:5 key-0:6 key-0:7"], calls);
        Assert.Equal(CheckpointPosition.At(Journal.Done[^1].Number), Rows.Single().Checkpoint);
    }

    [Fact]
    public async Task A_context_that_was_kept_says_nothing_of_later_batches()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(8, keys: 1);
        BatchContext? kept = null;
        List<Exception> refused = [];
        CheckpointPosition durable = default;
        Journal.BatchHandler = async (_, context, token) =>
        {
            if (kept is null)
            {
                kept = context;
                return;
            }

            refused.Add((await Record.ExceptionAsync(async () => await kept.CheckpointAsync(token)))!);
            refused.Add(Record.Exception(() => kept.Fail(0, new InvalidOperationException("late")))!);
            durable = Rows.Single().Checkpoint;
        };
        await using (WorkerHost host = await StartAsync<FullBatchProcessor>())
        {
            await Journal.WaitForAsync(texts, host.Log);
        }

        Assert.Equal(2, refused.Count);
        Assert.All(refused, static error => Assert.StartsWith(
            "The batch's call has returned", Assert.IsType<InvalidOperationException>(error).Message, StringComparison.Ordinal));
        Assert.True(durable <= CheckpointPosition.At(Journal.Done[3].Number));
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_batch_checkpoints_over_several_pages_and_a_throw_after_it_repeats_nothing()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(4, keys: 1);
        CheckpointPosition durable = default;
        Journal.BatchHandler = async (batch, context, token) =>
        {
            await context.CheckpointAsync(token);
            durable = Rows.Single().Checkpoint;
            throw new InvalidOperationException("too late");
        };
        await using WorkerHost host = await StartAsync<FullBatchProcessor>(static options =>
        {
            options.Limit = 1;
            options.CheckpointInterval = TimeSpan.FromHours(1);
        });
        await host.WaitForLogAsync(2102);
        await host.StopAsync();
        Assert.Equal(texts, Journal.Begun.Select(static delivery => delivery.Text));
        Assert.Equal(CheckpointPosition.At(Journal.Begun[^1].Number), durable);
        AssertReleasedAtWhatIsDone();
    }

    [Fact]
    public async Task A_retried_part_of_a_batch_checkpoints_what_stood_between_too()
    {
        Kinesis.CreateStream(Stream);
        Put(4, keys: 1);
        CheckpointPosition first = default;
        CheckpointPosition second = default;
        Journal.BatchHandler = async (batch, context, token) =>
        {
            if (context.Attempt == 1)
            {
                context.Fail(1, new InvalidOperationException("not yet"));
                context.Fail(3, new InvalidOperationException("not yet"));
                await context.CheckpointAsync(token);
                first = Rows.Single().Checkpoint;
            }
            else
            {
                await context.CheckpointAsync(token);
                second = Rows.Single().Checkpoint;
            }
        };
        await using WorkerHost host = await StartAsync<FullBatchProcessor>(static options =>
        {
            options.Limit = 1;
            options.CheckpointInterval = TimeSpan.FromHours(1);
        });
        await Eventually.TrueAsync(() => Journal.Done.Count == 6, () => host.Log.ToString());
        Assert.Equal(CheckpointPosition.At(Journal.Begun[0].Number), first);
        Assert.Equal(CheckpointPosition.At(Journal.Begun[3].Number), second);
    }

    [Fact]
    public async Task A_batch_that_waits_for_company_is_run_when_its_time_is_over()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync<SmallBatchProcessor>();
        List<string> texts = Put(2);
        await Journal.WaitForAsync(texts, host.Log);
        texts.AddRange(Put(1));
        await Journal.WaitForAsync(texts, host.Log);
    }

    [Fact]
    public async Task The_last_batch_of_a_shard_is_run_before_the_shard_ends()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(3, keys: 1);
        Kinesis.SplitShard(Stream, OpenShards()[0]);
        texts.AddRange(Put(3, keys: 1));
        await using (WorkerHost host = await StartAsync<LargeBatchProcessor>())
        {
            await Journal.WaitForAsync(texts, host.Log);
        }

        Journal.AssertEachOnce(texts);
    }
}

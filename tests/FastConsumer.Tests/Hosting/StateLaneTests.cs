using System.Collections.Concurrent;
using FastConsumer.Leases;
using FastConsumer.State.Format;

namespace FastConsumer.Tests.Hosting;

/// <summary>State with records that are done although one before them is not: in lanes, and in batches.</summary>
public sealed class StateLaneTests : StateTest
{
    private const string Stubborn = "key-3:stubborn";

    /// <summary>So many of 60 records pass the one that fails at least: the others may wait in its lane.</summary>
    private const int Some = 15;

    private readonly ConcurrentQueue<string> _handled = [];

    [Fact]
    public async Task What_is_done_behind_a_record_that_fails_is_in_the_checkpoint_and_is_not_handled_again()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "key-3", Stubborn);
        List<string> texts = Put(60, keys: 20);
        bool fails = true;
        Journal.Handler = (delivery, _, _) =>
        {
            if (Volatile.Read(ref fails) && delivery.Text == Stubborn)
            {
                throw new InvalidOperationException("As the test wants it.");
            }

            _handled.Enqueue(delivery.Text);
            return default;
        };

        WorkerHost dying = await StartAsync<Lanes.CountingProcessor>();
        await Eventually.TrueAsync(async () => (await TextsAsync()).Count >= Some, () => dying.Log.ToString());
        await dying.DisposeWithoutStopAsync();
        HashSet<string> durable = await TextsAsync();
        Assert.DoesNotContain(Stubborn, durable);
        Assert.Equal(CheckpointKind.TrimHorizon, Rows.Single().Checkpoint.Kind);

        fails = false;
        texts.Add(Stubborn);
        _handled.Clear();
        await using WorkerHost next = await StartAsync<Lanes.CountingProcessor>();
        await CountedAsync(texts, next);
        await AssertCountsAsync(texts);
        Assert.Empty(_handled.Intersect(durable));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stop_keeps_what_is_done_behind_a_record_that_fails_whatever_shape_the_next_version_has(bool inBatches)
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "key-3", Stubborn);
        List<string> texts = Put(60, keys: 20);
        Journal.Handler = (delivery, _, _) =>
        {
            if (delivery.Text == Stubborn)
            {
                throw new InvalidOperationException("As the test wants it.");
            }

            _handled.Enqueue(delivery.Text);
            return default;
        };
        await using (WorkerHost host = await StartAsync<Lanes.CountingProcessor>(
            static options => options.CheckpointInterval = TimeSpan.FromHours(1)))
        {
            await Eventually.TrueAsync(() => _handled.Count >= Some, () => host.Log.ToString());
            await host.StopAsync();
        }

        Assert.Equal(_handled.Order(StringComparer.Ordinal), (await TextsAsync()).Order(StringComparer.Ordinal));
        texts.Add(Stubborn);
        Journal.Handler = (delivery, _, _) =>
        {
            _handled.Enqueue(delivery.Text);
            return default;
        };
        Journal.BatchHandler = (batch, _, _) =>
        {
            batch.ToList().ForEach(delivery => _handled.Enqueue(delivery.Text));
            return default;
        };
        await using WorkerHost next = inBatches
            ? await StartAsync<Batches.CountingProcessor>()
            : await StartAsync<CountingProcessor>();
        texts.AddRange(Put(20, keys: 20));
        await CountedAsync(texts, next);
        await AssertCountsAsync(texts);
        Assert.Equal(texts.Order(StringComparer.Ordinal), _handled.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_crash_in_lanes_counts_each_record_once()
    {
        Kinesis.CreateStream(Stream, 2);
        Journal.Handler = static async (delivery, _, token) =>
        {
            if (delivery.Text.EndsWith('7') && delivery.Attempt < 3)
            {
                throw new InvalidOperationException("As the test wants it.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(delivery.Text.Length % 3), TimeProvider.System, token);
        };
        List<string> texts = [];
        for (int i = 0; i < 4; i++)
        {
            texts.AddRange(Put(80, keys: 30));
            WorkerHost dying = await StartAsync<Lanes.CountingProcessor>(
                static options => options.CheckpointInterval = TimeSpan.FromMilliseconds(50));
            await CountedAsync([.. texts.Take(60 + (80 * i))], dying);
            await dying.DisposeWithoutStopAsync();
        }

        await using WorkerHost next = await StartAsync<Lanes.CountingProcessor>();
        await CountedAsync(texts, next);
        await AssertCountsAsync(texts);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_asks_for_a_checkpoint_has_its_state_in_it(bool inLanes)
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(20, keys: 5);
        List<string> missing = [];
        Exception? late = null;
        Journal.Handler = async (delivery, context, token) =>
        {
            _handled.Enqueue(delivery.Text);
            if (delivery.Text.EndsWith('2'))
            {
                await context.CheckpointAsync(token);
                if (!(await TextsAsync()).Contains(delivery.Text))
                {
                    missing.Add(delivery.Text);
                }

                // behind the checkpoint nothing is repeated
                late = new InvalidOperationException("As the test wants it.");
                throw late;
            }
        };
        await using WorkerHost host = inLanes
            ? await StartAsync<Lanes.CountingProcessor>(static options => options.CheckpointInterval = TimeSpan.FromHours(1))
            : await StartAsync<CountingProcessor>(static options => options.CheckpointInterval = TimeSpan.FromHours(1));
        await Eventually.TrueAsync(() => _handled.Count == texts.Count, () => host.Log.ToString());
        await host.StopAsync();
        Assert.NotNull(late);
        Assert.Empty(missing);
        await AssertCountsAsync(texts);
    }

    [Fact]
    public async Task A_batch_of_which_records_fail_keeps_the_others_and_repeats_these()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(60, keys: 7);
        Journal.Failing = static delivery => delivery.Text.EndsWith('4') && delivery.Attempt < 3;
        bool isRefused = true;
        Journal.BatchHandler = async (batch, context, token) =>
        {
            for (int i = 0; i < batch.Count; i++)
            {
                if (Journal.Failing(batch[i]))
                {
                    context.Fail(i, new InvalidOperationException("As the test wants it."));
                }
                else
                {
                    _handled.Enqueue(batch[i].Text);
                }
            }

            // the state of a call is that of the whole batch
            isRefused &= !batch.Any(Journal.Failing)
                || await Record.ExceptionAsync(() => context.CheckpointAsync(token).AsTask()) is InvalidOperationException;
        };
        await using (WorkerHost host = await StartAsync<Batches.CountingProcessor>(
            static options => options.CheckpointInterval = TimeSpan.FromMilliseconds(5)))
        {
            await CountedAsync(texts, host);
            await host.StopAsync();
        }

        Assert.True(isRefused);
        await AssertCountsAsync(texts);
        Assert.Equal(texts.Order(StringComparer.Ordinal), _handled.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_stop_between_two_tries_of_a_batch_keeps_what_is_done_of_it()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(10, keys: 5);
        bool fails = true;
        Journal.Failing = delivery => Volatile.Read(ref fails) && delivery.Text == texts[1];
        Journal.BatchHandler = (batch, context, _) =>
        {
            for (int i = 0; i < batch.Count; i++)
            {
                if (Journal.Failing(batch[i]))
                {
                    context.Fail(i, new InvalidOperationException("As the test wants it."));
                }
                else
                {
                    _handled.Enqueue(batch[i].Text);
                }
            }

            return default;
        };
        await using (WorkerHost host = await StartAsync<Batches.CountingProcessor>())
        {
            await Eventually.TrueAsync(async () => (await TextsAsync()).Count >= 2, () => host.Log.ToString());
            await host.StopAsync();
        }

        // it was not alone in its batch, and no later batch has run
        Assert.True(_handled.Count < texts.Count);
        Assert.Equal(_handled.Order(StringComparer.Ordinal), (await TextsAsync()).Order(StringComparer.Ordinal));
        fails = false;
        texts.AddRange(Put(20, keys: 5));
        await using WorkerHost next = await StartAsync<Batches.CountingProcessor>();
        await CountedAsync(texts, next);
        await AssertCountsAsync(texts);
        Assert.Equal(texts.Order(StringComparer.Ordinal), _handled.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_batch_that_throws_changes_nothing_and_one_that_asks_for_a_checkpoint_is_in_it()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(30, keys: 5);
        int asked = 0;
        Exception? failed = null;
        Journal.AfterBatch = async (batch, context, token) =>
        {
            if (context.Attempt < 2)
            {
                throw new InvalidOperationException("As the test wants it.");
            }

            await context.CheckpointAsync(token);
            Interlocked.Increment(ref asked);
            failed ??= Record.Exception(() => context.Fail(0, new FormatException()));
        };
        await using WorkerHost host = await StartAsync<Batches.CountingProcessor>(
            static options => options.CheckpointInterval = TimeSpan.FromHours(1));
        await CountedAsync(texts, host);
        await AssertCountsAsync(texts);
        Assert.True(asked > 0);
        Assert.IsType<InvalidOperationException>(failed);
    }

    [Fact]
    public async Task Fail_and_a_change_of_state_exclude_each_other()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(4, keys: 2);
        List<string> refused = [];
        Journal.BatchHandler = (_, context, _) =>
        {
            if (context.Attempt == 1)
            {
                context.Fail(0, new InvalidOperationException("As the test wants it."));
            }

            return default;
        };
        Journal.AfterBatch = (_, context, _) =>
        {
            if (Record.Exception(() => context.Fail(0, new FormatException())) is { } e)
            {
                refused.Add(e.Message);
            }

            return default;
        };
        await using WorkerHost host = await StartAsync<Batches.CountingProcessor>();
        // the first call changes the state of a record that has failed, which throws, and so nothing of it is kept
        await CountedAsync(texts, host);
        await AssertCountsAsync(texts);
        Assert.Contains("cannot fail alone", Assert.Single(refused.Distinct()), StringComparison.Ordinal);
        Assert.Contains("has failed, by Fail", host.Log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_snapshot_names_its_runs_in_order()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "key-3", Stubborn);
        List<string> texts = Put(60, keys: 20);
        Journal.Handler = static (delivery, _, _) =>
            delivery.Text == Stubborn ? throw new InvalidOperationException("As the test wants it.") : default;
        await using WorkerHost host = await StartAsync<Lanes.CountingProcessor>();
        await Eventually.TrueAsync(async () => (await TextsAsync()).Count >= Some, () => host.Log.ToString());
        await host.StopAsync();

        SnapshotHandle handle = SnapshotHandle.Parse(Rows.Single().Snapshot)!;
        string name = Objects.Snapshot().Keys.Single(name => name.EndsWith(handle.Object!, StringComparison.Ordinal));
        SnapshotManifest manifest = SegmentReader.ReadManifest(
            Objects.Snapshot()[name].Slice((int)handle.Offset, handle.Length).ToArray());
        Assert.NotEmpty(manifest.Runs);
        Assert.True(manifest.Runs.Count < texts.Count);
    }

    /// <summary>The texts in the state that the rows name.</summary>
    private async Task<HashSet<string>> TextsAsync() =>
        [.. (await ReadAsync()).Where(static entry => entry.State == "texts").Select(static entry => entry.SubKey<string>())];
}

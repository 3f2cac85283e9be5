using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;
using FastConsumer.Leases;
using FastConsumer.Operators;
using FastConsumer.State.Format;
using FastConsumer.Testing.Checkpoints;
using FastConsumer.Testing.Leases;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace FastConsumer.Tests.Hosting;

/// <summary>State that is checkpointed with the position.</summary>
public sealed class StateTests : StateTest
{
    [Fact]
    public async Task After_a_crash_each_record_counts_once()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(30);
        WorkerHost dying = await StartAsync<CountingProcessor>();
        await CountedAsync(texts, dying);
        // handled, and not checkpointed any more
        texts.AddRange(Put(30));
        await dying.DisposeWithoutStopAsync();

        texts.AddRange(Put(10));
        await using WorkerHost next = await StartAsync<CountingProcessor>();
        await CountedAsync(texts, next);
        await AssertCountsAsync(texts);
        Assert.Contains("with the state of", (await next.WaitForLogAsync(2416)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_fails_or_is_left_out_changes_nothing()
    {
        Kinesis.CreateStream(Stream);
        int failures = 0;
        Journal.Handler = (delivery, _, _) =>
            delivery.Text == "left out" ? throw new FormatException("As the test wants it.")
            : delivery.Attempt < 3 && delivery.Text.EndsWith('3') && Interlocked.Increment(ref failures) > 0
                ? throw new InvalidOperationException("As the test wants it.")
            : default;
        List<string> texts = Put(40);
        Kinesis.Put(Stream, "key-1", "left out");
        texts.AddRange(Put(10));
        await using WorkerHost host = await StartAsync<CountingProcessor>();
        await CountedAsync(texts, host);
        await AssertCountsAsync(texts);
        Assert.True(failures > 0);
    }

    [Fact]
    public async Task A_split_and_a_merge_carry_the_state_on()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync<CountingProcessor>();
        List<string> texts = Put(60, keys: 20);
        string root = OpenShards()[0];
        Kinesis.SplitShard(Stream, root);
        texts.AddRange(Put(60, keys: 20));
        await CountedAsync(texts, host);
        await AssertCountsAsync(texts);

        string[] halves = OpenShards();
        Kinesis.MergeShards(Stream, halves[0], halves[1]);
        texts.AddRange(Put(60, keys: 20));
        await CountedAsync(texts, host);
        await AssertCountsAsync(texts);
        string merged = OpenShards().Single();
        Assert.Empty(Row(merged).Inherits);
        Assert.Single(Rows.Select(static row => row.Lineage!.Split('.')[0]).Distinct());
    }

    [Fact]
    public async Task A_stop_checkpoints_all_that_is_done()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(50);
        int handled = 0;
        Journal.Handler = (_, _, _) =>
        {
            Interlocked.Increment(ref handled);
            return default;
        };
        await using (WorkerHost host = await StartAsync<CountingProcessor>(
            static options => options.CheckpointInterval = TimeSpan.FromHours(1)))
        {
            await Eventually.TrueAsync(() => Volatile.Read(ref handled) == texts.Count, () => host.Log.ToString());
            await host.StopAsync();
        }

        await AssertCountsAsync(texts);
    }

    [Theory]
    [InlineData("truncated", "bytes, where")]
    [InlineData("altered", "damaged")]
    [InlineData("missing", "There is no object")]
    [InlineData("moved", "belongs to another position")]
    [InlineData("unreadable handle", "cannot be read")]
    [InlineData("another shard's", "it is of shard")]
    [InlineData("too old", "may be lost")]
    public async Task What_is_not_the_shard_s_state_stops_that_shard_and_can_be_given_up(string what, string says)
    {
        Kinesis.CreateStream(Stream, 2);
        List<string> texts = Put(60, keys: 20);
        await using (WorkerHost host = await StartAsync<CountingProcessor>())
        {
            await CountedAsync(texts, host);
            await host.StopAsync();
        }

        // the other shard's snapshot is in an object of its own from now on
        await using (WorkerHost host = await StartAsync<CountingProcessor>())
        {
            texts.Add(PutOne(texts.Select(KeyOf).First(key => ShardOf(key) != Rows[0].LeaseKey)).Text);
            await CountedAsync(texts, host);
            await host.StopAsync();
        }

        Lease[] rows = [.. Rows];
        Lease row = rows[0];
        SnapshotHandle handle = SnapshotHandle.Parse(row.Snapshot)!;
        string name = Objects.Snapshot().Keys.Single(name => name.EndsWith(handle.Object!, StringComparison.Ordinal));
        switch (what)
        {
            case "truncated":
                Objects.Truncate(name, (int)handle.Offset + 10);
                break;
            case "altered":
                // the object may hold another shard's blocks before those of this one
                SnapshotManifest manifest = SegmentReader.ReadManifest(
                    Objects.Snapshot()[name].Slice((int)handle.Offset, handle.Length).ToArray());
                Objects.Alter(name, (int)manifest.Ranges[0].Offset + SegmentLayout.FrameHeaderBytes + 3);
                break;
            case "missing":
                Objects.Delete(name);
                break;
            case "moved":
                Leases.Put(WorkerHost.Application, row with { Checkpoint = CheckpointPosition.TrimHorizon });
                break;
            case "unreadable handle":
                Leases.Put(WorkerHost.Application, row with { Snapshot = "what is this" });
                break;
            case "another shard's":
                SnapshotHandle other = SnapshotHandle.Parse(rows[1].Snapshot)!;
                Leases.Put(WorkerHost.Application, row with { Snapshot = (other with { Stamp = handle.Stamp }).ToString() });
                break;
            case "too old":
                Leases.Put(
                    WorkerHost.Application,
                    row with { Snapshot = (handle with { Seen = handle.Seen - TimeSpan.FromDays(10) }).ToString() });
                break;
        }

        string? named = Row(row.LeaseKey).Snapshot;
        IReadOnlyDictionary<string, ReadOnlyMemory<byte>> before = Objects.Snapshot();
        await using WorkerHost next = await StartAsync<CountingProcessor>();
        string health = await next.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains(says, health, StringComparison.Ordinal);
        Assert.Contains("--drop-state", health, StringComparison.Ordinal);
        // the other shard goes on, and nothing of this one was written or deleted
        List<string> more = Put(40, keys: 20);
        string[] ofOther = [.. more.Where(text => ShardOf(text) != row.LeaseKey)];
        await CountedAsync(ofOther, next, except: row.LeaseKey);
        Assert.Equal(named, Row(row.LeaseKey).Snapshot);
        Assert.Equal(before.ContainsKey(name), Objects.Snapshot().ContainsKey(name));

        FreedLease reset = await new OperatorTable(
            new InMemoryLeaseStore(Leases, WorkerHost.Application), "CountingProcessor", TimeProvider.System, new Random(7))
            .ResetAsync(
                row.LeaseKey, new ResetTarget(CheckpointPosition.TrimHorizon), "tests", "ann", null, Token, state: StateChoice.Drop);
        Assert.Null(reset.Refusal);
        texts.AddRange(more);
        await CountedAsync(texts, next);
        await AssertCountsAsync(texts);
        await next.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task A_store_that_fails_holds_up_no_record_and_is_told()
    {
        Kinesis.CreateStream(Stream);
        var store = new InMemoryCheckpointStore(Objects);
        await using WorkerHost host = await StartAsync<CountingProcessor>(store: store);
        List<string> texts = Put(10);
        await CountedAsync(texts, host);
        store.FailNext(CheckpointOperation.Create, 1000);
        texts.AddRange(Put(20));
        string health = await host.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("not checkpointed", health, StringComparison.Ordinal);
        Assert.True(host.Log.Of(2418).Any());

        store.ClearFaults();
        await host.WaitForHealthAsync(HealthStatus.Healthy);
        await CountedAsync(texts, host);
        await AssertCountsAsync(texts);
    }

    [Fact]
    public async Task A_later_version_migrates_and_an_older_one_leaves_its_shards_alone()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(20);
        await using (WorkerHost host = await StartAsync<CountingProcessor>())
        {
            await CountedAsync(texts, host);
            await host.StopAsync();
        }

        texts.AddRange(Put(20));
        await using (WorkerHost host = await StartAsync<Next.CountingProcessor>())
        {
            await CountedAsync(texts, host);
            await host.StopAsync();
        }

        Assert.All(
            (await ReadAsync()).Where(static entry => entry.State == "counts"),
            entry => Assert.Equal(10 * texts.Count(text => KeyOf(text) == entry.PartitionKey), NumberOf(entry)));
        Assert.Equal(2, Rows.Single().StateVersion);
        await using WorkerHost former = await StartAsync<CountingProcessor>();
        string health = await former.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains("of version 2", health, StringComparison.Ordinal);
        Assert.Null(Rows.Single().LeaseOwner);
    }

    [Fact]
    public async Task A_processor_whose_state_was_given_up_goes_on_without()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(20);
        await using (WorkerHost host = await StartAsync<CountingProcessor>())
        {
            await CountedAsync(texts, host);
            await host.StopAsync();
        }

        int handled = 0;
        Journal.Handler = (_, _, _) =>
        {
            Interlocked.Increment(ref handled);
            return default;
        };
        await using (WorkerHost host = await StartAsync<Without.CountingProcessor>())
        {
            Assert.Contains("of version 1", await host.WaitForHealthAsync(HealthStatus.Unhealthy), StringComparison.Ordinal);
            await host.StopAsync();
        }

        Assert.Equal(0, handled);
        FreedLease reset = await new OperatorTable(
            new InMemoryLeaseStore(Leases, WorkerHost.Application), "CountingProcessor", TimeProvider.System, new Random(7))
            .ResetAsync(
                Rows.Single().LeaseKey,
                new ResetTarget(CheckpointPosition.TrimHorizon), "tests", "ann", null, Token, state: StateChoice.Drop);
        Assert.Null(reset.Refusal);
        await using (WorkerHost host = await StartAsync<Without.CountingProcessor>())
        {
            await Eventually.TrueAsync(() => handled == 20, () => host.Log.ToString());
            await host.StopAsync();
        }

        Lease row = Rows.Single();
        Assert.Equal(CheckpointKind.Record, row.Checkpoint.Kind);
        Assert.Equal((null, 0, 0), (row.Snapshot, row.Inherits.Count, row.StateVersion));

        // and with state again: it begins where the other has ended, with nothing
        texts = Put(10);
        await using WorkerHost again = await StartAsync<CountingProcessor>();
        await CountedAsync(texts, again);
        await AssertCountsAsync(texts);
    }

    [Fact]
    public async Task A_restore_whose_read_fails_midway_begins_again_with_nothing()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(30);
        await using (WorkerHost host = await StartAsync<CountingProcessor>())
        {
            await CountedAsync(texts, host);
            await host.StopAsync();
        }

        // the manifest, the range of one state, and then the other's
        FailingReads store = new(Objects, failing: 3);
        texts.AddRange(Put(10));
        await using WorkerHost next = await StartAsync<CountingProcessor>(store: store);
        await CountedAsync(texts, next);
        await AssertCountsAsync(texts);
        Assert.True(store.Reads >= 6, $"{store.Reads} reads");
        Assert.Empty(next.Log.Of(2417));
    }

    [Fact]
    public async Task The_first_key_whose_hash_key_lies_outside_of_its_shard_is_reported_once()
    {
        Kinesis.CreateStream(Stream, 2);
        string first = OpenShards()[0];
        HashKeyRange range = Kinesis.ListShards(Stream).Single(shard => shard.ShardId == first).HashKeyRange;
        string[] strays = [.. Enumerable.Range(0, 100).Select(static i => $"stray-{i}").Where(key => !range.Contains(HashOf(key)))];
        string native = Enumerable.Range(0, 100).Select(static i => $"native-{i}").First(key => range.Contains(HashOf(key)));
        await using WorkerHost host = await StartAsync<CountingProcessor>();

        // an explicit hash key inside of the range is no reason by itself
        List<string> texts = [native + ":0"];
        Kinesis.Put(Stream, native, native + ":0", range.StartingHashKey);
        await CountedAsync(texts, host);
        Assert.Empty(host.Log.Of(2421));

        foreach (string key in strays.Take(5))
        {
            texts.Add(key + ":0");
            Kinesis.Put(Stream, key, key + ":0", range.StartingHashKey);
        }

        string message = (await host.WaitForLogAsync(2421)).Message;
        Assert.Contains($"shard {first}, and its hash key {HashOf(strays[0])} lies outside", message, StringComparison.Ordinal);
        Assert.Contains("docs/state.md#surprises", message, StringComparison.Ordinal);
        await CountedAsync(texts, host);
        await host.StopAsync();
        Assert.Single(host.Log.Of(2421));
        Assert.DoesNotContain(strays[0], message, StringComparison.Ordinal);

        static UInt128 HashOf(string key) => HashKeys.Of(System.Text.Encoding.UTF8.GetBytes(key));
    }

    [Fact]
    public async Task A_state_that_is_not_declared_any_more_stops_its_shards_until_it_may_be_dropped()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(20);
        await using (WorkerHost host = await StartAsync<CountingProcessor>())
        {
            await CountedAsync(texts, host);
            await host.StopAsync();
        }

        string? named = Rows.Single().Snapshot;
        await using (WorkerHost refused = await StartAsync<OneState.CountingProcessor>())
        {
            string health = await refused.WaitForHealthAsync(HealthStatus.Unhealthy);
            Assert.Contains("state 'counts', which the processor does not declare", health, StringComparison.Ordinal);
            Assert.Contains("FastConsumer:AllowNonRestoredState", health, StringComparison.Ordinal);
            Assert.Empty(refused.Log.Of(2420));
            await refused.StopAsync();
        }

        Assert.Equal(named, Rows.Single().Snapshot);
        texts.AddRange(Put(20));
        await using (WorkerHost host = await StartAsync<OneState.CountingProcessor>(
            static options => options.AllowNonRestoredState = true))
        {
            string dropped = (await host.WaitForLogAsync(2420)).Message;
            Assert.Contains("drops state counts of shard " + Rows.Single().LeaseKey, dropped, StringComparison.Ordinal);
            await CountedAsync(texts, host);
            await host.StopAsync();
            Assert.Single(host.Log.Of(2420));
        }

        List<StoredState> entries = await ReadAsync();
        Assert.Equal(
            texts.Order(StringComparer.Ordinal),
            entries.Select(static entry => entry.SubKey<string>()).Order(StringComparer.Ordinal));

        // it is gone: the option is needed no more, and what is declared again begins empty
        List<string> more = Put(5);
        await using WorkerHost again = await StartAsync<CountingProcessor>();
        await CountedAsync([.. texts, .. more], again);
        Assert.Equal(more.Count, (await ReadAsync()).Where(static entry => entry.State == "counts").Sum(NumberOf));
    }

    [Fact]
    public async Task A_processor_without_state_has_none_to_drop()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer
                .AddProcessor<Without.CountingProcessor>(static options => options.AllowNonRestoredState = true)
                .UseInMemoryLeases(Leases));
        OptionsValidationException refused = await Assert.ThrowsAsync<OptionsValidationException>(host.StartAsync);
        Assert.Contains("FastConsumer:Processors:CountingProcessor:AllowNonRestoredState", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--drop-state", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_was_created_by_somebody_else_is_left_alone()
    {
        Kinesis.CreateStream(Stream, 2);
        List<string> texts = Put(30, keys: 20);
        await using (WorkerHost host = await StartAsync<CountingProcessor>())
        {
            await CountedAsync(texts, host);
            await host.StopAsync();
        }

        Lease row = Rows[0];
        Leases.Put(WorkerHost.Application, new Lease
        {
            LeaseKey = row.LeaseKey,
            LeaseCounter = 3,
            HashKeyRange = row.HashKeyRange,
            Checkpoint = row.Checkpoint,
        });
        await using WorkerHost next = await StartAsync<CountingProcessor>();
        string health = await next.WaitForHealthAsync(HealthStatus.Unhealthy);
        Assert.Contains(row.LeaseKey, health, StringComparison.Ordinal);
        Assert.Contains("does not know of its state", health, StringComparison.Ordinal);
        Assert.Equal(3, Row(row.LeaseKey).LeaseCounter);
    }

    [Fact]
    public async Task State_without_a_place_is_refused_at_start()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = WorkerHost.Build(
            Kinesis, Journal, consumer => consumer.AddProcessor<CountingProcessor>().UseInMemoryLeases(Leases));
        InvalidOperationException refused = await Assert.ThrowsAsync<InvalidOperationException>(host.StartAsync);
        Assert.Contains("UseS3Checkpoints", refused.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(CountingProcessor), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_superseded_is_deleted()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartAsync<CountingProcessor>();
        List<string> texts = [];
        for (int i = 0; i < 5; i++)
        {
            texts.AddRange(Put(5));
            await CountedAsync(texts, host);
        }

        await Eventually.TrueAsync(() => Segments() == 1, () => string.Join('\n', Objects.Snapshot().Keys));
        await host.StopAsync();
        Assert.Equal(1, Segments());

        int Segments() => Objects.Snapshot().Keys.Count(static name => name.Contains("/seg/", StringComparison.Ordinal));
    }

    /// <summary>One of the reads fails.</summary>
    private sealed class FailingReads(InMemoryCheckpointDatabase database, int failing) : InMemoryCheckpointStore(database)
    {
        private int _reads;

        public int Reads => Volatile.Read(ref _reads);

        public override Task ReadAsync(string name, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
            Interlocked.Increment(ref _reads) == failing
                ? throw new CheckpointStoreException("The store does not answer.", isTransient: true)
                : base.ReadAsync(name, offset, destination, cancellationToken);
    }
}

using System.Buffers;
using System.Collections.Concurrent;
using FastConsumer.Checkpoints;
using FastConsumer.Hosting;
using FastConsumer.State.Format;
using FastConsumer.Testing.Checkpoints;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace FastConsumer.Tests.Hosting;

/// <summary>The settings of <see cref="CheckpointingOptions"/>, each with what it changes.</summary>
public sealed class CheckpointingTests : StateTest
{
    private const string Stubborn = "key-3:stubborn";

    /// <summary>Handlers that take their time, so that lanes are in their midst whenever a checkpoint is taken.</summary>
    private static readonly Func<Delivery, RecordContext, CancellationToken, ValueTask> s_slow = static async (delivery, _, token) =>
        await Task.Delay(TimeSpan.FromMilliseconds(1 + (delivery.Text.Length % 4)), TimeProvider.System, token);

    private readonly RecordingStore _store;

    public CheckpointingTests() => _store = new RecordingStore(Objects);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_aligned_checkpoint_waits_for_the_lanes_and_holds_no_runs(bool isUnaligned)
    {
        Kinesis.CreateStream(Stream);
        Journal.Handler = s_slow;
        await using WorkerHost host = await StartAsync<Lanes.CountingProcessor>(
            options =>
            {
                options.CheckpointInterval = TimeSpan.FromMilliseconds(20);
                options.Checkpointing.Unaligned = isUnaligned;
            },
            _store);
        List<string> texts = [];
        bool HasRuns() => _store.Manifests.Any(static manifest => manifest.Runs.Count > 0);
        // where lanes are not waited for, a checkpoint meets them in their midst sooner or later
        for (int turn = 0; turn < 3 || (isUnaligned && turn < 30 && !HasRuns()); turn++)
        {
            texts.AddRange(Put(200, keys: 40));
            await CountedAsync(texts, host);
        }

        await AssertCountsAsync(texts);
        Assert.True(_store.Manifests.Count >= 3, $"{_store.Manifests.Count} checkpoints were taken.");
        Assert.Equal(isUnaligned, HasRuns());
    }

    [Fact]
    public async Task An_aligned_checkpoint_does_not_wait_for_a_record_that_is_tried_again()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "key-3", Stubborn);
        List<string> texts = Put(60, keys: 20);
        Journal.Handler = static (delivery, _, _) =>
            delivery.Text == Stubborn ? throw new InvalidOperationException("As the test wants it.") : default;
        await using WorkerHost host = await StartAsync<Lanes.CountingProcessor>(
            static options => options.Checkpointing.Unaligned = false, _store);

        // those of its lane that stand behind it are not done
        await Eventually.TrueAsync(() => _store.Manifests.Any(static manifest => manifest.Runs.Count > 0), () => host.Log.ToString());
        Assert.All(_store.Manifests, static manifest => Assert.Equal("TRIM_HORIZON", manifest.Position));
    }

    [Fact]
    public async Task An_aligned_checkpoint_does_not_wait_for_a_handler_that_waits_for_it()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(60, keys: 20);
        int asked = 0;
        Journal.Handler = async (delivery, context, token) =>
        {
            if (delivery.Text.EndsWith('7'))
            {
                await context.CheckpointAsync(token);
                Interlocked.Increment(ref asked);
            }
        };
        await using WorkerHost host = await StartAsync<Lanes.CountingProcessor>(
            static options =>
            {
                options.CheckpointInterval = TimeSpan.FromHours(1);
                options.Checkpointing.Unaligned = false;
            },
            _store);

        await Eventually.TrueAsync(
            () => Volatile.Read(ref asked) == texts.Count(static text => text.EndsWith('7')), () => host.Log.ToString());
    }

    [Fact]
    public async Task A_checkpoint_that_has_waited_long_enough_is_taken_in_the_midst_of_the_lanes()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.Put(Stream, "key-3", Stubborn);
        Put(60, keys: 20);
        using var hangs = new SemaphoreSlim(0);
        Journal.Handler = async (delivery, _, token) =>
        {
            if (delivery.Text == Stubborn)
            {
                await hangs.WaitAsync(token);
            }
        };
        await using WorkerHost host = await StartAsync<Lanes.CountingProcessor>(
            static options => options.Checkpointing.AlignedTimeout = TimeSpan.FromMilliseconds(100), _store);

        await Eventually.TrueAsync(() => _store.Manifests.Any(static manifest => manifest.Runs.Count > 0), () => host.Log.ToString());
        hangs.Release();
    }

    [Fact]
    public async Task At_least_once_holds_the_position_only_and_repeats_what_is_done_behind_it()
    {
        Kinesis.CreateStream(Stream);
        // done before the record that fails, so that there is something to say
        List<string> texts = Put(20, keys: 1);
        Kinesis.Put(Stream, "key-3", Stubborn);
        texts.AddRange(Put(40, keys: 20));
        bool fails = true;
        ConcurrentQueue<string> handled = [];
        Journal.Handler = (delivery, _, _) =>
        {
            if (Volatile.Read(ref fails) && delivery.Text == Stubborn)
            {
                throw new InvalidOperationException("As the test wants it.");
            }

            handled.Enqueue(delivery.Text);
            return default;
        };
        static void Settings(FastConsumerOptions options) => options.Checkpointing.Mode = CheckpointingMode.AtLeastOnce;
        WorkerHost dying = await StartAsync<Lanes.CountingProcessor>(Settings, _store);
        await Eventually.TrueAsync(() => handled.Count > 35, () => dying.Log.ToString());
        await Eventually.TrueAsync(() => Rows.Single().Checkpoint.Kind == CheckpointKind.Record, () => dying.Log.ToString());
        await dying.DisposeWithoutStopAsync();
        HashSet<string> first = [.. handled];

        fails = false;
        handled.Clear();
        await using WorkerHost next = await StartAsync<Lanes.CountingProcessor>(Settings, _store);
        await CountedAsync([.. texts, Stubborn], next);

        Assert.All(_store.Manifests, static manifest => Assert.Empty(manifest.Runs));
        Assert.NotEmpty(handled.Intersect(first));
        Assert.DoesNotContain(texts[0], handled);
    }

    [Fact]
    public async Task A_checkpoint_that_takes_too_long_has_failed_and_is_taken_again()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(20, keys: 5);
        _store.Hangs = true;
        await using WorkerHost host = await StartAsync<Lanes.CountingProcessor>(
            static options => options.Checkpointing.Timeout = TimeSpan.FromMilliseconds(50), _store);
        await Eventually.TrueAsync(() => host.Log.Of(2418).Any(), () => host.Log.ToString());
        Assert.Contains("Checkpointing:Timeout", host.Log.Of(2418).First().Message, StringComparison.Ordinal);

        _store.Hangs = false;
        await CountedAsync(texts, host);
        await AssertCountsAsync(texts);
    }

    [Fact]
    public async Task After_more_failures_than_may_be_the_shard_begins_again_with_its_last_checkpoint()
    {
        Kinesis.CreateStream(Stream);
        // what waits for a checkpoint that never comes must not hold up the end of the run
        Journal.Handler = static (delivery, context, token) =>
            delivery.Text.EndsWith('7') ? context.CheckpointAsync(token) : default;
        await using WorkerHost host = await StartAsync<Lanes.CountingProcessor>(
            static options => options.Checkpointing.TolerableFailures = 1, _store);
        List<string> texts = Put(20, keys: 5);
        await CountedAsync(texts, host);
        long epoch = Rows.Single().LeaseCounter;
        _store.FailNext(CheckpointOperation.Create, 1000);
        texts.AddRange(Put(20, keys: 5));
        await Eventually.TrueAsync(() => host.Log.ToString().Contains("TolerableFailures is 1", StringComparison.Ordinal),
            () => host.Log.ToString());

        _store.ClearFaults();
        await CountedAsync(texts, host);
        await AssertCountsAsync(texts);
        Assert.True(Rows.Single().LeaseCounter > epoch);
        await host.WaitForHealthAsync(HealthStatus.Healthy);
    }

    [Fact]
    public async Task Two_checkpoints_have_a_pause_between_them()
    {
        TimeSpan pause = TimeSpan.FromMilliseconds(300);
        Kinesis.CreateStream(Stream);
        Journal.Handler = static (_, context, token) => context.CheckpointAsync(token);
        List<string> texts = Put(4, keys: 1);
        await using WorkerHost host = await StartAsync<CountingProcessor>(options => options.Checkpointing.MinPause = pause, _store);
        await CountedAsync(texts, host);

        TimeSpan[] times = [.. _store.Times];
        Assert.True(times.Length >= texts.Count, $"{times.Length} checkpoints were taken.");
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.True(pair.Second - pair.First >= pause, $"{pair.First}, {pair.Second}"));
    }

    /// <summary>Keeps what was said of each snapshot, and when it came.</summary>
    private sealed class RecordingStore(InMemoryCheckpointDatabase database) : InMemoryCheckpointStore(database)
    {
        private readonly long _since = TimeProvider.System.GetTimestamp();

        public ConcurrentQueue<SnapshotManifest> Manifests { get; } = [];

        public ConcurrentQueue<TimeSpan> Times { get; } = [];

        public volatile bool Hangs;

        public override async Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
        {
            if (name.Contains("/seg/", StringComparison.Ordinal))
            {
                if (Hangs)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                }

                byte[] bytes = content.ToArray();
                Times.Enqueue(TimeProvider.System.GetElapsedTime(_since));
                int end = bytes.Length - SegmentLayout.TrailerBytes;
                int length = SegmentReader.FooterLength(bytes.AsSpan(end));
                SegmentShard shard = Assert.Single(SegmentReader.ReadFooter(bytes[(end - length)..end]));
                Manifests.Enqueue(SegmentReader.ReadManifest(bytes[(int)shard.Offset..((int)shard.Offset + shard.Length)]));
            }

            await base.CreateAsync(name, content, cancellationToken);
        }
    }
}

using System.Text;
using FastConsumer.Hosting;
using FastConsumer.Processors;
using FastConsumer.Testing.Checkpoints;
using Microsoft.Extensions.DependencyInjection;

namespace FastConsumer.Tests.Hosting;

/// <summary>Keeps the lengths of each key's texts.</summary>
[KinesisProcessor("others")]
internal sealed partial class ListingProcessor
{
    [State("lengths")]
    [StateSerializer(typeof(NumberSerializer))]
    private partial KeyedList<int> Lengths { get; }

    [OnRecord]
    private void Handle(KinesisRecord record, RecordContext context) => Lengths.Of(context).Add(record.DataSpan.Length);
}

/// <summary>State that the host reads beside the processors.</summary>
public sealed class StateReaderTests : StateTest
{
    [Fact]
    public async Task Handled_records_are_seen_with_the_next_cut_and_what_was_restored_is_the_first_one()
    {
        Kinesis.CreateStream(Stream);
        List<string> texts = Put(40);
        await using (WorkerHost host = await StartReadingAsync<CountingProcessor>(
            static options => options.CheckpointInterval = TimeSpan.FromHours(1)))
        {
            IStateReader reader = ReaderOf(host);
            // handled, and no cut was taken since the shard began
            await HandledAsync(host, texts.Count);
            Assert.False(reader.TryGetValue("counts", "key-1", out StateReading<int> reading));
            Assert.Equal(StateReadStatus.Absent, reading.Status);
            Assert.Equal((0L, CheckpointPosition.TrimHorizon), (reading.AsOf!.Number, reading.AsOf.Position));
            Assert.Null(reading.AsOf.TakenAt);
            await host.StopAsync();
        }

        await using WorkerHost next = await StartReadingAsync<CountingProcessor>(
            static options => options.CheckpointInterval = TimeSpan.FromHours(1));
        IStateReader second = ReaderOf(next);
        StateReading<int> restored = await FoundAsync(next, second, "key-1", 4);
        Assert.Equal(0, restored.AsOf!.Number);
        Assert.Equal(Rows.Single().Checkpoint, restored.AsOf.Position);
        Assert.NotNull(restored.AsOf.StreamTime);
        Assert.Equal(OpenShards()[0], restored.ShardId);
        Assert.True(second.TryGetEntry("texts", "key-1", "key-1:0", out StateReading<int> entry));
        Assert.Equal(1, entry.Value);
        Assert.Equal(restored.AsOf, entry.AsOf);
        Assert.False(second.TryGetEntry("texts", "key-1", "key-2:0", out entry));
        Assert.Equal(StateReadStatus.Absent, entry.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_answer_names_its_cut_and_all_states_of_a_key_agree_in_one_cut(bool hasLanes)
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = hasLanes
            ? await StartReadingAsync<Lanes.CountingProcessor>(static options => options.CheckpointInterval = TimeSpan.FromMilliseconds(50))
            : await StartReadingAsync<CountingProcessor>(static options => options.CheckpointInterval = TimeSpan.FromMilliseconds(50));
        IStateReader reader = ReaderOf(host);
        HashSet<long> cuts = [];
        List<string> texts = [];
        for (int round = 0; round < 20; round++)
        {
            texts.AddRange(Put(30));
            int expected = texts.Count / 10;
            StateReading<int> count = default;
            await Eventually.TrueAsync(
                () =>
                {
                    reader.TryGetValue("counts", "key-3", out count);
                    int entries = 0;
                    bool isOne = true;
                    for (int number = 0; number < expected; number++)
                    {
                        entries += reader.TryGetEntry("texts", "key-3", $"key-3:{number}", out StateReading<int> entry) ? entry.Value : 0;
                        isOne &= entry.AsOf == count.AsOf;
                    }

                    // a record changes both states of its key, or none
                    Assert.True(!isOne || entries == count.Value, $"{entries} texts and a count of {count.Value} in cut {count.AsOf}.");
                    return count.Value == expected;
                },
                () => $"The last answer is {count}. {host.Log}");
            cuts.Add(count.AsOf!.Number);
            Assert.NotNull(count.AsOf.TakenAt);
        }

        Assert.Equal(20, cuts.Count);
        await CountedAsync(texts, host);
        await AssertCountsAsync(texts);
    }

    [Fact]
    public async Task Another_worker_s_shard_is_told_with_its_name_until_it_is_taken_over()
    {
        Kinesis.CreateStream(Stream, 2);
        await using WorkerHost first = await StartReadingAsync<CountingProcessor>(static options => options.WorkerId = "first");
        WorkerHost second = await StartReadingAsync<CountingProcessor>(static options => options.WorkerId = "second");
        await Eventually.TrueAsync(
            () => Rows.Select(static row => row.LeaseOwner).Order(StringComparer.Ordinal).SequenceEqual(["first", "second"]),
            () => $"{string.Join(", ", Rows)} {first.Log}");
        List<string> texts = Put(40);
        string far = texts.First(text => Row(ShardOf(text)).LeaseOwner == "second");
        string near = texts.First(text => Row(ShardOf(text)).LeaseOwner == "first");

        StateReading<int> there = await FoundAsync(second, ReaderOf(second), KeyOf(far), 4);
        Assert.Equal("second", there.WorkerId);
        await FoundAsync(first, ReaderOf(first), KeyOf(near), 4);
        StateReading<int> here = default;
        await Eventually.TrueAsync(
            () => !ReaderOf(first).TryGetValue("counts", KeyOf(far), out here) && here.Status == StateReadStatus.Elsewhere,
            () => $"The last answer is {here}.");
        Assert.Equal("second", here.WorkerId);
        Assert.Equal(ShardOf(far), here.ShardId);
        Assert.Null(here.AsOf);
        Assert.False(ReaderOf(second).TryGetEntry("texts", KeyOf(near), near, out StateReading<int> other));
        Assert.Equal((StateReadStatus.Elsewhere, "first"), (other.Status, other.WorkerId));

        await second.DisposeAsync();
        StateReading<int> moved = await FoundAsync(first, ReaderOf(first), KeyOf(far), 4);
        Assert.Equal("first", moved.WorkerId);
        Assert.True(moved.AsOf!.FencingToken > there.AsOf!.FencingToken);
        // the former owner has nothing to say any more
        Assert.Throws<ObjectDisposedException>(() => ReaderOf(second));
    }

    [Fact]
    public async Task After_a_split_and_a_merge_the_answers_follow_the_key()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartReadingAsync<CountingProcessor>();
        IStateReader reader = ReaderOf(host);
        Put(40);
        string root = OpenShards()[0];
        Assert.Equal(root, (await FoundAsync(host, reader, "key-1", 4)).ShardId);
        Kinesis.SplitShard(Stream, root);
        Put(40);
        string[] halves = OpenShards();
        for (int key = 0; key < 10; key++)
        {
            StateReading<int> child = await FoundAsync(host, reader, $"key-{key}", 8);
            Assert.Equal(ShardOfOpen($"key-{key}"), child.ShardId);
        }

        Kinesis.MergeShards(Stream, halves[0], halves[1]);
        Put(40);
        for (int key = 0; key < 10; key++)
        {
            Assert.Equal(OpenShards().Single(), (await FoundAsync(host, reader, $"key-{key}", 12)).ShardId);
        }
    }

    [Fact]
    public async Task A_key_with_an_explicit_hash_key_is_read_where_it_lies()
    {
        Kinesis.CreateStream(Stream, 2);
        await using WorkerHost host = await StartReadingAsync<CountingProcessor>();
        IStateReader reader = ReaderOf(host);
        UInt128 elsewhere = Kinesis.ListShards(Stream)
            .Single(static shard => !shard.HashKeyRange.Contains(FastConsumer.Kinesis.HashKeys.Of("moved"u8)))
            .HashKeyRange.StartingHashKey;
        Kinesis.Put(Stream, "moved", "moved:0", elsewhere);
        StateReading<int> reading = default;
        await Eventually.TrueAsync(
            () => reader.TryGetValue("counts", "moved", out reading, explicitHashKey: elsewhere),
            () => $"The last answer is {reading}. {host.Log}");
        Assert.Equal(1, reading.Value);
        Assert.False(reader.TryGetValue("counts", "moved", out StateReading<int> own));
        Assert.NotEqual(reading.ShardId, own.ShardId);
    }

    [Fact]
    public async Task A_paused_shard_s_state_is_not_ready()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost host = await StartReadingAsync<CountingProcessor>();
        IStateReader reader = ReaderOf(host);
        Put(10);
        await FoundAsync(host, reader, "key-1", 1);
        IFastConsumerControl control = host.Host.Services.GetRequiredService<IFastConsumerControl>();
        await control.PauseAsync(null, "ann", cancellationToken: Token);
        StateReading<int> reading = default;
        await Eventually.TrueAsync(
            () => !reader.TryGetValue("counts", "key-1", out reading) && reading.Status == StateReadStatus.NotReady,
            () => $"The last answer is {reading}. {host.Log}");
        Assert.Equal(OpenShards()[0], reading.ShardId);
        await control.ResumeAsync(null, "ann", Token);
        await FoundAsync(host, reader, "key-1", 1);
    }

    [Fact]
    public async Task What_is_asked_wrongly_is_refused_with_what_there_is()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.CreateStream("others");
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer
                .AddProcessor<CountingProcessor>()
                .AddProcessor<ListingProcessor>()
                .AddProcessor<EventProcessor>(static own => own.Stream = "third")
                .UseInMemoryLeases(Leases)
                .UseInMemoryCheckpoints(new InMemoryCheckpointStore(Objects))
                .AddStateReader());
        IStateReader reader = ReaderOf(host);
        Refused<InvalidOperationException>(
            () => reader.TryGetValue<int>("counts", "a", out _, "CountingProcessor"), "has not started yet");
        Refused<ArgumentException>(
            () => reader.TryGetValue<int>("counts", "a", out _), "'CountingProcessor', 'ListingProcessor'", "nameof(CountingProcessor)");
        Refused<ArgumentException>(() => reader.TryGetValue<int>("counts", "a", out _, "Nobody"), "no processor 'Nobody'");
        Refused<ArgumentException>(
            () => reader.TryGetValue<int>("counts", "a", out _, nameof(EventProcessor)), "'EventProcessor' keeps no state");
    }

    [Fact]
    public async Task A_list_is_read_as_a_copy_and_wrong_names_and_types_are_refused()
    {
        Kinesis.CreateStream(Stream);
        Kinesis.CreateStream("others");
        Kinesis.Put("others", "a", "12345");
        Kinesis.Put("others", "a", "123");
        await using WorkerHost host = await StartReadingAsync<ListingProcessor>();
        IStateReader reader = ReaderOf(host);
        StateReading<IReadOnlyList<int>> list = default;
        await Eventually.TrueAsync(
            () => reader.TryGetList("lengths", "a", out list) && list.Value!.Count == 2, () => $"The last answer is {list}. {host.Log}");
        Assert.Equal([5, 3], list.Value!);
        Assert.False(reader.TryGetList("lengths", "b", out list));
        Assert.Equal(StateReadStatus.Absent, list.Status);
        Assert.Null(list.Value);
        Refused<ArgumentException>(() => reader.TryGetList<int>("length", "a", out _), "no state 'length', only 'lengths'");
        Refused<ArgumentException>(
            () => reader.TryGetValue<int>("lengths", "a", out _), "is a KeyedList<Int32>", "KeyedState<Int32>", "TryGetList<Int32>");
        Refused<ArgumentException>(() => reader.TryGetList<long>("lengths", "a", out _), "KeyedList<Int64>");
    }

    [Fact]
    public async Task Names_and_types_are_looked_at_also_where_another_worker_holds_the_shard()
    {
        Kinesis.CreateStream(Stream);
        await using WorkerHost first = await StartReadingAsync<CountingProcessor>(static options => options.WorkerId = "first");
        StateReading<int> reading = default;
        await Eventually.TrueAsync(
            () => !ReaderOf(first).TryGetValue("counts", "a", out reading) && reading.Status == StateReadStatus.Absent,
            () => $"The last answer is {reading}. {first.Log}");
        await using WorkerHost second = await StartReadingAsync<CountingProcessor>(static options => options.WorkerId = "second");
        IStateReader other = ReaderOf(second);
        await Eventually.TrueAsync(
            () => !other.TryGetValue("counts", "a", out reading) && reading.Status == StateReadStatus.Elsewhere,
            () => $"The last answer is {reading}. {second.Log}");
        Assert.Equal("first", reading.WorkerId);
        Refused<ArgumentException>(() => other.TryGetEntry("texts", "a", 5, out StateReading<int> _), "KeyedMap<String, Int32>");
        Refused<ArgumentException>(() => other.TryGetValue("texts", "a", out StateReading<int> _), "TryGetEntry<String, Int32>");
        Refused<ArgumentException>(() => other.TryGetValue("count", "a", out StateReading<int> _), "'counts', 'texts'");
    }

    [Fact]
    public async Task The_reader_of_a_named_consumer_is_keyed_and_without_the_method_there_is_none()
    {
        await using WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            static consumer => consumer.Services.AddFastConsumer("named")
                .AddProcessor<CountingProcessor>()
                .AddStateReader()
                .AddStateReader());
        Assert.NotNull(host.Host.Services.GetRequiredKeyedService<IStateReader>("named"));
        Assert.Single(host.Host.Services.GetKeyedServices<IStateReader>("named"));
        Assert.Null(host.Host.Services.GetService<IStateReader>());
    }

    private static IStateReader ReaderOf(WorkerHost host) => host.Host.Services.GetRequiredService<IStateReader>();

    private static void Refused<TException>(Action read, params string[] says)
        where TException : Exception
    {
        string message = Assert.ThrowsAny<TException>(read).Message;
        Assert.All(says, text => Assert.Contains(text, message, StringComparison.Ordinal));
    }

    private static async Task<StateReading<int>> FoundAsync(WorkerHost host, IStateReader reader, string key, int count)
    {
        StateReading<int> reading = default;
        await Eventually.TrueAsync(
            () => reader.TryGetValue("counts", key, out reading) && reading.Value == count,
            () => $"The last answer is {reading}. {host.Log}");
        return reading;
    }

    private string ShardOfOpen(string key) => Kinesis.ListShards(Stream)
        .Single(shard => shard.EndingSequenceNumber is null
            && shard.HashKeyRange.Contains(FastConsumer.Kinesis.HashKeys.Of(Encoding.UTF8.GetBytes(key)))).ShardId;

    private Task HandledAsync(WorkerHost host, int records) => Eventually.TrueAsync(
        () => host.Host.Services.GetRequiredService<IFastConsumerControl>().GetSnapshot().Workers
            .SelectMany(static worker => worker.Shards).Any(shard => shard.RecordsInFlight == 0 && _handled >= records),
        () => host.Log.ToString());

    private int _handled;

    private async Task<WorkerHost> StartReadingAsync<TProcessor>(Action<FastConsumerOptions>? options = null)
        where TProcessor : class, IKinesisProcessor<TProcessor>
    {
        Journal.Handler = (_, _, _) =>
        {
            Interlocked.Increment(ref _handled);
            return default;
        };
        WorkerHost host = WorkerHost.Build(
            Kinesis,
            Journal,
            consumer => consumer
                .AddProcessor<TProcessor>()
                .UseInMemoryLeases(Leases)
                .UseInMemoryCheckpoints(new InMemoryCheckpointStore(Objects))
                .AddStateReader(),
            options);
        await host.StartAsync();
        return host;
    }
}

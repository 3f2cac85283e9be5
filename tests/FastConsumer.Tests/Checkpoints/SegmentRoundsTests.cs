using System.Buffers;
using System.Globalization;
using System.Text;
using FastConsumer.Checkpoints;
using FastConsumer.State.Format;
using FastConsumer.Testing;
using FastConsumer.Testing.Checkpoints;

namespace FastConsumer.Tests.Checkpoints;

/// <summary>
/// What shards write at the same time goes into one object: each finds its own there, no one waits longer than it says, and what becomes of
/// one of them is nothing to the others.
/// </summary>
public sealed class SegmentRoundsTests
{
    private const string Lineage = "00000000000000aa";

    private readonly ManualClock _clock = new();
    private readonly GatedStore _store = new();
    private readonly CheckpointPlace _place;

    public SegmentRoundsTests() => _place = new CheckpointPlace(_store, "tests", "Session", "table", _clock);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Shards_that_write_at_the_same_time_share_an_object()
    {
        Task<SegmentRounds.Part>[] writes = [.. Enumerable.Range(0, 100).Select(shard => WriteAsync(shard))];
        await AdvanceAsync(SegmentRounds.MostPatience, writes);
        HashSet<string> objects = [];
        for (int shard = 0; shard < writes.Length; shard++)
        {
            SegmentRounds.Part part = await writes[shard];
            objects.Add(part.Object);
            byte[] frame = await ReadAsync(part.Object, part.Offset, part.Length);
            SnapshotManifest manifest = SegmentReader.ReadManifest(frame);
            Assert.Equal(NameOf(shard), manifest.Shard);
            SnapshotRange range = Assert.Single(manifest.Ranges);
            Assert.Equal((part.Object, true), (range.Segment, part.Written.Contains(range)));
            byte[] bytes = await ReadAsync(range.Segment, range.Offset, range.Length);
            SegmentReader.CheckRange(range, bytes);
            Assert.Equal(ValueOf(shard), ValueIn(bytes));
        }

        Assert.Single(objects);
        Assert.Equal(1, _store.Created);
    }

    [Fact]
    public async Task One_that_is_waited_for_takes_the_others_along()
    {
        Task<SegmentRounds.Part>[] writes = [WriteAsync(1), WriteAsync(2), WriteAsync(3, SegmentRounds.PatienceInHaste)];
        await AdvanceAsync(SegmentRounds.PatienceInHaste, writes);
        Assert.Single((await Task.WhenAll(writes)).Select(static part => part.Object).Distinct());
    }

    [Fact]
    public async Task One_that_comes_late_goes_into_the_next_object()
    {
        Task<SegmentRounds.Part> first = WriteAsync(1);
        await AdvanceAsync(SegmentRounds.MostPatience, [first]);
        Task<SegmentRounds.Part> second = WriteAsync(2);
        await AdvanceAsync(SegmentRounds.MostPatience, [second]);
        Assert.NotEqual((await first).Object, (await second).Object);
    }

    [Fact]
    public async Task What_is_large_waits_for_nobody_and_nobody_for_it()
    {
        Task<SegmentRounds.Part> small = WriteAsync(1);
        SegmentRounds.Part large = await WriteAsync(2, valueBytes: (int)SegmentRounds.MostBytes);
        Assert.False(small.IsCompleted);
        // the shard's next one must not go into the object that was begun before
        Task<SegmentRounds.Part> next = WriteAsync(2);
        // the second one may begin to wait when the first one has waited
        await AdvanceAsync(2 * SegmentRounds.MostPatience, [small, next]);
        Assert.NotEqual(large.Object, (await small).Object);
        Assert.True(NumberOf((await next).Object) > NumberOf(large.Object));

        static long NumberOf(string name) => CheckpointPlace.TryParse(name, out _, out long number) ? number : -1;
    }

    [Fact]
    public async Task A_round_that_is_large_enough_does_not_wait()
    {
        int half = (int)SegmentRounds.MostBytes / 2;
        SegmentRounds.Part[] parts = await Task.WhenAll(WriteAsync(1, valueBytes: half), WriteAsync(2, valueBytes: half));
        Assert.Equal(parts[0].Object, parts[1].Object);
    }

    [Fact]
    public async Task What_the_store_refuses_each_writes_again()
    {
        _store.FailNext(CheckpointOperation.Create);
        Task<SegmentRounds.Part>[] writes = [WriteAsync(1), WriteAsync(2)];
        await AdvanceAsync(SegmentRounds.MostPatience, writes);
        foreach (Task<SegmentRounds.Part> write in writes)
        {
            await Assert.ThrowsAsync<CheckpointStoreException>(() => write);
        }

        writes = [WriteAsync(1), WriteAsync(2)];
        await AdvanceAsync(SegmentRounds.MostPatience, writes);
        Assert.Single((await Task.WhenAll(writes)).Select(static part => part.Object).Distinct());
    }

    [Fact]
    public async Task Who_gives_up_leaves_the_others_alone_and_the_last_one_ends_the_call()
    {
        _store.Gate = new TaskCompletionSource();
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        Task<SegmentRounds.Part>[] writes =
            [WriteAsync(1, cancellationToken: first.Token), WriteAsync(2, cancellationToken: second.Token)];
        await AdvanceAsync(SegmentRounds.MostPatience, [_store.Called.Task]);
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writes[0]);
        Assert.False(_store.Ended.Task.IsCompleted);
        await second.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writes[1]);
        await _store.Ended.Task.WaitAsync(Token);
        Assert.Equal(0, _store.Created);

        // nobody joins a round that all have left
        _store.Gate.SetResult();
        Task<SegmentRounds.Part> next = WriteAsync(3);
        await AdvanceAsync(SegmentRounds.MostPatience, [next]);
        await next;
    }

    [Fact]
    public void An_object_is_unused_when_nobody_here_needs_it_and_nobody_elsewhere_can()
    {
        SegmentReferences references = _place.References;
        references.Create("a");
        references.Create("a");
        Assert.Empty(references.Drop(["a"]));
        references.Hold(["a"]);
        Assert.Empty(references.Drop(["a"]));
        Assert.Equal(["a"], references.Drop(["a"]));

        // a shard with a part in it has gone to another worker
        references.Create("b");
        references.Create("b");
        references.Leave(["b"]);
        Assert.Empty(references.Drop(["b"]));

        // and one that was restored may be of others too
        references.Hold(["c"]);
        Assert.Empty(references.Drop(["c"]));
        Assert.Throws<InvalidOperationException>(() => references.Drop(["c"]));
    }

    private static string NameOf(int shard) => string.Create(CultureInfo.InvariantCulture, $"shardId-{shard:D12}");

    private static string ValueOf(int shard) => string.Create(CultureInfo.InvariantCulture, $"value of {shard}");

    private static string ValueIn(byte[] range)
    {
        int position = 0;
        BlockReader block = SegmentReader.ReadBlock(range, ref position, 1);
        Assert.True(block.TryRead(out StateEntry entry));
        return Encoding.UTF8.GetString(entry.Value);
    }

    private Task<SegmentRounds.Part> WriteAsync(
        int shard, TimeSpan? patience = null, int valueBytes = 0, CancellationToken? cancellationToken = null)
    {
        var blocks = new SegmentWriter("");
        blocks.BeginState("state", StateKind.Value, 1, 1);
        var entry = new StateEntry
        {
            Key = "key"u8,
            Exists = true,
            Expiry = StateEntry.Never,
            Version = 1,
            Value = valueBytes > 0 ? new byte[valueBytes] : Encoding.UTF8.GetBytes(ValueOf(shard)),
        };
        blocks.Add(in entry);
        blocks.EndState();
        return _place.Rounds.WriteAsync(
            Lineage,
            blocks,
            written => new SnapshotManifest
            {
                Application = "tests",
                StreamArn = "",
                StreamCreated = 0,
                Processor = "Tested",
                StateVersion = 1,
                Shard = NameOf(shard),
                StartingHashKey = "0",
                EndingHashKey = "1",
                Lineage = Lineage,
                Epoch = 1,
                Number = 1,
                Position = "1",
                StreamTime = 0,
                States = [new SnapshotState { Name = "state", Kind = StateKind.Value, Version = 1, Codec = "json" }],
                Ranges = written,
            },
            patience ?? SegmentRounds.MostPatience,
            cancellationToken ?? Token);
    }

    private async Task<byte[]> ReadAsync(string name, long offset, int length)
    {
        byte[] bytes = new byte[length];
        await _store.ReadAsync(_place.NameOf(Lineage, name), offset, bytes, Token);
        return bytes;
    }

    /// <summary>Lets time pass, as far as said and no further, until tasks have ended.</summary>
    private async Task AdvanceAsync(TimeSpan time, Task[] until)
    {
        DateTimeOffset end = _clock.GetUtcNow() + time;
        while (!Array.TrueForAll(until, static task => task.IsCompleted))
        {
            if (_clock.NextDue is { } due && due <= end)
            {
                _clock.Advance(due - _clock.GetUtcNow());
            }

            await Task.Yield();
            Token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Creates objects when it is let.</summary>
    private sealed class GatedStore : InMemoryCheckpointStore
    {
        public TaskCompletionSource? Gate { get; set; }

        public TaskCompletionSource Called { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Created { get; private set; }

        public override async Task CreateAsync(string name, ReadOnlySequence<byte> content, CancellationToken cancellationToken)
        {
            Called.TrySetResult();
            try
            {
                await (Gate?.Task ?? Task.CompletedTask).WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                Ended.TrySetResult();
                throw;
            }

            await base.CreateAsync(name, content, cancellationToken);
            Created++;
        }
    }
}

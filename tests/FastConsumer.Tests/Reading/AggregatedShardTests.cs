using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Amazon.Runtime;
using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.Reading;
using FastConsumer.Testing;
using FastConsumer.Tests.Kinesis;
using FastConsumer.Tests.Kinesis.Wire;
using FastConsumer.Timing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Tests.Reading;

/// <summary>Aggregates from the service to the checkpoint: a reader, a lane and the shard's progress on an embedded Kinesis.</summary>
public sealed class AggregatedShardTests : IAsyncLifetime
{
    private const string Stream = "orders";
    private const string FirstShard = "shardId-000000000000";
    private static readonly UInt128 s_middle = UInt128.One << 127;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly ClientFixture.RecordingLog _log = new();
    private readonly ByteBudget _budget = new(64 * 1024 * 1024);
    private EmbeddedKinesis _kinesis = null!;
    private KinesisClient _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _kinesis = await EmbeddedKinesis.StartAsync(cancellationToken: Token);
        _kinesis.CreateStream(Stream);
        _client = new KinesisClient(new KinesisClientOptions
        {
            ServiceUrl = _kinesis.ServiceUrl,
            Region = _kinesis.Region,
            Credentials = new BasicAWSCredentials("AKIDEXAMPLE", "secret-of-the-test"),
            MaxAttempts = 1,
        });
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _kinesis.DisposeAsync();
        await _services.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Goes_on_behind_any_checkpoint(bool inBatches)
    {
        Put("plain-1");
        PutAggregate(3);
        Put("plain-2");
        PutAggregate(1);
        PutAggregate(4);
        Put("plain-3");
        PutAggregate(2);
        Close();
        List<Seen> all = await RunAsync(FirstShard, CheckpointPosition.TrimHorizon, inBatches);
        Assert.Equal(13, all.Count);
        foreach (CheckpointPosition done in all.Select(static record => record.Position))
        {
            Assert.Equal(all.Where(record => record.Position > done), await RunAsync(FirstShard, done, inBatches));
        }
    }

    [Fact]
    public async Task A_checkpoint_of_kcl_inside_an_aggregate_is_taken_over()
    {
        PutResult first = PutAggregate(5);
        Put("plain");
        Close();
        // what KCL's table says: checkpoint and checkpointSubSequenceNumber
        var done = CheckpointPosition.Parse(first.Number.ToString(), 2);
        Assert.Equal(["0-3", "0-4", "plain"], (await RunAsync(FirstShard, done)).Select(static record => record.Text));
    }

    [Fact]
    public async Task A_new_iterator_repeats_nothing_and_leaves_nothing_out()
    {
        PutAggregate(3);
        var pages = Channel.CreateBounded<ReadItem>(1);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task reading = Reader(FirstShard, CheckpointPosition.TrimHorizon, Settings()).RunAsync(pages.Writer, stop.Token);
        using (RecordPage page = (await pages.Reader.ReadAsync(Token)).Page!)
        {
            Assert.Equal(3, page.Count);
        }

        _kinesis.Faults.Fail("GetRecords", "ExpiredIteratorException");
        await Until(() => _kinesis.RequestCount("GetShardIterator") == 2);
        PutAggregate(2);
        using (RecordPage page = (await pages.Reader.ReadAsync(Token)).Page!)
        {
            Assert.Equal(
                ["1-0", "1-1"],
                Enumerable.Range(0, page.Count).Select(i => Encoding.UTF8.GetString(new KinesisRecord(page.Response, i).DataSpan)));
        }

        await stop.CancelAsync();
        await reading;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_split_each_user_record_is_seen_once_over_both_children(bool inBatches)
    {
        // the producer still knows one shard only, so its aggregates hold records of both halves
        UserRecord[][] aggregates = [.. Enumerable.Range(0, 10).Select(static aggregate => Enumerable.Range(0, 20)
            .Select(i => new UserRecord($"key-{aggregate}-{i}", Encoding.UTF8.GetBytes($"{aggregate}-{i}"), i % 3 == 0 ? HashKey(i) : null))
            .ToArray())];
        foreach (UserRecord[] aggregate in aggregates[..5])
        {
            _kinesis.Put(Stream, "a", AggregateWriter.Write(aggregate));
        }

        _kinesis.SplitShard(Stream, FirstShard);
        foreach (UserRecord[] aggregate in aggregates[5..])
        {
            // what is in the wrong shard is put again into the right one, with what belongs to neither or both
            _kinesis.Put(Stream, "a", AggregateWriter.Write(aggregate), s_middle - 1);
            _kinesis.Put(Stream, "a", AggregateWriter.Write(aggregate), s_middle);
        }

        string[] children = [
            .. _kinesis.ListShards(Stream).Where(static shard => shard.ParentShardId == FirstShard).Select(static shard => shard.ShardId)];
        Assert.Equal(2, children.Length);
        children.ToList().ForEach(child => _kinesis.SplitShard(Stream, child));

        List<Seen> parent = await RunAsync(FirstShard, CheckpointPosition.TrimHorizon, inBatches);
        Assert.Equal(Texts(aggregates[..5]), parent.Select(static record => record.Text));
        List<Seen> lower = await RunAsync(children[0], CheckpointPosition.TrimHorizon, inBatches);
        List<Seen> upper = await RunAsync(children[1], CheckpointPosition.TrimHorizon, inBatches);
        Assert.NotEmpty(lower);
        Assert.NotEmpty(upper);
        Assert.Equal(Texts(aggregates[5..]).Order(), lower.Concat(upper).Select(static record => record.Text).Order());
        Assert.Contains(_log.Entries, static entry => entry.Id == 2020);

        static IEnumerable<string> Texts(UserRecord[][] aggregates) =>
            aggregates.SelectMany(static records => records.Select(static record => Encoding.UTF8.GetString(record.Data)));

        static string HashKey(int i) => (i % 2 == 0 ? s_middle - (UInt128)i - 1 : s_middle + (UInt128)i).ToString(
            CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Aggregates_of_which_nothing_belongs_here_are_done_all_the_same(bool inBatches)
    {
        PutAggregate(2);
        PutResult last = PutAggregate(4);
        Close();
        var elsewhere = new HashKeyRange(UInt128.MaxValue, UInt128.MaxValue);
        Assert.Empty(await RunAsync(
            FirstShard,
            CheckpointPosition.TrimHorizon,
            inBatches,
            Settings() with { HashKeyRange = elsewhere, ForeignRecords = ForeignRecords.LeaveOut }));
        Assert.Equal(CheckpointPosition.At(last.Number, 3), LastDone);
        Assert.Equal(0, _budget.Used);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_last_record_that_belongs_elsewhere_is_done_with_the_one_before_it(bool inBatches)
    {
        Put("plain");
        PutResult last = PutAggregate(new("a", "here"u8.ToArray(), "0"), new("a", "elsewhere"u8.ToArray(), "9"));
        Close();
        List<Seen> seen = await RunAsync(
            FirstShard,
            CheckpointPosition.TrimHorizon,
            inBatches,
            Settings() with { HashKeyRange = new(0, 5), ForeignRecords = ForeignRecords.LeaveOut });
        Assert.Equal(["plain", "here"], seen.Select(static record => record.Text));
        Assert.Equal(CheckpointPosition.At(last.Number, 1), LastDone);
    }

    [Fact]
    public async Task Nothing_is_unpacked_or_left_out_where_that_is_switched_off()
    {
        PutResult aggregate = PutAggregate(3);
        PutResult plain = Put("plain");
        Close();
        ShardReaderSettings settings = Settings() with { Deaggregate = false, HashKeyRange = new(UInt128.MaxValue, UInt128.MaxValue) };
        List<Seen> seen = await RunAsync(FirstShard, CheckpointPosition.TrimHorizon, settings: settings);
        Assert.Equal(
            [CheckpointPosition.At(aggregate.Number), CheckpointPosition.At(plain.Number)], seen.Select(static record => record.Position));
        Assert.StartsWith("F3899AC2", seen[0].Data, StringComparison.Ordinal);
        // the rest of an aggregate that was begun while it was on is not lost
        Assert.Equal(seen, await RunAsync(FirstShard, CheckpointPosition.At(aggregate.Number, 1), settings: settings));
        Assert.Equal(seen[1..], await RunAsync(FirstShard, CheckpointPosition.At(aggregate.Number), settings: settings));
        Assert.Empty(await RunAsync(FirstShard, CheckpointPosition.At(plain.Number), settings: settings));
    }

    private CheckpointPosition LastDone { get; set; }

    private int _aggregates;

    private PutResult Put(string text) => new(_kinesis.Put(Stream, "plain-key", text).SequenceNumber);

    private PutResult PutAggregate(int count)
    {
        int number = _aggregates++;
        return PutAggregate(
            [.. Enumerable.Range(0, count).Select(i => new UserRecord($"key-{i}", Encoding.UTF8.GetBytes($"{number}-{i}")))]);
    }

    private PutResult PutAggregate(params UserRecord[] records) =>
        new(_kinesis.Put(Stream, "a", AggregateWriter.Write(records)).SequenceNumber);

    /// <summary>Ends the shard, so that reading it ends.</summary>
    private void Close() => _kinesis.SplitShard(Stream, FirstShard);

    private ShardReaderSettings Settings() => new(
        StreamIdentifier.Parse(Stream),
        Telemetry(FirstShard),
        CheckpointPosition.TrimHorizon,
        StartedAt: null,
        IsFirstStart: false,
        Limit: 10_000,
        TimeSpan.FromMilliseconds(200));

    private ShardReader Reader(string shardId, CheckpointPosition start, ShardReaderSettings settings) => new(
        _client,
        settings with { Start = start, Shard = Telemetry(shardId) },
        _budget.OpenAccount(),
        TimeProvider.System,
        new Random(1),
        new Findings(TimeProvider.System),
        _log);

    private ShardTelemetry Telemetry(string shardId) => new(
        new ConsumerMetrics(_services.GetRequiredService<IMeterFactory>()), CallbackGuard.Silent, "tests", Stream, shardId,
        TimeProvider.System);

    /// <summary>Runs a closed shard to its end, as its consumer does.</summary>
    private async Task<List<Seen>> RunAsync(
        string shardId, CheckpointPosition start, bool inBatches = false, ShardReaderSettings? settings = null)
    {
        settings ??= Settings() with { HashKeyRange = _kinesis.ListShards(Stream).Single(shard => shard.ShardId == shardId).HashKeyRange };
        ShardTelemetry telemetry = Telemetry(shardId);
        var shard = new ShardContext("Collector", "tests", Stream, shardId, fencingToken: 1);
        using var progress = new ShardProgress(start, static () => { });
        var cursor = new RecordCursor(shard, progress, recordsPerCheckpoint: 0);
        var failures = new FailurePolicy(
            shard, new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), new Random(1)), TimeProvider.System, telemetry,
            new Findings(TimeProvider.System), NullLogger.Instance);
        List<Seen> seen = [];
        ShardPipeline pipeline = inBatches ? new CollectingBatches(seen) : new Collecting(seen);
        Lane lane = inBatches
            ? new BatchLane((BatchPipeline)pipeline, cursor, progress, failures, shard, 0, TimeProvider.System, telemetry)
            : new RecordLane((RecordPipeline)pipeline, cursor, progress, failures, TimeProvider.System, telemetry);
        var pages = Channel.CreateBounded<ReadItem>(2);
        Task reading = Reader(shardId, start, settings).RunAsync(pages.Writer, Token);
        await foreach (ReadItem item in pages.Reader.ReadAllAsync(Token))
        {
            if (item.Page is not null)
            {
                await lane.RunAsync(item.Page, Token, Token);
            }
        }

        await lane.FlushAsync(Token, Token);
        lane.Release();
        await reading;
        LastDone = progress.Done;
        if (seen.Count > 0)
        {
            Assert.True(LastDone >= seen[^1].Position);
        }

        Assert.Equal(progress.DispatchedPosition, LastDone);
        return seen;
    }

    private static async Task Until(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(10, Token);
        }
    }

    private readonly record struct PutResult(SequenceNumber Number);

    private sealed record Seen(CheckpointPosition Position, string Data)
    {
        public Seen(KinesisRecord record)
            : this(record.Position, Convert.ToHexString(record.DataSpan))
        {
        }

        public string Text => Encoding.UTF8.GetString(Convert.FromHexString(Data));
    }

    private sealed class Collecting(List<Seen> seen) : RecordPipeline
    {
        public override ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken)
        {
            while (cursor.MoveNext())
            {
                cursor.EnterHandler();
                seen.Add(new Seen(cursor.Current));
                cursor.Complete();
            }

            return default;
        }
    }

    private sealed class CollectingBatches(List<Seen> seen) : BatchPipeline(new BatchLimits(3, 1024, TimeSpan.FromMinutes(10)))
    {
        public override void Collect(RecordCursor cursor)
        {
            while (cursor.MoveNext() && Fits(cursor))
            {
                Add(cursor);
            }
        }

        public override ValueTask InvokeAsync(BatchContext context, CancellationToken cancellationToken)
        {
            foreach (KinesisRecord record in Records)
            {
                seen.Add(new Seen(record));
            }

            return default;
        }
    }
}

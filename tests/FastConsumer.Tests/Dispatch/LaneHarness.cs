using System.Buffers;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Processors;
using FastConsumer.Reading;
using FastConsumer.Tests.Hosting;
using FastConsumer.Timing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Tests.Dispatch;

/// <summary>One shard's dispatch in several lanes, on pages built in memory.</summary>
internal sealed class LaneHarness : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Channel<ReadItem> _input = Channel.CreateUnbounded<ReadItem>();
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly RecordLane[] _lanes;
    private readonly ParallelLanes _parallel;
    private int _put;
    private int _checkpointsRequested;
    private int _outstanding;

    public LaneHarness(
        int lanes,
        RecordPipeline pipeline,
        RecordOrder order = RecordOrder.PartitionKey,
        HeldUntil? held = null,
        Redrive? redrive = null,
        LaneStart? start = null)
    {
        _put = start?.First ?? 0;
        var shard = new ShardContext("Tested", "tests", "stream", "shardId-000000000000", fencingToken: 3);
        ShardTelemetry telemetry = Pages.Of("stream", shard.ShardId);
        Progress = new ShardProgress(
            start?.Position ?? CheckpointPosition.TrimHorizon, () => Interlocked.Increment(ref _checkpointsRequested))
        {
            State = pipeline.State,
            StreamTime = start?.StreamTime ?? 0,
            Restored = start?.Runs ?? DoneRuns.None,
        };
        _lanes = [.. Enumerable.Range(0, lanes).Select(lane => new RecordLane(
            pipeline, new RecordCursor(shard, Progress, 0, held: held), Progress, Policy(lane), TimeProvider.System, telemetry))];
        _parallel = new ParallelLanes(_lanes, order, Progress, telemetry, pipeline.State?.StripeCount) { Redrive = redrive };
        Dispatcher = new ShardDispatcher(shard, pipeline, _parallel, Progress, Policy(null), TimeProvider.System);

        FailurePolicy Policy(int? lane) => new(
            shard,
            new Backoff(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2), new Random(1)),
            TimeProvider.System,
            telemetry,
            Findings,
            NullLogger.Instance,
            deadLetters: null,
            lane)
        {
            Redrive = redrive,
        };
    }

    public ShardProgress Progress { get; }

    public ShardDispatcher Dispatcher { get; }

    public Findings Findings { get; } = new(TimeProvider.System);

    public int CheckpointsRequested => Volatile.Read(ref _checkpointsRequested);

    public Task<DispatchEnd> Running { get; private set; } = Task.FromResult(DispatchEnd.Stopped);

    public long Completed => _lanes.Sum(static lane => lane.Completed);

    /// <summary>Pages that were not returned yet.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>Lanes that were given more than they have completed.</summary>
    public int BusyLanes => _parallel.Busy;

    /// <summary>The pages that the dispatcher has not taken yet.</summary>
    public int Unread => _input.Reader.Count;

    public Task<IDisposable?> DrainAsync(CancellationToken cancellationToken) =>
        _parallel.DrainAsync(TimeProvider.System, cancellationToken);

    public CheckpointPosition PositionOf(int record) => Position(record);

    public static CheckpointPosition Position(int record) => CheckpointPosition.At(
        SequenceNumber.Parse(Encoding.ASCII.GetBytes(NumberOf(record))));

    public void Start() => Running = Dispatcher.RunAsync(_input.Reader, _stop.Token, _abort.Token);

    /// <summary>Puts a page with a record for each key; a record's data are its number.</summary>
    public RecordPage Put(params IReadOnlyCollection<string> keys) => Put(keys, null);

    /// <summary>Puts a page whose records have come at these times.</summary>
    public RecordPage Put(IReadOnlyCollection<string> keys, Func<int, long>? arrivals)
    {
        RecordPage page = Page(keys, _put, () => Interlocked.Decrement(ref _outstanding), arrivals);
        Interlocked.Increment(ref _outstanding);
        _put += keys.Count;
        Put(page);
        return page;
    }

    public void Put(RecordPage page) => Assert.True(_input.Writer.TryWrite(ReadItem.Records(page)));

    public void End() => Assert.True(_input.Writer.TryWrite(ReadItem.End([])));

    public Task StopAsync()
    {
        _stop.Cancel();
        return Eventually.WithinAsync(Running);
    }

    public Task AbortAsync()
    {
        _stop.Cancel();
        return _abort.CancelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await AbortAsync();
        await Eventually.WithinAsync(Running.ContinueWith(static _ => { }, TaskScheduler.Default));
        Progress.Dispose();
        Assert.Equal(0, Outstanding);
        await _services.DisposeAsync();
        _stop.Dispose();
        _abort.Dispose();
    }

    public static RecordPage Page(
        IReadOnlyCollection<string> keys, int first, Action? returned = null, Func<int, long>? arrivals = null)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var entries = new RecordEntry[keys.Count];
        int i = 0;
        foreach (string text in keys)
        {
            byte[] data = Encoding.ASCII.GetBytes((first + i).ToString(CultureInfo.InvariantCulture));
            byte[] key = Encoding.UTF8.GetBytes(text);
            byte[] number = Encoding.ASCII.GetBytes(NumberOf(first + i));
            int start = bytes.WrittenCount;
            bytes.Write(data);
            bytes.Write(key);
            bytes.Write(number);
            entries[i] = new RecordEntry
            {
                ArrivalMilliseconds = arrivals?.Invoke(first + i) ?? 0,
                DataOffset = start,
                DataLength = data.Length,
                PartitionKeyOffset = start + data.Length,
                PartitionKeyLength = key.Length,
                SequenceNumberOffset = start + data.Length + key.Length,
                SequenceNumberLength = number.Length,
                SubSequenceNumber = RecordEntry.NotAggregated,
            };
            i++;
        }

        return new RecordPage(
            new GetRecordsResponse(ResponseBuffer.Wrap(bytes.WrittenSpan.ToArray()), entries, entries.Length, entriesArePooled: false),
            new Reservation(returned));
    }

    private static string NumberOf(int record) => (1000 + record).ToString(CultureInfo.InvariantCulture);

    private sealed class Reservation(Action? returned) : IDisposable
    {
        private Action? _returned = returned;

        public void Dispose() => Interlocked.Exchange(ref _returned, null)?.Invoke();
    }
}

/// <summary>Where lanes with state begin.</summary>
internal sealed record LaneStart(int First, CheckpointPosition Position, long StreamTime, DoneRuns Runs);

/// <summary>What the generator writes, by hand, around a function.</summary>
internal sealed class FunctionPipeline(
    Func<int, KinesisRecord, RecordContext, CancellationToken, ValueTask> handler,
    Func<Exception, ErrorRule?>? rule = null) : RecordPipeline
{
    public override async ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken)
    {
        while (cursor.MoveNext())
        {
            cursor.EnterHandler();
            await handler(
                int.Parse(cursor.Current.DataSpan, CultureInfo.InvariantCulture), cursor.Current, cursor.Context, cancellationToken);
            cursor.Complete();
        }
    }

    public override ErrorRule? RuleFor(Exception exception, int handler) => rule?.Invoke(exception);
}

/// <summary>A raw synchronous handler.</summary>
internal sealed class CountingPipeline : RecordPipeline
{
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    public override ValueTask RunAsync(RecordCursor cursor, CancellationToken cancellationToken)
    {
        while (cursor.MoveNext())
        {
            cursor.EnterHandler();
            Interlocked.Add(ref _bytes, cursor.Current.DataSpan.Length);
            cursor.Complete();
        }

        return default;
    }
}

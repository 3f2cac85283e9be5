using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Dispatch;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Leases;
using FastConsumer.Processors;
using FastConsumer.Reading;
using FastConsumer.State.Format;
using FastConsumer.Timing;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.LoadTest.StateSize;

/// <summary>One shard as a worker runs it: lanes that change its state, on pages from memory, and its checkpoints.</summary>
internal sealed class SizedShard : IAsyncDisposable
{
    private const string Application = "load-test";
    private const string Stream = "state-size";
    private const string Processor = "Sized";
    private const string Lineage = "00000000000000aa";
    private const int RecordsPerPage = 1_000;
    private const int PagesAhead = 8;

    /// <summary>All records came at this moment: no checkpoint is too old.</summary>
    private const long Arrival = 1_700_000_000_000;

    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_retention = TimeSpan.FromHours(24);

    private readonly Channel<ReadItem> _input = Channel.CreateBounded<ReadItem>(PagesAhead);
    private readonly SemaphoreSlim _putting = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly SizedPipeline _pipeline;
    private readonly CheckpointPlace _place;
    private readonly ShardCheckpoint _checkpoints;
    private readonly int _laneCount;
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private RecordLane[] _lanes = [];
    private ShardProgress? _progress;
    private Task<DispatchEnd> _running = Task.FromResult(DispatchEnd.Stopped);
    private long _put;

    // what the lanes were given in this run, without what was done before it
    private long _putHere;

    public SizedShard(CheckpointPlace place, Lease taken, int lanes, int[]? expected = null)
    {
        (Row, _place, _laneCount) = (taken, place, lanes);
        _pipeline = new SizedPipeline { Expected = expected };
        _pipeline.State.Divide(lanes * ParallelLanes.BucketsPerLaneWithState);
        _checkpoints = new ShardCheckpoint(_pipeline.State, place, About(taken), taken, taken.LeaseCounter);
        _put = taken.Checkpoint.Kind == CheckpointKind.Record
            ? long.Parse(taken.Checkpoint.SequenceNumber.ToString(), CultureInfo.InvariantCulture)
            : 0;
    }

    /// <summary>The row as its last write has left it.</summary>
    public Lease Row { get; private set; }

    /// <summary>The bytes that the last checkpoint has written.</summary>
    public long SealedBytes => _checkpoints.SealedBytes;

    /// <summary>The bytes that were read to restore it.</summary>
    public long RestoredBytes => _checkpoints.RestoredBytes;

    /// <summary>The keys whose totals are not what they must be.</summary>
    public long Wrong => _pipeline.Wrong;

    /// <summary>The row of a shard that nobody has handled yet.</summary>
    /// <param name="number">The shard's number.</param>
    /// <param name="range">Its hash keys.</param>
    public static Lease NewRow(int number, HashKeyRange range) => new()
    {
        LeaseKey = string.Create(CultureInfo.InvariantCulture, $"shardId-{number:D12}"),
        LeaseOwner = "worker",
        LeaseCounter = 1,
        Checkpoint = CheckpointPosition.TrimHorizon,
        HashKeyRange = range,
        Session = "process/1",
        Lineage = string.Create(CultureInfo.InvariantCulture, $"{Lineage}.{number + 1:x8}"),
    };

    /// <summary>Where the shards of one process checkpoint together.</summary>
    public static CheckpointPlace Place(ICheckpointStore store, string session) =>
        new(store, Application, session, "table", TimeProvider.System);

    /// <summary>Reads the state that the row leads to.</summary>
    public ValueTask RestoreAsync(CancellationToken cancellationToken) => _checkpoints.RestoreAsync(
        haveParentsState: false, DateTimeOffset.FromUnixTimeMilliseconds(Arrival), s_retention, cancellationToken);

    /// <summary>Starts the lanes, behind <see cref="RestoreAsync"/>.</summary>
    public void Start()
    {
        var shard = new ShardContext(Processor, Application, Stream, Row.LeaseKey, Row.LeaseCounter);
        var telemetry = new ShardTelemetry(
            metrics: null, CallbackGuard.Silent, Application, Stream, Row.LeaseKey, TimeProvider.System);
        var findings = new Findings(TimeProvider.System);
        ShardProgress progress = _progress = new ShardProgress(Row.Checkpoint, static () => { })
        {
            State = _pipeline.State,
            StreamTime = _checkpoints.RestoredTime,
            Restored = _checkpoints.RestoredRuns,
        };
        _lanes = [.. Enumerable.Range(0, _laneCount).Select(lane => new RecordLane(
            _pipeline,
            new RecordCursor(shard, progress, recordsPerCheckpoint: 0),
            progress,
            Policy(lane),
            TimeProvider.System,
            telemetry))];
        var parallel = new ParallelLanes(_lanes, RecordOrder.PartitionKey, progress, telemetry, _pipeline.State.StripeCount);
        var dispatcher = new ShardDispatcher(shard, _pipeline, parallel, progress, Policy(null), TimeProvider.System);
        _running = Task.Run(() => dispatcher.RunAsync(_input.Reader, _stop.Token, _stop.Token));

        FailurePolicy Policy(int? lane) => new(
            shard,
            new Backoff(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1), new Random(1)),
            TimeProvider.System,
            telemetry,
            findings,
            NullLogger.Instance,
            deadLetters: null,
            lane);
    }

    /// <summary>Gives the lanes a record of each of these keys. They may not be done when the task is.</summary>
    public async Task PutAsync(ReadOnlyMemory<int> keys, CancellationToken cancellationToken)
    {
        while (!keys.IsEmpty)
        {
            int count = Math.Min(RecordsPerPage, keys.Length);
            await _putting.WaitAsync(cancellationToken);
            try
            {
                RecordPage page = Page(keys.Span[..count]);
                _put += count;
                Interlocked.Add(ref _putHere, count);
                await _input.Writer.WriteAsync(ReadItem.Records(page), cancellationToken);
            }
            finally
            {
                _putting.Release();
            }

            keys = keys[count..];
        }
    }

    /// <summary>Gives the lanes these, and waits until they and all before them are done.</summary>
    public async Task HandleAsync(ReadOnlyMemory<int> keys, CancellationToken cancellationToken)
    {
        await PutAsync(keys, cancellationToken);
        long until = Interlocked.Read(ref _putHere);
        while (_lanes.Sum(static lane => lane.Completed) < until)
        {
            if (_running.IsCompleted)
            {
                await _running;
                throw new InvalidOperationException("The lanes have ended.");
            }

            await Task.Delay(s_step, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>
    /// Takes a cut and gives it up, as where a store does not take a checkpoint. For how long was the gate closed, at most: from before it
    /// was asked for until it was open again.
    /// </summary>
    /// <returns>All of it, and until nobody was inside of the gate any more.</returns>
    public (TimeSpan All, TimeSpan Closing) Cut()
    {
        long closed = 0;
        long since = TimeProvider.System.GetTimestamp();
        using StateCut cut = _pipeline.State.Cut(
            () =>
            {
                closed = TimeProvider.System.GetTimestamp();
                return _progress!.Cut();
            },
            out DoneAtCut at);
        TimeSpan all = TimeProvider.System.GetElapsedTime(since);
        at.Dispose();
        return (all, TimeProvider.System.GetElapsedTime(since, closed));
    }

    /// <summary>Takes a checkpoint and names it, as the write of the lease does.</summary>
    /// <param name="patience">How long it waits for those of other shards.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The CPU time of the cut, and of writing it into memory.</returns>
    public async Task<TimeSpan> CheckpointAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        // up to where it waits for the store, it has one thread
        TimeSpan before = ThreadClock.Now;
        Task<bool> sealing = _checkpoints.SealAsync(_progress!.Cut, seen: null, patience, cancellationToken);
        TimeSpan spent = ThreadClock.Now - before;
        if (!await sealing)
        {
            throw new InvalidOperationException("A checkpoint had nothing to say.");
        }

        ShardCheckpoint.Snapshot snapshot = _checkpoints.Sealed!;
        Row = Row with { Checkpoint = snapshot.Position, Snapshot = snapshot.Handle };
        _checkpoints.Settle(Row);
        return spent;
    }

    /// <summary>Deletes what no row names any more.</summary>
    public Task ForgetAsync(CancellationToken cancellationToken) => _checkpoints.ForgetAsync(cancellationToken);

    /// <summary>The object that the row names, and the ranges of its manifest.</summary>
    public async Task<(string Object, SnapshotManifest Manifest)> ReadManifestAsync(CancellationToken cancellationToken)
    {
        SnapshotHandle handle = SnapshotHandle.Parse(Row.Snapshot)!;
        byte[] frame = new byte[handle.Length];
        await _place.Store.ReadAsync(_place.NameOf(Lineage, handle.Object!), handle.Offset, frame, cancellationToken);
        return (handle.Object!, SegmentReader.ReadManifest(frame));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _progress?.Dispose();
        _stop.Dispose();
        _putting.Dispose();
    }

    private static SnapshotManifest About(Lease row) => new()
    {
        Application = Application,
        StreamArn = $"arn:aws:kinesis:eu-central-1:123456789012:stream/{Stream}",
        StreamCreated = Arrival,
        Processor = Processor,
        StateVersion = 1,
        Shard = row.LeaseKey,
        StartingHashKey = row.HashKeyRange!.StartingHashKey.ToString(CultureInfo.InvariantCulture),
        EndingHashKey = row.HashKeyRange.EndingHashKey.ToString(CultureInfo.InvariantCulture),
        Lineage = Lineage,
        Epoch = row.LeaseCounter,
        Number = 0,
        Position = "",
        StreamTime = 0,
        States = [],
        Ranges = [],
    };

    private RecordPage Page(ReadOnlySpan<int> keys)
    {
        _bytes.ResetWrittenCount();
        var entries = new RecordEntry[keys.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            int start = _bytes.WrittenCount;
            int key = Write(SizedPipeline.KeyStart, keys[i]);
            int number = Write("", _put + i + 1);
            entries[i] = new RecordEntry
            {
                ArrivalMilliseconds = Arrival,
                PartitionKeyOffset = start,
                PartitionKeyLength = key,
                SequenceNumberOffset = start + key,
                SequenceNumberLength = number,
                SubSequenceNumber = RecordEntry.NotAggregated,
            };
        }

        return new RecordPage(
            new GetRecordsResponse(ResponseBuffer.Wrap(_bytes.WrittenSpan.ToArray()), entries, entries.Length, entriesArePooled: false),
            new MemoryStream());
    }

    private int Write(string start, long number)
    {
        const int most = 32;
        Span<byte> bytes = _bytes.GetSpan(most);
        int length = Encoding.ASCII.GetBytes(start, bytes);
        Utf8Formatter.TryFormat(number, bytes[length..], out int digits);
        _bytes.Advance(length + digits);
        return length + digits;
    }
}

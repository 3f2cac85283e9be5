using System.Threading.Channels;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Reading;
using Microsoft.Extensions.Logging.Abstractions;

namespace FastConsumer.Cli.Records;

/// <summary>
/// Reads a stream as a worker does, by the same readers, and hands the records to nobody: what comes is what a worker could read.
/// </summary>
internal sealed class CeilingReader(IKinesisClient client, StreamIdentifier stream, ReadStart start, TimeProvider time)
{
    private const int Limit = 10_000;
    private const int PagesAhead = 2;

    private static readonly TimeSpan s_idlePoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromMilliseconds(100);

    private readonly ByteBudget _budget = new(
        ByteBudget.DefaultCapacity(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes));
    private readonly Findings _findings = new(time);
    private readonly StreamListings _listings = new(client, stream, time);
    private readonly List<ShardFigures> _figures = [];
    private readonly Lock _lock = new();

    /// <summary>Reads for so long, or until each shard's newest record is read.</summary>
    public async Task<IReadOnlyList<ShardFigures>> RunAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        IReadOnlyList<Shard> shards = (await ShardListing.ListAllAsync(client, stream, cancellationToken)).Shards;
        var tree = new ShardTree(shards.Where(shard => !start.IsOfOpenShards || shard.EndingSequenceNumber is null));
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Dictionary<Task<IReadOnlyList<ChildShard>>, string> running = [];
        Task over = Task.Delay(duration, time, end.Token);
        try
        {
            Start();
            while (running.Count > 0)
            {
                Task ended = await Task.WhenAny([over, .. running.Keys]);
                if (ended == over)
                {
                    break;
                }

                var task = (Task<IReadOnlyList<ChildShard>>)ended;
                running.Remove(task, out string? shardId);
                tree.Finish(shardId!, await task);
                Start();
            }

            cancellationToken.ThrowIfCancellationRequested();
            return _figures;
        }
        finally
        {
            await end.CancelAsync();
            await ((Task)Task.WhenAll(running.Keys)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await over.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        void Start()
        {
            foreach (ShardNode shard in tree.TakeReady())
            {
                running.Add(ReadAsync(shard, end.Token), shard.ShardId);
            }
        }
    }

    /// <summary>Reads one shard until its tip or its end; its children.</summary>
    private async Task<IReadOnlyList<ChildShard>> ReadAsync(ShardNode shard, CancellationToken cancellationToken)
    {
        var telemetry = new ShardTelemetry(null, CallbackGuard.Silent, "read-ceiling", stream.Name, shard.ShardId, time);
        var intake = new ThroughputMeter(time);
        StartingPosition from = shard.IsChild ? start.OfChildren : start.Position;
        var settings = new ShardReaderSettings(
            stream,
            telemetry,
            from.Type switch
            {
                ShardIteratorType.Latest => CheckpointPosition.Latest,
                ShardIteratorType.AtTimestamp => CheckpointPosition.AtTimestamp,
                _ => CheckpointPosition.TrimHorizon,
            },
            from.Type == ShardIteratorType.AtTimestamp ? from.Timestamp : null,
            IsFirstStart: true,
            Limit,
            s_idlePoll,
            HashKeyRange: shard.HashKeyRange,
            Intake: intake,
            Listings: _listings);
        var reader = new ShardReader(
            client, settings, _budget.OpenAccount(), time, new Random(Environment.ProcessId + _figures.Count), _findings,
            NullLogger.Instance);
        var figures = new ShardFigures(shard.ShardId, telemetry, time);
        lock (_lock)
        {
            _figures.Add(figures);
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<ReadItem> items = Channel.CreateBounded<ReadItem>(PagesAhead);
        Task reading = reader.RunAsync(items.Writer, end.Token);
        Task watching = WatchTipAsync(figures, intake, end);
        IReadOnlyList<ChildShard> children = [];
        try
        {
            await foreach (ReadItem item in items.Reader.ReadAllAsync(CancellationToken.None))
            {
                children = item.Children ?? children;
                if (item.Page is { } page)
                {
                    figures.Add(page.Count);
                    page.Dispose();
                }
            }

            await reading;
            return children;
        }
        finally
        {
            figures.End();
            await end.CancelAsync();
            await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>At the newest record the shard's own producers set the pace: nothing more is measured.</summary>
    private async Task WatchTipAsync(ShardFigures figures, ThroughputMeter intake, CancellationTokenSource end)
    {
        while (intake.Tip is not { Behind.Ticks: 0 })
        {
            await Task.Delay(s_lookInterval, time, end.Token);
        }

        figures.HasReachedTip = true;
        await end.CancelAsync();
    }
}

/// <summary>What was read of one shard.</summary>
internal sealed class ShardFigures(string shardId, ShardTelemetry telemetry, TimeProvider time)
{
    private readonly long _startedAt = time.GetTimestamp();
    private TimeSpan? _took;
    private long _records;

    public string ShardId => shardId;

    public long Records => Interlocked.Read(ref _records);

    public long Bytes => telemetry.Counts.Bytes;

    /// <summary>Calls that the service has refused for its quota.</summary>
    public long Throttled => telemetry.Counts.Refused;

    /// <summary>True where its newest record was read, so that it could be read faster than it was.</summary>
    public bool HasReachedTip { get; set; }

    /// <summary>How long it was read.</summary>
    public TimeSpan Took => _took ?? time.GetElapsedTime(_startedAt);

    public void Add(int records) => Interlocked.Add(ref _records, records);

    public void End() => _took ??= time.GetElapsedTime(_startedAt);
}

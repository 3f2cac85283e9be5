using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Reading;
using FastConsumer.Supervision;
using Microsoft.Extensions.Logging;

namespace FastConsumer.Hosting;

/// <summary>What the shards of one processor share.</summary>
internal sealed record WorkerParts(
    WorkerSettings Settings,
    ProcessorRegistration Processor,
    IServiceProvider Services,
    IKinesisClient Client,
    ByteBudget Budget,
    TimeProvider Time,
    RandomSource Random,
    ConsumerMetrics Metrics,
    Findings Findings,
    ILogger Log,
    IDeadLetterSink? DeadLetters)
{
    /// <summary>The registered consumer; null where shards are polled.</summary>
    public FanOutConsumer? FanOut { get; init; }

    /// <summary>A name of this process's that no other has: each take notes it.</summary>
    public required string Session { get; init; }

    /// <summary>The stream's key, for messages.</summary>
    public StreamKey StreamKey { get; } = new(Client, Settings.Stream, Time);

    /// <summary>The stream's listings, for shards that may have ended.</summary>
    public StreamListings Listings { get; } = new(Client, Settings.Stream, Time);

    /// <summary>Keeps readers that start together out of step.</summary>
    public StartSpread Spread { get; } = new(Time);

    /// <summary>Where snapshots of its state are kept; null where it keeps none.</summary>
    public CheckpointPlace? Checkpoints { get; init; }

    /// <summary>Where the outputs of its processor go; empty where it has none.</summary>
    public OutputRoutes Outputs { get; init; } = OutputRoutes.None;

    /// <summary>How long it is from one sweep of the snapshots to the next.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Rules of the sweep that a simulation switches off, to show that it misses them.</summary>
    public SegmentSweep.Rules SweepRulesOff { get; init; }

    /// <summary>True where the host reads the state: shards keep their last cut for that.</summary>
    public bool KeepsCuts { get; init; }

    /// <summary>The store of the positions that its handlers commit; null where none takes a transaction.</summary>
    public IPositionStore? Positions { get; } = Processor.FindPositionStore(Services);

    /// <summary>What the worker and all of its shards run on.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Finds what producers have put into records; null where nobody does.</summary>
    public ITraceContextExtractor? TraceContexts { get; init; }

    /// <summary>Stops the host gracefully; null where there is none.</summary>
    public Action? StopHost { get; init; }

    /// <summary>Catches what loggers, meter listeners and callbacks of tokens throw.</summary>
    public CallbackGuard Guard { get; init; } = new(Findings,
        $"{Settings.ApplicationName}/{Settings.Stream.Name}/{Settings.ProcessorName}", Time);

    /// <summary>The same parts, with a logger that throws nothing, and entries that say where they belong.</summary>
    public WorkerParts Guarded()
    {
        GuardedLogger log = Log as GuardedLogger
            ?? GuardedLogger.For(Log, Guard, Settings.ApplicationName, Settings.Stream.Name, Settings.ProcessorName);
        Guard.Log = log;
        return this with { Log = log };
    }

    /// <summary>What the runs of the shards need; of <see cref="Guarded"/> parts.</summary>
    public ShardParts ForShards() => new()
    {
        ProcessorName = Settings.ProcessorName,
        ApplicationName = Settings.ApplicationName,
        Stream = Settings.Stream,
        StartTimestamp = Settings.StartTimestamp,
        Limit = Settings.Limit,
        IdlePollInterval = Settings.IdlePollInterval,
        Deaggregate = Settings.Deaggregate,
        ForeignRecords = Settings.ForeignRecords,
        Listings = Listings,
        Spread = Spread,
        IgnoreReadQuota = Settings.IgnoreReadQuota,
        NoTelemetry = Settings.NoTelemetry,
        Checkpoints = Checkpoints,
        Outputs = Outputs,
        CheckpointInterval = Settings.CheckpointInterval,
        CheckpointRecords = Settings.CheckpointRecords,
        Checkpointing = Settings.Checkpointing,
        AllowNonRestoredState = Settings.AllowNonRestoredState,
        KeepsCuts = KeepsCuts,
        MeasuresThroughput = Settings.LeaseBalancing == LeaseBalancing.Throughput,
        RetryInitialBackoff = Settings.RetryInitialBackoff,
        RetryMaxBackoff = Settings.RetryMaxBackoff,
        LeaseDuration = Settings.LeaseDuration,
        HungCallAfter = Settings.HungCallAfter ?? 3 * Settings.LeaseDuration,
        MaxHandlerThreads = Settings.MaxHandlerThreads,
        Lanes = Processor.Order == RecordOrder.Shard ? 1 : Processor.Lanes,
        Order = Processor.Order,
        CreatePipeline = Processor.CreatePipeline,
        Services = Services,
        Client = Client,
        FanOut = FanOut,
        StreamKey = StreamKey,
        Budget = Budget,
        Time = Time,
        CreateRandom = Random.Create,
        Metrics = Metrics,
        NamesShards = Settings.Telemetry.ShardTags == ShardTags.All,
        TracesRecords = Settings.Telemetry.RecordSpans,
        TraceContexts = TraceContexts,
        Findings = Findings,
        Log = (GuardedLogger)Log,
        Guard = Guard,
        DeadLetters = DeadLetters,
        StopHost = StopHost,
        Scheduler = Scheduler,
    };
}

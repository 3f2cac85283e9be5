using FastConsumer.Buffers;
using FastConsumer.Checkpoints;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Processors;
using FastConsumer.Reading;

namespace FastConsumer.Supervision;

/// <summary>What the runs of one processor's shards share: settings, and the parts of the worker.</summary>
internal sealed record ShardParts
{
    public required string ProcessorName { get; init; }

    public required string ApplicationName { get; init; }

    public required StreamIdentifier Stream { get; init; }

    /// <summary>The time of AT_TIMESTAMP where a lease does not say its own.</summary>
    public DateTimeOffset? StartTimestamp { get; init; }

    public required int Limit { get; init; }

    public required TimeSpan IdlePollInterval { get; init; }

    public required bool Deaggregate { get; init; }

    public ForeignRecords ForeignRecords { get; init; }

    /// <summary>One listing of the stream serves all shards that ask at the same time.</summary>
    public required StreamListings Listings { get; init; }

    /// <summary>Spreads the first reads of shards that start together.</summary>
    public required StartSpread Spread { get; init; }

    public bool IgnoreReadQuota { get; init; }

    /// <summary>Whether pages are neither measured nor counted: for load tests.</summary>
    public bool NoTelemetry { get; init; }

    public required TimeSpan CheckpointInterval { get; init; }

    /// <summary>The most records between two checkpoints; 0 for no bound.</summary>
    public required int CheckpointRecords { get; init; }

    /// <summary>How checkpoints of state are taken.</summary>
    public CheckpointingSettings Checkpointing { get; init; } = new();

    /// <summary>Whether states of a snapshot that the processor does not declare are dropped.</summary>
    public bool AllowNonRestoredState { get; init; }

    /// <summary>Whether the last cut of the state is kept for readers.</summary>
    public bool KeepsCuts { get; init; }

    /// <summary>Whether shards publish what they yield.</summary>
    public required bool MeasuresThroughput { get; init; }

    public required TimeSpan RetryInitialBackoff { get; init; }

    public required TimeSpan RetryMaxBackoff { get; init; }

    public required TimeSpan LeaseDuration { get; init; }

    public required TimeSpan HungCallAfter { get; init; }

    public required int MaxHandlerThreads { get; init; }

    /// <summary>The lanes of a shard.</summary>
    public required int Lanes { get; init; }

    public required RecordOrder Order { get; init; }

    /// <summary>Makes a shard's own processor and its pipeline, from the shard's scope.</summary>
    public required Func<IServiceProvider, ShardPipeline> CreatePipeline { get; init; }

    public required IServiceProvider Services { get; init; }

    /// <summary>The stream as it described itself at start: part of the key of positions in a sink.</summary>
    public Func<StreamDescriptionSummary?> Description { get; init; } = static () => null;

    public required IKinesisClient Client { get; init; }

    /// <summary>Where snapshots of the state are kept; null where there is no store.</summary>
    public CheckpointPlace? Checkpoints { get; init; }

    /// <summary>Where outputs go.</summary>
    public OutputRoutes Outputs { get; init; } = OutputRoutes.None;

    /// <summary>The registered consumer; null where shards are polled.</summary>
    public FanOutConsumer? FanOut { get; init; }

    public required StreamKey StreamKey { get; init; }

    public required ByteBudget Budget { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>A generator for one part.</summary>
    public required Func<Random> CreateRandom { get; init; }

    public required ConsumerMetrics Metrics { get; init; }

    /// <summary>Finds what producers have put into records; null where nobody does.</summary>
    public ITraceContextExtractor? TraceContexts { get; init; }

    /// <summary>Whether each record has a span of its own.</summary>
    public bool TracesRecords { get; init; }

    /// <summary>Whether figures name shards.</summary>
    public bool NamesShards { get; init; } = true;

    public required Findings Findings { get; init; }

    public required GuardedLogger Log { get; init; }

    public required CallbackGuard Guard { get; init; }

    public IDeadLetterSink? DeadLetters { get; init; }

    /// <summary>Stops the host gracefully; null where there is none.</summary>
    public Action? StopHost { get; init; }

    /// <summary>How long ago the lease table throttled this worker's writes; null where it never did.</summary>
    public Func<TimeSpan?>? SinceTableThrottle { get; init; }

    /// <summary>
    /// What everything runs on in a simulation. Where it is the default one, handlers run on a <see cref="HandlerScheduler"/>, and so, on
    /// another, do callbacks.
    /// </summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Where findings of the worker hold.</summary>
    public string Scope => $"{ApplicationName}/{Stream.Name}/{ProcessorName}";

    /// <summary>The service's time, as far as its answers tell.</summary>
    public DateTimeOffset ServiceTime => Time.GetUtcNow() + ClockOffset;

    /// <summary>How far the service's clock is ahead of this machine's.</summary>
    public TimeSpan ClockOffset => Client is KinesisClient client ? client.ClockOffset : TimeSpan.Zero;

    /// <summary>What a run takes over when it begins, of all that may change while the worker runs.</summary>
    public (int, TimeSpan, int, TimeSpan, TimeSpan) OfRuns =>
        (Limit, IdlePollInterval, CheckpointRecords, RetryInitialBackoff, RetryMaxBackoff);

    /// <summary>What is told of one shard's run.</summary>
    public ShardTelemetry CreateTelemetry(string shardId) =>
        new(Metrics, Guard, ApplicationName, Stream.Name, shardId, Time, NamesShards, NoTelemetry);
}

using Amazon.Runtime;
using FastConsumer.Checkpoints;
using FastConsumer.Kinesis;

namespace FastConsumer.Hosting;

/// <summary>
/// The immutable snapshot of the options that one processor's worker runs by: the processor's before the consumer's before the attribute's
/// before the default.
/// </summary>
internal sealed record WorkerSettings
{
    private static readonly TimeSpan s_checkpointInterval =
        TimeSpan.Parse(CheckpointAttribute.DefaultInterval, System.Globalization.CultureInfo.InvariantCulture);

    // each checkpoint of state writes an object
    private static readonly TimeSpan s_checkpointIntervalWithState = TimeSpan.FromSeconds(10);

    public required string ProcessorName { get; init; }

    public required string ApplicationName { get; init; }

    public required StreamIdentifier Stream { get; init; }

    public string? Region { get; init; }

    public string? Profile { get; init; }

    public string? ServiceUrl { get; init; }

    public AWSCredentials? Credentials { get; init; }

    public Action<SocketsHttpHandler>? ConfigureHttpHandler { get; init; }

    public required KinesisProtocol Protocol { get; init; }

    public required StartPosition StartPosition { get; init; }

    public DateTimeOffset? StartTimestamp { get; init; }

    public required ReadMode ReadMode { get; init; }

    /// <summary>The registered consumer of fan-out.</summary>
    public required string ConsumerName { get; init; }

    public required bool FanOutFallback { get; init; }

    /// <summary>Null for what suits the endpoint.</summary>
    public int? StreamWindowBytes { get; init; }

    public required int Limit { get; init; }

    public bool Deaggregate { get; init; } = true;

    public ForeignRecords ForeignRecords { get; init; }

    public required TimeSpan IdlePollInterval { get; init; }

    public required TimeSpan CheckpointInterval { get; init; }

    public required int CheckpointRecords { get; init; }

    /// <summary>How checkpoints of state are taken.</summary>
    public CheckpointingSettings Checkpointing { get; init; } = new();

    public bool AllowNonRestoredState { get; init; }

    public required TimeSpan LeaseDuration { get; init; }

    /// <summary>The most leases that the worker holds; null for no limit.</summary>
    public int? MaxLeases { get; init; }

    /// <summary>Null for three times <see cref="LeaseDuration"/>.</summary>
    public TimeSpan? HungCallAfter { get; init; }

    public int MaxHandlerThreads { get; init; } = FastConsumerOptions.DefaultMaxHandlerThreads;

    public required TimeSpan ShardSyncInterval { get; init; }

    public double? LeaseTableWriteUnits { get; init; }

    public LeaseBalancing LeaseBalancing { get; init; }

    public required TimeSpan RetryInitialBackoff { get; init; }

    public required TimeSpan RetryMaxBackoff { get; init; }

    public required TimeSpan StopTimeout { get; init; }

    public required string WorkerId { get; init; }

    /// <summary>What metrics and traces tell.</summary>
    public TelemetryOptions Telemetry { get; init; } = new();

    /// <summary>When a lag is a finding.</summary>
    public LagOptions Lag { get; init; } = new();

    /// <inheritdoc cref="FastConsumerOptions.IgnoreReadQuota"/>
    public bool IgnoreReadQuota { get; init; }

    /// <inheritdoc cref="FastConsumerOptions.NoTelemetry"/>
    public bool NoTelemetry { get; init; }

    /// <summary>The start as leases hold it.</summary>
    public CheckpointPosition Start => StartPosition switch
    {
        StartPosition.Latest => CheckpointPosition.Latest,
        StartPosition.AtTimestamp => CheckpointPosition.AtTimestamp,
        _ => CheckpointPosition.TrimHorizon,
    };

    /// <summary>
    /// The start position of a processor. A time that is set without a position means AtTimestamp; what is set for the processor comes
    /// first.
    /// </summary>
    public static StartPosition StartOf(ProcessorOptions own, FastConsumerOptions consumer) =>
        Said(own) ?? Said(consumer) ?? StartPosition.TrimHorizon;

    /// <param name="processor">The processor.</param>
    /// <param name="consumer">The consumer's options.</param>
    /// <param name="own">The processor's options.</param>
    /// <param name="workerId">The worker's name in the lease table.</param>
    /// <param name="aws">What the application says for all of its AWS clients.</param>
    public static WorkerSettings Resolve(
        ProcessorRegistration processor, FastConsumerOptions consumer, ProcessorOptions own, string workerId, AwsDefaults? aws = null)
    {
        string? profile = own.Profile ?? consumer.Profile;
        // a profile that is set here is nearer than credentials that are set for all clients
        AWSCredentials? credentials = own.Credentials ?? consumer.Credentials ?? (profile is null ? aws?.Credentials : null);
        TimeSpan retryInitialBackoff =
            own.RetryInitialBackoff ?? consumer.RetryInitialBackoff ?? ConsumerSettings.DefaultRetryInitialBackoff;
        TimeSpan retryMaxBackoff = own.RetryMaxBackoff ?? consumer.RetryMaxBackoff ?? ConsumerSettings.DefaultRetryMaxBackoff;
        return new WorkerSettings
        {
            ProcessorName = processor.Name,
            ApplicationName = own.ApplicationName ?? consumer.ApplicationName!,
            Stream = StreamIdentifier.Parse(own.Stream ?? processor.Stream),
            Region = own.Region ?? consumer.Region ?? aws?.Region,
            Profile = profile,
            ServiceUrl = own.ServiceUrl ?? consumer.ServiceUrl ?? aws?.ServiceUrl,
            Credentials = credentials,
            ConfigureHttpHandler = own.ConfigureHttpHandler ?? consumer.ConfigureHttpHandler,
            Protocol = own.Protocol ?? consumer.Protocol ?? KinesisProtocol.Auto,
            StartPosition = StartOf(own, consumer),
            StartTimestamp = own.StartTimestamp ?? consumer.StartTimestamp,
            ReadMode = own.ReadMode ?? consumer.ReadMode ?? ReadMode.Polling,
            ConsumerName = own.ConsumerName ?? consumer.ConsumerName ?? own.ApplicationName ?? consumer.ApplicationName!,
            FanOutFallback = own.FanOutFallback ?? consumer.FanOutFallback ?? false,
            StreamWindowBytes = own.StreamWindowBytes ?? consumer.StreamWindowBytes,
            Limit = own.Limit ?? consumer.Limit ?? ConsumerSettings.DefaultLimit,
            Deaggregate = own.Deaggregate ?? consumer.Deaggregate ?? true,
            ForeignRecords = own.ForeignRecords ?? consumer.ForeignRecords ?? ForeignRecords.Auto,
            IdlePollInterval = own.IdlePollInterval ?? consumer.IdlePollInterval ?? ConsumerSettings.DefaultIdlePollInterval,
            CheckpointInterval =
                IntervalOf(own) ?? IntervalOf(consumer) ?? processor.CheckpointInterval
                    ?? (processor.StateVersion > 0 ? s_checkpointIntervalWithState : s_checkpointInterval),
            CheckpointRecords =
                RecordsOf(own) ?? RecordsOf(consumer) ?? processor.CheckpointRecords
                    // each checkpoint writes to a store
                    ?? (processor.StateVersion > 0 ? 0 : CheckpointAttribute.DefaultRecords),
            Checkpointing = Resolve(own.Checkpointing, consumer.Checkpointing),
            AllowNonRestoredState = own.AllowNonRestoredState ?? consumer.AllowNonRestoredState ?? false,
            LeaseDuration = own.LeaseDuration ?? consumer.LeaseDuration ?? ConsumerSettings.DefaultLeaseDuration,
            MaxLeases = own.MaxLeases ?? consumer.MaxLeases,
            HungCallAfter = own.HungCallAfter ?? consumer.HungCallAfter,
            MaxHandlerThreads = consumer.MaxHandlerThreads,
            LeaseTableWriteUnits = own.LeaseTableWriteUnits ?? consumer.LeaseTableWriteUnits,
            LeaseBalancing = own.LeaseBalancing ?? consumer.LeaseBalancing ?? LeaseBalancing.Count,
            ShardSyncInterval = own.ShardSyncInterval ?? consumer.ShardSyncInterval ?? ConsumerSettings.DefaultShardSyncInterval,
            RetryInitialBackoff = retryInitialBackoff,
            RetryMaxBackoff = retryMaxBackoff > retryInitialBackoff ? retryMaxBackoff : retryInitialBackoff,
            StopTimeout = consumer.StopTimeout,
            WorkerId = workerId,
            Telemetry = consumer.Telemetry,
            Lag = consumer.Lag,
            IgnoreReadQuota = consumer.IgnoreReadQuota,
            NoTelemetry = consumer.NoTelemetry,
        };
    }

    /// <summary>The interval of checkpoints that is set, under one of its two names.</summary>
    public static TimeSpan? IntervalOf(ConsumerSettings settings) => settings.Checkpointing.Interval ?? settings.CheckpointInterval;

    /// <summary>The number of records between checkpoints that is set, under one of its two names.</summary>
    public static int? RecordsOf(ConsumerSettings settings) => settings.Checkpointing.Records ?? settings.CheckpointRecords;

    private static CheckpointingSettings Resolve(CheckpointingOptions own, CheckpointingOptions consumer) => new()
    {
        Mode = own.Mode ?? consumer.Mode ?? CheckpointingMode.ExactlyOnce,
        Timeout = own.Timeout ?? consumer.Timeout ?? CheckpointingSettings.DefaultTimeout,
        MinPause = own.MinPause ?? consumer.MinPause ?? TimeSpan.Zero,
        TolerableFailures = own.TolerableFailures ?? consumer.TolerableFailures,
        AlignedTimeout = own.Unaligned ?? consumer.Unaligned ?? true
            ? own.AlignedTimeout ?? consumer.AlignedTimeout ?? TimeSpan.Zero
            : System.Threading.Timeout.InfiniteTimeSpan,
        Incremental = own.Incremental ?? consumer.Incremental ?? true,
        RetainedCheckpoints = own.RetainedCheckpoints ?? consumer.RetainedCheckpoints ?? 1,
    };

    private static StartPosition? Said(ConsumerSettings settings) =>
        settings.StartPosition ?? (settings.StartTimestamp is null ? null : StartPosition.AtTimestamp);
}

using Amazon.Runtime;
using FastConsumer.Kinesis;

namespace FastConsumer.Hosting;

/// <summary>The immutable snapshot of the options that one processor's worker runs by: processor before consumer before attribute before default.</summary>
internal sealed record WorkerSettings
{
    public required string ProcessorName { get; init; }

    public required string ApplicationName { get; init; }

    public required StreamIdentifier Stream { get; init; }

    public string? Region { get; init; }

    public string? Profile { get; init; }

    public string? ServiceUrl { get; init; }

    public AWSCredentials? Credentials { get; init; }

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

    public required TimeSpan IdlePollInterval { get; init; }

    public required TimeSpan CheckpointInterval { get; init; }

    public required int CheckpointRecords { get; init; }

    public required TimeSpan LeaseDuration { get; init; }

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

    /// <inheritdoc cref="FastConsumerOptions.IgnoreReadQuota"/>
    public bool IgnoreReadQuota { get; init; }

    /// <summary>The start as leases hold it.</summary>
    public CheckpointPosition Start => StartPosition switch
    {
        StartPosition.Latest => CheckpointPosition.Latest,
        StartPosition.AtTimestamp => CheckpointPosition.AtTimestamp,
        _ => CheckpointPosition.TrimHorizon,
    };

    public static WorkerSettings Resolve(ProcessorRegistration processor, FastConsumerOptions consumer, ProcessorOptions own, string workerId)
    {
        TimeSpan retryInitialBackoff = own.RetryInitialBackoff ?? consumer.RetryInitialBackoff ?? ConsumerSettings.DefaultRetryInitialBackoff;
        TimeSpan retryMaxBackoff = own.RetryMaxBackoff ?? consumer.RetryMaxBackoff ?? ConsumerSettings.DefaultRetryMaxBackoff;
        return new WorkerSettings
        {
            ProcessorName = processor.Name,
            ApplicationName = own.ApplicationName ?? consumer.ApplicationName!,
            Stream = StreamIdentifier.Parse(own.Stream ?? processor.Stream),
            Region = own.Region ?? consumer.Region,
            Profile = own.Profile ?? consumer.Profile,
            ServiceUrl = own.ServiceUrl ?? consumer.ServiceUrl,
            Credentials = own.Credentials ?? consumer.Credentials,
            Protocol = own.Protocol ?? consumer.Protocol ?? KinesisProtocol.Auto,
            StartPosition = own.StartPosition ?? consumer.StartPosition ?? StartPosition.TrimHorizon,
            StartTimestamp = own.StartTimestamp ?? consumer.StartTimestamp,
            ReadMode = own.ReadMode ?? consumer.ReadMode ?? ReadMode.Polling,
            ConsumerName = own.ConsumerName ?? consumer.ConsumerName ?? own.ApplicationName ?? consumer.ApplicationName!,
            FanOutFallback = own.FanOutFallback ?? consumer.FanOutFallback ?? false,
            StreamWindowBytes = own.StreamWindowBytes ?? consumer.StreamWindowBytes,
            Limit = own.Limit ?? consumer.Limit ?? ConsumerSettings.DefaultLimit,
            Deaggregate = own.Deaggregate ?? consumer.Deaggregate ?? true,
            IdlePollInterval = own.IdlePollInterval ?? consumer.IdlePollInterval ?? ConsumerSettings.DefaultIdlePollInterval,
            CheckpointInterval = own.CheckpointInterval ?? consumer.CheckpointInterval ?? processor.CheckpointInterval ?? TimeSpan.Parse(CheckpointAttribute.DefaultInterval, System.Globalization.CultureInfo.InvariantCulture),
            CheckpointRecords = own.CheckpointRecords ?? consumer.CheckpointRecords ?? processor.CheckpointRecords ?? CheckpointAttribute.DefaultRecords,
            LeaseDuration = own.LeaseDuration ?? consumer.LeaseDuration ?? ConsumerSettings.DefaultLeaseDuration,
            HungCallAfter = own.HungCallAfter ?? consumer.HungCallAfter,
            MaxHandlerThreads = consumer.MaxHandlerThreads,
            LeaseTableWriteUnits = own.LeaseTableWriteUnits ?? consumer.LeaseTableWriteUnits,
            LeaseBalancing = own.LeaseBalancing ?? consumer.LeaseBalancing ?? LeaseBalancing.Count,
            ShardSyncInterval = own.ShardSyncInterval ?? consumer.ShardSyncInterval ?? ConsumerSettings.DefaultShardSyncInterval,
            RetryInitialBackoff = retryInitialBackoff,
            RetryMaxBackoff = retryMaxBackoff > retryInitialBackoff ? retryMaxBackoff : retryInitialBackoff,
            StopTimeout = consumer.StopTimeout,
            WorkerId = workerId,
            IgnoreReadQuota = consumer.IgnoreReadQuota,
        };
    }
}

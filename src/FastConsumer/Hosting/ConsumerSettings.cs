using Amazon.Runtime;
using FastConsumer.Buffers;
using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;

namespace FastConsumer.Hosting;

/// <summary>Where an application starts on a shard for which it has no checkpoint.</summary>
public enum StartPosition
{
    /// <summary>The oldest record that the stream retains. The default: no record is left out.</summary>
    TrimHorizon,

    /// <summary>
    /// Records that are put after the application's first start. If it is restarted before its first checkpoint, some records of the two
    /// seconds before that start may be delivered too; none after it is left out.
    /// </summary>
    Latest,

    /// <summary>The first record at or after <see cref="ConsumerSettings.StartTimestamp"/>.</summary>
    AtTimestamp,
}

/// <summary>How shards are read.</summary>
public enum ReadMode
{
    /// <summary>
    /// GetRecords, several times a second. The default. All polling consumers of a shard share 5 calls and 2 MiB a second.
    /// </summary>
    Polling,

    /// <summary>
    /// SubscribeToShard (enhanced fan-out): the service pushes records as they arrive, and gives each registered consumer 2 MiB a second
    /// and shard of its own, at a price. Needs the permissions kinesis:RegisterStreamConsumer, kinesis:DescribeStreamConsumer and
    /// kinesis:SubscribeToShard.
    /// </summary>
    FanOut,
}

/// <summary>What the workers of an application share evenly.</summary>
public enum LeaseBalancing
{
    /// <summary>Leases: each worker has as many as any other. The default.</summary>
    Count,

    /// <summary>
    /// The load of the shards, in KB a second: a worker with a busy shard has fewer others. Each worker writes the load of its shards,
    /// averaged over about a minute, to their leases when it has changed by more than a quarter, or for minutes by more than a tenth. All
    /// workers of an application must use the same value.
    /// </summary>
    Throughput,
}

/// <summary>
/// The options that can be set for all processors of a consumer (<see cref="FastConsumerOptions"/>) and for a single one
/// (<see cref="ProcessorOptions"/>). An option that is null is not set: a processor then uses the consumer's value, and the consumer the
/// default that is documented with the option.
/// </summary>
public abstract class ConsumerSettings
{
    /// <summary>The default of <see cref="Limit"/>, and the most that the service allows: 10,000 records.</summary>
    public const int DefaultLimit = 10_000;

    /// <summary>The default of <see cref="IdlePollInterval"/>: 400 milliseconds.</summary>
    public static readonly TimeSpan DefaultIdlePollInterval = TimeSpan.FromMilliseconds(400);

    /// <summary>The default of <see cref="LeaseDuration"/>: 10 seconds.</summary>
    public static readonly TimeSpan DefaultLeaseDuration = TimeSpan.FromSeconds(10);

    /// <summary>The default of <see cref="RetryInitialBackoff"/>: 200 milliseconds.</summary>
    public static readonly TimeSpan DefaultRetryInitialBackoff = TimeSpan.FromMilliseconds(200);

    /// <summary>The default of <see cref="RetryMaxBackoff"/>: 30 seconds.</summary>
    public static readonly TimeSpan DefaultRetryMaxBackoff = TimeSpan.FromSeconds(30);

    /// <summary>The default of <see cref="ShardSyncInterval"/>: 30 seconds.</summary>
    public static readonly TimeSpan DefaultShardSyncInterval = TimeSpan.FromSeconds(30);

    private protected ConsumerSettings()
    {
    }

    /// <summary>
    /// The application's name. Required. Workers with the same name share the shards of a stream. It is the name of the lease table too, as
    /// with KCL.
    /// </summary>
    public string? ApplicationName { get; set; }

    /// <summary>
    /// The AWS region, for example <c>eu-west-1</c>. If it is not set, it is taken from the <c>AWSOptions</c> in the host's services or the
    /// configuration section <c>AWS</c>, or else found as every AWS SDK finds it: <c>AWS_REGION</c>, the profile, the instance's metadata.
    /// </summary>
    public string? Region { get; set; }

    /// <summary>
    /// The profile in the shared AWS files (<c>~/.aws</c>) whose credentials are used for Kinesis. If neither it nor <see
    /// cref="Credentials"/> is set, they are taken from the <c>AWSOptions</c> in the host's services or the configuration section
    /// <c>AWS</c>.
    /// </summary>
    public string? Profile { get; set; }

    /// <summary>
    /// The endpoint of Kinesis, an absolute http or https URL, for example <c>http://127.0.0.1:4567</c> for a local server. The default is
    /// the endpoint of the region.
    /// </summary>
    public string? ServiceUrl { get; set; }

    /// <summary>
    /// The credentials for Kinesis. They can be set in code only. The default is what every AWS SDK finds: environment variables, a web
    /// identity token, the profile, the role of the container or instance.
    /// </summary>
    public AWSCredentials? Credentials { get; set; }

    /// <summary>
    /// Changes the handler that the connections to Kinesis are made by: a proxy, a certificate authority or client certificate, time-outs,
    /// the bound of connections. See <see cref="KinesisClientOptions.ConfigureHttpHandler"/>. In code only. It does not reach the lease
    /// table's client.
    /// </summary>
    public Action<SocketsHttpHandler>? ConfigureHttpHandler { get; set; }

    /// <summary>The encoding of requests and answers. The default is <see cref="KinesisProtocol.Auto"/>.</summary>
    public KinesisProtocol? Protocol { get; set; }

    /// <summary>
    /// Where to start on a shard that has no checkpoint. The default is <see cref="Hosting.StartPosition.TrimHorizon"/>, or
    /// <see cref="Hosting.StartPosition.AtTimestamp"/> if <see cref="StartTimestamp"/> is set.
    /// </summary>
    public StartPosition? StartPosition { get; set; }

    /// <summary>
    /// The time of <see cref="Hosting.StartPosition.AtTimestamp"/>. It needs no <see cref="StartPosition"/> beside it, and is refused
    /// beside another one. In the configuration a time without an offset is UTC: <c>2026-11-30T12:00:00</c> is <c>2026-11-30T12:00:00Z</c>.
    /// In code, give the offset: .NET converts a <see cref="DateTime"/> of unspecified kind in the zone of the machine.
    /// </summary>
    public DateTimeOffset? StartTimestamp { get; set; }

    /// <summary>Whether shards are read by polling or by enhanced fan-out. The default is <see cref="ReadMode.Polling"/>.</summary>
    public ReadMode? ReadMode { get; set; }

    /// <summary>
    /// The name of the registered consumer of <see cref="ReadMode.FanOut"/>, which all workers of the application share: 1 to 128 letters,
    /// digits, '_', '.' and '-'. The default is the application's name. A worker registers the consumer if it does not exist. It stays
    /// registered, and is paid for, when workers stop, because another worker may still use it. Deregister it when the application is gone
    /// (<c>aws kinesis deregister-stream-consumer</c>).
    /// </summary>
    public string? ConsumerName { get; set; }

    /// <summary>
    /// Whether to read by polling if <see cref="ReadMode.FanOut"/> is not possible: a permission is missing, or the stream has as many
    /// consumers as are allowed. The worker logs that once and does not try fan-out again until it is restarted. The default is false: the
    /// worker is unhealthy, says what is wrong, and tries again until it is corrected.
    /// </summary>
    public bool? FanOutFallback { get; set; }

    /// <summary>
    /// The bytes that the service may send on a shard's subscription (<see cref="ReadMode.FanOut"/>) before they are read, 65,536 to
    /// 16,777,216. The default is 1,048,576, and 16,777,216 if <see cref="ServiceUrl"/> is not an endpoint of AWS, because servers for
    /// tests may never send more than a first window. They are used for each shard, in addition to <see
    /// cref="FastConsumerOptions.PrefetchBytes"/>. It is the initial window: .NET widens it, to 16 MiB at most, where that is of use,
    /// unless the process's runtime option <c>System.Net.SocketsHttpHandler.Http2FlowControl.DisableDynamicWindowSizing</c> is true. Use at
    /// least 512 KiB with AWS.
    /// </summary>
    public int? StreamWindowBytes { get; set; }

    /// <summary>The most records of one GetRecords call, 1 to 10,000. The default is 10,000.</summary>
    public int? Limit { get; set; }

    /// <summary>
    /// Whether records that the Kinesis Producer Library, or another library in its format, aggregated are unpacked. The default is true.
    /// Do not change it while an application has checkpoints inside aggregates: without unpacking, an aggregate of which only the first
    /// record was done counts as done.
    /// </summary>
    public bool? Deaggregate { get; set; }

    /// <summary>
    /// What becomes of user records of an aggregate that belong to another shard by their hash key. The default is
    /// <see cref="FastConsumer.ForeignRecords.Auto"/>: those of the Kinesis Producer Library are left out, and all others are delivered.
    /// </summary>
    public ForeignRecords? ForeignRecords { get; set; }

    /// <summary>
    /// The time between two calls on a shard that has no new records, 200 milliseconds to 4 minutes. The default is 400 milliseconds. If
    /// other applications read the shard too, it rises to as much as 1.2 seconds, at which five applications fit on a shard. A shard that
    /// lags is read as fast as its quota allows.
    /// </summary>
    public TimeSpan? IdlePollInterval { get; set; }

    /// <summary>
    /// The longest time between two checkpoints of a shard while records are processed, more than zero to 1 day. The default is what
    /// <see cref="CheckpointAttribute"/> says, or else 5 seconds; for a processor with state 10 seconds.
    /// </summary>
    public TimeSpan? CheckpointInterval { get; set; }

    /// <summary>
    /// The most records between two checkpoints of a shard; 0 for no limit. The default is what <see cref="CheckpointAttribute"/> says, or
    /// else 10,000; for a processor with state 0, since each of its checkpoints costs a request to the store.
    /// </summary>
    public int? CheckpointRecords { get; set; }

    /// <summary>How checkpoints are taken.</summary>
    public CheckpointingOptions Checkpointing { get; } = new();

    /// <summary>
    /// Whether a shard begins although its snapshot holds a state that the processor does not declare any more. That state is dropped with
    /// the next checkpoint, of each shard, and a warning names it. The default is false: the shard is left alone until the state is
    /// declared again or this is set. Remove it when all shards have begun: it would drop a state that was renamed by mistake, too.
    /// </summary>
    public bool? AllowNonRestoredState { get; set; }

    /// <summary>
    /// How long a worker may be silent before others take its shards, 1 second to 1 hour. The default is 10 seconds. A longer duration
    /// costs the lease table fewer writes; a shorter one lets others take over sooner after a crash.
    /// </summary>
    public TimeSpan? LeaseDuration { get; set; }

    /// <summary>
    /// The most leases that this worker holds of a stream, 1 or more. The default is no limit. Shards beyond the limits of all workers are
    /// not read: the sum of them should exceed the number of shards, with room for a worker that fails.
    /// </summary>
    public int? MaxLeases { get; set; }

    /// <summary>
    /// How long a call of a handler, a life-cycle method, a constructor or a dead-letter sink may take before a warning and the health
    /// check (degraded) name it, with its shard and record, more than zero to 1.00:00:00; three times <see cref="LeaseDuration"/> by
    /// default. Nothing else follows: the shard waits for the call and keeps its lease. Set it higher where calls take that long.
    /// </summary>
    public TimeSpan? HungCallAfter { get; set; }

    /// <summary>
    /// The write units a second that all workers of the application together may use on the lease table. Each worker keeps its renewals and
    /// checkpoints to its part of them (leases held / all leases), and no more leases are moved at a time than the rest allows. The default
    /// is what the table has provisioned; without provisioned units, workers write as they need to and slow down when the table throttles
    /// them.
    /// </summary>
    public double? LeaseTableWriteUnits { get; set; }

    /// <summary>What the workers share evenly. The default is <see cref="Hosting.LeaseBalancing.Count"/>.</summary>
    public LeaseBalancing? LeaseBalancing { get; set; }

    /// <summary>
    /// How often the stream's shards are listed, 1 second or more. The default is 30 seconds. They are listed at the end of each shard,
    /// too.
    /// </summary>
    public TimeSpan? ShardSyncInterval { get; set; }

    /// <summary>
    /// The wait before the first retry of a record that failed, more than zero to 1 day. The default is 200 milliseconds. Each further wait
    /// is twice as long, up to <see cref="RetryMaxBackoff"/>. An <see cref="OnErrorAttribute"/> may set its own.
    /// </summary>
    public TimeSpan? RetryInitialBackoff { get; set; }

    /// <summary>
    /// The longest wait between two retries of a record that failed, not less than <see cref="RetryInitialBackoff"/>, up to 1 day. The
    /// default is 30 seconds.
    /// </summary>
    public TimeSpan? RetryMaxBackoff { get; set; }
}

/// <summary>
/// The options of a consumer. They are bound from the configuration section <c>FastConsumer</c> (<c>FastConsumer:Consumers:&lt;name&gt;</c>
/// for a further consumer), then set by the code that is passed to <c>AddFastConsumer</c>, and validated when the host starts.
/// </summary>
public sealed class FastConsumerOptions : ConsumerSettings
{
    /// <summary>
    /// The default of <see cref="PrefetchBytes"/> in this process: an eighth of the memory that the runtime may use
    /// (<see cref="GCMemoryInfo.TotalAvailableMemoryBytes"/>, which knows a container's limit), at least 16 MiB and at most 256 MiB.
    /// </summary>
    public static long DefaultPrefetchBytes { get; } = ByteBudget.DefaultCapacity(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>The default of <see cref="MaxHandlerThreads"/>: 1,000.</summary>
    public const int DefaultMaxHandlerThreads = 1000;

    /// <summary>The default of <see cref="StopTimeout"/>: 20 seconds.</summary>
    public static readonly TimeSpan DefaultStopTimeout = TimeSpan.FromSeconds(20);

    /// <summary>The part of <see cref="StopTimeout"/> that a stop always keeps for releasing leases: 3 seconds.</summary>
    public static readonly TimeSpan ReleaseTime = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The most bytes that all shards of all processors hold between socket and handler. The default is <see cref="DefaultPrefetchBytes"/>,
    /// which follows the memory that the runtime may use. A shard that holds nothing may always read one answer. A value of more than half
    /// of that memory is warned of at start. What the connections of fan-out hold comes in addition: see
    /// <see cref="ConsumerSettings.StreamWindowBytes"/>.
    /// </summary>
    public long PrefetchBytes { get; set; } = DefaultPrefetchBytes;

    /// <summary>
    /// The most threads that the handlers of one processor run on, 1 to 10,000; 1,000 by default. They are threads of the worker's own,
    /// apart from the runtime's pool: one per processor core, and more only while handlers block those that are there. Handlers that find
    /// no thread wait for one; leases are renewed meanwhile.
    /// </summary>
    public int MaxHandlerThreads { get; set; } = DefaultMaxHandlerThreads;

    /// <summary>
    /// The time for a graceful stop, more than 3 seconds to 1 day: handlers that run may finish, then their tokens are cancelled, the last
    /// checkpoints are written, and leases are released, for which 3 seconds are always kept. The default is 20 seconds. All consumers of a
    /// host stop at the same time. Keep it below the host's own <c>HostOptions.ShutdownTimeout</c>.
    /// </summary>
    public TimeSpan StopTimeout { get; set; } = DefaultStopTimeout;

    /// <summary>
    /// Whether changes of the configuration are taken over while the consumer runs. The default is false. Some options can change:
    /// <see cref="ConsumerSettings.Limit"/>, <see cref="ConsumerSettings.IdlePollInterval"/>,
    /// <see cref="ConsumerSettings.CheckpointInterval"/>, <see cref="ConsumerSettings.CheckpointRecords"/>,
    /// <see cref="ConsumerSettings.RetryInitialBackoff"/>, <see cref="ConsumerSettings.RetryMaxBackoff"/>,
    /// <see cref="ConsumerSettings.LeaseTableWriteUnits"/>, <see cref="ConsumerSettings.ShardSyncInterval"/> and
    /// <see cref="PrefetchBytes"/>. A change of another one is logged and takes effect at the next start. Where the way changes in which
    /// shards are read or retried, they are begun anew one after the other, each as for a hand-over to this worker itself.
    /// </summary>
    public bool ReloadOnChange { get; set; }

    /// <summary>
    /// The name of this worker in the lease table. It must be unique among the workers of the application. The default is made of the
    /// host's name, the process's id and a random number.
    /// </summary>
    public string? WorkerId { get; set; }

    /// <summary>
    /// How single findings are treated, by id: <c>FastConsumer:Findings:FCF2003:Off</c>. An id that does not exist is refused at start.
    /// </summary>
    public Dictionary<string, FindingOptions> Findings { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What metrics and traces tell.</summary>
    public TelemetryOptions Telemetry { get; } = new();

    /// <summary>When a lag is a finding.</summary>
    public LagOptions Lag { get; } = new();

    /// <summary>
    /// For the test harness, which makes the instances that a test counts itself: no instance is made at start to see whether it can be.
    /// </summary>
    internal bool SkipTrial { get; set; }

    /// <summary>For load tests against a server without quotas: reads without pauses.</summary>
    internal bool IgnoreReadQuota { get; set; }

    /// <summary>
    /// For load tests that measure what telemetry costs: pages are neither measured nor counted, and have no spans. Findings that are made
    /// of the counts are never raised.
    /// </summary>
    internal bool NoTelemetry { get; set; }
}

/// <summary>
/// The options of one processor. They are bound from the configuration section <c>FastConsumer:Processors:&lt;class name&gt;</c>, then set
/// by the code that is passed to <c>AddProcessor</c>. An option that is null has the value of <see cref="FastConsumerOptions"/>.
/// </summary>
public sealed class ProcessorOptions : ConsumerSettings
{
    /// <summary>The name or the ARN of the stream, instead of that in <see cref="KinesisProcessorAttribute"/>.</summary>
    public string? Stream { get; set; }
}

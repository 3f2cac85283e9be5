using Amazon.Runtime;
using FastConsumer.Kinesis;

namespace FastConsumer.Hosting;

/// <summary>Where an application starts on a shard for which it has no checkpoint.</summary>
public enum StartPosition
{
    /// <summary>The oldest record that the stream retains. The default: nothing is left out.</summary>
    TrimHorizon,

    /// <summary>Records put after the application's first start. Where it is restarted before its first checkpoint, some of the two seconds before that start may come too: none after it is left out.</summary>
    Latest,

    /// <summary>The first record at or after <see cref="ConsumerSettings.StartTimestamp"/>.</summary>
    AtTimestamp,
}

/// <summary>How shards are read.</summary>
public enum ReadMode
{
    /// <summary>GetRecords, several times a second. The default. All polling consumers of a shard share 5 calls and 2 MiB a second.</summary>
    Polling,

    /// <summary>
    /// SubscribeToShard (enhanced fan-out): the service pushes records as they come, and gives each registered consumer 2 MiB a
    /// second and shard of its own, at a price. Needs the permissions kinesis:RegisterStreamConsumer,
    /// kinesis:DescribeStreamConsumer and kinesis:SubscribeToShard.
    /// </summary>
    FanOut,
}

/// <summary>What workers share out evenly.</summary>
public enum LeaseBalancing
{
    /// <summary>Leases: each worker has as many as any other. The default.</summary>
    Count,

    /// <summary>
    /// What the shards yield, in KB a second: a worker with a busy shard has fewer others. Each worker publishes what its shards yield, on their
    /// leases, averaged over about a minute, when that has changed by more than a quarter, or for minutes by more than a tenth. All workers of an application must say the same.
    /// </summary>
    Throughput,
}

/// <summary>
/// What may be said for all processors of a consumer (<see cref="FastConsumerOptions"/>) and for one of them
/// (<see cref="ProcessorOptions"/>). Null means: not said here.
/// </summary>
public abstract class ConsumerSettings
{
    /// <summary>The default of <see cref="Limit"/>, and the most the service allows.</summary>
    public const int DefaultLimit = 10_000;

    /// <summary>The default of <see cref="IdlePollInterval"/>.</summary>
    public static readonly TimeSpan DefaultIdlePollInterval = TimeSpan.FromMilliseconds(400);

    /// <summary>The default of <see cref="LeaseDuration"/>.</summary>
    public static readonly TimeSpan DefaultLeaseDuration = TimeSpan.FromSeconds(10);

    /// <summary>The default of <see cref="RetryInitialBackoff"/>.</summary>
    public static readonly TimeSpan DefaultRetryInitialBackoff = TimeSpan.FromMilliseconds(200);

    /// <summary>The default of <see cref="RetryMaxBackoff"/>.</summary>
    public static readonly TimeSpan DefaultRetryMaxBackoff = TimeSpan.FromSeconds(30);

    /// <summary>The default of <see cref="ShardSyncInterval"/>.</summary>
    public static readonly TimeSpan DefaultShardSyncInterval = TimeSpan.FromSeconds(30);

    private protected ConsumerSettings()
    {
    }

    /// <summary>The application: workers of one name share a stream's shards, and the name is that of the lease table (as with KCL). Required.</summary>
    public string? ApplicationName { get; set; }

    /// <summary>The AWS region; found as every AWS SDK finds it where not said.</summary>
    public string? Region { get; set; }

    /// <summary>The profile in the shared AWS files for Kinesis.</summary>
    public string? Profile { get; set; }

    /// <summary>The Kinesis endpoint, instead of the region's.</summary>
    public string? ServiceUrl { get; set; }

    /// <summary>The credentials for Kinesis; found as every AWS SDK finds them where not said. In code only.</summary>
    public AWSCredentials? Credentials { get; set; }

    /// <summary>The encoding; <see cref="KinesisProtocol.Auto"/> by default.</summary>
    public KinesisProtocol? Protocol { get; set; }

    /// <summary>Where to start without a checkpoint; <see cref="Hosting.StartPosition.TrimHorizon"/> by default.</summary>
    public StartPosition? StartPosition { get; set; }

    /// <summary>The time of <see cref="Hosting.StartPosition.AtTimestamp"/>.</summary>
    public DateTimeOffset? StartTimestamp { get; set; }

    /// <summary>By polling or by enhanced fan-out; <see cref="ReadMode.Polling"/> by default.</summary>
    public ReadMode? ReadMode { get; set; }

    /// <summary>
    /// The registered consumer of <see cref="ReadMode.FanOut"/>, shared by all workers of the application; the application's name
    /// where not said. A worker registers it where it is not there. It stays registered, and is paid for, when workers stop:
    /// nobody knows whether another one still reads with it. Deregister it when the application is gone
    /// (<c>aws kinesis deregister-stream-consumer</c>).
    /// </summary>
    public string? ConsumerName { get; set; }

    /// <summary>
    /// Reads by polling where <see cref="ReadMode.FanOut"/> cannot be had: a permission is missing, or the stream has as many
    /// consumers as are allowed. The worker says so once and does not try again. False by default: the worker says what is
    /// wrong, is unhealthy, and tries again until it is put right.
    /// </summary>
    public bool? FanOutFallback { get; set; }

    /// <summary>
    /// The bytes that the service may send on a shard's subscription (<see cref="ReadMode.FanOut"/>) before they are read, 65,536 to
    /// 16,777,216; 1,048,576 by default, and 16,777,216 where <see cref="ServiceUrl"/> is none of AWS's, for servers for tests may never
    /// send more than a first window. They come on top of <see cref="FastConsumerOptions.PrefetchBytes"/>, for each shard. It is what a
    /// subscription begins with: .NET widens the window, to 16 MiB at most, where it could bring more, unless the process's runtime option
    /// <c>System.Net.SocketsHttpHandler.Http2FlowControl.DisableDynamicWindowSizing</c> is true. AWS's stream should have 512 KiB at least.
    /// </summary>
    public int? StreamWindowBytes { get; set; }

    /// <summary>The most records of one GetRecords call, 1 to 10,000; 10,000 by default.</summary>
    public int? Limit { get; set; }

    /// <summary>
    /// Whether records that the Kinesis Producer Library aggregated are unpacked; true by default. Records of an aggregate that
    /// belong to another shard by their hash key are left out, as the KPL puts them there. Do not change it while an application
    /// has checkpoints inside aggregates: without unpacking, an aggregate of which only the first record was done counts as done.
    /// </summary>
    public bool? Deaggregate { get; set; }

    /// <summary>The time between two calls on a shard that has nothing new, at least 200 ms; 400 ms by default. Beside other applications it rises to 1.2 s, at which five fit on a shard. A shard that lags is read as fast as its quota allows.</summary>
    public TimeSpan? IdlePollInterval { get; set; }

    /// <summary>The longest time between two checkpoints while there is progress; what <see cref="CheckpointAttribute"/> says, or 5 s.</summary>
    public TimeSpan? CheckpointInterval { get; set; }

    /// <summary>The most records between two checkpoints, 0 for no bound; what <see cref="CheckpointAttribute"/> says, or 10,000.</summary>
    public int? CheckpointRecords { get; set; }

    /// <summary>How long a worker may be silent before others take its shards, at least 1 s; 10 s by default.</summary>
    public TimeSpan? LeaseDuration { get; set; }

    /// <summary>
    /// How long a call of a handler, a life-cycle method, a constructor or a dead-letter sink may take before a warning and the health
    /// check (degraded) name it, with its shard and record, more than zero to 1.00:00:00; three times <see cref="LeaseDuration"/> by
    /// default. Nothing else follows: the shard waits for the call and keeps its lease. Set it higher where calls take that long.
    /// </summary>
    public TimeSpan? HungCallAfter { get; set; }

    /// <summary>
    /// The write units a second that the whole application may use on its lease table; each worker keeps its renewals and checkpoints to its
    /// share of them (leases held / all), and no more leases move at a time than the rest bears. Where not said, it is what the table has provisioned; where nothing is, workers write as they need to and slow down when the
    /// table throttles them.
    /// </summary>
    public double? LeaseTableWriteUnits { get; set; }

    /// <summary>What workers share out evenly; <see cref="Hosting.LeaseBalancing.Count"/> by default.</summary>
    public LeaseBalancing? LeaseBalancing { get; set; }

    /// <summary>How often the stream's shards are listed, beside every end of a shard; 30 s by default.</summary>
    public TimeSpan? ShardSyncInterval { get; set; }

    /// <summary>The wait before the first retry of a failed record; 200 ms by default.</summary>
    public TimeSpan? RetryInitialBackoff { get; set; }

    /// <summary>The longest wait between two retries; 30 s by default.</summary>
    public TimeSpan? RetryMaxBackoff { get; set; }
}

/// <summary>The options of a consumer; section <c>FastConsumer</c>.</summary>
public sealed class FastConsumerOptions : ConsumerSettings
{
    /// <summary>The default of <see cref="PrefetchBytes"/>: 256 MiB.</summary>
    public const long DefaultPrefetchBytes = 256L * 1024 * 1024;

    /// <summary>The default of <see cref="MaxHandlerThreads"/>.</summary>
    public const int DefaultMaxHandlerThreads = 1000;

    /// <summary>The default of <see cref="StopTimeout"/>.</summary>
    public static readonly TimeSpan DefaultStopTimeout = TimeSpan.FromSeconds(20);

    /// <summary>What a stop always keeps of <see cref="StopTimeout"/> for releasing leases.</summary>
    public static readonly TimeSpan ReleaseTime = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The most bytes that all shards of all processors hold between socket and handler; 256 MiB by default. A shard that holds nothing
    /// may always read one answer. What fan-out's connections hold comes on top: see <see cref="ConsumerSettings.StreamWindowBytes"/>.
    /// </summary>
    public long PrefetchBytes { get; set; } = DefaultPrefetchBytes;

    /// <summary>
    /// The most threads that the handlers of one processor run on, 1 to 10,000; 1,000 by default. They are threads of the worker's own,
    /// apart from the runtime's pool: one per processor core, and more only while handlers block those that are there. Handlers that find
    /// no thread wait for one; leases are renewed meanwhile.
    /// </summary>
    public int MaxHandlerThreads { get; set; } = DefaultMaxHandlerThreads;

    /// <summary>The time for a graceful stop: finishing what runs, then cancelling it, checkpoints, and releasing leases, for which 3 s are always kept. 20 s by default, more than 3 s; keep it below the host's own ShutdownTimeout.</summary>
    public TimeSpan StopTimeout { get; set; } = DefaultStopTimeout;

    /// <summary>This worker's name in the lease table, unique among the application's workers; made of host name, process id and chance where not said.</summary>
    public string? WorkerId { get; set; }

    /// <summary>For load tests against a server without quotas: reads without pauses.</summary>
    internal bool IgnoreReadQuota { get; set; }
}

/// <summary>The options of one processor; section <c>FastConsumer:Processors:&lt;class name&gt;</c>. What is null is taken from <see cref="FastConsumerOptions"/>.</summary>
public sealed class ProcessorOptions : ConsumerSettings
{
    /// <summary>The stream's name or ARN, instead of what <see cref="KinesisProcessorAttribute"/> says.</summary>
    public string? Stream { get; set; }
}

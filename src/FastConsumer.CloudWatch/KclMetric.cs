namespace FastConsumer.CloudWatch;

/// <summary>What becomes of the measurements of an interval.</summary>
internal enum KclStatistic
{
    /// <summary>One value: their sum; 0 where there are none, since alarms on counts need data.</summary>
    Sum,

    /// <summary>One value: how many have no error; 0 where there are none.</summary>
    Successes,

    /// <summary>One value: the highest.</summary>
    Highest,

    /// <summary>The measurements themselves, at most <see cref="Sample.MostValues"/>.</summary>
    Values,
}

/// <summary>A metric of KCL's, and the instrument that it comes from. Each is its own key: no two are the same.</summary>
internal sealed class KclMetric(
    string instrument, string operation, string name, string unit, KclStatistic statistic, bool byShard = false, double scale = 1)
{
    /// <summary>Observed for each shard that a worker has.</summary>
    public const string Leases = "fastconsumer.leases";

    /// <summary>Observed as long as a worker runs.</summary>
    public const string UnreadShards = "fastconsumer.shards.unread";

    private const string Count = "Count";
    private const string Milliseconds = "Milliseconds";
    private const double MillisecondsPerSecond = 1000;

    /// <summary>All of them. https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-kcl.html has KCL's own list.</summary>
    public static IReadOnlyList<KclMetric> All { get; } =
    [
        new("fastconsumer.records.done", "ProcessTask", "RecordsProcessed", Count, KclStatistic.Sum, byShard: true),
        new("fastconsumer.bytes.read", "ProcessTask", "DataBytesProcessed", "Bytes", KclStatistic.Sum, byShard: true),
        new("fastconsumer.millis_behind_latest", "ProcessTask", "MillisBehindLatest", Milliseconds, KclStatistic.Values, byShard: true),
        new("fastconsumer.handler.failures", "ProcessTask", "RecordsFailedProcessing", Count, KclStatistic.Sum, byShard: true),
        new("fastconsumer.checkpoints", "ProcessTask", "UpdateLease.Success", Count, KclStatistic.Sum, byShard: true),
        new("messaging.process.duration", "ProcessTask", "RecordProcessor.processRecords.Time", Milliseconds, KclStatistic.Values,
            scale: MillisecondsPerSecond),
        new("fastconsumer.read.duration", "ProcessTask", "KinesisDataFetcher.getRecords.Time", Milliseconds, KclStatistic.Values,
            scale: MillisecondsPerSecond),
        new("fastconsumer.read.duration", "ProcessTask", "KinesisDataFetcher.getRecords.Success", Count, KclStatistic.Successes),
        new("fastconsumer.iterators.expired", "ProcessTask", "ExpiredIterator", Count, KclStatistic.Sum),
        new("fastconsumer.millis_behind_latest", "ApplicationTracker", "MillisBehindLatest", Milliseconds, KclStatistic.Highest),
        new(Leases, "RenewAllLeases", "CurrentLeases", Count, KclStatistic.Sum),
        new("fastconsumer.leases.lost", "RenewAllLeases", "LostLeases", Count, KclStatistic.Sum),
        new("fastconsumer.leases.taken", "TakeLeases", "TakenLeases", Count, KclStatistic.Sum),
        new(UnreadShards, "TakeLeases", "ExpiredLeases", Count, KclStatistic.Sum),
        // where KCL 3 has it
        new(UnreadShards, "LeaseAssignmentManager", "ExpiredLeases", Count, KclStatistic.Sum),
    ];

    /// <summary>The instrument of the meter <c>FastConsumer</c>.</summary>
    public string Instrument => instrument;

    /// <summary>KCL's dimension <c>Operation</c>.</summary>
    public string Operation => operation;

    /// <summary>KCL's name of the metric.</summary>
    public string Name => name;

    /// <summary>CloudWatch's unit.</summary>
    public string Unit => unit;

    /// <summary>What becomes of the measurements.</summary>
    public KclStatistic Statistic => statistic;

    /// <summary>Whether KCL has the metric for each shard, and the instrument too.</summary>
    public bool ByShard => byShard;

    /// <summary>What a measurement is multiplied by, to be in <see cref="Unit"/>.</summary>
    public double Scale => scale;

    /// <summary>Whether an interval without measurements has the value 0.</summary>
    public bool IsCounted => Statistic is KclStatistic.Sum or KclStatistic.Successes;
}

using static FastConsumer.Diagnostics.InstrumentKind;

namespace FastConsumer.Diagnostics;

/// <summary>
/// Every instrument of the meter <c>FastConsumer</c>. Names, units and tags are a contract: dashboards and alarms are made of them.
/// </summary>
/// <remarks>
/// Names of the messaging instruments, their tags and bucket boundaries:
/// https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/.
/// </remarks>
internal static class InstrumentCatalog
{
    private const double KiB = 1024;
    private const double MiB = 1024 * KiB;

    private static readonly List<InstrumentInfo> s_all = [];

    private static readonly double[] s_seconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    // a record is often handled within some microseconds
    private static readonly double[] s_shortSeconds =
        [0.000_001, 0.000_01, 0.000_1, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private static readonly string[] s_messagingTags =
        ["messaging.system", "messaging.operation.name", "messaging.destination.name", "messaging.consumer.group.name"];

    public static IReadOnlyList<InstrumentInfo> All => s_all;

    // ---- reading
    public static InstrumentInfo Reads { get; } = Shard("reads", Counter, "{call}", "Answered GetRecords calls.");

    public static InstrumentInfo ReadsThrottled { get; } =
        Shard("reads.throttled", Counter, "{call}", "Reads that were refused for throughput.");

    public static InstrumentInfo ReadsEmpty { get; } =
        Worker("reads.empty", Counter, "{call}", "Answers without a record. They are normal, also while there is data.");

    public static InstrumentInfo ReadDuration { get; } = Add(new InstrumentInfo(
        "fastconsumer.read.duration", Histogram, "s", "How long a GetRecords call took, with its retries.", false, "error.type")
    {
        Boundaries = s_seconds,
    });

    public static InstrumentInfo SecondBytes { get; } = Add(new InstrumentInfo(
        "fastconsumer.reads.second.bytes",
        Histogram,
        "By",
        "What was read from a shard within a second, one value for each second with reads; a shard allows 2 MiB.")
    {
        Boundaries = [64 * KiB, 256 * KiB, 512 * KiB, MiB, 1.5 * MiB, 2 * MiB, 4 * MiB, 8 * MiB, 10 * MiB],
    });

    public static InstrumentInfo SecondCalls { get; } = Add(new InstrumentInfo(
        "fastconsumer.reads.second.calls",
        Histogram,
        "{call}",
        "Answered GetRecords calls within a second, one value for each second with reads; a shard allows 5.")
    {
        Boundaries = [1, 2, 3, 4, 5, 10],
    });

    public static InstrumentInfo ReadsShare { get; } = Shard("reads.share", ObservableGauge, "1",
        "The part of the shard's read quota that is taken: 1 alone, less beside others.");

    public static InstrumentInfo BytesShare { get; } = Shard("bytes.share", ObservableGauge, "1",
        "The shard's part of what its worker read within the last minute.");

    public static InstrumentInfo IteratorsExpired { get; } = Worker("iterators.expired", Counter, "{iterator}", "Iterators that expired.");

    public static InstrumentInfo RecordsRead { get; } = Shard("records.read", Counter, "{record}", "Records received.");

    public static InstrumentInfo RecordsForeign { get; } = Shard("records.foreign", Counter, "{record}",
        "User records of aggregates that belong to another shard by their hash key and were left out (ForeignRecords).");

    public static InstrumentInfo BytesRead { get; } = Shard("bytes.read", Counter, "By", "Data and partition keys received.");

    // ---- lag
    public static InstrumentInfo MillisBehindLatest { get; } = Shard("millis_behind_latest", ObservableGauge, "ms",
        "KCL's MillisBehindLatest of the last answer, and the time since.");

    public static InstrumentInfo Lag { get; } = Shard("lag", ObservableGauge, "s",
        "The age of the oldest record that is not done; 0 where all that the shard has is done.");

    public static InstrumentInfo LagMax { get; } = Worker("lag.max", ObservableGauge, "s", "The highest lag of this worker's shards.");

    public static InstrumentInfo LossIn { get; } = Worker("loss.in", ObservableGauge, "s",
        "When the first record is lost to the stream's retention if the lag goes on growing as it does; nothing while no lag grows.");

    public static InstrumentInfo Retention { get; } = Worker("retention", ObservableGauge, "s", "How long the stream keeps a record.");

    public static InstrumentInfo ShardTime { get; } = Worker("shard.time", ObservableCounter, "s",
        "What the shards' readers waited for or did. The states exclude each other, and sum up to the time of all shards.", "state");

    // ---- handling
    public static InstrumentInfo RecordsDone { get; } = Shard("records.done", Counter, "{record}",
        "Records that are done: their handlers have returned, or they were left out.");

    public static InstrumentInfo RecordsSkipped { get; } = Shard("records.skipped", Counter, "{record}",
        "Records left out by [OnError(..., ErrorAction.Skip)].");

    public static InstrumentInfo RecordsDeadLettered { get; } = Shard("records.dead_lettered", Counter, "{record}",
        "Records left out after their dead letters were written.");

    public static InstrumentInfo RecordsFiltered { get; } = Shard("records.filtered", Counter, "{record}",
        "Records for which a [Filter] method was false.");

    public static InstrumentInfo HandlerFailures { get; } = Shard("handler.failures", Counter, "{failure}",
        "Exceptions that left handlers. With Telemetry:ShardTags = None it has error.type instead of the shard.");

    public static InstrumentInfo HandlerRecordDuration { get; } = Add(new InstrumentInfo(
        "fastconsumer.handler.record.duration", Histogram, "s", "How long the handler took for one record: the first of each page.")
    {
        Boundaries = s_shortSeconds,
    });

    public static InstrumentInfo ProcessDuration { get; } = Add(new InstrumentInfo(
        "messaging.process.duration",
        Histogram,
        "s",
        "How long handlers took for a lane's records of a page, or for a batch.",
        false,
        [.. s_messagingTags, "error.type"])
    {
        Boundaries = s_seconds,
    });

    public static InstrumentInfo ConsumedMessages { get; } = Add(new InstrumentInfo(
        "messaging.client.consumed.messages", Counter, "{message}", "Records that were given to handlers and are done.", false,
        s_messagingTags));

    public static InstrumentInfo RecordsInFlight { get; } = Worker("records.in_flight", ObservableUpDownCounter, "{record}",
        "Records that were given to lanes and are not done.");

    public static InstrumentInfo LanesBusy { get; } = Worker("lanes.busy", ObservableUpDownCounter, "{lane}",
        "Lanes that have records to run.");

    public static InstrumentInfo BufferUsed { get; } = Worker("buffer.used", ObservableUpDownCounter, "By",
        "Bytes of PrefetchBytes that are held between socket and handler. All processors of a consumer share them.");

    public static InstrumentInfo BufferLimit { get; } = Worker("buffer.limit", ObservableUpDownCounter, "By", "PrefetchBytes.");

    // ---- leases
    public static InstrumentInfo Leases { get; } = Shard("leases", ObservableUpDownCounter, "{lease}", "Leases held.");

    public static InstrumentInfo LeasesTaken { get; } = Worker("leases.taken", Counter, "{lease}", "Leases that this worker took.");

    public static InstrumentInfo LeasesLost { get; } = Worker("leases.lost", Counter, "{lease}", "Leases that this worker lost.");

    public static InstrumentInfo LeasesHandedOver { get; } = Worker("leases.handed_over", Counter, "{lease}",
        "Leases that this worker released to another one.");

    public static InstrumentInfo LeaseRenewalAgeMax { get; } = Worker("lease.renewal.age.max", ObservableGauge, "s",
        "The longest time since one of the held leases was renewed. At LeaseDuration others take it.");

    public static InstrumentInfo ShardsUnread { get; } = Worker("shards.unread", ObservableGauge, "{shard}",
        "Shards that were begun, are not finished, and have no owner that lives, by this worker's last list of the table.");

    public static InstrumentInfo Checkpoints { get; } =
        Shard("checkpoints", Counter, "{checkpoint}", "Checkpoints that became durable.");

    public static InstrumentInfo StateDuration { get; } = Add(new InstrumentInfo(
        "fastconsumer.state.checkpoint.duration",
        Histogram,
        "s",
        "How long it took to write a snapshot of a shard's state, until its store had it.")
    {
        Boundaries = s_seconds,
    });

    public static InstrumentInfo StateSize { get; } = Add(new InstrumentInfo(
        "fastconsumer.state.checkpoint.size", Histogram, "By", "The bytes that a checkpoint of a shard's state has written.")
    {
        Boundaries = [KiB, 16 * KiB, 256 * KiB, MiB, 16 * MiB, 256 * MiB, 1024 * MiB],
    });

    public static InstrumentInfo StateFailures { get; } = Shard("state.checkpoint.failures", Counter, "{failure}",
        "Snapshots of a shard's state that could not be written, and were tried again.");

    public static InstrumentInfo OutputsWritten { get; } = Shard("outputs.written", Counter, "{output}",
        "Values of [Output] that their sinks have taken.");

    public static InstrumentInfo OutputsSkipped { get; } = Shard("outputs.skipped", Counter, "{output}",
        "Values of [Output] that a sink refused for good, left out by [OnError(typeof(RejectedOutputException), ErrorAction.Skip)].");

    public static InstrumentInfo OutputFailures { get; } = Shard("outputs.failures", Counter, "{failure}",
        "Writes of values of [Output] that failed and were tried again.");

    public static InstrumentInfo StateSwept { get; } = Worker("state.objects.swept", Counter, "{object}",
        "Objects of state that nothing named any more and that this worker's sweeps deleted.");

    public static InstrumentInfo CheckpointAge { get; } = Shard("checkpoint.age", ObservableGauge, "s",
        "How long something has been done that no checkpoint covers; 0 where nothing waits.");

    public static InstrumentInfo TableRequests { get; } = Worker("lease.table.requests", ObservableCounter, "{request}",
        "Requests to the lease table.");

    public static InstrumentInfo TableWriteUnits { get; } = Worker("lease.table.write_units", ObservableCounter, "{unit}",
        "Write units that the lease table was asked for.");

    public static InstrumentInfo TableReadUnits { get; } = Worker("lease.table.read_units", ObservableCounter, "{unit}",
        "Read units that the lease table was asked for.");

    public static InstrumentInfo TableThrottled { get; } = Worker("lease.table.throttled", ObservableCounter, "{request}",
        "Reads and writes that the lease table throttled.");

    // ---- operating
    public static InstrumentInfo FindingsRaised { get; } = Worker("findings", ObservableGauge, "{finding}", "Findings that hold now.",
        "fastconsumer.finding.id", "fastconsumer.finding.severity");

    public static InstrumentInfo OperatorActions { get; } = Worker("operator.actions", Counter, "{action}",
        "What operators have decided about records and shards, by what became of it.", "fastconsumer.action", "fastconsumer.outcome");

    private static InstrumentInfo Shard(string name, InstrumentKind kind, string unit, string description) =>
        Add(new InstrumentInfo($"fastconsumer.{name}", kind, unit, description, ByShard: true));

    private static InstrumentInfo Worker(string name, InstrumentKind kind, string unit, string description, params string[] tags) =>
        Add(new InstrumentInfo($"fastconsumer.{name}", kind, unit, description, false, tags));

    private static InstrumentInfo Add(InstrumentInfo info)
    {
        s_all.Add(info);
        return info;
    }
}

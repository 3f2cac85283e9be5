namespace FastConsumer.Diagnostics;

/// <summary>
/// All conditions that are found by name. The thousands say the area: 1 reading, 2 lag and speed, 3 records and handlers, 4 leases and
/// their table, 5 the worker. Each has a page, <c>docs/findings/{Id}.md</c>.
/// </summary>
internal static class FindingRules
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);
    private static readonly List<FindingRule> s_all = [];

    /// <summary>Every rule, by id.</summary>
    public static IReadOnlyList<FindingRule> All => s_all;

    // ---- reading
    public static FindingRule RefusedBesideOthers { get; } = Event("FCF1001", "Reads are refused for throughput", FindingSeverity.Degraded,
        "Let fewer applications poll the shard, read by enhanced fan-out (FastConsumer:ReadMode), or split the shard.");

    public static FindingRule QuotaFilled { get; } = Sampled("FCF1002", "This application fills the shard's read quota",
        FindingSeverity.Information,
        "Nothing is wrong while the lag falls. If the lag stays, split the shard or read by enhanced fan-out (FastConsumer:ReadMode).");

    public static FindingRule LargeAnswers { get; } = Sampled("FCF1003", "Answers of 10 MiB are followed by five seconds of silence",
        FindingSeverity.Information, "Set FastConsumer:Limit lower, so that an answer holds less than 10 MiB.");

    public static FindingRule CallsAreTheLimit { get; } = Sampled("FCF1004", "Five calls a second are the limit, not bytes",
        FindingSeverity.Degraded, "Set FastConsumer:Limit higher, or let fewer applications poll the shard.");

    // its rate is that of a whole minute, so it is raised with the first
    public static FindingRule HotShard { get; } = Sampled("FCF1005", "A shard has much more than its part of the load",
        FindingSeverity.Degraded, "Choose partition keys that spread better, or split the shard.", TimeSpan.Zero);

    public static FindingRule Microburst { get; } = Sampled("FCF1006", "The minute is below the quota, single seconds are not",
        FindingSeverity.Degraded, "Let producers spread their puts over the second, split the shard, or read by enhanced fan-out.");

    public static FindingRule TooManyPollers { get; } = Sampled("FCF1007", "More applications poll the shard than polling bears",
        FindingSeverity.Degraded, "Read by enhanced fan-out (FastConsumer:ReadMode): each consumer then has 2 MiB a second of its own.",
        TimeSpan.FromMinutes(2));

    public static FindingRule LimitHoldsBack { get; } = Sampled("FCF1008", "The limit of records holds reading back",
        FindingSeverity.Degraded, "Set FastConsumer:Limit higher; 10,000 is the default and the most.");

    public static FindingRule BudgetHoldsBack { get; } = Sampled("FCF1009", "The byte budget holds reading back",
        FindingSeverity.Degraded, "Set FastConsumer:PrefetchBytes higher, or make the handler faster.");

    public static FindingRule ReadsFail { get; } = Event("FCF1010", "Reads fail and are tried again", FindingSeverity.Degraded,
        "Look at the error: a network, a proxy or the service is in trouble. Reading goes on by itself when that is over.");

    public static FindingRule IteratorsExpireOnHandler { get; } = Event("FCF1011", "Iterators expire while the reader waits",
        FindingSeverity.Degraded, "Make the handler faster, or give it more lanes with [Concurrency].");

    public static FindingRule IteratorsExpireOnTable { get; } = Event("FCF1012", "Iterators expire before they are used",
        FindingSeverity.Degraded, "Look at the lease table's capacity: AWS names it as the usual cause.");

    public static FindingRule KeyDenied { get; } = Event("FCF1013", "The stream's key cannot be used", FindingSeverity.Unhealthy,
        "Allow kms:Decrypt on the named key for the named principal, or enable the key.");

    public static FindingRule ReadDenied { get; } = Event("FCF1014", "Reads are refused for good", FindingSeverity.Unhealthy,
        "Grant the named permission, or correct the stream's name and region.");

    public static FindingRule ClockOff { get; } = Sampled("FCF1015", "This machine's clock is off", FindingSeverity.Degraded,
        "Synchronise the clock (NTP). Signatures are refused when it is off by more than five minutes.");

    public static FindingRule SubscriptionStuck { get; } = Event("FCF1016", "A fan-out subscription stands still", FindingSeverity.Degraded,
        "Set FastConsumer:StreamWindowBytes higher, or read by polling.");

    public static FindingRule FellBackToPolling { get; } = Event("FCF1017", "Fan-out was refused: the stream is polled",
        FindingSeverity.Degraded, "Grant kinesis:SubscribeToShard and the consumer's permissions, then restart.");

    public static FindingRule RecordsLost { get; } = Event("FCF1018", "Records were lost to the stream's retention",
        FindingSeverity.Unhealthy,
        "Raise the stream's retention. Find what is missing at its source, then acknowledge the finding (IFastConsumerControl).");

    public static FindingRule ForeignRecordsDelivered { get; } = Event("FCF1019",
        "Aggregates hold records of other shards, and they are delivered here", FindingSeverity.Information,
        "Nothing is lost. Records of one partition key may come from two shards: see the page on aggregated records.");

    // ---- lag and speed
    public static FindingRule HalfRetention { get; } = Sampled("FCF2001", "The lag is past half of the stream's retention",
        FindingSeverity.Degraded, "Raise the retention first, then find out why reading is slow: other findings name the cause.");

    public static FindingRule SuddenLag { get; } = Sampled("FCF2002", "The lag grows suddenly", FindingSeverity.Degraded,
        "Look at what changed a moment ago: a handler that hangs or fails, a dependency, a deployment.", TimeSpan.Zero);

    public static FindingRule GradualLag { get; } = Sampled("FCF2003", "The lag grows slowly", FindingSeverity.Degraded,
        "The load has outgrown the consumer: make the handler faster, add lanes, workers or shards.", TimeSpan.Zero);

    public static FindingRule HandlerIsSlow { get; } = Sampled("FCF2004", "The handler is the bottleneck", FindingSeverity.Degraded,
        "Make the handler faster: [OnBatch] for calls to a database, [Concurrency] for waits; then add shards.");

    public static FindingRule HandlerSlower { get; } = Sampled("FCF2005", "The handler takes longer than an hour ago, at the same load",
        FindingSeverity.Degraded, "Look at what the handler calls: a database, a service or a lock has become slower.");

    public static FindingRule HandlerSlowerUnderLoad { get; } = Sampled("FCF2006", "The handler takes longer since the load has grown",
        FindingSeverity.Degraded, "Add capacity: more workers, more lanes, or a larger machine for what the handler calls.");

    public static FindingRule ProcessStarved { get; } = Event("FCF2007", "The process is starved of threads, CPU or memory",
        FindingSeverity.Degraded, "Look for code that blocks the thread pool (Task.Result, Task.Wait, Thread.Sleep), or give more CPU.");

    public static FindingRule HandlersBlock { get; } = Event("FCF2008", "Handlers block their threads", FindingSeverity.Degraded,
        "Await what takes long instead of blocking. FastConsumer:MaxHandlerThreads is the bound of threads.");

    public static FindingRule LossNear { get; } = Sampled("FCF2009", "Records are about to be lost to the stream's retention",
        FindingSeverity.Unhealthy, "Raise the stream's retention now (aws kinesis increase-stream-retention-period), then find the cause.");

    // ---- records and handlers
    public static FindingRule ShardStopped { get; } = Event("FCF3001", "A shard has stopped in front of a record",
        FindingSeverity.Unhealthy, "Decide about the record (IFastConsumerControl.DecideAsync), or correct the processor or the record's "
            + "producer and restart: the shard goes on with this record.");

    public static FindingRule RecordRetried { get; } = Event("FCF3002", "A record fails and is tried again", FindingSeverity.Degraded,
        "Look at the error. The shard waits for this record; it goes on when the handler succeeds, or an [OnError] rule leaves it out.");

    public static FindingRule RecordsSkipped { get; } = Event("FCF3003", "Records were skipped", FindingSeverity.Information,
        "An [OnError(..., ErrorAction.Skip)] left records out, as it says. Look at the log for each of them.");

    public static FindingRule RecordsDeadLettered { get; } = Event("FCF3004", "Records went to the dead letters", FindingSeverity.Degraded,
        "Look at the letters, correct the cause, and replay them.");

    public static FindingRule DeadLetterSinkFails { get; } = Event("FCF3005", "A dead letter cannot be written", FindingSeverity.Degraded,
        "Correct the place of dead letters. The shard waits and tries again.");

    public static FindingRule HandlerHangs { get; } = Event("FCF3006", "A call of the handler does not return", FindingSeverity.Degraded,
        "Find what the call waits for. The shard waits too, and keeps its lease. A [Timeout] bounds such calls.");

    public static FindingRule ForeignRecordsLeftOut { get; } = Event("FCF3007", "Aggregates of the KPL hold records of other shards",
        FindingSeverity.Information, "Nothing is lost: the KPL sends these records again to the shard that they belong to.");

    public static FindingRule ShardCannotRun { get; } = Event("FCF3008", "A shard cannot be run", FindingSeverity.Unhealthy,
        "Look at the error in the log (2405, 2410). The lease is released, and other workers may run the shard.");

    public static FindingRule StateNotCheckpointed { get; } = Event("FCF3009", "The state of a shard is not checkpointed",
        FindingSeverity.Degraded, "Correct the place of the state: its capacity, its permissions, the way to it. Records are handled "
            + "meanwhile; after a crash those since the last checkpoint are handled again.");

    public static FindingRule OutputsNotWritten { get; } = Event("FCF3010", "The outputs of a shard are not written",
        FindingSeverity.Degraded, "Correct the sink: its capacity, its permissions, the way to it, or the value that it refuses. The "
            + "outputs are kept and tried again; the shard takes no checkpoint meanwhile.");

    // ---- leases and their table
    public static FindingRule LeasesLost { get; } = Event("FCF4001", "Leases are lost", FindingSeverity.Degraded,
        "Look for pauses of the process, a slow lease table, or too short a LeaseDuration.");

    public static FindingRule CancellationIgnored { get; } = Event("FCF4002", "A handler ignores its cancellation",
        FindingSeverity.Degraded, "Pass the CancellationToken on to all that the handler awaits: until it returns, two workers may run.");

    public static FindingRule CallsOutlastLease { get; } = Sampled("FCF4003", "Calls take longer than the lease lasts",
        FindingSeverity.Degraded, "Set FastConsumer:LeaseDuration higher than the longest call, or split the work.");

    public static FindingRule WorkerIdInUse { get; } = Event("FCF4004", "Two processes have one WorkerId", FindingSeverity.Unhealthy,
        "Do not set FastConsumer:WorkerId, or give each process its own.");

    public static FindingRule TableThrottled { get; } = Sampled("FCF4005", "The lease table throttles", FindingSeverity.Degraded,
        "Give the table more write units or on-demand capacity, or raise LeaseDuration and CheckpointInterval.", TimeSpan.Zero);

    public static FindingRule TableTooSmall { get; } = Event("FCF4006", "The lease table is too small for its leases",
        FindingSeverity.Degraded, "Give the table more write units, or raise FastConsumer:LeaseDuration.");

    public static FindingRule CheckpointOld { get; } = Sampled("FCF4007", "A checkpoint is old", FindingSeverity.Degraded,
        "Records are done and not checkpointed: look at the lease table, and for one slow record before many done ones.");

    public static FindingRule ShardKillsOwners { get; } = Event("FCF4008", "A shard changes its owner again and again without progress",
        FindingSeverity.Degraded, "A record may end the process that handles it: look at what the former owners logged last.");

    public static FindingRule KclFleetRuns { get; } = Event("FCF4009", "A fleet of KCL 3.x runs on the lease table",
        FindingSeverity.Unhealthy, "Stop the KCL fleet first. No lease is taken while it runs.");

    public static FindingRule LeaseRuleBroken { get; } = Event("FCF4010", "A rule of the lease table does not hold",
        FindingSeverity.Unhealthy, "Report it with the log. Look for what else writes to the lease table.");

    public static FindingRule RowUnreadable { get; } = Event("FCF4011", "A row of the lease table cannot be read",
        FindingSeverity.Unhealthy, "Correct or delete the row that the message names.");

    public static FindingRule AtMaxLeases { get; } = Event("FCF4012", "Leases are free, and MaxLeases is reached",
        FindingSeverity.Unhealthy, "Start more workers, or set FastConsumer:MaxLeases higher.");

    public static FindingRule TableRefused { get; } = Event("FCF4013", "The lease table belongs to something else, or refuses this worker",
        FindingSeverity.Unhealthy, "Do what the message says: another application name, the right stream, or a permission.");

    // ---- the worker
    public static FindingRule ListingIncomplete { get; } = Event("FCF5001", "The listing of shards has holes", FindingSeverity.Degraded,
        "The stream is listed again. Nothing is to be done unless it lasts.");

    public static FindingRule HashKeysUnread { get; } = Event("FCF5002", "Hash keys have no lease", FindingSeverity.Unhealthy,
        "Their leases were finished or deleted while their shards go on: restore the rows, or begin with another application name.");

    public static FindingRule ShardsNotFollowed { get; } = Event("FCF5003", "New shards are not found", FindingSeverity.Degraded,
        "Grant kinesis:ListShards, or look at the error. Shards that have a lease are read.");

    public static FindingRule TableUnread { get; } = Event("FCF5004", "The lease table cannot be read", FindingSeverity.Degraded,
        "Look at the error. Leases are kept as long as they can be renewed.");

    public static FindingRule CannotStart { get; } = Event("FCF5005", "The worker cannot start", FindingSeverity.Unhealthy,
        "Do what the message says. It is tried again, and no shard is read meanwhile.");

    public static FindingRule StopTimeoutTooLong { get; } = Event("FCF5006", "StopTimeout is not below the host's ShutdownTimeout",
        FindingSeverity.Information, "Raise HostOptions.ShutdownTimeout, or lower FastConsumer:StopTimeout.");

    public static FindingRule CallbacksFail { get; } = Event("FCF5007", "Loggers, meter listeners or token callbacks throw or block",
        FindingSeverity.Degraded, "Correct the callback that the message names. FastConsumer goes on without it.");

    // ---- operators
    public static FindingRule ShardPaused { get; } = Event("FCF6001", "The shard is paused", FindingSeverity.Information,
        "Resume it when the reason is gone. Its records are kept no longer than the stream's retention.");

    /// <summary>A rule by its id, in upper or lower case as configuration keys are; null where there is none.</summary>
    public static FindingRule? Find(string id) => s_all.Find(rule => string.Equals(rule.Id, id, StringComparison.OrdinalIgnoreCase));

    private static FindingRule Event(string id, string title, FindingSeverity severity, string remedy) =>
        Add(new FindingRule(id, title, severity, TimeSpan.Zero, remedy));

    private static FindingRule Sampled(string id, string title, FindingSeverity severity, string remedy, TimeSpan? raiseAfter = null) =>
        Add(new FindingRule(id, title, severity, raiseAfter ?? s_minute, remedy) { IsSampled = true });

    private static FindingRule Add(FindingRule rule)
    {
        s_all.Add(rule);
        return rule;
    }
}

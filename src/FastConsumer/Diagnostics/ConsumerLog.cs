using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>The worker's log messages. Ids are stable: 2000 reading, 2100 handlers, 2200 checkpoints, 2300 leases, 2400 hosting.</summary>
internal static partial class ConsumerLog
{
    [LoggerMessage(2000, LogLevel.Information, "Shard {ShardId} is closed and read to its end; it has {Children} children.")]
    public static partial void ShardEndRead(ILogger log, string shardId, int children);

    [LoggerMessage(2001, LogLevel.Debug, "The iterator of shard {ShardId} has expired; going on after {Position}.")]
    public static partial void IteratorExpired(ILogger log, string shardId, object position);

    [LoggerMessage(2002, LogLevel.Debug, "GetRecords on shard {ShardId} was throttled; waiting {Wait}. {Reason}")]
    public static partial void ReadThrottled(ILogger log, string shardId, TimeSpan wait, string reason);

    [LoggerMessage(2003, LogLevel.Error, "Shard {ShardId} cannot be read; trying again in {Wait}, nothing is lost meanwhile.")]
    public static partial void ReadRefused(ILogger log, string shardId, TimeSpan wait, Exception error);

    [LoggerMessage(2004, LogLevel.Warning, "Reading shard {ShardId} failed; trying again in {Wait}.")]
    public static partial void ReadFailed(ILogger log, string shardId, TimeSpan wait, Exception error);

    [LoggerMessage(2005, LogLevel.Warning, "The server ended the iterator of shard {ShardId} although the shard is open; going on with a new one.")]
    public static partial void IteratorWithoutEnd(ILogger log, string shardId);

    [LoggerMessage(2006, LogLevel.Error, "Shard {ShardId} is no longer in the stream: what it held after {Position} was older than the stream's retention and is lost to this application; going on with its {Children} children.")]
    public static partial void ShardGone(ILogger log, string shardId, object position, int children);

    [LoggerMessage(2007, LogLevel.Warning, "Shard {ShardId} was refused {Times} times in a row; it is tried again and nothing is lost meanwhile. {Reason}{Remedy}")]
    public static partial void ReadKeepsBeingRefused(ILogger log, string shardId, int times, string reason, string remedy);

    [LoggerMessage(2020, LogLevel.Warning, "Shard {ShardId} holds aggregates with records of other shards, by their hash keys; they are left out here, {Count} in this answer. The KPL puts them into their own shard when it learns of a reshard; a producer that aggregates without regard to shards never does: set Deaggregate to false and unpack its records in the processor.")]
    public static partial void ForeignRecords(ILogger log, string shardId, int count);

    [LoggerMessage(2030, LogLevel.Warning, "Shard {ShardId} of {Stream} is hot: it yields {Rate} KiB a second, {Share} % of what this worker reads, and the {Others} other shards here yield {Mean} each; a shard takes 1,024. Use partition keys that spread the records better, or, where several keys meet in this shard, split it (aws kinesis split-shard).")]
    public static partial void HotShard(ILogger log, string shardId, string stream, long rate, long share, int others, long mean);

    [LoggerMessage(2031, LogLevel.Warning, "{Storm}")]
    public static partial void IteratorsExpire(ILogger log, string storm);

    [LoggerMessage(2100, LogLevel.Warning, "{Processor} failed on record {Position} of shard {ShardId} (attempt {Attempt}); the shard waits and tries again in {Wait}.")]
    public static partial void HandlerFailed(ILogger log, string processor, string shardId, object position, int attempt, TimeSpan wait, Exception error);

    [LoggerMessage(2101, LogLevel.Error, "{Processor} stopped shard {ShardId} at record {Position}: {Reason}. The record is not skipped.{Remedy}")]
    public static partial void ShardStopped(ILogger log, string processor, string shardId, object position, string reason, string remedy, Exception error);

    [LoggerMessage(2102, LogLevel.Warning, "{Processor} failed on record {Position} of shard {ShardId} after the record was checkpointed; it is not tried again.")]
    public static partial void FailedAfterCheckpoint(ILogger log, string processor, string shardId, object position, Exception error);

    [LoggerMessage(2103, LogLevel.Warning, "{Processor}: {Method} of shard {ShardId} failed (attempt {Attempt}); trying again in {Wait}.")]
    public static partial void LifeCycleFailed(ILogger log, string processor, string method, string shardId, int attempt, TimeSpan wait, Exception error);

    [LoggerMessage(2104, LogLevel.Error, "{Processor}: {Method} of shard {ShardId} failed.")]
    public static partial void LastCallFailed(ILogger log, string processor, string method, string shardId, Exception error);

    [LoggerMessage(2105, LogLevel.Warning, "{Processor}: the handler of shard {ShardId} ended with an exception after its token was cancelled; its record runs again on the shard's next owner.")]
    public static partial void FailedWhileEnding(ILogger log, string processor, string shardId, Exception error);

    [LoggerMessage(2106, LogLevel.Warning, "{Processor}: the handler of shard {ShardId} ignores its cancelled token; the lease is given up while it still runs.")]
    public static partial void HandlerGivenUp(ILogger log, string processor, string shardId);

    [LoggerMessage(2107, LogLevel.Warning, "{Processor} left out record {Position} of shard {ShardId} after attempt {Attempts}, as its error policy says.")]
    public static partial void Skipped(ILogger log, string processor, string shardId, object position, int attempts, Exception error);

    [LoggerMessage(2108, LogLevel.Warning, "{Processor} gave up record {Position} of shard {ShardId} after attempt {Attempts}; its dead letter is written.")]
    public static partial void DeadLettered(ILogger log, string processor, string shardId, object position, int attempts, Exception error);

    [LoggerMessage(2109, LogLevel.Error, "{Processor}: the dead letter of record {Position} of shard {ShardId} could not be written; the shard waits and tries again in {Wait}.")]
    public static partial void DeadLetterFailed(ILogger log, string processor, string shardId, object position, TimeSpan wait, Exception error);

    [LoggerMessage(2110, LogLevel.Error, "Dead letter of {Application}, {Processor}: record {Position} of shard {ShardId} of {Stream}, given up after attempt {Attempts}.")]
    public static partial void DeadLetter(ILogger log, string application, string processor, string stream, string shardId, object position, int attempts, Exception error);

    [LoggerMessage(2111, LogLevel.Warning, "The partition key of the dead letter of record {Position} of shard {ShardId} {Complaint}, and Kinesis takes 1 to 256. The letter is put into stream {DeadLetters} with the shard's id as its key; its data is as it was.")]
    public static partial void DeadLetterKeyReplaced(ILogger log, object position, string shardId, string complaint, string deadLetters);

    [LoggerMessage(2112, LogLevel.Warning, "{Processor}: the first dead-letter sink can never take the letter of record {Position} of shard {ShardId}; it goes to the fallback. {Reason}")]
    public static partial void DeadLetterRedirected(ILogger log, string processor, object position, string shardId, string reason);

    [LoggerMessage(2130, LogLevel.Error, "{Processor}: {Method} of shard {ShardId} has not returned in time; it is not waited for any longer, and keeps its services until it ends.")]
    public static partial void LastCallGivenUp(ILogger log, string processor, string method, string shardId);

    [LoggerMessage(2200, LogLevel.Warning, "The checkpoint of shard {ShardId} at {Position} could not be written; trying again in {Wait}, processing goes on.")]
    public static partial void CheckpointFailed(ILogger log, string shardId, object position, TimeSpan wait, Exception? error);

    [LoggerMessage(2201, LogLevel.Debug, "Shard {ShardId} is checkpointed at {Position}.")]
    public static partial void Checkpointed(ILogger log, string shardId, object position);

    [LoggerMessage(2202, LogLevel.Warning, "The last checkpoint of shard {ShardId} at {Position} was not written in time; the records since {Durable} run again.")]
    public static partial void FlushFailed(ILogger log, string shardId, object position, object durable);

    [LoggerMessage(2203, LogLevel.Warning, "The lease table throttles {Worker}: {Waiting} of its {Held} shards wait to be checkpointed or renewed, the longest for {Longest}. Processing goes on. Give the table more write units, or set CheckpointInterval or LeaseDuration higher.")]
    public static partial void WritesThrottled(ILogger log, string worker, int waiting, int held, TimeSpan longest);

    [LoggerMessage(2300, LogLevel.Information, "{Worker} took shard {ShardId} at {Position} (fencing token {Token}).")]
    public static partial void LeaseTaken(ILogger log, string worker, string shardId, object position, long token);

    [LoggerMessage(2301, LogLevel.Warning, "{Worker} lost shard {ShardId}: {Reason}")]
    public static partial void LeaseLost(ILogger log, string worker, string shardId, string reason);

    [LoggerMessage(2302, LogLevel.Information, "{Worker} released shard {ShardId} to {Successor}.")]
    public static partial void LeaseReleased(ILogger log, string worker, string shardId, string successor);

    [LoggerMessage(2303, LogLevel.Warning, "{Worker} could not release shard {ShardId} in time; another worker takes it when the lease expires.")]
    public static partial void ReleaseFailed(ILogger log, string worker, string shardId);

    [LoggerMessage(2304, LogLevel.Warning, "Renewing leases failed; trying again.")]
    public static partial void RenewalFailed(ILogger log, Exception? error);

    [LoggerMessage(2305, LogLevel.Warning, "{Step} failed; next try in {Wait}.")]
    public static partial void CoordinationFailed(ILogger log, string step, TimeSpan wait, Exception error);

    [LoggerMessage(2306, LogLevel.Information, "Lease of shard {ShardId} created at {Position}.")]
    public static partial void LeaseCreated(ILogger log, string shardId, object position);

    [LoggerMessage(2307, LogLevel.Warning, "{Worker} could not release shard {ShardId} ({Reason}); trying again in {Wait}.")]
    public static partial void ReleaseRetried(ILogger log, string worker, string shardId, string reason, TimeSpan wait, Exception? error);

    [LoggerMessage(2308, LogLevel.Warning, "The children of shard {ShardId} could not be written to its lease; FastConsumer finds them in the stream's listing.")]
    public static partial void ChildrenNotNamed(ILogger log, string shardId, Exception error);

    [LoggerMessage(2309, LogLevel.Warning, "The lease table throttles {Worker}, which looks for shards and leases again in {Wait}; the shards it has go on. {Reason}")]
    public static partial void CoordinationThrottled(ILogger log, string worker, TimeSpan wait, string reason);

    [LoggerMessage(2315, LogLevel.Warning, "The lease table takes {Units} write units a second, and {Leases} leases of {LeaseDuration} need {Needed} to be renewed in time: give it more, or set LeaseDuration to {Longer} or more.")]
    public static partial void TableTooSmall(ILogger log, double units, int leases, TimeSpan leaseDuration, double needed, TimeSpan longer);

    [LoggerMessage(2316, LogLevel.Debug, "What the {Table} may be asked for is not known: its throttles will tell.")]
    public static partial void LimitsUnknown(ILogger log, string table, Exception error);

    [LoggerMessage(2317, LogLevel.Warning, "The listing of {Stream} has no open shard for the hash keys {Ranges}; it is tried again, and nothing follows from it.")]
    public static partial void ListingHasHoles(ILogger log, string stream, string ranges);

    [LoggerMessage(2318, LogLevel.Error, "No lease is there for the hash keys {Ranges} of {Stream}, although the listing is complete: records with these keys are not processed. Leases were finished or deleted while their shards go on.")]
    public static partial void LeasesHaveHoles(ILogger log, string stream, string ranges);

    [LoggerMessage(2319, LogLevel.Information, "The lease of shard {ShardId} is deleted: the shard is done, and its children have begun.")]
    public static partial void LeaseDeleted(ILogger log, string shardId);

    [LoggerMessage(2320, LogLevel.Warning, "Leases of finished shards could not be deleted; they do no harm, and it is tried again.")]
    public static partial void CleanUpFailed(ILogger log, Exception error);

    [LoggerMessage(2330, LogLevel.Warning, "The shards of {Stream} could not be followed; next try in {Wait}. Shards that have a lease are read and passed on meanwhile, and none that a split or merge makes is taken up.")]
    public static partial void SyncFailed(ILogger log, string stream, TimeSpan wait, Exception error);

    [LoggerMessage(2331, LogLevel.Error, "Another process ({Session}) runs with the WorkerId '{Worker}', and has taken the shards of this one, which keeps off them. Leave FastConsumer:WorkerId unset, or give each process one of its own.")]
    public static partial void WorkerIdInUse(ILogger log, string worker, string session);

    [LoggerMessage(2311, LogLevel.Debug, "{Worker} asks {Owner} for {Count} leases.")]
    public static partial void LeasesRequested(ILogger log, string worker, int count, string owner);

    [LoggerMessage(2312, LogLevel.Information, "{Worker} hands shard {ShardId} over to {Successor}, who asked for it.")]
    public static partial void HandingOver(ILogger log, string worker, string shardId, string successor);

    [LoggerMessage(2313, LogLevel.Warning, "{Worker} could not find out which other workers are there while it stops; leases are released to nobody, and taken by whoever looks first.")]
    public static partial void SuccessorsUnknown(ILogger log, string worker, Exception error);

    [LoggerMessage(2314, LogLevel.Debug, "{Worker} could not tell {Successor} of its leases; it sees them when it lists the table next.")]
    public static partial void RingFailed(ILogger log, string worker, string successor, Exception error);

    [LoggerMessage(2310, LogLevel.Warning, "LeaseTableWriteUnits is {Units} a second, and {Leases} leases of {LeaseDuration} need {Needed} to be renewed in time: raise it, or set LeaseDuration to {Longer} or more.")]
    public static partial void BudgetTooSmall(ILogger log, double units, int leases, TimeSpan leaseDuration, double needed, TimeSpan longer);

    [LoggerMessage(2332, LogLevel.Error, "A row of the {Table} is damaged, and its shard is not read. {Problem}")]
    public static partial void LeaseRowUnreadable(ILogger logger, string table, string problem);

    [LoggerMessage(2400, LogLevel.Information, "{Processor} consumes {Stream} at {Endpoint} as {Worker} of {Application}; leases in {Store}.")]
    public static partial void Started(ILogger log, string processor, string stream, string endpoint, string worker, string application, string store);

    [LoggerMessage(2401, LogLevel.Error, "{Processor} cannot start on stream {Stream}: {Step} failed. {Failure} Next try in {Wait}; no shard is read meanwhile.")]
    public static partial void StartFailed(ILogger log, string processor, string stream, string step, string failure, TimeSpan wait, Exception? error);

    [LoggerMessage(2402, LogLevel.Information, "{Processor} has stopped, and has released the {Released} shards that it held.")]
    public static partial void Stopped(ILogger log, string processor, int released);

    [LoggerMessage(2403, LogLevel.Warning, "{Processor}: handlers still run after {Drain}; their tokens are cancelled now.")]
    public static partial void DrainTimedOut(ILogger log, string processor, TimeSpan drain);

    [LoggerMessage(2404, LogLevel.Warning, "{StopTimeout} is not below the host's ShutdownTimeout ({ShutdownTimeout}): the host may end the process before leases are released. All consumers of a host stop at the same time, so the longest StopTimeout counts. Raise HostOptions.ShutdownTimeout or lower StopTimeout.")]
    public static partial void StopTimeoutTooLong(ILogger log, string stopTimeout, TimeSpan shutdownTimeout);

    [LoggerMessage(2406, LogLevel.Warning, "{Processor}: disposing of the instance that was made to check its services failed. The instances of shards would fail likewise.")]
    public static partial void TrialNotDisposed(ILogger log, string processor, Exception error);

    [LoggerMessage(2407, LogLevel.Warning, "{Setting} has no effect: it belongs to enhanced fan-out, and the stream is read by polling. Set ReadMode to FanOut, or remove it.")]
    public static partial void UnusedSetting(ILogger log, string setting);

    [LoggerMessage(2408, LogLevel.Warning, "{Warning}")]
    public static partial void UnknownKey(ILogger log, string warning);

    [LoggerMessage(2409, LogLevel.Information, "{Processor} starts on stream {Stream}: {Starts}")]
    public static partial void StartsAt(ILogger log, string processor, string stream, string starts);

    [LoggerMessage(2405, LogLevel.Critical, "{Processor}: shard {ShardId} failed inside FastConsumer; the shard is given up and taken again.")]
    public static partial void ShardFailed(ILogger log, string processor, string shardId, Exception error);
}

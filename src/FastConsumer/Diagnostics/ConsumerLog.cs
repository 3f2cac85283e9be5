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

    [LoggerMessage(2003, LogLevel.Error, "Shard {ShardId} cannot be read. FastConsumer tries again in {Wait}; nothing is lost meanwhile.")]
    public static partial void ReadRefused(ILogger log, string shardId, TimeSpan wait, Exception error);

    [LoggerMessage(2004, LogLevel.Warning, "Reading shard {ShardId} failed; trying again in {Wait}.")]
    public static partial void ReadFailed(ILogger log, string shardId, TimeSpan wait, Exception error);

    [LoggerMessage(
        2005,
        LogLevel.Warning,
        "The server ended the iterator of shard {ShardId} although the shard is open; going on with a new one.")]
    public static partial void IteratorWithoutEnd(ILogger log, string shardId);

    [LoggerMessage(
        2006,
        LogLevel.Error,
        "Shard {ShardId} is no longer in the stream. Its records after {Position} were older than the stream's retention and are lost to "
            + "this application. FastConsumer goes on with its {Children} children.")]
    public static partial void ShardGone(ILogger log, string shardId, object position, int children);

    [LoggerMessage(
        2007,
        LogLevel.Warning,
        "The service refused to read shard {ShardId} {Times} times in a row. FastConsumer tries again, and nothing is lost "
            + "meanwhile. {Reason}{Remedy}")]
    public static partial void ReadKeepsBeingRefused(ILogger log, string shardId, int times, string reason, string remedy);

    [LoggerMessage(
        2020,
        LogLevel.Warning,
        "Shard {ShardId} holds aggregates with records of other shards, by their hash keys; they are left out here, {Count} "
            + "in this answer. The Kinesis Producer Library puts them into their own shard again when it learns of a reshard. "
            + "To have them delivered here too, set FastConsumer:ForeignRecords to Deliver. This is said once for each shard; "
            + "fastconsumer.records.foreign counts them.")]
    public static partial void ForeignRecords(ILogger log, string shardId, int count);

    [LoggerMessage(
        2030,
        LogLevel.Warning,
        "Shard {ShardId} of {Stream} is hot: it yields {Rate} KiB a second, {Share} % of what this worker reads, and the {Others} "
            + "other shards here yield {Mean} each; a shard takes 1,024. Use partition keys that spread the records better, or, "
            + "where several keys meet in this shard, split it (aws kinesis split-shard).")]
    public static partial void HotShard(ILogger log, string shardId, string stream, long rate, long share, int others, long mean);

    [LoggerMessage(2031, LogLevel.Warning, "{Storm}")]
    public static partial void IteratorsExpire(ILogger log, string storm);

    [LoggerMessage(
        2100,
        LogLevel.Warning,
        "{Processor} failed on record {Position} of shard {ShardId} (attempt {Attempt}); the shard waits and tries again in {Wait}.")]
    public static partial void HandlerFailed(
        ILogger log, string processor, string shardId, object position, int attempt, TimeSpan wait, Exception error);

    [LoggerMessage(
        2101,
        LogLevel.Error,
        "{Processor} stopped shard {ShardId} at record {Position}: {Reason}. The record is not skipped.{Remedy}")]
    public static partial void ShardStopped(
        ILogger log, string processor, string shardId, object position, string reason, string remedy, Exception error);

    [LoggerMessage(
        2102,
        LogLevel.Warning,
        "{Processor} failed on record {Position} of shard {ShardId} after the record was checkpointed; it is not tried again.")]
    public static partial void FailedAfterCheckpoint(ILogger log, string processor, string shardId, object position, Exception error);

    [LoggerMessage(2103, LogLevel.Warning, "{Processor}: {Method} of shard {ShardId} failed (attempt {Attempt}); trying again in {Wait}.")]
    public static partial void LifeCycleFailed(
        ILogger log, string processor, string method, string shardId, int attempt, TimeSpan wait, Exception error);

    [LoggerMessage(2104, LogLevel.Error, "{Processor}: {Method} of shard {ShardId} failed.")]
    public static partial void LastCallFailed(ILogger log, string processor, string method, string shardId, Exception error);

    [LoggerMessage(
        2105,
        LogLevel.Warning,
        "{Processor}: the handler of shard {ShardId} ended with an exception after its token was cancelled; "
            + "its record runs again on the shard's next owner.")]
    public static partial void FailedWhileEnding(ILogger log, string processor, string shardId, Exception error);

    [LoggerMessage(
        2106,
        LogLevel.Warning,
        "{Processor}: the handler of shard {ShardId} ignores its cancelled token; the lease is given up while it still runs.")]
    public static partial void HandlerGivenUp(ILogger log, string processor, string shardId);

    [LoggerMessage(
        2107,
        LogLevel.Warning,
        "{Processor} left out record {Position} of shard {ShardId} after attempt {Attempts}, as its error policy says.")]
    public static partial void Skipped(ILogger log, string processor, string shardId, object position, int attempts, Exception error);

    [LoggerMessage(
        2108,
        LogLevel.Warning,
        "{Processor} gave up record {Position} of shard {ShardId} after attempt {Attempts}; its dead letter is written.")]
    public static partial void DeadLettered(ILogger log, string processor, string shardId, object position, int attempts, Exception error);

    [LoggerMessage(
        2109,
        LogLevel.Error,
        "{Processor}: the dead letter of record {Position} of shard {ShardId} could not be written; "
            + "the shard waits and tries again in {Wait}.")]
    public static partial void DeadLetterFailed(
        ILogger log, string processor, string shardId, object position, TimeSpan wait, Exception error);

    [LoggerMessage(
        2110,
        LogLevel.Error,
        "Dead letter of {Application}, {Processor}: record {Position} of shard {ShardId} of {Stream}, given up after attempt {Attempts}.")]
    public static partial void DeadLetter(
        ILogger log, string application, string processor, string stream, string shardId, object position, int attempts, Exception error);

    [LoggerMessage(
        2111,
        LogLevel.Warning,
        "The partition key of the dead letter of record {Position} of shard {ShardId} {Complaint}, and Kinesis takes 1 to "
            + "256. The letter is put into stream {DeadLetters} with the shard's id as its key; its data is as it was.")]
    public static partial void DeadLetterKeyReplaced(ILogger log, object position, string shardId, string complaint, string deadLetters);

    [LoggerMessage(
        2112,
        LogLevel.Warning,
        "{Processor}: the first dead-letter sink can never take the letter of record {Position} of shard {ShardId}; it goes "
            + "to the fallback. {Reason}")]
    public static partial void DeadLetterRedirected(ILogger log, string processor, object position, string shardId, string reason);

    [LoggerMessage(2131, LogLevel.Warning,
        "{Processor}: {Method} of shard {ShardId} has not returned for {Running}, at record {Position}. The shard waits for it and keeps "
            + "its lease. Give calls a time-out of their own, or [OnError(typeof(TimeoutException), ErrorAction.Retry, Timeout = ...)].")]
    public static partial void CallHangs(ILogger log, string processor, string method, string shardId, TimeSpan running, object position);

    [LoggerMessage(2132, LogLevel.Information, "{Processor}: {Method} of shard {ShardId} has returned after {Running}.")]
    public static partial void CallReturned(ILogger log, string processor, string method, string shardId, TimeSpan running);

    [LoggerMessage(
        2130,
        LogLevel.Error,
        "{Processor}: {Method} of shard {ShardId} has not returned in time. FastConsumer no longer waits for it, and disposes of its "
            + "services when it returns.")]
    public static partial void LastCallGivenUp(ILogger log, string processor, string method, string shardId);

    [LoggerMessage(2201, LogLevel.Debug, "Shard {ShardId} is checkpointed at {Position}.")]
    public static partial void Checkpointed(ILogger log, string shardId, object position);

    [LoggerMessage(2300, LogLevel.Information, "{Worker} took shard {ShardId} at {Position} (fencing token {Token}) from {From}.")]
    public static partial void LeaseTaken(ILogger log, string worker, string shardId, object position, long token, string from);

    [LoggerMessage(
        2400,
        LogLevel.Information,
        "{Processor} consumes {Stream} at {Endpoint} as {Worker} of {Application}; leases in {Store}.")]
    public static partial void Started(
        ILogger log, string processor, string stream, string endpoint, string worker, string application, string store);

    [LoggerMessage(
        2401,
        LogLevel.Error,
        "{Processor} cannot start on stream {Stream}: {Step} failed. {Failure} Next try in {Wait}; no shard is read "
            + "meanwhile.")]
    public static partial void StartFailed(
        ILogger log, string processor, string stream, string step, string failure, TimeSpan wait, Exception? error);

    [LoggerMessage(2402, LogLevel.Information, "{Processor} has stopped, and has released the {Released} shards that it held.")]
    public static partial void Stopped(ILogger log, string processor, int released);

    [LoggerMessage(2403, LogLevel.Warning, "{Processor}: handlers still run after {Drain}; their tokens are cancelled now.")]
    public static partial void DrainTimedOut(ILogger log, string processor, TimeSpan drain);

    [LoggerMessage(
        2404,
        LogLevel.Warning,
        "{StopTimeout} is not below the host's ShutdownTimeout ({ShutdownTimeout}): the host may end the process before "
            + "leases are released. All consumers of a host stop at the same time, so the longest StopTimeout counts. Raise "
            + "HostOptions.ShutdownTimeout or lower StopTimeout.")]
    public static partial void StopTimeoutTooLong(ILogger log, string stopTimeout, TimeSpan shutdownTimeout);

    [LoggerMessage(
        2406,
        LogLevel.Warning,
        "{Processor}: disposing of the instance that was made to check its services failed. The instances of shards would "
            + "fail likewise.")]
    public static partial void TrialNotDisposed(ILogger log, string processor, Exception error);

    [LoggerMessage(
        2407,
        LogLevel.Warning,
        "{Setting} has no effect: it belongs to enhanced fan-out, and the stream is read by polling. Set ReadMode to FanOut, "
            + "or remove it.")]
    public static partial void UnusedSetting(ILogger log, string setting);

    [LoggerMessage(2408, LogLevel.Warning, "{Warning}")]
    public static partial void UnknownKey(ILogger log, string warning);

    [LoggerMessage(2409, LogLevel.Information, "{Processor} starts on stream {Stream}: {Starts}")]
    public static partial void StartsAt(ILogger log, string processor, string stream, string starts);

    [LoggerMessage(2405, LogLevel.Error,
        "{Processor}: shard {ShardId} failed inside FastConsumer. Its lease is released after the last checkpoint, and this worker "
            + "leaves the shard to others for a while.")]
    public static partial void ShardFailed(ILogger log, string processor, string shardId, Exception error);

    [LoggerMessage(2410, LogLevel.Error,
        "{Processor} could not be created for shard {ShardId}: its constructor, or a service that it needs, failed. The lease is "
            + "released, and this worker leaves the shard to others for a while.")]
    public static partial void ProcessorNotCreated(ILogger log, string processor, string shardId, Exception error);

    [LoggerMessage(2412, LogLevel.Information,
        "Shard {ShardId} goes on at {Position}, as {Store} says; its lease stands at {Checkpoint}.")]
    public static partial void SinkPositionTaken(ILogger log, string shardId, object position, string store, object checkpoint);

    [LoggerMessage(2413, LogLevel.Error, "{Processor} leaves the shard alone until that is settled. {Problem}")]
    public static partial void SinkPositionRefused(ILogger log, string processor, string problem);

    [LoggerMessage(2414, LogLevel.Warning, "{Processor} begins the shard again. {Reason}")]
    public static partial void SinkPositionChanged(ILogger log, string processor, string reason);

    [LoggerMessage(2415, LogLevel.Warning,
        "{Processor}: the position of shard {ShardId} was kept in a sink ({Sink}), and no handler takes a transaction any more. The shard "
            + "goes on from its lease at {Checkpoint}: what the sink had beyond that is handled again.")]
    public static partial void SinkLeft(ILogger log, string processor, string shardId, string sink, object checkpoint);

    [LoggerMessage(2416, LogLevel.Information,
        "{Processor} begins shard {ShardId} at {Checkpoint} with the state of {From}: {Bytes} bytes, read in {Took}")]
    public static partial void StateRestored(
        ILogger log, string processor, string shardId, object checkpoint, string from, long bytes, TimeSpan took);

    [LoggerMessage(2417, LogLevel.Error, "{Processor} leaves shard {ShardId} alone until its state is settled. {Problem}")]
    public static partial void StateRefused(ILogger log, string processor, string shardId, string problem);

    [LoggerMessage(2418, LogLevel.Warning,
        "{Processor} could not checkpoint the state of shard {ShardId}; trying again after {Wait}. Records are handled meanwhile. "
            + "{Reason}")]
    public static partial void StateNotCheckpointed(
        ILogger log, string processor, string shardId, string reason, TimeSpan wait, Exception? error);

    [LoggerMessage(2419, LogLevel.Debug, "A snapshot of shard {ShardId} that nothing names any more was not deleted: {Reason}")]
    public static partial void SnapshotNotDeleted(ILogger log, string shardId, string reason);

    [LoggerMessage(2420, LogLevel.Warning,
        "{Processor} drops state {State} of shard {ShardId}, as AllowNonRestoredState says: the snapshot has it, and the class does not "
            + "declare it. It is gone with the shard's next checkpoint.")]
    public static partial void StateDropped(ILogger log, string processor, string state, string shardId);

    [LoggerMessage(2421, LogLevel.Warning,
        "{Processor}: a partition key with state came in shard {ShardId}, and its hash key {HashKey} lies outside of the shard's range. "
            + "Its producer gives explicit hash keys, or aggregates without regard to shards. Such a key may have state in several shards; "
            + "at a split both children get a copy. More of them are not reported. See "
            + "https://github.com/fastconsumer/fastconsumer/blob/main/docs/state.md#surprises")]
    public static partial void StateKeyOutside(ILogger log, string processor, string shardId, object hashKey);

    [LoggerMessage(2422, LogLevel.Error,
        "{Processor} releases shard {ShardId}. {Reason} Whoever takes the shard begins with its last checkpoint; this worker leaves it to "
            + "others for a while.")]
    public static partial void ShardNotCheckpointed(ILogger log, string processor, string shardId, string reason, Exception? error);

    [LoggerMessage(2423, LogLevel.Information,
        "{Processor} deleted {Objects} objects of its state that nothing names any more: {Bytes} bytes.")]
    public static partial void Swept(ILogger log, string processor, int objects, long bytes);

    [LoggerMessage(2424, LogLevel.Warning,
        "{Processor} deletes no objects of its state for now, since it cannot tell what is still named. {Reason} It is tried again in some "
            + "minutes; owners of shards go on deleting what their checkpoints supersede.")]
    public static partial void SweepEnded(ILogger log, string processor, string reason);

    [LoggerMessage(2425, LogLevel.Warning,
        "{Processor} could not delete the objects of its state that nothing names any more; trying again in some minutes. {Reason}")]
    public static partial void SweepFailed(ILogger log, string processor, string reason, Exception? error);

    [LoggerMessage(2426, LogLevel.Warning,
        "{Processor}: the outputs of shard {ShardId} could not be written to {Sink}: {Reason} They are kept and tried again in {Wait}. No "
            + "checkpoint is taken meanwhile.")]
    public static partial void OutputsNotWritten(
        ILogger log, string processor, string shardId, string sink, string reason, TimeSpan wait, Exception? error);

    [LoggerMessage(2427, LogLevel.Warning,
        "{Processor} leaves out value {Number} of the output '{Output}' for record {Position} of shard {ShardId}, as its error policy "
            + "says: {Sink} will never take it. The record stays done, and the state as it is.")]
    public static partial void OutputLeftOut(
        ILogger log, string processor, int number, string output, object position, string shardId, string sink, Exception error);

    [LoggerMessage(2428, LogLevel.Information,
        "{Processor} tries without value {Number} of the output '{Output}' for record {Position} of shard {ShardId}: {Sink} refuses a "
            + "value of this record or batch, and does not say which. Where it takes the others, this value is left out, as the error "
            + "policy says, and event 2427 follows. {Reason}")]
    public static partial void OutputTriedWithout(
        ILogger log, string processor, int number, string output, object position, string shardId, string sink, string reason);

    [LoggerMessage(2429, LogLevel.Warning,
        "{Processor} does not know what became of a try without value {Number} of the output '{Output}' for record {Position} of shard "
            + "{ShardId}: the run has ended in it. Where {Sink} has the other values of this record or batch, this one is left out, and "
            + "event 2427 does not follow.")]
    public static partial void OutputTryUnknown(
        ILogger log, string processor, int number, string output, object position, string shardId, string sink, Exception error);

    [LoggerMessage(2411, LogLevel.Critical,
        "{Processor} stops the host, as its error policy says for record {Position} of shard {ShardId}. The record is not passed: it "
            + "comes again after the restart.")]
    public static partial void HostStopped(ILogger log, string processor, string shardId, object position, Exception error);

    [LoggerMessage(2500, LogLevel.Warning,
        "{What} of this application threw; FastConsumer goes on without it. This was exception {Count} of its loggers, meter listeners "
            + "and token callbacks.")]
    public static partial void CallbackFailed(ILogger log, string what, long count, Exception error);

    [LoggerMessage(2501, LogLevel.Warning,
        "{Processor} blocks the threads of its handlers: {Threads} threads are there, {Waiting} calls wait for one, and {Most} threads "
            + "are the most (FastConsumer:MaxHandlerThreads). No lease is lost by that. Await what takes long instead of blocking.")]
    public static partial void HandlersBlock(ILogger log, string processor, int threads, int waiting, int most);

    [LoggerMessage(2502, LogLevel.Warning,
        "The runtime's thread pool is starved: an item waited for {Waited} and has not run (seen {Count} times). Something in this "
            + "process blocks the pool's threads, and renewals of leases may come too late. Look for blocking calls (Task.Result, "
            + "Task.Wait, Thread.Sleep), also in code that runs after ConfigureAwait(false) or in Task.Run.")]
    public static partial void PoolStarved(ILogger log, TimeSpan waited, long count);

    [LoggerMessage(
        2504,
        LogLevel.Error,
        "{Processor}: a check of its shards failed. Findings may come late; the check runs again.")]
    public static partial void LookFailed(ILogger log, string processor, Exception error);

    [LoggerMessage(2503, LogLevel.Information, "The runtime's thread pool runs items again.")]
    public static partial void PoolRecovered(ILogger log);
}

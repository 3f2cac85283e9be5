using Microsoft.Extensions.Logging;

namespace FastConsumer.Diagnostics;

/// <summary>What the lease loop has to say. Ids 2300 to 2399.</summary>
internal static partial class LeaseLog
{
    [LoggerMessage(
        2200,
        LogLevel.Warning,
        "The checkpoint of shard {ShardId} was not written: {Reason} FastConsumer tries again in {Wait}. Processing goes on.")]
    public static partial void CheckpointFailed(ILogger log, string shardId, string reason, TimeSpan wait, Exception? error);

    [LoggerMessage(
        2202,
        LogLevel.Warning,
        "The last checkpoint of shard {ShardId} was not written in time. Its next owner handles the records since the "
            + "checkpoint before it again.")]
    public static partial void FlushFailed(ILogger log, string shardId);

    [LoggerMessage(
        2203,
        LogLevel.Warning,
        "The lease table throttles {Worker}: {Waiting} of its {Held} leases wait to be written, the longest for {Longest}. "
            + "Processing goes on. Give the table more write units, or set CheckpointInterval or LeaseDuration higher.")]
    public static partial void WritesThrottled(ILogger log, string worker, int waiting, int held, TimeSpan longest);

    [LoggerMessage(2301, LogLevel.Warning, "{Worker} lost shard {ShardId}: {Reason}")]
    public static partial void LeaseLost(ILogger log, string worker, string shardId, string reason);

    [LoggerMessage(2302, LogLevel.Information, "{Worker} released shard {ShardId} to {Successor}.")]
    public static partial void LeaseReleased(ILogger log, string worker, string shardId, string successor);

    [LoggerMessage(
        2303,
        LogLevel.Warning,
        "{Worker} could not release the lease of shard {ShardId} in time. Another worker takes it when it expires.")]
    public static partial void ReleaseFailed(ILogger log, string worker, string shardId);

    [LoggerMessage(2305, LogLevel.Warning, "{Worker} could not read the lease table: {Reason} FastConsumer tries again in {Wait}.")]
    public static partial void TableFailed(ILogger log, string worker, string reason, TimeSpan wait, Exception? error);

    [LoggerMessage(2306, LogLevel.Information, "The lease of shard {ShardId} was created at {Position}.")]
    public static partial void LeaseCreated(ILogger log, string shardId, object position);

    [LoggerMessage(
        2307,
        LogLevel.Warning,
        "{Worker} could not release the lease of shard {ShardId}: {Reason} FastConsumer tries again in {Wait}.")]
    public static partial void ReleaseRetried(ILogger log, string worker, string shardId, string reason, TimeSpan wait);

    [LoggerMessage(
        2309,
        LogLevel.Warning,
        "The lease table throttles reads of {Worker}. FastConsumer tries again in {Wait}; the shards that it has go on. {Reason}")]
    public static partial void TableThrottled(ILogger log, string worker, TimeSpan wait, string reason);

    [LoggerMessage(
        2310,
        LogLevel.Warning,
        "LeaseTableWriteUnits is {Units} a second, and {Leases} leases of {LeaseDuration} need {Needed} to be renewed in time. "
            + "Set LeaseTableWriteUnits higher, or LeaseDuration to {Longer} or more.")]
    public static partial void BudgetTooSmall(
        ILogger log, double units, int leases, TimeSpan leaseDuration, double needed, TimeSpan longer);

    [LoggerMessage(2311, LogLevel.Debug, "{Worker} asks {Owner} for {Count} leases.")]
    public static partial void LeasesRequested(ILogger log, string worker, int count, string owner);

    [LoggerMessage(2312, LogLevel.Information, "{Worker} hands shard {ShardId} over to {Successor}: {Reason}.")]
    public static partial void HandingOff(ILogger log, string worker, string shardId, string successor, string reason);

    [LoggerMessage(
        2313,
        LogLevel.Warning,
        "{Worker} could not find out which other workers are there while it stops: {Reason} It releases its leases to nobody; "
            + "whoever lists the table first takes them.")]
    public static partial void SuccessorsUnknown(ILogger log, string worker, string reason);

    [LoggerMessage(2314, LogLevel.Debug, "{Worker} could not {Step}. FastConsumer does not try again at once. This does no harm.")]
    public static partial void StepFailed(ILogger log, string worker, string step, Exception error);

    [LoggerMessage(
        2315,
        LogLevel.Warning,
        "The lease table takes {Units} write units a second, and {Leases} leases of {LeaseDuration} need {Needed} to be renewed in time. "
            + "Give the table more, or set LeaseDuration to {Longer} or more.")]
    public static partial void TableTooSmall(ILogger log, double units, int leases, TimeSpan leaseDuration, double needed, TimeSpan longer);

    [LoggerMessage(
        2317,
        LogLevel.Warning,
        "The listing of {Stream} has no open shard for the hash keys {Ranges}. FastConsumer ignores this listing and "
            + "lists the stream again.")]
    public static partial void ListingIncomplete(ILogger log, string stream, string ranges);

    [LoggerMessage(
        2318,
        LogLevel.Error,
        "There is no lease for the hash keys {Ranges} of {Stream}, although the listing is complete: records with these keys are not read. "
            + "Their leases were finished or deleted while their shards go on.")]
    public static partial void HashKeysUnread(ILogger log, string stream, string ranges);

    [LoggerMessage(2319, LogLevel.Information, "The leases of finished shards are deleted: {ShardIds}. Their children have begun.")]
    public static partial void LeasesDeleted(ILogger log, string shardIds);

    [LoggerMessage(
        2330,
        LogLevel.Warning,
        "The shards of {Stream} were not followed: {Reason} FastConsumer tries again in {Wait}. Shards that have a lease are read and move "
            + "between workers meanwhile; shards that a split or merge makes have to wait.")]
    public static partial void StreamFailed(ILogger log, string stream, string reason, TimeSpan wait, Exception? error);

    [LoggerMessage(
        2331,
        LogLevel.Error,
        "Another process ({Session}) runs with the WorkerId '{Worker}' and has taken leases of this one, which leaves these leases alone. "
            + "Do not set FastConsumer:WorkerId, or give each process its own.")]
    public static partial void WorkerIdInUse(ILogger log, string worker, string session);

    [LoggerMessage(2340, LogLevel.Error, "{Worker} takes no lease: {Reason}")]
    public static partial void Blocked(ILogger log, string worker, string reason);

    [LoggerMessage(
        2332,
        LogLevel.Error,
        "The lease of shard {ShardId} cannot be read: {Problem} This shard and its children are not read until the row is corrected. "
            + "All other shards are read.")]
    public static partial void LeaseUnreadable(ILogger log, string shardId, string problem);

    [LoggerMessage(2341, LogLevel.Error, "{Worker} leaves shards alone for their state. {Reason}")]
    public static partial void StateLeft(ILogger log, string worker, string reason);

    [LoggerMessage(2334, LogLevel.Warning, "{Worker} leaves shard {ShardId} to other workers for {Wait}, since it could not run it.")]
    public static partial void BackingOff(ILogger log, string worker, string shardId, TimeSpan wait);

    [LoggerMessage(
        2335,
        LogLevel.Error,
        "The lease of shard {ShardId} was lost, and a handler of that shard has not returned since. {Worker} "
            + "does not take the shard again until it returns.")]
    public static partial void RunNotEnded(ILogger log, string worker, string shardId);

    [LoggerMessage(
        2336,
        LogLevel.Warning,
        "{Worker} holds as many leases as MaxLeases allows, and no worker takes {Unread} others: their shards are not read. "
            + "Start more workers, or set MaxLeases higher.")]
    public static partial void AtMaxLeases(ILogger log, string worker, int unread);

    [LoggerMessage(
        2337,
        LogLevel.Warning,
        "{Worker} stood still for {Late}: its process did not run, or its clock was moved. Leases that ran out meanwhile are lost.")]
    public static partial void StoodStill(ILogger log, string worker, TimeSpan late);

    [LoggerMessage(
        2338,
        LogLevel.Critical,
        "A rule of the lease table does not hold in {Worker}: {Invariant} {Consequence} Please report this.")]
    public static partial void InvariantViolated(ILogger log, string worker, string invariant, string consequence);

    [LoggerMessage(2339, LogLevel.Information, "A condition that was reported before has ended: {Condition}.")]
    public static partial void ConditionOver(ILogger log, string condition);
}

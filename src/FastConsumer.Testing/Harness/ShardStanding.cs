using FastConsumer.Diagnostics;
using FastConsumer.Kinesis;
using FastConsumer.Leases;

namespace FastConsumer.Testing.Harness;

/// <summary>How far one shard is at one moment.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Checkpoint">Its checkpoint; null where nobody has begun with it.</param>
/// <param name="Put">The records that were put into it.</param>
/// <param name="Done">Those at or before the checkpoint.</param>
/// <param name="Conditions">What holds it up, in words.</param>
/// <param name="HasStopped">True where it goes no further by itself.</param>
/// <param name="IsSettled">False where the checkpoint of a shard that has stopped may still move up to where it stands.</param>
internal sealed record ShardStanding(
    Shard Shard, CheckpointPosition? Checkpoint, int Put, int Done, IReadOnlyList<string> Conditions, bool HasStopped, bool IsSettled)
{
    private bool IsClosed => Shard.EndingSequenceNumber is not null;

    public bool IsDone => Done == Put && (!IsClosed || Checkpoint == CheckpointPosition.ShardEnd);

    public static ShardStanding Of(
        Shard shard,
        Lease? lease,
        PutRecords records,
        IEnumerable<Finding> findings,
        string scope,
        CheckpointPosition? stop)
    {
        CheckpointPosition checkpoint = lease?.Checkpoint ?? default;
        (int put, int done) = records.Count(shard.ShardId, checkpoint);
        string own = $"{scope}/{shard.ShardId}";
        Finding[] mine = [
            .. findings.Where(finding => finding.Scope == own || finding.Scope.StartsWith($"{own}/", StringComparison.Ordinal))];
        // what cannot be read is tried again; a handler's shard that has stopped, or one that cannot even begin, is not
        bool hasStopped = mine.Any(static finding => finding.Id is "FCF3001" or "FCF3008" or "FCF4010");
        bool isSettled = stop is not { } position || done >= records.CountBefore(shard.ShardId, position);
        return new ShardStanding(
            shard, lease?.Checkpoint, put, done, [.. mine.Select(static finding => finding.Message)], hasStopped, isSettled);
    }

    public override string ToString()
    {
        string end = IsClosed && Checkpoint != CheckpointPosition.ShardEnd ? "; it is closed, and its end is not checkpointed" : "";
        string conditions = string.Concat(Conditions.Select(static condition => $"\n    {condition}"));
        return $"  {Shard.ShardId}: {Done} of {Put} records done, "
            + $"{(Checkpoint is { } checkpoint ? $"checkpoint {checkpoint}" : "not begun")}{end}{conditions}";
    }
}

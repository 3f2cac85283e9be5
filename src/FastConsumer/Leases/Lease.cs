using System.Collections.ObjectModel;
using FastConsumer.Kinesis;
using FastConsumer.Operators;

namespace FastConsumer.Leases;

/// <summary>
/// One shard's row: who owns it, and how far it is done. An immutable snapshot of what a store held at one moment, in the
/// terms of KCL's lease table.
/// </summary>
public sealed partial record Lease
{
    /// <summary>The row's key: the shard id (KCL's layout for a table of one stream).</summary>
    public required string LeaseKey { get; init; }

    /// <summary>The worker that owns it; null while nobody does. During a KCL 3.x hand-over the <em>next</em> owner.</summary>
    public string? LeaseOwner { get; init; }

    /// <summary>The old owner during a KCL 3.x hand-over, else null. FastConsumer reads it and never writes it.</summary>
    public string? CheckpointOwner { get; init; }

    /// <summary>Grows with every write of an owner; a lease whose counter stands still has expired.</summary>
    public long LeaseCounter { get; init; }

    /// <summary>What is done.</summary>
    public CheckpointPosition Checkpoint { get; init; }

    /// <summary>KCL's count of owners since the last checkpoint.</summary>
    public long OwnerSwitchesSinceCheckpoint { get; init; }

    /// <summary>The shards it was made from; empty for a stream's first shards.</summary>
    public IReadOnlyList<string> ParentShardIds { get; init; } = [];

    /// <summary>The shards made from it, as far as known.</summary>
    public IReadOnlyList<string> ChildShardIds { get; init; } = [];

    /// <summary>The shard's hash keys, as far as known.</summary>
    public HashKeyRange? HashKeyRange { get; init; }

    /// <summary>
    /// When the application first started at LATEST on this shard: a restart before the first checkpoint goes on from here
    /// instead of jumping ahead. An attribute of ours that KCL preserves and ignores.
    /// </summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>
    /// When the stream was created whose shard this is: tells it from a later stream of the same name, whose shards have the same
    /// ids. Null where the lease's creator did not say, as KCL never does. An attribute of ours that KCL preserves and ignores.
    /// </summary>
    public DateTimeOffset? StreamCreatedAt { get; init; }

    /// <summary>
    /// The name of the stream whose shard this is: shards of all streams have the same ids. Null where the lease's creator did not say, as
    /// KCL
    /// never does. An attribute of ours that KCL preserves and ignores.
    /// </summary>
    public string? StreamName { get; init; }

    /// <summary>
    /// The FastConsumer worker that took it last. Where it is the owner too, a FastConsumer worker holds the lease; where it is
    /// not, the lease was released to its owner, who has not taken it yet, or KCL's has taken it since. Null where it was released to
    /// nobody. An attribute of ours.
    /// </summary>
    public string? TakenBy { get; init; }

    /// <summary>
    /// Which process took it last, and with which take (<c>process/epoch</c>, where the epoch is the counter that the take wrote): tells
    /// apart two
    /// processes with the same WorkerId. Null where no FastConsumer worker did, and where it was released to nobody. An attribute of ours.
    /// </summary>
    public string? Session { get; init; }

    /// <summary>The worker that asks the owner to hand the lease over to it. An attribute of ours; a take or release removes it.</summary>
    public string? RequestedBy { get; init; }

    /// <summary>
    /// The last notification on this row: whoever writes another value tells the owner, if it is the owner's notification row, to list the
    /// table.
    /// An attribute of ours; a take or release removes it.
    /// </summary>
    public string? Notification { get; init; }

    /// <summary>
    /// The lease duration of the worker that took it last: without a write of its owner for so long, it has expired. Null where that
    /// worker did not
    /// say. An attribute of ours, believed only where <see cref="Session"/> is of the same take.
    /// </summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>What the shard's last owner read of it, in KB a second, as far as it was published. An attribute of ours.</summary>
    public double? Throughput { get; init; }

    /// <summary>The record that the owner fails on (<see cref="Names.Standing"/>). An attribute of ours.</summary>
    public string? Standing { get; init; }

    /// <summary>What the owner is to do (<see cref="Names.Command"/>). An attribute of ours.</summary>
    public string? Command { get; init; }

    /// <summary>What was decided last (<see cref="Names.Decision"/>). An attribute of ours.</summary>
    public string? Decision { get; init; }

    /// <summary>Set while the shard is paused (<see cref="Names.Paused"/>). An attribute of ours.</summary>
    public string? Paused { get; init; }

    /// <summary>The last reset of the checkpoint by an operator (<see cref="Names.Reset"/>). An attribute of ours.</summary>
    public string? Reset { get; init; }

    /// <summary>How the shard stands, as its owner says (<see cref="Names.Report"/>). An attribute of ours.</summary>
    public string? Report { get; init; }

    /// <summary>The sink whose row leads the position (<see cref="Names.PositionSink"/>); null for none. An attribute of ours.</summary>
    public string? PositionSink { get; init; }

    /// <summary>
    /// The snapshot of the state that was checkpointed together with the position (<see cref="Names.Snapshot"/>); null where there is none.
    /// An attribute of ours.
    /// </summary>
    public string? Snapshot { get; init; }

    /// <summary>
    /// The last snapshots of the parents, until the shard has one of its own (<see cref="Names.Inherits"/>). An attribute of ours.
    /// </summary>
    public IReadOnlyList<string> Inherits { get; init; } = [];

    /// <summary>
    /// The version of the state that the last owner wrote (<see cref="Names.StateVersion"/>); 0 where there is no state. An attribute of
    /// ours.
    /// </summary>
    public int StateVersion { get; init; }

    /// <summary>
    /// Which table of state the row belongs to, and which life of the row it is (<see cref="Names.Lineage"/>); null where there is no
    /// state. An attribute of ours.
    /// </summary>
    public string? Lineage { get; init; }

    /// <summary>The <see cref="Lineage"/> without the row's life: the same for all rows of a table of state; null for none.</summary>
    internal string? TableLineage =>
        Lineage is { } lineage && lineage.LastIndexOf('.') is >= 0 and int life ? lineage[..life] : Lineage;

    /// <summary>True where KCL has prepared a checkpoint that it has not made: the next one drops it.</summary>
    public bool HasPendingCheckpoint { get; init; }

    /// <summary>
    /// Why the row cannot be read as a lease, and what to do about it, in full sentences that name the row; null where it can be read.
    /// Such a row
    /// counts as leased and unfinished, and is never written: only its own shard and that one's descendants wait.
    /// </summary>
    public string? Problem { get; init; }

    /// <summary>
    /// All attributes of the row as it was read, also unknown ones; empty for a lease that was not read. A copy made by <c>with</c> keeps
    /// them:
    /// <see cref="ToAttributes"/> is what the row becomes.
    /// </summary>
    public IReadOnlyDictionary<string, Value> Attributes { get; init; } = ReadOnlyDictionary<string, Value>.Empty;

    /// <summary>True where the position belongs to a state, so that neither may move without the other.</summary>
    internal bool HasState => Snapshot is not null || Inherits.Count > 0;

    /// <summary>Who owns the shard now.</summary>
    public string? Owner => CheckpointOwner ?? LeaseOwner;

    /// <summary>True where a FastConsumer worker holds it, as far as the row tells: one that can be asked for it.</summary>
    public bool IsHeldByFastConsumer => LeaseOwner is not null && CheckpointOwner is null && LeaseOwner == TakenBy;

    /// <summary>
    /// True where the row's owner is not the FastConsumer worker that took it last: it was released to that owner, or KCL's has taken it.
    /// </summary>
    internal bool IsPassedOn => TakenBy is not null && TakenBy != LeaseOwner;

    /// <summary>
    /// When the application first started, as far as the row says it. The time that an operator has reset a lease to is that lease's alone.
    /// </summary>
    internal DateTimeOffset? FirstStart => Reset is { } reset ? OperatorNotes.ReadReset(reset)?.FirstStart : StartedAt;

    /// <summary>True where the shard is closed and done.</summary>
    public bool IsFinished => Checkpoint.Kind == CheckpointKind.ShardEnd;
}

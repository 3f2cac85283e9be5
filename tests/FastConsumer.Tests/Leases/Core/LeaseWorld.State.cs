using System.Globalization;
using FastConsumer.Leases;
using FastConsumer.Leases.Core;

namespace FastConsumer.Tests.Leases.Core;

/// <content>What belongs to state: the snapshots that runs give with their progress, and what must hold of rows that bear it.</content>
internal sealed partial class LeaseWorld
{
    /// <summary>The state says the time up to which the shard is done: so snapshots differ where the position stands still.</summary>
    private static readonly TimeSpan s_seen = TimeSpan.FromSeconds(4);

    /// <summary>The lineage that a row bears, without its life.</summary>
    public static string? LineageOf(Lease row) => row.Lineage?.Split('.')[0];

    /// <summary>True where a worker may go on with what a row says.</summary>
    public static bool MayRun(Worker worker, Lease row) =>
        row.StateVersion <= VersionOf(worker) && (!KeepsState(worker) || row.Lineage is not null);

    private static int VersionOf(Worker worker) => worker.State.Configuration.StateVersion;

    private static bool KeepsState(Worker worker) => VersionOf(worker) > 0;

    /// <summary>What a run says: the position, and the snapshot that belongs to it.</summary>
    private LeaseMachine.Progress WithState(Worker worker, LeaseCommand.Renewal renewal, CheckpointPosition? position)
    {
        if (!KeepsState(worker) || worker.Runs.GetValueOrDefault(renewal.Key) is not { IsUnfit: false } run || run.Epoch != renewal.Epoch)
        {
            return new(position, null);
        }

        // some records change no state, so that the object stays and the position moves
        string name = string.Create(CultureInfo.InvariantCulture, $"{worker.Name}-{run.Epoch}/{1 + (run.Done / 3)}");
        var handle = new SnapshotHandle(name, 0, 100, SnapshotHandle.StampOf(position ?? run.From))
        {
            Seen = StreamCreatedAt + (s_seen * Math.Floor(Now / s_seen)),
        };
        return new(position, null, Snapshot: handle.ToString(), StateVersion: VersionOf(worker));
    }

    /// <summary>What a start looks at: whether what the row says of the state belongs to its position.</summary>
    private static bool IsFit(Lease row)
    {
        if (row.Snapshot is not null)
        {
            return SnapshotHandle.Parse(row.Snapshot)?.Stamp == SnapshotHandle.StampOf(row.Checkpoint);
        }

        (IReadOnlyList<SnapshotHandle?> parents, bool isAtStart) = SnapshotHandle.Inherited(row);
        return isAtStart && parents.All(static parent => parent?.Stamp == SnapshotHandle.StampOf(CheckpointPosition.ShardEnd));
    }

    private SentWrite SentOf(LeaseWrite write) => new(
        Now,
        write.Set.TryGetValue(Lease.Names.Checkpoint, out Lease.Value position)
            ? CheckpointPosition.Parse(position.Text!, write.Set[Lease.Names.CheckpointSubSequenceNumber].WholeNumber ?? 0)
            : null,
        write.Set.TryGetValue(Lease.Names.Snapshot, out Lease.Value snapshot) ? snapshot.Text : null);

    /// <summary>What a run is told of a write is what the row says.</summary>
    private void CheckWrote(Worker worker, LeaseCommand.Wrote wrote)
    {
        Lease row = wrote.Row;
        Require(
            wrote.Position is null || wrote.Position == row.Checkpoint,
            $"{worker.Name} says that {wrote.Position} is checkpointed in {row.LeaseKey}, which is at {row.Checkpoint}");
        Require(
            _sent.GetValueOrDefault((worker.Index, row.LeaseKey, row.LeaseCounter - 1), []).Exists(sent => sent.At == wrote.RenewedAt
                && sent.Position == wrote.Position && (sent.Snapshot is null || sent.Snapshot == row.Snapshot)),
            $"{worker.Name} says that a write of {row.LeaseKey} took effect, and the row bears {row.Snapshot}, which is not that write's");
    }

    /// <summary>What must hold of each write of a row that belongs to a state.</summary>
    private void CheckState(Worker writer, LeaseWrite write, Lease before, Lease after)
    {
        string key = before.LeaseKey;
        bool isSet = write.Set.ContainsKey(Lease.Names.Snapshot);
        Require(
            !isSet || SnapshotHandle.Parse(after.Snapshot)?.Stamp == SnapshotHandle.StampOf(after.Checkpoint),
            $"{writer.Name} writes a snapshot to {key} that does not belong to {after.Checkpoint}");
        Require(
            !before.HasState || isSet || after.Checkpoint == before.Checkpoint,
            $"{writer.Name} moves {key} from {before.Checkpoint} to {after.Checkpoint} without its state");
        Require(!isSet || after.Inherits.Count == 0, $"{key} has a snapshot of its own and its parents'");
        Require(
            after.StateVersion >= before.StateVersion,
            $"the version of {key} falls from {before.StateVersion} to {after.StateVersion}");
        Require(
            KeepsState(writer) || !write.Set.Keys.Concat(write.Remove).Any(IsOfState),
            $"{writer.Name} writes of a state to {key}, and has none");
        if (after.TakenBy == writer.Id && after.LeaseOwner == writer.Id && after.Session != before.Session)
        {
            Require(
                before.StateVersion <= VersionOf(writer), $"{writer.Name} takes {key}, whose state is of version {before.StateVersion}");
            Require(!KeepsState(writer) || after.Lineage is not null, $"{writer.Name} takes {key}, which has no lineage");
            foreach ((string other, Run held) in writer.Runs.Where(run => KeepsState(writer) && writer.Believes(run.Key, Now)))
            {
                Require(
                    held.Lineage?.Split('.')[0] == LineageOf(after),
                    $"{writer.Name} takes {key} of lineage {LineageOf(after)} beside {other} of {held.Lineage}");
            }
        }
        else if (after.LeaseCounter > before.LeaseCounter && writer.Runs.GetValueOrDefault(key) is { Lineage: { } lineage } run
            && run.Session == before.Session)
        {
            Require(after.Lineage == lineage, $"{writer.Name} took {key} with {lineage}, and writes it with {after.Lineage}");
        }
    }

    private static bool IsOfState(string name) =>
        name is Lease.Names.Snapshot or Lease.Names.Inherits or Lease.Names.StateVersion or Lease.Names.Lineage;

    /// <summary>A child begins with what its parents' rows say of the state, and no shard runs again with none.</summary>
    private void CheckCreate(Lease lease)
    {
        string key = lease.LeaseKey;
        List<Lease> parents = [.. lease.ParentShardIds.Select(_rows.GetValueOrDefault).OfType<Lease>()];
        Require(!_deleted.Contains(key) || lease.Lineage is null, $"{key} is created again, after it was done and deleted");
        if (parents.Exists(static parent => parent.HasState))
        {
            List<string> inherits = [.. parents.Select(parent => SnapshotHandle.Inherit(parent, lease.Checkpoint))];
            Require(
                inherits.Order(StringComparer.Ordinal).SequenceEqual(lease.Inherits.Order(StringComparer.Ordinal)),
                $"{key} is created with {string.Join(", ", lease.Inherits)} where its parents say {string.Join(", ", inherits)}");
            Require(
                lease.StateVersion == parents.Max(static parent => parent.StateVersion),
                $"{key} is created with version {lease.StateVersion}");
            Require(
                parents.Exists(parent => parent.Lineage is not null && LineageOf(parent) == LineageOf(lease)),
                $"{key} is created with {lease.Lineage}, which is none of its parents' lineage");
        }
    }

    /// <summary>
    /// A row with state stays until each child has a snapshot of its own; and where no parent's row could be missing to a creation of it
    /// that was held up, until its shard has left the listing.
    /// </summary>
    private void CheckDelete(Lease row)
    {
        if (row.Lineage is null)
        {
            return;
        }

        foreach (string child in _shards.Where(shard => shard.ParentShardId == row.LeaseKey || shard.AdjacentParentShardId == row.LeaseKey)
            .Select(static shard => shard.ShardId).Where(child => !_deleted.Contains(child)))
        {
            Require(
                _rows.GetValueOrDefault(child)?.Snapshot is not null,
                $"{row.LeaseKey} is deleted before {child} has a snapshot of its own");
        }

        Require(
            row.ParentShardIds.Count > 0 || !_shards.Any(shard => shard.ShardId == row.LeaseKey),
            $"{row.LeaseKey} never had a parent, and is deleted while its shard is listed");
    }
}

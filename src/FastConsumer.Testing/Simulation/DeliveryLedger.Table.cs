using FastConsumer.Leases;

namespace FastConsumer.Testing.Simulation;

/// <summary>What the writes to the lease table must keep to.</summary>
internal sealed partial class DeliveryLedger
{
    /// <summary>A write to the lease table took effect.</summary>
    public void Written(TableWrite write)
    {
        string shardId = (write.After ?? write.Before)!.LeaseKey;
        if (_operators.TryGetValue(write.Worker, out OperatorIntent? intent))
        {
            WrittenByOperator(intent, write);
            if (write.After!.LeaseCounter == write.Before!.LeaseCounter)
            {
                return;
            }
        }
        else if (write is { Before: { } before, After: { } after })
        {
            Require(
                "operator",
                after.Paused == before.Paused && after.Reset == before.Reset,
                shardId,
                $"{write.Worker} changed with its {write.Operation} what an operator has set.");
        }

        switch (write.Operation)
        {
            case "create":
                Created(write.After!);
                break;
            case "take":
                Taken(write.Worker, write.Before!, write.After!);
                break;
            case "update":
                Updated(write.Worker, write.Before!, write.After!);
                break;
            case "release" when intent is null:
                Released(write.Worker, write.Before!, write.After!);
                break;
            case "children" or "request" or "ring" or "lineage":
                Require(
                    "table", write.After!.LeaseCounter == write.Before!.LeaseCounter
                        && write.After.Checkpoint == write.Before.Checkpoint && write.After.LeaseOwner == write.Before.LeaseOwner,
                    shardId, $"a write of {write.Operation} changed the lease.");
                return;
            case "delete":
                Deleted(write.Worker, write.Before!);
                break;
        }

        if (write.After is { } row)
        {
            _moved[shardId] = (row.LeaseCounter, _loop.Now);
        }

        if (write.Operation is "take" or "update")
        {
            _wroteAt[write.Worker] = _loop.Now;
        }

        CountHeld(write.Before?.Owner);
        CountHeld(write.After?.Owner);
    }

    private void Created(Lease row)
    {
        ShardBook shard = Shard(row.LeaseKey);
        Require("created once", !shard.IsLeased, row.LeaseKey, "the shard has had a lease before.");
        shard.IsLeased = true;
        shard.LatestSince = row.Checkpoint.Kind == CheckpointKind.Latest ? _loop.Now : null;
        shard.Required = row.Checkpoint.Kind switch
        {
            CheckpointKind.Latest or CheckpointKind.AtTimestamp when row.StartedAt is null => null,
            CheckpointKind.Latest or CheckpointKind.AtTimestamp => (int.MaxValue, row.StartedAt!.Value.ToUnixTimeMilliseconds()),
            _ => (0, long.MinValue),
        };
    }

    private void Taken(string name, Lease before, Lease after)
    {
        string shardId = after.LeaseKey;
        SimulatedWorker worker = _workers[name];
        Require(
            "one owner",
            after.LeaseCounter == before.LeaseCounter + 1,
            shardId,
            $"{name} took the lease from counter {before.LeaseCounter} to {after.LeaseCounter}.");
        Require("table", after.Checkpoint == before.Checkpoint, shardId, $"{name} changed the checkpoint with its take.");
        if (before.Owner is { } former && former != name)
        {
            Require(
                "needless loss",
                before.IsPassedOn || !_workers[former].IsWell,
                shardId,
                $"{name} took the lease of {former}, which nothing had befallen.");
            (_, long since) = _moved.GetValueOrDefault(shardId);
            bool isExpired = _loop.Now - since >= (_rules.LeaseDuration * 0.95).Ticks;
            bool isLevelling = _held.GetValueOrDefault(former) is { } history && history.Any(entry => entry.Value >= 2);
            // nobody reads what was passed on and never taken: it does not wait another duration for one who has been silent that long
            bool isUnclaimed = before.IsPassedOn
                && _loop.Now - since >= (_rules.LeaseDuration / 4 * 0.95).Ticks
                && _loop.Now - _wroteAt.GetValueOrDefault(former) >= (_rules.LeaseDuration * 0.95).Ticks;
            Require("live lease", isExpired || isLevelling || isUnclaimed, shardId, $"{name} took the lease of {former}, which had written "
                + $"it {TimeSpan.FromTicks(_loop.Now - since)} before and had no other.");
        }

        TakesInside += Shard(shardId).GoesOnInside(after.Checkpoint) ? 1 : 0;
        var ownership = new Ownership(
            worker, shardId, after.LeaseCounter, IndexOf(Shard(shardId), after.Checkpoint), worker.Process.Clock.Elapsed)
        {
            TakenAt = _loop.Now,
            KnowsStart = after.Checkpoint.Kind is CheckpointKind.Record or CheckpointKind.TrimHorizon,
            BeginsInOrder = _rules.KeepsShardOrder,
        };
        Require(
            "one owner",
            _ownerships.TryAdd((shardId, after.LeaseCounter), ownership),
            shardId,
            $"two owners have had counter {after.LeaseCounter}.");
        _current[shardId] = ownership;
        TakeNotes(ownership, before, after);
    }

    private void Updated(string name, Lease before, Lease after)
    {
        string shardId = after.LeaseKey;
        Require(
            "owner writes",
            before.LeaseOwner == name && after.LeaseOwner == name,
            shardId,
            $"{name} wrote the lease of {before.LeaseOwner ?? "nobody"}.");
        Require(
            "one owner",
            after.LeaseCounter == before.LeaseCounter + 1,
            shardId,
            $"{name} renewed the lease from counter {before.LeaseCounter} to {after.LeaseCounter}.");
        Require(
            "checkpoint goes on",
            after.Checkpoint >= before.Checkpoint,
            shardId,
            $"{name} moved the checkpoint from {Name(shardId, before.Checkpoint)} back to {Name(shardId, after.Checkpoint)}.");
        Ownership ownership = _current[shardId];
        ownership.RenewedAt = ownership.Worker.Process.Clock.Elapsed;
        Decided(ownership, before, after);
        if (after.Checkpoint == before.Checkpoint)
        {
            return;
        }

        ShardBook shard = Shard(shardId);
        int to = after.Checkpoint.Kind == CheckpointKind.ShardEnd ? shard.Records.Count - 1 : IndexOf(shard, after.Checkpoint);
        for (int i = Math.Max(0, ownership.Durable + 1); i <= to; i++)
        {
            Require(
                "checkpoint is done",
                !_rules.SeesHandlers
                    || ownership.Done.ContainsKey(i)
                    // a decision names it, in this write or one before
                    || i == ownership.LeftOut
                    || !shard.IsRequired(shard.Records[i]) || (!ownership.KnowsStart && i < ownership.First),
                shardId,
                $"{name} checkpointed {Name(shardId, after.Checkpoint)}, and #{i} is not done.");
        }

        if (after.Checkpoint.Kind == CheckpointKind.ShardEnd)
        {
            Require("shard end", _rules.IsClosed(shardId), shardId, $"{name} wrote SHARD_END of an open shard.");
        }

        ownership.Durable = Math.Max(ownership.Durable, to);
        ownership.Advance();
    }

    /// <summary>Only what is done with, and what nobody will ask for to know whether its children may begin.</summary>
    private void Deleted(string name, Lease before)
    {
        Require(
            "deleted done", before.IsFinished, before.LeaseKey, $"{name} deleted the lease at {Name(before.LeaseKey, before.Checkpoint)}.");
        foreach (string child in _shards.Keys.Where(shard => ParentsOf(shard).Contains(before.LeaseKey)))
        {
            Require("deleted done", Shard(child).IsLeased, before.LeaseKey, $"{name} deleted the lease before its child {child} had one.");
        }
    }

    private void Released(string name, Lease before, Lease after)
    {
        string shardId = after.LeaseKey;
        if (before.TakenBy != before.LeaseOwner)
        {
            // it was passed on to a worker that has not taken it, and is given to whoever comes first
            Require(
                "table",
                after.LeaseOwner is null && after.Checkpoint == before.Checkpoint,
                shardId,
                $"{name} took the lease back from {before.LeaseOwner} and gave it to {after.LeaseOwner ?? "nobody"}.");
            return;
        }

        Require("owner writes", before.LeaseOwner == name, shardId, $"{name} released the lease of {before.LeaseOwner ?? "nobody"}.");
        Require("table", after.Checkpoint == before.Checkpoint, shardId, $"{name} changed the checkpoint with its release.");
        Ownership ownership = _current[shardId];
        ownership.IsReleased = true;
        _current.Remove(shardId);
        if (ownership.Worker.IsUntroubledFor(_rules.StopTimeout + _rules.LeaseDuration) && !ownership.Worker.GaveHandlerUp)
        {
            Require(
                "released clean",
                ownership.Durable + 1 >= ownership.Contiguous,
                shardId,
                $"{name} released the shard at {Name(shardId, after.Checkpoint)} although it has done all up to "
                    + $"#{ownership.Contiguous - 1}: that is done again now.");
        }
    }

    private void CountHeld(string? worker)
    {
        if (worker is null)
        {
            return;
        }

        if (!_held.TryGetValue(worker, out SortedDictionary<long, int>? history))
        {
            _held[worker] = history = [];
        }

        // what somebody may act upon who read the table a while ago
        long forgotten = _loop.Now - TimeSpan.FromSeconds(20).Ticks;
        foreach (long old in history.Keys.TakeWhile(time => time < forgotten).SkipLast(1).ToList())
        {
            history.Remove(old);
        }

        history[_loop.Now] = _rules.Rows().Count(row => row.Owner == worker && !row.IsFinished);
    }
}

using FastConsumer.Kinesis;

namespace FastConsumer.Leases;

/// <summary>Decides without doing: which leases to create, which may run, which to take. Pure functions of what was read.</summary>
internal static class LeasePlan
{
    /// <summary>
    /// The leases that the shards ask for and the table lacks. A fresh application starts at its start position: LATEST on the open
    /// shards, else on the oldest shards listed. After that a shard's lease is created when all leased parents are done, at
    /// TRIM_HORIZON (AT_TIMESTAMP where the application started so), so nothing is lost at a split or merge.
    /// </summary>
    public static IReadOnlyList<Lease> Missing(IReadOnlyList<ShardNode> shards, IReadOnlyList<Lease> leases, CheckpointPosition start, DateTimeOffset startedAt)
    {
        Dictionary<string, ShardNode> listed = shards.ToDictionary(static shard => shard.ShardId, StringComparer.Ordinal);
        Dictionary<string, Lease> leased = leases.ToDictionary(static lease => lease.LeaseKey, StringComparer.Ordinal);
        // A crash in the middle of the first start must not move the start: it is pinned by the leases that are there.
        DateTimeOffset pinned = leases.Where(static lease => lease.StartedAt is not null).Select(static lease => lease.StartedAt!.Value).DefaultIfEmpty(startedAt).Min();
        bool isFresh = !leases.Any(static lease => lease.StartedAt is not null);
        Dictionary<string, bool> covered = new(StringComparer.Ordinal);
        HashSet<string> passed = Passed(shards, leased);
        List<Lease> missing = [];
        foreach (ShardNode shard in shards)
        {
            if (leased.ContainsKey(shard.ShardId) || passed.Contains(shard.ShardId))
            {
                continue;
            }

            List<string> parents = [.. shard.ParentIds.Where(parent => leased.ContainsKey(parent) || (listed.ContainsKey(parent) && !passed.Contains(parent)))];
            if (start.Kind == CheckpointKind.Latest)
            {
                parents = [.. parents.Where(parent => IsCovered(parent))];
            }

            if (parents.Count == 0)
            {
                if (start.Kind == CheckpointKind.Latest && shard.IsClosed && isFresh)
                {
                    // Closed before the application first looked: what is in it came before LATEST. Where the first start was
                    // interrupted it may have been closed since, and is read from the pinned start.
                    continue;
                }

                missing.Add(Create(shard, start, start.Kind == CheckpointKind.TrimHorizon ? null : pinned));
            }
            else if (parents.TrueForAll(parent => leased.TryGetValue(parent, out Lease? lease) && lease.IsFinished))
            {
                bool atTimestamp = start.Kind == CheckpointKind.AtTimestamp;
                missing.Add(Create(shard, atTimestamp ? start : CheckpointPosition.TrimHorizon, atTimestamp ? pinned : null));
            }
        }

        return missing;

        // Under LATEST: true where the shard is leased, or descends from one that is, and so will be.
        bool IsCovered(string shardId)
        {
            if (!covered.TryGetValue(shardId, out bool known))
            {
                known = leased.ContainsKey(shardId) || (listed.TryGetValue(shardId, out ShardNode? node) && node.ParentIds.Any(IsCovered));
                covered[shardId] = known;
            }

            return known;
        }
    }

    /// <summary>
    /// The shards without a lease that have a descendant with one: the application was through with them, and their leases
    /// were deleted since (KCL does so while the shards are still listed).
    /// </summary>
    private static HashSet<string> Passed(IReadOnlyList<ShardNode> shards, Dictionary<string, Lease> leased)
    {
        ILookup<string, string> parents = shards
            .SelectMany(static shard => shard.ParentIds.Select(parent => (shard.ShardId, parent)))
            .ToLookup(static pair => pair.ShardId, static pair => pair.parent, StringComparer.Ordinal);
        HashSet<string> passed = new(StringComparer.Ordinal);
        Stack<string> left = new(leased.Values.SelectMany(lease => lease.ParentShardIds.Concat(parents[lease.LeaseKey])));
        while (left.TryPop(out string? shard))
        {
            if (!leased.ContainsKey(shard) && passed.Add(shard))
            {
                foreach (string parent in parents[shard])
                {
                    left.Push(parent);
                }
            }
        }

        return passed;
    }

    /// <summary>The leases that may run: not done themselves, and all leased parents are.</summary>
    public static IReadOnlyList<Lease> Runnable(IReadOnlyList<Lease> leases)
    {
        HashSet<string> unfinished = [.. leases.Where(static lease => !lease.IsFinished).Select(static lease => lease.LeaseKey)];
        return [.. leases.Where(lease => !lease.IsFinished && !lease.ParentShardIds.Any(unfinished.Contains))];
    }

    /// <summary>
    /// What this worker is to take now. Free leases up to its fair share, in random order so that workers do not all reach for
    /// the same; where none is free and it has less than its share, one of the worker that has most.
    /// </summary>
    /// <param name="runnable">The leases that may run.</param>
    /// <param name="isMine">True for leases that this worker holds.</param>
    /// <param name="isFree">True for leases that nobody owns or whose owner has expired.</param>
    /// <param name="random">Chance.</param>
    public static IReadOnlyList<Lease> ToTake(IReadOnlyList<Lease> runnable, Func<Lease, bool> isMine, Func<Lease, bool> isFree, Random random)
    {
        int mine = runnable.Count(isMine);
        Lease[] free = [.. runnable.Where(lease => !isMine(lease) && isFree(lease))];
        List<List<Lease>> others = [.. runnable
            .Where(lease => !isMine(lease) && !isFree(lease))
            .GroupBy(static lease => lease.Owner, StringComparer.Ordinal)
            .Select(static group => group.ToList())];
        int workers = others.Count + 1;
        int share = (runnable.Count + workers - 1) / workers;
        if (free.Length > 0)
        {
            random.Shuffle(free);
            return [.. free.Take(Math.Max(0, share - mine))];
        }

        // A steal costs its victim what it has not checkpointed, so it must level something out: the victim keeps no less than the thief gets.
        List<Lease>? most = others.MaxBy(static held => held.Count);
        return most is not null && mine < share && most.Count >= mine + 2 ? [most[random.Next(most.Count)]] : [];
    }

    private static Lease Create(ShardNode shard, CheckpointPosition checkpoint, DateTimeOffset? startedAt) => new()
    {
        LeaseKey = shard.ShardId,
        Checkpoint = checkpoint,
        StartedAt = startedAt,
        ParentShardIds = shard.ParentIds,
        HashKeyRange = shard.HashKeyRange,
    };
}

/// <summary>What the plan needs to know of a listed shard.</summary>
internal sealed record ShardNode(string ShardId, IReadOnlyList<string> ParentIds, bool IsClosed, HashKeyRange HashKeyRange);

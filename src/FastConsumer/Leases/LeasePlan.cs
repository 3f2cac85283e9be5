using FastConsumer.Kinesis;

namespace FastConsumer.Leases;

/// <summary>Decides without doing: which leases to create, which may run, which to take. Pure functions of what was read.</summary>
internal static class LeasePlan
{
    /// <summary>More are asked for when these are answered.</summary>
    private const int MostRequests = 100;

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

    /// <summary>
    /// The finished leases that nothing needs any more: every child, by the listing, has a lease with progress, or was passed itself, or
    /// is gone. Without its lease a shard counts as passed (<see cref="Passed"/>), for its line goes on in leases; so it is never leased
    /// again.
    /// A child is gone where its parent is too: shards leave the listing in the order in which they were closed, and a child that the
    /// listing
    /// does not show beside its parent came after it.
    /// </summary>
    public static IReadOnlyList<Lease> Removable(IReadOnlyList<ShardNode> shards, IReadOnlyList<Lease> leases)
    {
        HashSet<string> listed = [.. shards.Select(static shard => shard.ShardId)];
        Dictionary<string, Lease> leased = leases.ToDictionary(static lease => lease.LeaseKey, StringComparer.Ordinal);
        HashSet<string> passed = Passed(shards, leased);
        ILookup<string, string> children = shards.SelectMany(static shard => shard.ParentIds.Select(parent => (parent, shard.ShardId)))
            .Concat(leases.SelectMany(static lease => lease.ParentShardIds.Select(parent => (parent, ShardId: lease.LeaseKey))))
            .Concat(leases.SelectMany(static lease => lease.ChildShardIds.Select(child => (parent: lease.LeaseKey, ShardId: child))))
            .ToLookup(static pair => pair.parent, static pair => pair.ShardId, StringComparer.Ordinal);
        return [.. leases.Where(lease => lease.IsFinished
            && (children[lease.LeaseKey].Any() || !listed.Contains(lease.LeaseKey))
            && children[lease.LeaseKey].All(child => HasBegun(child) || (IsGone(child) && !listed.Contains(lease.LeaseKey))))];

        bool HasBegun(string child) => leased.TryGetValue(child, out Lease? lease)
            ? lease.Checkpoint.Kind is CheckpointKind.Record or CheckpointKind.ShardEnd
            : passed.Contains(child);

        bool IsGone(string child) => !leased.ContainsKey(child) && !listed.Contains(child);
    }

    /// <summary>The shards without a lease that wait for a leased ancestor to be done.</summary>
    public static IReadOnlyList<ShardNode> Waiting(IReadOnlyList<ShardNode> shards, IReadOnlyList<Lease> leases)
    {
        HashSet<string> ahead = [.. leases.Where(static lease => !lease.IsFinished).Select(static lease => lease.LeaseKey)];
        HashSet<string> leased = [.. leases.Select(static lease => lease.LeaseKey)];
        List<ShardNode> waiting = [];
        bool grows = true;
        while (grows)
        {
            grows = false;
            foreach (ShardNode shard in shards.Where(shard => !leased.Contains(shard.ShardId) && !ahead.Contains(shard.ShardId) && shard.ParentIds.Any(ahead.Contains)))
            {
                waiting.Add(shard);
                grows |= ahead.Add(shard.ShardId);
            }
        }

        return waiting;
    }

    /// <summary>The leases that may run: readable, not done themselves, and all leased parents are.</summary>
    public static IReadOnlyList<Lease> Runnable(IReadOnlyList<Lease> leases)
    {
        HashSet<string> unfinished = [.. leases.Where(static lease => !lease.IsFinished).Select(static lease => lease.LeaseKey)];
        return [.. leases.Where(lease => lease is { IsFinished: false, Problem: null } && !lease.ParentShardIds.Any(unfinished.Contains))];
    }

    /// <summary>
    /// What this worker is to do to get its fair share. It takes what was given to it, and free leases up to its share, first those
    /// that fall to it by lot. Where none is free, it asks those that have most for as many as level it out. From a
    /// worker that cannot be asked (KCL's), or that has not answered in time, it takes one. What it has asked for and needs no more, since
    /// others
    /// have come or gone, it leaves where it is.
    /// </summary>
    /// <remarks>
    /// A lease counts for whom it is destined to: its requester where there is one. So a request that is under way is not made again,
    /// by whomever, and what is asked for always leaves its owner and the requester closer to each other than they were: the sum of the
    /// squares
    /// of all loads shrinks with each, so requests come to rest.
    /// </remarks>
    public static LeaseMoves Balance(IReadOnlyList<Lease> runnable, LeaseView view, Random random)
    {
        Dictionary<string, double> load = new(StringComparer.Ordinal) { [view.Me] = 0 };
        Dictionary<string, double> held = new(StringComparer.Ordinal);
        double total = 0;
        List<Lease> take = [];
        List<Lease> free = [];
        List<Lease> movable = [];
        List<Lease> asked = [];
        foreach (Lease lease in runnable)
        {
            double weight = view.Weigh(lease);
            total += weight;
            bool isMine = view.IsMine(lease);
            bool isGivenToMe = !isMine && lease.LeaseOwner == view.Me && view.IsGiven(lease);
            if (isGivenToMe)
            {
                take.Add(lease);
            }
            else if (!isMine && view.IsFree(lease))
            {
                free.Add(lease);
                continue;
            }

            string? requester = isMine || lease.IsHeldByFastConsumer ? lease.RequestedBy : null;
            string destined = isGivenToMe ? view.Me : requester ?? (isMine ? view.Me : lease.Owner!);
            load[destined] = load.GetValueOrDefault(destined) + weight;
            string holder = isMine ? view.Me : lease.Owner!;
            held[holder] = held.GetValueOrDefault(holder) + weight;
            if (destined == view.Me && !isMine && !isGivenToMe)
            {
                load.TryAdd(lease.Owner!, 0);
                asked.Add(lease);
            }
            else if (destined != view.Me && requester is null && !view.IsGiven(lease))
            {
                movable.Add(lease);
            }
        }

        List<Lease> withdraw = [];
        foreach (Lease lease in Shuffled(asked, random))
        {
            double weight = view.Weigh(lease);
            if (load[view.Me] - load[lease.Owner!] >= weight)
            {
                withdraw.Add(lease);
                load[view.Me] -= weight;
                load[lease.Owner!] += weight;
            }
        }

        // a steal costs what is not checkpointed: it must level out what the two have now, whatever else either of them waits for
        Lease[] overdue = [.. asked.Except(withdraw)
            .Where(view.IsOverdue)
            .Where(lease => held[lease.Owner!] - held.GetValueOrDefault(view.Me) > view.Weigh(lease))];
        double share = total / load.Count;
        if (free.Count > 0)
        {
            // Each worker reaches first for those that fall to it by lot, so that workers who find them at the same time do not all
            // reach for the same; what is left after that goes to whoever has room.
            string[] workers = [.. load.Keys];
            foreach (Lease lease in Shuffled(free, random).OrderByDescending(lease => workers.MaxBy(worker => Lot(lease.LeaseKey, worker)) == view.Me))
            {
                if (load[view.Me] < share)
                {
                    take.Add(lease);
                    load[view.Me] += view.Weigh(lease);
                }
            }

            return new LeaseMoves(take, [], withdraw);
        }

        if (overdue.Length > 0)
        {
            take.Add(overdue[random.Next(overdue.Length)]);
            return new LeaseMoves(take, [], withdraw);
        }

        List<Lease> request = [];
        List<Lease> left = Shuffled(movable, random);
        while (load[view.Me] < share && request.Count < MostRequests)
        {
            // a move costs its victim what it has not checkpointed, so it must level something out: what weighs less than the two differ by
            Lease? best = left
                .Where(lease => Difference(lease) > view.Weigh(lease) + Slack(lease))
                .MaxBy(lease => view.Weigh(lease) * (Difference(lease) - view.Weigh(lease)));
            if (best is null)
            {
                break;
            }

            if (!best.IsHeldByFastConsumer)
            {
                // one at a time: what a worker does that cannot be asked is not known
                if (request.Count == 0)
                {
                    take.Add(best);
                }

                break;
            }

            request.Add(best);
            left.Remove(best);
            load[view.Me] += view.Weigh(best);
            load[best.Owner!] -= view.Weigh(best);
        }

        return new LeaseMoves(take, request, withdraw);

        double Difference(Lease lease) => load[lease.Owner!] - load[view.Me];

        // where two are far apart, little is better than nothing: a heavy lease may make room for many light ones to go back
        double Slack(Lease lease) => Difference(lease) > share / 2 ? 0 : view.Slack * share;
    }

    /// <summary>
    /// What the shards yield, in KB a second, as far as it was published. A shard made from others is expected to yield its part of what
    /// they did; what
    /// nothing is known of counts as the others do on average.
    /// </summary>
    public static Func<Lease, double> Throughputs(IReadOnlyList<Lease> leases)
    {
        Dictionary<string, double> published = leases.Where(static lease => lease.Throughput is not null)
            .ToDictionary(static lease => lease.LeaseKey, static lease => lease.Throughput!.Value, StringComparer.Ordinal);
        ILookup<string, Lease> children = leases.SelectMany(static lease => lease.ParentShardIds.Select(parent => (parent, lease)))
            .ToLookup(static pair => pair.parent, static pair => pair.lease, StringComparer.Ordinal);
        double average = leases.Where(static lease => !lease.IsFinished).Select(static lease => lease.Throughput).OfType<double>().DefaultIfEmpty(0).Average();
        return lease => lease.Throughput
            ?? (lease.ParentShardIds.Count > 0 && lease.ParentShardIds.All(published.ContainsKey)
                ? lease.ParentShardIds.Sum(parent => published[parent] / children[parent].Count())
                : average);
    }

    /// <summary>The same on every machine (FNV-1a, mixed).</summary>
    private static ulong Lot(string leaseKey, string worker)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in leaseKey)
        {
            hash = (hash ^ c) * 1099511628211;
        }

        foreach (char c in worker)
        {
            hash = (hash ^ c) * 1099511628211;
        }

        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        return hash ^ (hash >> 33);
    }

    private static List<Lease> Shuffled(List<Lease> leases, Random random)
    {
        Lease[] shuffled = [.. leases];
        random.Shuffle(shuffled);
        return [.. shuffled];
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

using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Leases.Core;

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
    public static IReadOnlyList<Lease> Missing(IReadOnlyList<ShardNode> shards, IReadOnlyList<Lease> leases, CheckpointPosition start,
        DateTimeOffset startedAt)
    {
        Dictionary<string, ShardNode> listed = shards.ToDictionary(static shard => shard.ShardId, StringComparer.Ordinal);
        Dictionary<string, Lease> leased = leases.ToDictionary(static lease => lease.LeaseKey, StringComparer.Ordinal);
        // A crash in the middle of the first start must not move the start: it is pinned by the leases that are there.
        DateTimeOffset? first = leases.Min(static lease => lease.FirstStart);
        DateTimeOffset pinned = first ?? startedAt;
        bool isFresh = first is null;
        Dictionary<string, bool> covered = new(StringComparer.Ordinal);
        HashSet<string> passed = Passed(shards, leased);
        List<Lease> missing = [];
        foreach (ShardNode shard in shards)
        {
            if (leased.ContainsKey(shard.ShardId) || passed.Contains(shard.ShardId))
            {
                continue;
            }

            List<string> parents = [.. shard.ParentIds
                .Where(parent => leased.ContainsKey(parent) || (listed.ContainsKey(parent) && !passed.Contains(parent)))];
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
            else if (parents.TrueForAll(parent => leased.TryGetValue(parent, out Lease? lease) && IsDone(lease)))
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
    /// <param name="shards">The listing.</param>
    /// <param name="leases">The leases.</param>
    /// <param name="keepsParents">False only in tests, which show that the rules for state are missed.</param>
    public static IReadOnlyList<Lease> Removable(
        IReadOnlyList<ShardNode> shards, IReadOnlyList<Lease> leases, bool keepsParents = true)
    {
        HashSet<string> listed = [.. shards.Select(static shard => shard.ShardId)];
        Dictionary<string, Lease> leased = leases.ToDictionary(static lease => lease.LeaseKey, StringComparer.Ordinal);
        HashSet<string> passed = Passed(shards, leased);
        ILookup<string, string> children = shards.SelectMany(static shard => shard.ParentIds.Select(parent => (parent, shard.ShardId)))
            .Concat(leases.SelectMany(static lease => lease.ParentShardIds.Select(parent => (parent, ShardId: lease.LeaseKey))))
            .Concat(leases.SelectMany(static lease => lease.ChildShardIds.Select(child => (parent: lease.LeaseKey, ShardId: child))))
            .ToLookup(static pair => pair.parent, static pair => pair.ShardId, StringComparer.Ordinal);
        return [.. leases.Where(lease => IsDone(lease)
            && (children[lease.LeaseKey].Any() || !listed.Contains(lease.LeaseKey))
            && children[lease.LeaseKey].All(child => HasBegun(child) || (IsGone(child) && !listed.Contains(lease.LeaseKey)))
            && (lease.Lineage is null || !keepsParents || MayGoWithState(lease)))];

        // A creation that was held up must find a parent's row missing: so parents' rows go first, and a row without them stays until its
        // shard has left the listing. Until a child has a snapshot of its own, it needs those that its parents' rows lead to.
        bool MayGoWithState(Lease lease) =>
            !listed.Contains(lease.LeaseKey)
            && !lease.ParentShardIds.Any(leased.ContainsKey)
            && (!lease.HasState
                || children[lease.LeaseKey].All(child => !leased.TryGetValue(child, out Lease? row) || row.Snapshot is not null));

        bool HasBegun(string child) => leased.TryGetValue(child, out Lease? lease)
            ? lease.Checkpoint.Kind is CheckpointKind.Record or CheckpointKind.ShardEnd
            : passed.Contains(child);

        bool IsGone(string child) => !leased.ContainsKey(child) && !listed.Contains(child);
    }

    /// <summary>The shards without a lease that wait for a leased ancestor to be done.</summary>
    public static IReadOnlyList<ShardNode> Waiting(IReadOnlyList<ShardNode> shards, IReadOnlyList<Lease> leases)
    {
        HashSet<string> ahead = [.. leases.Where(static lease => !IsDone(lease)).Select(static lease => lease.LeaseKey)];
        HashSet<string> leased = [.. leases.Select(static lease => lease.LeaseKey)];
        List<ShardNode> waiting = [];
        bool grows = true;
        while (grows)
        {
            grows = false;
            foreach (ShardNode shard in shards
                .Where(shard => !leased.Contains(shard.ShardId) && !ahead.Contains(shard.ShardId) && shard.ParentIds.Any(ahead.Contains)))
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
        HashSet<string> unfinished = [.. leases.Where(static lease => !IsDone(lease)).Select(static lease => lease.LeaseKey)];
        return [.. leases.Where(lease => !IsDone(lease) && !lease.ParentShardIds.Any(unfinished.Contains))];
    }

    /// <summary>
    /// What this worker is to do to get its fair share. It takes what was given to it, and free leases up to its share, first those that
    /// fall to it by lot; beyond its share what nobody has taken for long, as far as it has room. Where none is free, it asks those that
    /// have most for as many as level it out. From a worker that cannot be asked (KCL's), or that has not answered in time, it takes one.
    /// What it has asked for and needs no more, since others have come or gone, it leaves where it is.
    /// </summary>
    /// <remarks>
    /// A lease counts for whom it is destined to: its requester where there is one. So a request that is under way is not made again, by
    /// whomever, and what is asked for always leaves its owner and the requester closer to each other than they were: the sum of the
    /// squares of all loads shrinks with each, so requests come to rest.
    /// </remarks>
    public static Moves Balance(IReadOnlyList<Lease> runnable, View view, Chance chance)
    {
        Dictionary<string, double> load = new(StringComparer.Ordinal) { [view.Me] = 0 };
        Dictionary<string, double> held = new(StringComparer.Ordinal);
        double total = 0;
        List<Lease> take = [];
        List<Lease> free = [];
        List<Lease> movable = [];
        List<Lease> asked = [];
        long room = view.MaxLeases == int.MaxValue ? int.MaxValue
            : view.MaxLeases - runnable.Count(lease => view.IsMine(lease) || (lease.IsHeldByFastConsumer && lease.RequestedBy == view.Me));
        foreach (Lease lease in runnable)
        {
            double weight = view.Weigh(lease);
            total += weight;
            bool isMine = view.IsMine(lease);
            bool isGivenToMe = !isMine && lease.LeaseOwner == view.Me && view.IsGiven(lease);
            if (isGivenToMe && (room <= 0 || view.IsBarred(lease)))
            {
                // somebody else is to have it
                continue;
            }

            if (isGivenToMe)
            {
                take.Add(lease);
            }
            else if (!isMine && view.IsFree(lease))
            {
                if (!view.IsBarred(lease))
                {
                    free.Add(lease);
                }

                continue;
            }

            string? requester = isMine || lease.IsHeldByFastConsumer ? lease.RequestedBy : null;
            string destined = isGivenToMe ? view.Me : requester ?? (isMine ? view.Me : lease.Owner!);
            load[destined] = load.GetValueOrDefault(destined) + weight;
            string holder = isMine ? view.Me : lease.Owner!;
            held[holder] = held.GetValueOrDefault(holder) + weight;
            room -= isGivenToMe ? 1 : 0;
            if (destined == view.Me && !isMine && !isGivenToMe)
            {
                load.TryAdd(lease.Owner!, 0);
                asked.Add(lease);
            }
            else if (destined != view.Me && requester is null && !view.IsGiven(lease) && !view.IsBarred(lease))
            {
                movable.Add(lease);
            }
        }

        List<Lease> withdraw = [];
        foreach (Lease lease in chance.Shuffled(asked))
        {
            double weight = view.Weigh(lease);
            if (load[view.Me] - load[lease.Owner!] >= weight || room < 0)
            {
                withdraw.Add(lease);
                room++;
                load[view.Me] -= weight;
                load[lease.Owner!] += weight;
            }
        }

        // a steal costs what is not checkpointed: it must level out what the two have now, whatever else either of them waits for
        Lease[] overdue = [.. asked.Except(withdraw)
            .Where(lease => view.IsOverdue(lease) && !view.IsBarred(lease))
            .Where(lease => held[lease.Owner!] - held.GetValueOrDefault(view.Me) > view.Weigh(lease))];
        double share = (total / load.Count) + view.Beyond;
        if (free.Count > 0)
        {
            // Each worker reaches first for those that fall to it by lot, so that workers who find them at the same time do not all
            // reach for the same; what is left after that goes to whoever has room.
            string[] workers = [.. load.Keys];
            int unread = 0;
            foreach (Lease lease in chance.Shuffled(free)
                .OrderByDescending(lease => workers.MaxBy(worker => Lot(lease.LeaseKey, worker)) == view.Me))
            {
                bool isLeftOver = view.IsLeftOver(lease);
                if (room > 0 && (load[view.Me] < share || isLeftOver))
                {
                    take.Add(lease);
                    room--;
                    load[view.Me] += view.Weigh(lease);
                }
                else if (isLeftOver)
                {
                    unread++;
                }
            }

            return new Moves(take, [], withdraw, unread);
        }

        if (overdue.Length > 0)
        {
            take.Add(overdue[chance.Next(overdue.Length)]);
            return new Moves(take, [], withdraw);
        }

        List<Lease> request = [];
        List<Lease> left = chance.Shuffled(movable);
        string[] owners = [.. left.Select(static lease => lease.Owner!).Distinct(StringComparer.Ordinal)];
        Dictionary<string, int> indexes = owners.Select(static (owner, index) => (owner, index))
            .ToDictionary(static pair => pair.owner, static pair => pair.index, StringComparer.Ordinal);
        // looked through once for each request: plain numbers, since a table may have ten thousand leases
        (int Owner, double Weight)[] candidates = [.. left.Select(lease => (indexes[lease.Owner!], view.Weigh(lease)))];
        double[] differences = new double[owners.Length];
        while (load[view.Me] < share && request.Count < MostRequests && room > 0)
        {
            for (int owner = 0; owner < owners.Length; owner++)
            {
                differences[owner] = load[owners[owner]] - load[view.Me];
            }

            int best = MostLevelling(candidates, differences, share, view.Slack);
            if (best < 0)
            {
                break;
            }

            Lease chosen = left[best];
            if (!chosen.IsHeldByFastConsumer)
            {
                // one at a time: what a worker does that cannot be asked is not known
                if (request.Count == 0)
                {
                    take.Add(chosen);
                }

                break;
            }

            request.Add(chosen);
            room--;
            load[view.Me] += candidates[best].Weight;
            load[chosen.Owner!] -= candidates[best].Weight;
            candidates[best].Weight = 0;
        }

        return new Moves(take, request, withdraw);
    }

    /// <summary>
    /// The lease that levels most; negative for none. A move costs its victim what it has not checkpointed, so it must level something out:
    /// what weighs less than the two differ by. Zero is the weight of what is gone.
    /// </summary>
    private static int MostLevelling((int Owner, double Weight)[] candidates, double[] differences, double share, double slack)
    {
        int best = -1;
        double most = 0;
        for (int i = 0; i < candidates.Length; i++)
        {
            (int owner, double weight) = candidates[i];
            double difference = differences[owner];
            // where two are far apart, little is better than nothing: a heavy lease may make room for many light ones to go back
            double least = difference > share / 2 ? weight : weight + (slack * share);
            if (weight > 0 && difference > least && (best < 0 || weight * (difference - weight) > most))
            {
                (best, most) = (i, weight * (difference - weight));
            }
        }

        return best;
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
        double average = leases.Where(static lease => !IsDone(lease))
            .Select(static lease => lease.Throughput).OfType<double>().DefaultIfEmpty(0).Average();
        return lease => lease.Throughput
            ?? (lease.ParentShardIds.Count > 0 && lease.ParentShardIds.All(published.ContainsKey)
                ? lease.ParentShardIds.Sum(parent => published[parent] / children[parent].Count())
                : average);
    }

    /// <summary>The same on every machine.</summary>
    private static ulong Lot(string leaseKey, string worker)
    {
        ulong hash = Fnv1a.Start;
        foreach (char c in leaseKey)
        {
            hash = Fnv1a.Add(hash, c);
        }

        foreach (char c in worker)
        {
            hash = Fnv1a.Add(hash, c);
        }

        return Fnv1a.Mix(hash);
    }

    /// <summary>True where the shard is closed and done; not where the row cannot be read, which may say anything.</summary>
    private static bool IsDone(Lease lease) => lease.IsFinished && lease.Problem is null;

    private static Lease Create(ShardNode shard, CheckpointPosition checkpoint, DateTimeOffset? startedAt) => new()
    {
        LeaseKey = shard.ShardId,
        Checkpoint = checkpoint,
        StartedAt = startedAt,
        ParentShardIds = shard.ParentIds,
        HashKeyRange = shard.HashKeyRange,
    };

    /// <summary>What the plan needs to know of a listed shard.</summary>
    public sealed record ShardNode(string ShardId, IReadOnlyList<string> ParentIds, bool IsClosed, HashKeyRange HashKeyRange)
    {
        public static ShardNode Of(Shard shard) => new(
            shard.ShardId,
            [.. new[] { shard.ParentShardId, shard.AdjacentParentShardId }.OfType<string>()],
            shard.EndingSequenceNumber is not null,
            shard.HashKeyRange);
    }

    /// <summary>What <see cref="Balance"/> needs to know of the leases beside their rows.</summary>
    /// <param name="Me">This worker.</param>
    /// <param name="IsMine">True for leases that this worker holds.</param>
    /// <param name="IsFree">True for leases that nobody owns or whose owner has expired.</param>
    public sealed record View(string Me, Func<Lease, bool> IsMine, Func<Lease, bool> IsFree)
    {
        /// <summary>True for leases that were released to their owner, who has not written them yet.</summary>
        public Func<Lease, bool> IsGiven { get; init; } = static lease => lease.IsPassedOn;

        /// <summary>True for leases that this worker has asked for in vain.</summary>
        public Func<Lease, bool> IsOverdue { get; init; } = static _ => false;

        /// <summary>True for leases that this worker leaves alone: it neither takes them nor asks for them.</summary>
        public Func<Lease, bool> IsBarred { get; init; } = static _ => false;

        /// <summary>True for leases that nobody has taken for long, since others leave them alone or have all that they may take.</summary>
        public Func<Lease, bool> IsLeftOver { get; init; } = static _ => false;

        /// <summary>The most leases that this worker may have.</summary>
        public int MaxLeases { get; init; } = int.MaxValue;

        /// <summary>What a lease counts, more than zero; all the same by default.</summary>
        public Func<Lease, double> Weigh { get; init; } = static _ => 1;

        /// <summary>
        /// The part of a fair share by which two workers must differ beyond what is moved between them: weights that vary move nothing to
        /// and fro.
        /// It does not count where they differ by more than half a share.
        /// </summary>
        public double Slack { get; init; }

        /// <summary>How much this worker takes beyond its share: only ever in tests, which show that it is missed.</summary>
        public double Beyond { get; init; }
    }

    /// <summary>What a worker is to do now.</summary>
    /// <param name="Take">Leases to take at once.</param>
    /// <param name="Request">Leases to ask their owners for.</param>
    /// <param name="Withdraw">Leases that were asked for, and would level nothing out any more.</param>
    /// <param name="Unread">Free leases that nobody has taken for long, and that this worker has no room for.</param>
    public sealed record Moves(IReadOnlyList<Lease> Take, IReadOnlyList<Lease> Request, IReadOnlyList<Lease> Withdraw, int Unread = 0);

    /// <summary>Chance from a seed (splitmix64): the same everywhere. Used by one caller at a time.</summary>
    public sealed class Chance(ulong seed)
    {
        /// <summary>Where it goes on.</summary>
        public ulong Seed { get; private set; } = seed;

        /// <summary>The next number.</summary>
        public ulong NextUInt64()
        {
            Seed += 0x9e3779b97f4a7c15;
            ulong mixed = (Seed ^ (Seed >> 30)) * 0xbf58476d1ce4e5b9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
            return mixed ^ (mixed >> 31);
        }

        /// <summary>From 0 up to, and without, 1.</summary>
        public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

        /// <summary>From 0 up to, and without, <paramref name="most"/>.</summary>
        public int Next(int most) => (int)(NextDouble() * most);

        /// <summary>Another order.</summary>
        public List<T> Shuffled<T>(IEnumerable<T> all)
        {
            List<T> shuffled = [.. all];
            for (int left = shuffled.Count; left > 1; left--)
            {
                int other = Next(left);
                (shuffled[left - 1], shuffled[other]) = (shuffled[other], shuffled[left - 1]);
            }

            return shuffled;
        }
    }
}

namespace FastConsumer.LoadTest.Failover;

/// <summary>
/// A change of a shard's owner, as its records show it. Times are timestamps of the machine's clock, which all processes share.
/// </summary>
/// <param name="From">The worker that had it.</param>
/// <param name="To">The worker that has it.</param>
/// <param name="LastBefore">When the old one handled its last record before the change.</param>
/// <param name="FirstAfter">When the new one handled its first.</param>
internal readonly record struct OwnerChange(string From, string To, long LastBefore, long FirstAfter);

/// <summary>What was put and what was handled, record by record.</summary>
internal sealed class FailoverLedger
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ShardLedger> _shards = new(StringComparer.Ordinal);

    public long Produced
    {
        get
        {
            lock (_lock)
            {
                return _shards.Values.Sum(static shard => (long)shard.Handled.Count);
            }
        }
    }

    public long Lost
    {
        get
        {
            lock (_lock)
            {
                return _shards.Values.Sum(static shard => (long)shard.Handled.Count(static times => times == 0));
            }
        }
    }

    public long Duplicates => DuplicatesOf(static _ => true);

    public long OutOfOrder
    {
        get
        {
            lock (_lock)
            {
                return _shards.Values.Sum(static shard => shard.OutOfOrder);
            }
        }
    }

    /// <summary>Handled again of the shards for which <paramref name="isMeant"/>.</summary>
    public long DuplicatesOf(Func<string, bool> isMeant)
    {
        lock (_lock)
        {
            return _shards.Where(shard => isMeant(shard.Key))
                .Sum(static shard => shard.Value.Handled.Sum(static times => Math.Max(0L, times - 1)));
        }
    }

    /// <summary>A record of the shard is about to be put; its number, from 0.</summary>
    public long Put(string shardId)
    {
        lock (_lock)
        {
            ShardLedger shard = Of(shardId);
            shard.Handled.Add(0);
            return shard.Handled.Count - 1;
        }
    }

    /// <summary>A worker says that it has handled a record.</summary>
    public void Handled(string worker, string shardId, long token, long number, long at)
    {
        lock (_lock)
        {
            ShardLedger shard = Of(shardId);
            shard.Handled[(int)number]++;
            if (token > shard.Token)
            {
                if (shard.Worker is { } before && before != worker)
                {
                    shard.Changes.Add(new OwnerChange(before, worker, shard.LastAt, at));
                }

                shard.Token = token;
                shard.Worker = worker;
            }
            else if (token == shard.Token && number <= shard.LastNumber)
            {
                shard.OutOfOrder++;
            }

            if (token == shard.Token)
            {
                shard.LastNumber = number;
                shard.LastAt = at;
            }
        }
    }

    /// <summary>The shards whose records the worker handled last.</summary>
    public IReadOnlyList<string> ShardsOf(string worker)
    {
        lock (_lock)
        {
            return [.. _shards.Where(shard => shard.Value.Worker == worker).Select(static shard => shard.Key)];
        }
    }

    /// <summary>
    /// When another worker began to handle the shard's records, after the one that had it left at <paramref name="since"/>; null while none
    /// has.
    /// </summary>
    public long? TakenOver(string shardId, string from, long since)
    {
        lock (_lock)
        {
            foreach (OwnerChange change in Of(shardId).Changes)
            {
                if (change.From == from && change.FirstAfter > since)
                {
                    return change.FirstAfter;
                }
            }

            return null;
        }
    }

    /// <summary>All changes of owners so far.</summary>
    public IReadOnlyList<OwnerChange> Changes()
    {
        lock (_lock)
        {
            return [.. _shards.Values.SelectMany(static shard => shard.Changes)];
        }
    }

    private ShardLedger Of(string shardId)
    {
        if (!_shards.TryGetValue(shardId, out ShardLedger? shard))
        {
            _shards[shardId] = shard = new ShardLedger();
        }

        return shard;
    }

    private sealed class ShardLedger
    {
        /// <summary>By the records' numbers: how often each was handled.</summary>
        public List<int> Handled { get; } = [];

        public List<OwnerChange> Changes { get; } = [];

        public string? Worker { get; set; }

        public long Token { get; set; } = -1;

        public long LastNumber { get; set; } = -1;

        public long LastAt { get; set; }

        public long OutOfOrder { get; set; }
    }
}

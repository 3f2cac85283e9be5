using System.Diagnostics.CodeAnalysis;
using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

/// <summary>The shards of a stream: those that are open divide the hash keys among themselves.</summary>
internal sealed partial class StreamState
{
    private readonly SortedDictionary<int, ShardState> _shards = [];
    private readonly Dictionary<string, ShardState> _shardsById = [];

    /// <summary>By hash key, without gaps.</summary>
    private readonly List<ShardState> _open = [];
    private int _nextIndex;
    private int _nextTurn;

    /// <summary>Open shards, those of a creation under way included.</summary>
    public int OpenShardCount => Status == StreamStatus.Creating ? shardCount : _open.Count;

    public IEnumerable<ShardState> Shards => _shards.Values;

    /// <summary>False before the stream has shards, and once it is being deleted.</summary>
    public bool IsWritable => Status != StreamStatus.Deleting && _open.Count > 0;

    /// <summary>The open shard that holds a hash key.</summary>
    public ShardState Route(UInt128 hashKey) => _open[IndexOf(hashKey)];

    /// <summary>The open shard whose turn it is.</summary>
    public ShardState RouteEvenly()
    {
        _nextTurn %= _open.Count;
        return _open[_nextTurn++];
    }

    public bool TryGetShard(string shardId, [NotNullWhen(true)] out ShardState? shard) => _shardsById.TryGetValue(shardId, out shard);

    public bool TryGetShard(int index, [NotNullWhen(true)] out ShardState? shard) => _shards.TryGetValue(index, out shard);

    /// <summary>Replaces open shards by others over the same hash keys, when the transition ends.</summary>
    public void Reshard(IReadOnlyList<ShardState> parents, IReadOnlyList<HashKeyRange> ranges, long dueMs)
    {
        Update(dueMs, atMs => Replace(parents, ranges, atMs));
        // whoever looks ends the transition, where it is due
        foreach (ShardState parent in parents)
        {
            parent.Wake();
        }
    }

    /// <summary>Divides the hash keys evenly among a number of shards, when the transition ends.</summary>
    public void Rescale(int count, long dueMs)
    {
        Update(dueMs, atMs => Divide(count, atMs));
        WakeSubscriptions();
    }

    /// <summary>
    /// Splits shards wherever a range shall begin, then merges what lies within one range. A shard that a split made may be
    /// merged at once: it never holds a record.
    /// </summary>
    public void Divide(int count, long atMs)
    {
        HashKeyRange[] ranges = [.. HashKeys.Divide(count)];
        SplitAt([.. ranges.Select(static range => range.StartingHashKey)], atMs);
        foreach (HashKeyRange range in ranges)
        {
            int first = IndexOf(range.StartingHashKey);
            Merge(_open[first..(IndexOf(range.EndingHashKey) + 1)], atMs);
        }
    }

    /// <summary>Tells the subscriptions of every shard to look again.</summary>
    public void WakeSubscriptions()
    {
        foreach (ShardState shard in _shards.Values)
        {
            shard.Wake();
        }
    }

    /// <summary>Forgets closed shards whose last record has passed the trim horizon.</summary>
    public void TrimShards(long nowMs)
    {
        long horizonMs = HorizonMs(nowMs);
        foreach (ShardState shard in _shards.Values.Where(shard => shard.ClosedMs < horizonMs).ToArray())
        {
            _shards.Remove(shard.Index);
            _shardsById.Remove(shard.ShardId);
        }
    }

    /// <summary>From the middle outwards, so that no shard is split more often than it must be.</summary>
    private void SplitAt(ReadOnlySpan<UInt128> starts, long atMs)
    {
        if (starts.IsEmpty)
        {
            return;
        }

        int middle = starts.Length / 2;
        UInt128 start = starts[middle];
        ShardState shard = _open[IndexOf(start)];
        if (shard.Range.StartingHashKey != start)
        {
            Replace(
                [shard],
                [new HashKeyRange(shard.Range.StartingHashKey, start - 1), new HashKeyRange(start, shard.Range.EndingHashKey)],
                atMs);
        }

        SplitAt(starts[..middle], atMs);
        SplitAt(starts[(middle + 1)..], atMs);
    }

    /// <summary>Makes neighbours one shard, pair by pair.</summary>
    private ShardState Merge(List<ShardState> shards, long atMs)
    {
        if (shards.Count == 1)
        {
            return shards[0];
        }

        ShardState low = Merge(shards[..(shards.Count / 2)], atMs);
        ShardState high = Merge(shards[(shards.Count / 2)..], atMs);
        return Replace([low, high], [new HashKeyRange(low.Range.StartingHashKey, high.Range.EndingHashKey)], atMs)[0];
    }

    private ShardState[] Replace(IReadOnlyList<ShardState> parents, IReadOnlyList<HashKeyRange> ranges, long closedMs)
    {
        ShardState[] children = [.. ranges.Select(range => Add(range, closedMs, parents))];
        foreach (ShardState parent in parents)
        {
            parent.Close(closedMs, children);
        }

        int first = IndexOf(ranges[0].StartingHashKey);
        _open.RemoveRange(first, parents.Count);
        _open.InsertRange(first, children);
        return children;
    }

    private int IndexOf(UInt128 hashKey)
    {
        int low = 0;
        int high = _open.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_open[middle].Range.StartingHashKey <= hashKey)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }

    private ShardState Add(HashKeyRange range, long createdMs, IReadOnlyList<ShardState> parents)
    {
        var shard = new ShardState(_nextIndex++, range, createdMs, parents);
        _shards.Add(shard.Index, shard);
        _shardsById.Add(shard.ShardId, shard);
        return shard;
    }
}

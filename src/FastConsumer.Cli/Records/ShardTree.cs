using FastConsumer.Kinesis;
using FastConsumer.Reading;

namespace FastConsumer.Cli.Records;

/// <summary>Which shards are to be read: a shard comes when those it was made from are read to their end.</summary>
internal sealed class ShardTree
{
    private readonly Dictionary<string, ShardNode> _known = new(StringComparer.Ordinal);
    private readonly HashSet<string> _started = new(StringComparer.Ordinal);
    private readonly HashSet<string> _finished = new(StringComparer.Ordinal);

    /// <param name="shards">The shards that are read.</param>
    public ShardTree(IEnumerable<Shard> shards)
    {
        foreach (Shard shard in shards)
        {
            _known[shard.ShardId] = new ShardNode(shard.ShardId, shard.ParentIds(), shard.HashKeyRange, IsChild: false);
        }
    }

    /// <summary>How many shards are known.</summary>
    public int Count => _known.Count;

    /// <summary>The shards that can be read from now on; each is given once.</summary>
    public IReadOnlyList<ShardNode> TakeReady()
    {
        List<ShardNode> ready = [.. _known.Values.Where(shard => !_started.Contains(shard.ShardId)
            && shard.Parents.All(parent => !_known.ContainsKey(parent) || _finished.Contains(parent)))];
        foreach (ShardNode shard in ready)
        {
            _started.Add(shard.ShardId);
        }

        return ready;
    }

    /// <summary>A shard was read to its end.</summary>
    public void Finish(string shardId, IEnumerable<ChildShard> children)
    {
        _finished.Add(shardId);
        foreach (ChildShard child in children)
        {
            _known.TryAdd(child.ShardId, new ShardNode(child.ShardId, child.ParentShards, child.HashKeyRange, IsChild: true));
        }
    }
}

/// <summary>A shard to read.</summary>
/// <param name="ShardId">Its id.</param>
/// <param name="Parents">The shards it was made from.</param>
/// <param name="HashKeyRange">Its hash keys.</param>
/// <param name="IsChild">True where it was made while its parents were read.</param>
internal sealed record ShardNode(string ShardId, IReadOnlyList<string> Parents, HashKeyRange HashKeyRange, bool IsChild);

using System.Diagnostics.CodeAnalysis;
using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

/// <summary>
/// One stream. Whoever touches it holds <see cref="Gate"/> and has called <see cref="Settle"/> first: there are no
/// timers, so a transition ends when someone looks.
/// </summary>
internal sealed class StreamState(long number, string name, string arn, string mode, long createdMs, int shardCount, long dueMs)
{
    private const int RetentionHours = 24;
    private readonly SortedDictionary<int, ShardState> _shards = [];
    private readonly Dictionary<string, ShardState> _shardsById = [];
    private readonly SortedDictionary<string, ConsumerState> _consumers = new(StringComparer.Ordinal);
    private ShardState[] _open = [];
    private int _nextIndex;
    private long _dueMs = dueMs;
    private Action<long>? _reshard;

    public Lock Gate { get; } = new();

    /// <summary>Tells one life of a name from the next.</summary>
    public long Number { get; } = number;

    public string Name { get; } = name;

    public string Arn { get; } = arn;

    public string Mode { get; } = mode;

    public long CreatedMs { get; } = createdMs;

    /// <summary>The KMS key that it is said to be encrypted with; null for none.</summary>
    public string? KeyId { get; set; }

    public string Status { get; private set; } = StreamStatus.Creating;

    public bool IsGone { get; private set; }


    /// <summary>Open shards, those of a creation or a reshard under way included.</summary>
    public int OpenShardCount => Status == StreamStatus.Creating ? shardCount : _open.Length;

    public IEnumerable<ShardState> Shards => _shards.Values;

    public IReadOnlyDictionary<string, ConsumerState> Consumers => _consumers;

    public void Settle(long nowMs)
    {
        foreach (ConsumerState gone in _consumers.Values.Where(consumer => consumer.Settle(nowMs)).ToArray())
        {
            _consumers.Remove(gone.Name);
        }

        if (Status == StreamStatus.Active || nowMs < _dueMs)
        {
            return;
        }

        switch (Status)
        {
            case StreamStatus.Creating:
                _open = [.. HashKeys.Divide(shardCount).Select(range => Add(range, CreatedMs, []))];
                Status = StreamStatus.Active;
                break;
            case StreamStatus.Updating:
                _reshard!(_dueMs);
                _reshard = null;
                Status = StreamStatus.Active;
                break;
            case StreamStatus.Deleting:
                IsGone = true;
                break;
        }
    }

    public void Delete(long dueMs)
    {
        Status = StreamStatus.Deleting;
        _dueMs = dueMs;
        WakeSubscriptions();
    }

    /// <summary>Tells the subscriptions of every shard to look again.</summary>
    public void WakeSubscriptions()
    {
        foreach (ShardState shard in _shards.Values)
        {
            shard.Wake();
        }
    }

    /// <summary>Replaces open shards by others over the same hash keys, when the transition ends.</summary>
    public void Reshard(IReadOnlyList<ShardState> parents, IReadOnlyList<HashKeyRange> ranges, long dueMs)
    {
        Status = StreamStatus.Updating;
        _dueMs = dueMs;
        _reshard = closedMs =>
        {
            ShardState[] children = [.. ranges.Select(range => Add(range, closedMs, parents))];
            foreach (ShardState parent in parents)
            {
                parent.Close(closedMs, children);
            }

            _open = [.. _open.Except(parents).Concat(children).OrderBy(static shard => shard.Range.StartingHashKey)];
        };
        // whoever looks ends the transition, where it is due
        foreach (ShardState parent in parents)
        {
            parent.Wake();
        }
    }

    /// <summary>The open shard that holds a hash key; null while the stream has none.</summary>
    public ShardState? Route(UInt128 hashKey)
    {
        int low = 0;
        int high = _open.Length - 1;
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

        return high < 0 ? null : _open[low];
    }

    public bool TryGetShard(string shardId, [NotNullWhen(true)] out ShardState? shard) => _shardsById.TryGetValue(shardId, out shard);

    public bool TryGetShard(int index, [NotNullWhen(true)] out ShardState? shard) => _shards.TryGetValue(index, out shard);

    public void AddConsumer(ConsumerState consumer) => _consumers.Add(consumer.Name, consumer);

    /// <summary>The time before which records are forgotten.</summary>
    public static long HorizonMs(long nowMs) => nowMs - (RetentionHours * 3_600_000L);

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

    public StreamView View() => new(Name, Arn, Status, Mode, CreatedMs, RetentionHours, OpenShardCount, _consumers.Count, KeyId);

    private ShardState Add(HashKeyRange range, long createdMs, IReadOnlyList<ShardState> parents)
    {
        var shard = new ShardState(_nextIndex++, range, createdMs, parents);
        _shards.Add(shard.Index, shard);
        _shardsById.Add(shard.ShardId, shard);
        return shard;
    }
}

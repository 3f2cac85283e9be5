using FastConsumer.Kinesis;
using FastConsumer.Operators;

namespace FastConsumer.Testing.Simulation;

/// <summary>
/// Where an operator resets a checkpoint to: what the tool allows, for it knows what a reset would leave out behind a reshard.
/// </summary>
internal sealed class ResetChoice(SimulatedCluster cluster, Random random)
{
    /// <summary>A target; null where the chosen one is not allowed for this shard.</summary>
    public ResetTarget? Of(string shardId)
    {
        DateTimeOffset now = Milliseconds(cluster.Now);
        Shard shard = cluster.Shards().First(shard => shard.ShardId == shardId);
        bool isClosed = shard.EndingSequenceNumber is not null;
        switch (random.Next(5))
        {
            case 0:
                return FinishedAncestorsHoldRecords(shard, DateTimeOffset.MinValue)
                ? null
                : new ResetTarget(CheckpointPosition.TrimHorizon);
            case 1:
                return isClosed ? null : new ResetTarget(CheckpointPosition.Latest, now);
            case 2:
                DateTimeOffset time = Milliseconds(now - TimeSpan.FromSeconds(random.NextDouble() * 60));
                return isClosed || FinishedAncestorsHoldRecords(shard, time) ? null : new ResetTarget(CheckpointPosition.AtTimestamp, time);
            default:
                return cluster.Ledger.AnyPosition(shardId, random) is { } position ? new ResetTarget(position) : null;
        }
    }

    /// <summary>A row holds whole milliseconds.</summary>
    private static DateTimeOffset Milliseconds(DateTimeOffset time) =>
        DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());

    /// <summary>Shards that are read no more would keep what they hold.</summary>
    private bool FinishedAncestorsHoldRecords(Shard shard, DateTimeOffset from)
    {
        Dictionary<string, Shard> listed = cluster.Shards().ToDictionary(static shard => shard.ShardId, StringComparer.Ordinal);
        Stack<string> left = new(ParentsOf(shard));
        while (left.TryPop(out string? id))
        {
            if ((cluster.Table.Get(id) is not { } row || row.IsFinished) && cluster.Ledger.HoldsRecords(id, from))
            {
                return true;
            }

            foreach (string parent in ParentsOf(listed[id]))
            {
                left.Push(parent);
            }
        }

        return false;
    }

    private static IEnumerable<string> ParentsOf(Shard shard) =>
        new[] { shard.ParentShardId, shard.AdjacentParentShardId }.OfType<string>();
}

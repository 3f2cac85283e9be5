namespace FastConsumer.LoadTest.Failover;

/// <summary>What is run.</summary>
/// <param name="Workers">Worker processes.</param>
/// <param name="Shards">The stream's shards.</param>
/// <param name="Kills">Rounds: in each a worker is killed or paused, and another stopped gracefully.</param>
/// <param name="Lease">The lease duration.</param>
/// <param name="Rate">Records per shard and second.</param>
internal sealed record FailoverSettings(int Workers, int Shards, int Kills, TimeSpan Lease, double Rate)
{
    /// <summary>How often shards are checkpointed.</summary>
    public TimeSpan CheckpointInterval { get; } = TimeSpan.FromSeconds(1);
}

namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    private const int MaxOnDemandStreams = 50;
    private readonly ThroughputCommitment _commitment = new();

    public DescribeLimitsResult DescribeLimits()
    {
        StreamState[] streams = SettledStreams();
        return new DescribeLimitsResult(
            _settings.ShardLimit,
            streams.Sum(static stream => stream.OpenShardCount),
            streams.Count(static stream => stream.Mode == StreamModes.OnDemand),
            MaxOnDemandStreams);
    }

    public CommitmentView DescribeAccountSettings() => _commitment.View(NowMs());

    public CommitmentView UpdateAccountSettings(string? commitmentStatus)
    {
        string status = RequestRules.OneOf(
            commitmentStatus,
            "minimumThroughputBillingCommitment.status", [ThroughputCommitment.Enabled, ThroughputCommitment.Disabled]);
        return _commitment.Set(status == ThroughputCommitment.Enabled, NowMs());
    }

    private void RequireRoomForOnDemand(StreamState[] existing)
    {
        if (existing.Count(static stream => stream.Mode == StreamModes.OnDemand) >= MaxOnDemandStreams)
        {
            throw EngineException.LimitExceeded($"This request would exceed the limit of {MaxOnDemandStreams} streams in "
                + $"{StreamModes.OnDemand} mode for the account {_settings.AccountId}.");
        }
    }

    private void RequireRoomForShards(StreamState[] existing, int added)
    {
        int openShards = existing.Sum(static stream => stream.OpenShardCount);
        if (added > 0 && openShards + added > _settings.ShardLimit)
        {
            throw EngineException.LimitExceeded(
                $"This request would exceed the shard limit for the account {_settings.AccountId} in {_settings.Region}. "
                    + $"Current shard count for the account: {openShards}. Limit: {_settings.ShardLimit}. Number of additional shards that "
                    + $"would have resulted from this request: {added}.");
        }
    }
}

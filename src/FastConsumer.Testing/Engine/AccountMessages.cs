namespace FastConsumer.Testing.Engine;

internal sealed record DescribeLimitsResult(int ShardLimit, int OpenShardCount, int OnDemandStreamCount, int OnDemandStreamCountLimit);

/// <summary>The account's commitment to a minimum throughput, at one moment.</summary>
internal sealed record CommitmentView(string Status, long? StartedMs, long? EndedMs, long? EarliestAllowedEndMs);

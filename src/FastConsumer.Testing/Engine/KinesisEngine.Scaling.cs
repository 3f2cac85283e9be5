namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    private const int MaxShardsOfStream = 10_000;
    private const int MaxWarmMiBps = 10 * 1024;

    /// <summary>
    /// Divides the hash keys evenly, by splits and merges that all take effect when the update ends. The present count is a
    /// valid target: it evens out the shards.
    /// </summary>
    public UpdateShardCountResult UpdateShardCount(UpdateShardCountRequest request)
    {
        int target = RequestRules.Required(request.TargetShardCount, "targetShardCount", 1, int.MaxValue);
        RequestRules.OneOf(request.ScalingType, "scalingType", ["UNIFORM_SCALING"]);
        StreamState[] existing = SettledStreams();
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        RequireProvisioned(stream);
        RequireActive(stream);
        int current = stream.OpenShardCount;
        RequireStep(current, target);
        RequireRoomForShards(existing, target - current);
        Take(stream, stream.Scalings, "UpdateShardCount", scope.NowMs);
        stream.Rescale(target, EndOfUpdate(scope));
        return new UpdateShardCountResult(stream.Name, stream.Arn, current, target);
    }

    /// <summary>
    /// Changes the capacity mode; the shards stay as they are, unless a warm throughput asks for more. The present mode is accepted,
    /// and changes nothing.
    /// </summary>
    public void UpdateStreamMode(UpdateStreamModeRequest request)
    {
        string mode = RequestRules.OneOf(
            request.StreamMode, "streamModeDetails.streamMode", [StreamModes.Provisioned, StreamModes.OnDemand]);
        int? warmMiBps = Warm(request.WarmThroughputMiBps, mode);
        StreamState[] existing = SettledStreams();
        using StreamScope scope = Enter(ByArn(request.StreamArn));
        StreamState stream = scope.Stream;
        RequireActive(stream);
        if (stream.Mode == mode)
        {
            if (warmMiBps is not null)
            {
                throw EngineException.InvalidArgument(
                    $"Stream {stream.Name} is in {mode} mode already: UpdateStreamWarmThroughput changes its warm throughput.");
            }

            return;
        }

        if (mode == StreamModes.OnDemand)
        {
            RequireRoomForOnDemand(existing);
        }

        Take(stream, stream.ModeChanges, "UpdateStreamMode", scope.NowMs);
        stream.Update(EndOfUpdate(scope), atMs =>
        {
            stream.Mode = mode;
            stream.WarmTargetMiBps = warmMiBps;
            stream.Distribution = RecordDistribution.UserPartitionKey;
            if (warmMiBps > stream.OpenShardCount)
            {
                stream.Divide(warmMiBps.Value, atMs);
            }
        });
        stream.WakeSubscriptions();
    }

    /// <summary>Gives an on-demand stream a shard for each MiB a second, and at least those that a new one has.</summary>
    public UpdateWarmThroughputResult UpdateStreamWarmThroughput(UpdateWarmThroughputRequest request)
    {
        int target = RequestRules.Required(request.WarmThroughputMiBps, "warmThroughputMiBps", 0, int.MaxValue);
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        Warm(target, stream.Mode);
        RequireActive(stream);
        stream.WarmTargetMiBps = target;
        var result = new UpdateWarmThroughputResult(stream.Name, stream.Arn, new WarmThroughput(target, stream.OpenShardCount));
        stream.Rescale(Math.Max(target, OnDemandShards), EndOfUpdate(scope));
        return result;
    }

    /// <summary>Changes how records find their shard, at once; those in the stream stay where they are.</summary>
    public void UpdateStreamRecordDistributionStrategy(UpdateRecordDistributionRequest request)
    {
        string strategy = Distribution(request.Strategy ?? throw EngineException.Missing("recordDistributionStrategy"));
        using StreamScope scope = Enter(ByArn(request.StreamArn));
        RequireActive(scope.Stream);
        RequireDistribution(strategy, scope.Stream.Mode);
        scope.Stream.Distribution = strategy;
    }

    private static string Distribution(string strategy) => RequestRules.OneOf(
        strategy, "recordDistributionStrategy", [RecordDistribution.Auto, RecordDistribution.UserPartitionKey]);

    private static void RequireDistribution(string strategy, string mode)
    {
        if (strategy == RecordDistribution.Auto && mode != StreamModes.OnDemand)
        {
            throw EngineException.InvalidArgument(
                $"The record distribution strategy {strategy} needs a stream in {StreamModes.OnDemand} mode, not {mode}.");
        }
    }

    /// <summary>The warm throughput that a request asks for, if any, where mode and account allow it.</summary>
    private int? Warm(int? warmMiBps, string mode)
    {
        if (warmMiBps is null)
        {
            return null;
        }

        RequestRules.Range(warmMiBps, "warmThroughputMiBps", 0, int.MaxValue, 0);
        if (mode != StreamModes.OnDemand)
        {
            throw new EngineException(
                "ValidationException", $"Request is invalid. A warm throughput needs a stream in {StreamModes.OnDemand} mode, not {mode}.");
        }

        if (!_commitment.IsOn(NowMs()))
        {
            throw EngineException.InvalidArgument("A warm throughput needs an account with MinimumThroughputBillingCommitment enabled, "
                + $"which {_settings.AccountId} has not: UpdateAccountSettings enables it.");
        }

        return warmMiBps <= MaxWarmMiBps
            ? warmMiBps
            : throw EngineException.LimitExceeded(
                $"A warm throughput of {warmMiBps} MiB/s is more than the limit of {MaxWarmMiBps} MiB/s for a stream.");
    }

    private static void RequireStep(int current, int target)
    {
        string counts = $"Current open shard count: {current}. Target shard count: {target}.";
        if (target > current * 2L)
        {
            throw EngineException.LimitExceeded($"UpdateShardCount cannot go above double the open shard count of a stream. {counts}");
        }

        if (target * 2L < current)
        {
            throw EngineException.LimitExceeded($"UpdateShardCount cannot go below half the open shard count of a stream. {counts}");
        }

        if (target > MaxShardsOfStream || (target == MaxShardsOfStream && current > MaxShardsOfStream))
        {
            throw EngineException.LimitExceeded($"A stream can be scaled to at most {MaxShardsOfStream} shards. {counts}");
        }
    }
}

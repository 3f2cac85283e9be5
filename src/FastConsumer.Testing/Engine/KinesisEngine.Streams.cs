namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    private const int OnDemandShards = 4;
    private const int MaxStreamsInCreation = 5;
    private const int LeastMaxRecordKiB = 1024;
    private const int MostMaxRecordKiB = 10 * 1024;

    public void CreateStream(CreateStreamRequest request)
    {
        string name = RequestRules.Name(request.StreamName, "streamName");
        string mode = RequestRules.OneOf(
            request.StreamMode ?? StreamModes.Provisioned,
            "streamModeDetails.streamMode", [StreamModes.Provisioned, StreamModes.OnDemand]);
        IReadOnlyDictionary<string, string> tags = TagRules.Optional(request.Tags);
        int? maxRecordKiB = request.MaxRecordSizeInKiB is null
            ? null
            : RequestRules.Required(request.MaxRecordSizeInKiB, "maxRecordSizeInKiB", LeastMaxRecordKiB, MostMaxRecordKiB);
        string distribution = Distribution(request.RecordDistributionStrategy ?? RecordDistribution.UserPartitionKey);
        RequireDistribution(distribution, mode);
        int? warmMiBps = Warm(request.WarmThroughputMiBps, mode);
        int shardCount = RequestRules.Range(request.ShardCount, "shardCount", 1, 1_000_000, OnDemandShards);
        if (mode == StreamModes.OnDemand && request.ShardCount is not null)
        {
            throw new EngineException("ValidationException", "ShardCount must not be specified with StreamMode ON_DEMAND.");
        }

        if (mode == StreamModes.Provisioned && request.ShardCount is null)
        {
            throw new EngineException("ValidationException", "ShardCount must be specified with StreamMode PROVISIONED.");
        }

        RequireExtras(request.Extras);
        StreamState[] existing = SettledStreams();
        if (existing.Any(stream => stream.Name == name))
        {
            throw EngineException.InUse($"Stream {name} under account {_settings.AccountId} already exists.");
        }

        if (existing.Count(static stream => stream.Status == StreamStatus.Creating) >= MaxStreamsInCreation)
        {
            throw EngineException.LimitExceeded(
                $"This request would exceed the limit of {MaxStreamsInCreation} streams in the CREATING state.");
        }

        if (mode == StreamModes.OnDemand)
        {
            RequireRoomForOnDemand(existing);
            shardCount = Math.Max(shardCount, warmMiBps ?? 0);
        }

        RequireRoomForShards(existing, shardCount);
        lock (_directory)
        {
            long nowMs = NowMs();
            var stream = new StreamState(
                _nextStreamNumber++, name, StreamArn(name), mode, nowMs, shardCount, nowMs + Milliseconds(_settings.CreateDelay))
            {
                MaxRecordBytes = maxRecordKiB * 1024 ?? _settings.MaxRecordBytes,
                WarmTargetMiBps = warmMiBps,
                Distribution = distribution,
            };
            stream.Attached.AddTags(tags, stream.Arn);
            AddExtras(stream, request.Extras, nowMs);
            if (!_streams.TryAdd(name, stream))
            {
                throw EngineException.InUse($"Stream {name} under account {_settings.AccountId} already exists.");
            }

            _streamsByNumber.Add(stream.Number, stream);
        }
    }

    private static void RequireExtras(StreamExtras extras)
    {
        if (extras.RetentionHours is not null)
        {
            Retention(new RetentionRequest(default, extras.RetentionHours));
        }

        if (extras.KeyId is not null)
        {
            RequestRules.Length(extras.KeyId, "keyId", 1, 2048);
        }

        if (extras.Consumers.Count > MaxConsumers)
        {
            throw EngineException.LimitExceeded(
                $"The stream would have {extras.Consumers.Count} registered consumers; the limit is {MaxConsumers}.");
        }

        foreach (string consumer in extras.Consumers)
        {
            RequestRules.Name(consumer, "consumerName");
            if (extras.Consumers.Count(other => other == consumer) > 1)
            {
                throw EngineException.InUse($"Consumer {consumer} is named twice.");
            }
        }
    }

    private void AddExtras(StreamState stream, StreamExtras extras, long nowMs)
    {
        stream.KeyId = extras.KeyId;
        stream.SetRetention(extras.RetentionHours ?? stream.RetentionHours, nowMs);
        foreach (string consumer in extras.Consumers)
        {
            stream.AddConsumer(new ConsumerState(
                consumer, ConsumerArn(stream, consumer, nowMs), nowMs, nowMs + Milliseconds(_settings.CreateDelay)));
        }
    }

    public void DeleteStream(DeleteStreamRequest request)
    {
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        if (stream.Status == StreamStatus.Deleting)
        {
            throw NotActive(stream);
        }

        if (stream.Consumers.Count > 0 && !request.EnforceConsumerDeletion)
        {
            throw EngineException.InUse($"Stream {stream.Name} under account {_settings.AccountId} has {stream.Consumers.Count} registered "
                + "consumers: deregister them or set EnforceConsumerDeletion.");
        }

        stream.Delete(scope.NowMs + Milliseconds(_settings.DeleteDelay));
    }

    /// <summary>Says from now on that the stream is encrypted; what is stored stays as it is.</summary>
    public void SetKey(string streamName, string keyId)
    {
        using StreamScope scope = Enter(streamName);
        scope.Stream.KeyId = keyId;
    }

    public StreamView DescribeStreamSummary(StreamReference stream)
    {
        using StreamScope scope = Enter(stream);
        StreamView view = scope.Stream.View();
        return view.Mode == StreamModes.OnDemand && _commitment.IsOn(scope.NowMs)
            ? view with
            {
                WarmThroughput = new WarmThroughput(scope.Stream.WarmTargetMiBps ?? view.OpenShardCount, view.OpenShardCount),
            }
            : view;
    }

    public DescribeStreamResult DescribeStream(DescribeStreamRequest request)
    {
        int limit = RequestRules.Range(request.Limit, "limit", 1, 10_000, 100);
        using StreamScope scope = Enter(request.Stream);
        scope.Stream.TrimShards(scope.NowMs);
        ShardState[] shards = [.. After(scope.Stream.Shards, request.ExclusiveStartShardId).Take(limit + 1)];
        return new DescribeStreamResult(
            scope.Stream.View(),
            [.. shards.Take(limit).Select(static shard => shard.Describe())],
            shards.Length > limit);
    }

    public ListStreamsResult ListStreams(ListStreamsRequest request)
    {
        int limit = RequestRules.Range(request.Limit, "limit", 1, 10_000, 100);
        string? after = request.NextToken is { } token ? OpenToken(token, "streams", 2)[1] : request.ExclusiveStartStreamName;
        StreamView[] streams = [.. SettledStreams()
            .Where(stream => after is null || string.CompareOrdinal(stream.Name, after) > 0)
            .Select(View)
            .Take(limit + 1)];
        bool hasMore = streams.Length > limit;
        return new ListStreamsResult(
            hasMore ? streams[..limit] : streams,
            hasMore,
            hasMore ? SealToken("streams", streams[limit - 1].Name) : null);
    }

    private StreamState[] SettledStreams()
    {
        StreamState[] all;
        lock (_directory)
        {
            all = [.. _streams.Values];
        }

        return [.. all.Where(IsThere)];
    }

    private bool IsThere(StreamState stream)
    {
        if (!TryEnter(stream, out StreamScope scope))
        {
            return false;
        }

        scope.Dispose();
        return true;
    }

    private static StreamView View(StreamState stream)
    {
        lock (stream.Gate)
        {
            return stream.View();
        }
    }

    private static IEnumerable<ShardState> After(IEnumerable<ShardState> shards, string? shardId)
    {
        if (shardId is null)
        {
            return shards;
        }

        RequestRules.Name(shardId, "exclusiveStartShardId");
        return shards.Where(shard => string.CompareOrdinal(shard.ShardId, shardId) > 0);
    }
}

using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    private const int ShardsPerPage = 1000;

    public ListShardsResult ListShards(ListShardsRequest request)
    {
        int limit = Math.Min(ShardsPerPage, RequestRules.Range(request.MaxResults, "maxResults", 1, 10_000, ShardsPerPage));
        if (request.NextToken is not { } token)
        {
            using StreamScope scope = Enter(request.Stream);
            RequireLife(scope.Stream, request.StreamCreationTimestampMs);
            return Page(scope, request.ExclusiveStartShardId, request.Filter, limit);
        }

        if (request.Stream.Name is not null || request.StreamCreationTimestampMs is not null || request.ExclusiveStartShardId is not null)
        {
            throw EngineException.InvalidArgument(
                "NextToken and StreamName (or StreamCreationTimestamp, ExclusiveStartShardId) cannot be provided together.");
        }

        string[] fields = OpenToken(token, "shards", 6);
        ShardFilter? filter = fields[3].Length == 0
            ? null
            : new ShardFilter(
                fields[3], fields[4].Length == 0 ? null : fields[4], fields[5].Length == 0 ? null : ParseInvariant(fields[5]));
        using StreamScope resumed = Enter(ParseInvariant(fields[1]));
        return request.Stream.Arn is { } arn && arn != resumed.Stream.Arn
            ? throw EngineException.InvalidArgument($"NextToken belongs to another stream than StreamARN {arn}.")
            : Page(resumed, fields[2], filter, limit);
    }

    public void SplitShard(SplitShardRequest request)
    {
        UInt128 newStart = RequestRules.HashKey(request.NewStartingHashKey, "newStartingHashKey");
        using StreamScope scope = Enter(request.Stream);
        RequireProvisioned(scope.Stream);
        Split(scope, request.ShardToSplit, newStart);
    }

    /// <summary>Splits whatever the stream's mode, as the service itself does with on-demand streams; by default in the middle.</summary>
    public void SplitAnyMode(string streamName, string shardId, UInt128? newStartingHashKey)
    {
        using StreamScope scope = Enter(new StreamReference(streamName, null));
        HashKeyRange range = Shard(scope.Stream, shardId).Range;
        Split(scope, shardId, newStartingHashKey ?? range.StartingHashKey + ((range.EndingHashKey - range.StartingHashKey) / 2) + 1);
    }

    public void MergeShards(MergeShardsRequest request)
    {
        using StreamScope scope = Enter(request.Stream);
        RequireProvisioned(scope.Stream);
        Merge(scope, request.ShardToMerge, request.AdjacentShardToMerge);
    }

    /// <summary>Merges whatever the stream's mode, as the service itself does with on-demand streams.</summary>
    public void MergeAnyMode(string streamName, string shardId, string adjacentShardId)
    {
        using StreamScope scope = Enter(new StreamReference(streamName, null));
        Merge(scope, shardId, adjacentShardId);
    }

    private void Split(StreamScope scope, string shardId, UInt128 newStart)
    {
        StreamState stream = scope.Stream;
        RequireActive(stream);
        ShardState shard = OpenShard(stream, shardId);
        HashKeyRange range = shard.Range;
        if (range.EndingHashKey - range.StartingHashKey < 3 || newStart <= range.StartingHashKey + 1 || newStart >= range.EndingHashKey)
        {
            throw EngineException.InvalidArgument(
                $"NewStartingHashKey {newStart} used in SplitShard() on shard {shardId} in stream {stream.Name} under account "
                    + $"{_settings.AccountId} is not both greater than one plus the shard's StartingHashKey {range.StartingHashKey} and "
                    + $"less than the shard's EndingHashKey {range.EndingHashKey}.");
        }

        stream.Reshard(
            [shard],
            [new HashKeyRange(range.StartingHashKey, newStart - 1), new HashKeyRange(newStart, range.EndingHashKey)],
            scope.NowMs + Milliseconds(_settings.UpdateDelay));
    }

    private void Merge(StreamScope scope, string shardId, string adjacentShardId)
    {
        StreamState stream = scope.Stream;
        RequireActive(stream);
        ShardState shard = OpenShard(stream, shardId);
        ShardState adjacent = OpenShard(stream, adjacentShardId);
        (ShardState low, ShardState high) = shard.Range.StartingHashKey < adjacent.Range.StartingHashKey
            ? (shard, adjacent)
            : (adjacent, shard);
        if (low == high || low.Range.EndingHashKey + 1 != high.Range.StartingHashKey)
        {
            throw EngineException.InvalidArgument(
                $"Shards {shardId} and {adjacentShardId} in stream {stream.Name} under account {_settings.AccountId} are not an adjacent "
                    + "pair of shards eligible for merging");
        }

        stream.Reshard(
            [shard, adjacent],
            [new HashKeyRange(low.Range.StartingHashKey, high.Range.EndingHashKey)],
            scope.NowMs + Milliseconds(_settings.UpdateDelay));
    }

    private ListShardsResult Page(StreamScope scope, string? afterShardId, ShardFilter? filter, int limit)
    {
        StreamState stream = scope.Stream;
        RequireUsable(stream);
        stream.TrimShards(scope.NowMs);
        ShardState[] shards = [.. After(stream.Shards, afterShardId).Where(Predicate(stream, filter, scope.NowMs)).Take(limit + 1)];
        string? token = shards.Length <= limit
            ? null
            : SealToken(
                "shards",
                Invariant(stream.Number),
                shards[limit - 1].ShardId,
                filter?.Type ?? "",
                filter?.ShardId ?? "",
                filter?.TimestampMs is { } timestampMs ? Invariant(timestampMs) : "");
        return new ListShardsResult([.. shards.Take(limit).Select(static shard => shard.Describe())], token);
    }

    private static Func<ShardState, bool> Predicate(StreamState stream, ShardFilter? filter, long nowMs)
    {
        long horizonMs = Math.Max(stream.HorizonMs(nowMs), stream.CreatedMs);
        switch (filter?.Type)
        {
            case null or "FROM_TRIM_HORIZON":
                return static _ => true;
            case "AT_LATEST":
                return static shard => shard.ClosedMs is null;
            case "AT_TRIM_HORIZON":
                return shard => WasOpenAt(shard, horizonMs);
            case "AFTER_SHARD_ID":
                string after = RequestRules.Name(
                    filter.ShardId ?? throw EngineException.InvalidArgument("ShardFilter of type AFTER_SHARD_ID needs a ShardId."),
                    "shardFilter.shardId");
                return shard => string.CompareOrdinal(shard.ShardId, after) > 0;
            case "AT_TIMESTAMP":
                long atMs = Math.Max(FilterTime(filter), horizonMs);
                return shard => WasOpenAt(shard, atMs);
            case "FROM_TIMESTAMP":
                long fromMs = Math.Max(FilterTime(filter), horizonMs);
                return shard => shard.ClosedMs is null || shard.ClosedMs > fromMs;
            case { } other:
                throw EngineException.Validation(
                    other,
                    "shardFilter.type",
                    "Member must satisfy enum value set: [AFTER_SHARD_ID, AT_TRIM_HORIZON, FROM_TRIM_HORIZON, AT_LATEST, "
                        + "AT_TIMESTAMP, FROM_TIMESTAMP]");
        }
    }

    private static bool WasOpenAt(ShardState shard, long timestampMs) =>
        shard.CreatedMs <= timestampMs && (shard.ClosedMs is null || shard.ClosedMs > timestampMs);

    private static long FilterTime(ShardFilter filter) =>
        filter.TimestampMs ?? throw EngineException.InvalidArgument($"ShardFilter of type {filter.Type} needs a Timestamp.");

    private ShardState OpenShard(StreamState stream, string shardId)
    {
        ShardState shard = Shard(stream, shardId);
        return shard.ClosedMs is null
            ? shard
            : throw EngineException.InvalidArgument(
                $"Shard {shardId} in stream {stream.Name} under account {_settings.AccountId} has already been merged or split, "
                    + "and thus is not eligible for merging or splitting.");
    }

    private void RequireActive(StreamState stream)
    {
        if (stream.Status != StreamStatus.Active)
        {
            throw NotActive(stream);
        }
    }

    private static void RequireProvisioned(StreamState stream)
    {
        if (stream.Mode != StreamModes.Provisioned)
        {
            throw new EngineException(
                "ValidationException",
                $"Request is invalid. Stream {stream.Name} is in ON_DEMAND mode: its shards are split and merged by the service.");
        }
    }

    private static void RequireLife(StreamState stream, long? creationTimestampMs)
    {
        // The callers' clocks and encodings may drop the milliseconds.
        if (creationTimestampMs is { } wanted && wanted / 1000 != stream.CreatedMs / 1000)
        {
            throw EngineException.NotFound($"Stream {stream.Name} with this creation timestamp not found: "
                + "the present stream of that name was created at another time.");
        }
    }
}

using System.Text;
using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

internal sealed partial class KinesisEngine
{
    private const int MaxEntries = 500;
    private const int MaxRequestBytes = 10 * 1024 * 1024;

    public string GetShardIterator(GetShardIteratorRequest request)
    {
        using StreamScope scope = Enter(request.Stream);
        StreamState stream = scope.Stream;
        ShardState shard = Shard(stream, request.ShardId);
        shard.Trim(stream.HorizonMs(scope.NowMs));

        if (request.DryRun)
        {
            StartPosition(stream, shard, request, scope.NowMs);
            throw EngineException.DryRun("GetShardIterator");
        }

        RequireIteratorQuota(stream, shard, scope.NowMs);
        ulong position = StartPosition(stream, shard, request, scope.NowMs);
        return new ShardIterator(stream.Number, shard.Index, position, scope.NowMs).Seal(_seal);
    }

    public GetRecordsResult GetRecords(GetRecordsRequest request)
    {
        int limit = RequestRules.Range(request.Limit, "limit", 1, 10_000, 10_000);
        RequestRules.Length(request.ShardIterator, "shardIterator", 1, 512);
        if (!ShardIterator.TryOpen(_seal, request.ShardIterator, out ShardIterator? iterator))
        {
            throw EngineException.InvalidArgument("Invalid ShardIterator.");
        }

        using StreamScope scope = Enter(iterator.Value.StreamNumber);
        StreamState stream = scope.Stream;
        if (request.StreamArn is { } arn && NameFromArn(arn) != stream.Name)
        {
            throw EngineException.InvalidArgument($"The ShardIterator is one of stream {stream.Name}, not of {arn}.");
        }

        RequireUnexpired(iterator.Value, scope.NowMs);
        if (!stream.TryGetShard(iterator.Value.ShardIndex, out ShardState? shard))
        {
            throw EngineException.NotFound(
                $"The shard of the iterator in stream {stream.Name} under account {_settings.AccountId} does not exist");
        }

        if (request.DryRun)
        {
            throw EngineException.DryRun("GetRecords");
        }

        RequireReadQuota(stream, shard, scope.NowMs);
        shard.Trim(stream.HorizonMs(scope.NowMs));
        StoredRecord[] records = shard.Read(iterator.Value.Position, limit, _settings.MaxResponseBytes, out ulong next);
        bool atTip = next == shard.TipPosition;
        ChargeRead(shard, records, isCut: !atTip && records.Length < limit, scope.NowMs);
        long behindMs = atTip ? 0 : Math.Max(1, scope.NowMs - shard.ArrivalAt(next));
        return atTip && shard.ClosedMs is not null
            ? new GetRecordsResult(records, null, behindMs, [
                .. shard.Children.Select(static child => new ChildShard(child.ShardId, child.Parents, child.Range))])
            : new GetRecordsResult(records, (iterator.Value with { Position = next, IssuedMs = scope.NowMs }).Seal(_seal), behindMs, []);
    }

    public PutResult PutRecord(PutRecordRequest request)
    {
        CheckEntry(request.Entry, "");
        if (request.SequenceNumberForOrdering is { } ordering)
        {
            RequestRules.SequenceDigits(ordering, "sequenceNumberForOrdering");
        }

        using StreamScope scope = Enter(request.Stream);
        RequireWritable(scope.Stream);
        CheckEntry(scope.Stream, request.Entry, "");
        if (request.DryRun)
        {
            throw EngineException.DryRun("PutRecord");
        }

        PutResult result = Append(scope, request.Entry);
        return result.ErrorCode is null ? result : throw EngineException.ThroughputExceeded(result.ErrorMessage!);
    }

    public IReadOnlyList<PutResult> PutRecords(PutRecordsRequest request)
    {
        IReadOnlyList<PutEntry> entries = request.Entries;
        if (entries.Count is 0 or > MaxEntries)
        {
            throw EngineException.Validation(
                $"[{entries.Count} records]",
                "records",
                entries.Count == 0
                ? "Member must have length greater than or equal to 1"
                : $"Member must have length less than or equal to {MaxEntries}");
        }

        long bytes = 0;
        for (int i = 0; i < entries.Count; i++)
        {
            CheckEntry(entries[i], $"records.{i + 1}.member.");
            bytes += entries[i].Data.Length + Encoding.UTF8.GetByteCount(entries[i].PartitionKey ?? "");
        }

        if (bytes > MaxRequestBytes)
        {
            throw EngineException.InvalidArgument($"Records size exceeds {MaxRequestBytes / 1024 / 1024} MB limit");
        }

        using StreamScope scope = Enter(request.Stream);
        RequireWritable(scope.Stream);
        for (int i = 0; i < entries.Count; i++)
        {
            CheckEntry(scope.Stream, entries[i], $"records.{i + 1}.member.");
        }

        if (request.DryRun)
        {
            throw EngineException.DryRun("PutRecords");
        }

        var results = new PutResult[entries.Count];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = Append(scope, entries[i]);
        }

        return results;
    }

    private PutResult Append(StreamScope scope, PutEntry entry)
    {
        StreamState stream = scope.Stream;
        byte[] partitionKey = entry.PartitionKey is { } key ? Encoding.UTF8.GetBytes(key) : [];
        ShardState shard = Route(stream, entry, partitionKey);
        if (!HasWriteQuota(shard, partitionKey.Length + entry.Data.Length, scope.NowMs))
        {
            return new PutResult(null, null, "ProvisionedThroughputExceededException", RateExceeded(stream, shard));
        }

        shard.Trim(stream.HorizonMs(scope.NowMs));
        bool isEncrypted = stream.KeyId is not null;
        ulong position = shard.TipPosition;
        StoredRecord record = shard.Append(partitionKey, entry.Data, scope.NowMs, isEncrypted);
        Appended?.Invoke(stream, shard, position, record);
        return new PutResult(shard.ShardId, record.SequenceNumber, IsEncrypted: isEncrypted);
    }

    private static ShardState Route(StreamState stream, PutEntry entry, byte[] partitionKey) =>
        stream.Distribution == RecordDistribution.Auto
            ? stream.RouteEvenly()
            : stream.Route(entry.ExplicitHashKey is { } explicitHashKey
                ? RequestRules.HashKey(explicitHashKey, "explicitHashKey")
                : HashKeys.Of(partitionKey));

    private void RequireWritable(StreamState stream)
    {
        if (!stream.IsWritable)
        {
            throw EngineException.NotFound($"Stream {stream.Name} under account {_settings.AccountId} not found.");
        }
    }

    /// <summary>What holds for every stream.</summary>
    private static void CheckEntry(PutEntry entry, string path)
    {
        if (entry.PartitionKey is { } key)
        {
            RequestRules.Length(key, path + "partitionKey", 1, 256);
        }

        if (entry.Data is null)
        {
            throw EngineException.Missing(path + "data");
        }

        CheckData(entry, path, MaxRequestBytes);
        if (entry.ExplicitHashKey is { } hashKey)
        {
            RequestRules.HashKey(hashKey, path + "explicitHashKey");
        }
    }

    /// <summary>What the stream decides.</summary>
    private static void CheckEntry(StreamState stream, PutEntry entry, string path)
    {
        if (entry.PartitionKey is null && stream.Distribution != RecordDistribution.Auto)
        {
            throw EngineException.Missing(path + "partitionKey");
        }

        CheckData(entry, path, stream.MaxRecordBytes);
    }

    private static void CheckData(PutEntry entry, string path, int most)
    {
        if (entry.Data.Length > most)
        {
            throw EngineException.Validation(
                $"[{entry.Data.Length} bytes]", path + "data", $"Member must have length less than or equal to {most}");
        }
    }

    private ulong StartPosition(StreamState stream, ShardState shard, GetShardIteratorRequest request, long nowMs) =>
        request.ShardIteratorType switch
        {
            "TRIM_HORIZON" => shard.TrimPosition,
            "LATEST" => shard.TipPosition,
            "AT_SEQUENCE_NUMBER" => PositionOf(stream, shard, request, after: false),
            "AFTER_SEQUENCE_NUMBER" => PositionOf(stream, shard, request, after: true),
            "AT_TIMESTAMP" => PositionAt(shard, request, nowMs),
            null => throw EngineException.InvalidArgument("ShardIteratorType must be given."),
            { } other => throw EngineException.Validation(
                other,
                "shardIteratorType",
                "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"),
        };

    private ulong PositionOf(StreamState stream, ShardState shard, GetShardIteratorRequest request, bool after)
    {
        if (request.StartingSequenceNumber is null)
        {
            throw EngineException.InvalidArgument(
                $"Must specify StartingSequenceNumber for ShardIteratorType {request.ShardIteratorType}.");
        }

        string digits = RequestRules.SequenceDigits(request.StartingSequenceNumber, "startingSequenceNumber");
        if (digits == "0")
        {
            return shard.TrimPosition;
        }

        // The number that a closed shard ends with lies above its records, and stands for its end.
        bool isKnown = SequenceLayout.TryReadCounter(digits, shard.CreatedSecond, shard.Index, out ulong counter)
            && (counter < shard.TipPosition || digits == shard.EndingSequenceNumber);
        if (!isKnown)
        {
            throw EngineException.InvalidArgument(
                $"StartingSequenceNumber {digits} used in GetShardIterator on shard {shard.ShardId} in stream {stream.Name} under account "
                    + $"{_settings.AccountId} is invalid.");
        }

        return Math.Min(after || shard.IsPast(counter, digits) ? counter + 1 : counter, shard.TipPosition);
    }

    private static ulong PositionAt(ShardState shard, GetShardIteratorRequest request, long nowMs)
    {
        long timestampMs = request.TimestampMs
            ?? throw EngineException.InvalidArgument("Must specify Timestamp for ShardIteratorType AT_TIMESTAMP.");
        return timestampMs > nowMs
            ? throw EngineException.InvalidArgument(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: "
                    + $"{timestampMs}, currentTimestampInMillis: {nowMs}")
            : shard.PositionAt(timestampMs);
    }

    private void RequireUnexpired(ShardIterator iterator, long nowMs)
    {
        long lifetimeMs = Milliseconds(_settings.IteratorLifetime);
        if (nowMs - iterator.IssuedMs > lifetimeMs)
        {
            throw new EngineException(
                "ExpiredIteratorException",
                $"Iterator expired. The iterator was created at time {Time(iterator.IssuedMs)} while right now it is {Time(nowMs)} which "
                    + $"is further in the future than the tolerated delay of {lifetimeMs} milliseconds.");
        }
    }

    private static string Time(long unixMs) =>
        DateTimeOffset.FromUnixTimeMilliseconds(unixMs)
            .ToString("ddd MMM dd HH:mm:ss 'UTC' yyyy", System.Globalization.CultureInfo.InvariantCulture);
}

using FastConsumer.Kinesis;

namespace FastConsumer.Testing.Engine;

internal sealed record GetShardIteratorRequest(
    StreamReference Stream,
    string ShardId,
    string ShardIteratorType,
    string? StartingSequenceNumber = null,
    long? TimestampMs = null,
    bool DryRun = false);

internal sealed record GetRecordsRequest(string ShardIterator, int? Limit = null, string? StreamArn = null, bool DryRun = false);

internal sealed record GetRecordsResult(
    StoredRecord[] Records,
    string? NextShardIterator,
    long MillisBehindLatest,
    IReadOnlyList<ChildShard> ChildShards);

/// <summary>
/// A record to put; the engine keeps <paramref name="Data"/>, so the caller gives it away. Only a stream that distributes records
/// evenly takes one without a partition key.
/// </summary>
internal readonly record struct PutEntry(byte[] Data, string? PartitionKey, string? ExplicitHashKey = null);

internal sealed record PutRecordRequest(
    StreamReference Stream, PutEntry Entry, string? SequenceNumberForOrdering = null, bool DryRun = false);

internal sealed record PutRecordsRequest(StreamReference Stream, IReadOnlyList<PutEntry> Entries, bool DryRun = false);

/// <summary>Shard and number, or an error.</summary>
internal readonly record struct PutResult(
    string? ShardId, byte[]? SequenceNumber, string? ErrorCode = null, string? ErrorMessage = null, bool IsEncrypted = false);

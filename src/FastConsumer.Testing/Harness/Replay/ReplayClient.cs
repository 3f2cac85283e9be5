using System.Globalization;
using System.Text;
using FastConsumer.Buffers;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Testing.Harness.Replay;

/// <summary>Serves saved records to a worker that polls. An iterator is a shard and a place in its records.</summary>
internal sealed class ReplayClient(ReplayStream stream) : IKinesisClient
{
    private const int MostRecords = 10_000;
    private const int MostBytes = 1024 * 1024;
    private const int RetentionHours = 8760;

    public string EndpointDescription => "the file of saved records";

    public Task<ListShardsResponse> ListShardsAsync(
        StreamIdentifier ofStream, string? nextToken = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ListShardsResponse(stream.Shards, null));

    public Task<StreamDescriptionSummary> DescribeStreamSummaryAsync(
        StreamIdentifier ofStream, CancellationToken cancellationToken = default) => Task.FromResult(new StreamDescriptionSummary
        {
            StreamName = ofStream.Name,
            StreamARN = ofStream.Arn ?? $"arn:aws:kinesis:us-east-1:000000000000:stream/{ofStream.Name}",
            StreamStatus = "ACTIVE",
            RetentionPeriodHours = RetentionHours,
            StreamCreationTimestamp = DateTimeOffset.UnixEpoch,
            OpenShardCount = stream.Shards.Count,
        });

    public Task<string> GetShardIteratorAsync(
        StreamIdentifier ofStream, string shardId, StartingPosition position, CancellationToken cancellationToken = default)
    {
        List<SavedRecord> records = stream.Records[shardId];
        int index = position.Type switch
        {
            ShardIteratorType.TrimHorizon => 0,
            ShardIteratorType.Latest => records.Count,
            ShardIteratorType.AtSequenceNumber => records.FindIndex(record => record.Position.SequenceNumber >= position.SequenceNumber),
            ShardIteratorType.AfterSequenceNumber => records.FindIndex(record => record.Position.SequenceNumber > position.SequenceNumber),
            _ => records.FindIndex(record => record.Arrival >= position.Timestamp),
        };
        return Task.FromResult(Iterator(shardId, index < 0 ? records.Count : index));
    }

    public Task<GetRecordsResponse> GetRecordsAsync(
        StreamIdentifier ofStream, string shardIterator, int? limit = null, CancellationToken cancellationToken = default)
    {
        int slash = shardIterator.LastIndexOf('/');
        string shardId = shardIterator[..slash];
        List<SavedRecord> records = stream.Records[shardId];
        int from = int.Parse(shardIterator.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        int to = EndOf(records, from, limit ?? MostRecords);
        List<SavedRecord> page = records[from..to];
        // by the records' own time, as on the day when they were put
        long behind = to == records.Count ? 0 : Math.Max(1, (long)(records[^1].Arrival - records[to].Arrival).TotalMilliseconds);
        return Task.FromResult(Answer(page, Iterator(shardId, to), behind));
    }

    public void Dispose()
    {
        // the records belong to the stream
    }

    public Task<PutRecordResponse> PutRecordAsync(
        StreamIdentifier ofStream, PutRecordsRequestEntry record, CancellationToken cancellationToken = default) => throw ReadOnly();

    public Task<PutRecordsResponse> PutRecordsAsync(
        StreamIdentifier ofStream, IReadOnlyList<PutRecordsRequestEntry> records, CancellationToken cancellationToken = default) =>
        throw ReadOnly();

    public Task CreateStreamAsync(string streamName, int? shardCount, CancellationToken cancellationToken = default) => throw ReadOnly();

    public Task DeleteStreamAsync(
        StreamIdentifier ofStream, bool enforceConsumerDeletion = false, CancellationToken cancellationToken = default) =>
        throw ReadOnly();

    public Task SplitShardAsync(
        StreamIdentifier ofStream, string shardToSplit, UInt128 newStartingHashKey, CancellationToken cancellationToken = default) =>
        throw ReadOnly();

    public Task MergeShardsAsync(
        StreamIdentifier ofStream, string shardToMerge, string adjacentShardToMerge, CancellationToken cancellationToken = default) =>
        throw ReadOnly();

    public Task<Consumer> RegisterStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) => throw ReadOnly();

    public Task<Consumer> DescribeStreamConsumerAsync(
        string streamARN, string consumerName, CancellationToken cancellationToken = default) => throw ReadOnly();

    public Task<ListStreamConsumersResponse> ListStreamConsumersAsync(
        string streamARN, string? nextToken = null, CancellationToken cancellationToken = default) => throw ReadOnly();

    public Task DeregisterStreamConsumerAsync(string streamARN, string consumerName, CancellationToken cancellationToken = default) =>
        throw ReadOnly();

    public Task<IShardSubscription> SubscribeToShardAsync(
        string consumerARN, string shardId, StartingPosition startingPosition, CancellationToken cancellationToken = default) =>
        throw ReadOnly();

    private static NotSupportedException ReadOnly() => new("A file of saved records is replayed by polling, and nothing else.");

    private static string Iterator(string shardId, int index) => string.Create(CultureInfo.InvariantCulture, $"{shardId}/{index}");

    /// <summary>Where a page ends: what was one aggregate is never parted, as the service does not either.</summary>
    private static int EndOf(List<SavedRecord> records, int from, int limit)
    {
        int to = from;
        int bytes = 0;
        while (to < records.Count
            && ((to - from < limit && bytes < MostBytes)
                || (to > from && records[to].SequenceNumber == records[to - 1].SequenceNumber)))
        {
            bytes += records[to].Data.Length;
            to++;
        }

        return to;
    }

    private static GetRecordsResponse Answer(List<SavedRecord> records, string next, long millisBehindLatest)
    {
        var bytes = new MemoryStream();
        var entries = new RecordEntry[Math.Max(1, records.Count)];
        long payload = 0;
        for (int i = 0; i < records.Count; i++)
        {
            SavedRecord record = records[i];
            ref RecordEntry entry = ref entries[i];
            (entry.DataOffset, entry.DataLength) = Append(record.Data);
            (entry.PartitionKeyOffset, entry.PartitionKeyLength) = Append(Encoding.UTF8.GetBytes(record.PartitionKey));
            (entry.SequenceNumberOffset, entry.SequenceNumberLength) = Append(Encoding.ASCII.GetBytes(record.SequenceNumber));
            (entry.ExplicitHashKeyOffset, entry.ExplicitHashKeyLength) = Append(Encoding.ASCII.GetBytes(record.ExplicitHashKey ?? ""));
            entry.SubSequenceNumber = checked((int)record.SubSequenceNumber);
            entry.ArrivalMilliseconds = record.Arrival.ToUnixTimeMilliseconds();
            payload += entry.DataLength + entry.PartitionKeyLength;
        }

        // a buffer of none has no place to point to
        bytes.WriteByte(0);
        return new GetRecordsResponse(ResponseBuffer.Wrap(bytes.ToArray()), entries, records.Count, entriesArePooled: false)
        {
            NextShardIterator = next,
            MillisBehindLatest = millisBehindLatest,
            PayloadBytes = payload,
            // they are unpacked already
            MayHoldAggregates = false,
        };

        (int Offset, int Length) Append(byte[] part)
        {
            int offset = (int)bytes.Position;
            bytes.Write(part);
            return (offset, part.Length);
        }
    }
}

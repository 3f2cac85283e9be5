namespace FastConsumer.Cli.Tests.Records;

/// <summary>All that a handler sees of a record.</summary>
internal sealed record SeenRecord(
    string ShardId,
    string SequenceNumber,
    long SubSequenceNumber,
    DateTimeOffset Arrival,
    string PartitionKey,
    UInt128? ExplicitHashKey,
    string Data)
{
    public static SeenRecord Of(string shardId, KinesisRecord record) => new(
        shardId,
        record.SequenceNumber.ToString(),
        record.SubSequenceNumber,
        record.ApproximateArrivalTimestamp,
        record.PartitionKey,
        record.ExplicitHashKey,
        Convert.ToHexString(record.DataSpan));
}

/// <summary>What was seen.</summary>
internal sealed class SeenRecords
{
    private readonly Lock _lock = new();
    private readonly List<SeenRecord> _records = [];

    /// <summary>By shard, each shard's in the order in which they came.</summary>
    public IReadOnlyList<SeenRecord> InOrder
    {
        get
        {
            lock (_lock)
            {
                return [.. _records.OrderBy(static record => record.ShardId, StringComparer.Ordinal)];
            }
        }
    }

    public void Add(SeenRecord record)
    {
        lock (_lock)
        {
            _records.Add(record);
        }
    }
}

[KinesisProcessor("orders")]
internal sealed partial class SeeingProcessor(SeenRecords seen)
{
    [OnRecord]
    public void Handle(KinesisRecord record, RecordContext context) => seen.Add(SeenRecord.Of(context.ShardId, record));
}

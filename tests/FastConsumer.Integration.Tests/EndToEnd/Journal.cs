using FastConsumer.Integration.Tests.Fixtures;

namespace FastConsumer.Integration.Tests.EndToEnd;

/// <summary>A record as a handler saw it.</summary>
internal sealed record SeenRecord(
    string ShardId, string SequenceNumber, string PartitionKey, byte[] Data, DateTimeOffset ArrivedAt, int Attempt, long FencingToken);

/// <summary>What the handlers of one or more workers saw, in the order in which they saw it.</summary>
internal sealed class Journal
{
    private readonly Lock _lock = new();
    private readonly List<SeenRecord> _records = [];
    private readonly List<string> _events = [];

    /// <summary>Called in the handler, before the record counts as seen; what it throws, the handler throws.</summary>
    public Action<SeenRecord>? Handling { get; init; }

    public IReadOnlyList<SeenRecord> Records
    {
        get
        {
            lock (_lock)
                return [.. _records];
        }
    }

    /// <summary>Life-cycle calls and records, such as <c>started shardId-000000000000</c> and <c>record shardId-000000000000</c>.</summary>
    public IReadOnlyList<string> Events
    {
        get
        {
            lock (_lock)
                return [.. _events];
        }
    }

    public int Count
    {
        get
        {
            lock (_lock)
                return _records.Count;
        }
    }

    public void Add(KinesisRecord record, RecordContext context)
    {
        var seen = new SeenRecord(
            context.ShardId,
            record.SequenceNumber.ToString(),
            record.PartitionKey,
            record.Data.ToArray(),
            record.ApproximateArrivalTimestamp,
            context.Attempt,
            context.FencingToken);
        Handling?.Invoke(seen);
        lock (_lock)
        {
            _records.Add(seen);
            _events.Add($"record {seen.ShardId}");
        }
    }

    public void Add(string what, ShardContext shard)
    {
        lock (_lock)
            _events.Add($"{what} {shard.ShardId}");
    }

    public Task HasAsync(int count, TestWorker? worker = null) =>
        Eventually.ThatAsync($"{count} records are handled", () => Count >= count, () => $"{Count} were. {worker?.Log}");

    /// <summary>Asserts that each record was handled once, byte for byte, and in order of each partition key and each shard.</summary>
    public void AssertExactly(IReadOnlyList<RecordToPut> put, IReadOnlyList<ProducedRecord> produced)
    {
        var records = Records;
        Assert.Equal(produced.Count, records.Count);
        var seen = records.ToDictionary(record => (record.ShardId, record.SequenceNumber));
        for (var i = 0; i < put.Count; i++)
        {
            Assert.True(seen.TryGetValue((produced[i].ShardId, produced[i].SequenceNumber), out var record), $"{produced[i]} was lost.");
            Assert.Equal(put[i].PartitionKey, record.PartitionKey);
            Assert.True(put[i].Data.Span.SequenceEqual(record.Data), $"{produced[i]} has other bytes than were put.");
        }

        AssertOrdered(records);
    }

    /// <summary>Asserts that sequence numbers grow in each shard; a partition key has its records in one shard at a time.</summary>
    public static void AssertOrdered(IEnumerable<SeenRecord> records)
    {
        foreach (var shard in records.GroupBy(record => record.ShardId))
        {
            var numbers = shard.Select(record => FastConsumer.Kinesis.SequenceNumber.Parse(record.SequenceNumber)).ToList();
            Assert.Equal(numbers.Order(), numbers);
        }
    }
}

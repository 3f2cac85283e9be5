using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Testing.Leases;

namespace FastConsumer.Testing.Harness.Replay;

/// <summary>
/// The stream that a file of saved records makes: its shards, open, with the records as they were, and leases of its own.
/// </summary>
internal sealed class ReplayStream : IKinesisClientFactory
{
    public ReplayStream(SortedDictionary<string, List<SavedRecord>> records)
    {
        Records = records;
        Shards = ShardsOf(records);
        foreach ((string shardId, List<SavedRecord> shard) in records)
        {
            foreach (SavedRecord record in shard)
            {
                Put.Add(shardId, record.Position);
            }
        }
    }

    public IReadOnlyDictionary<string, List<SavedRecord>> Records { get; }

    public IReadOnlyList<Shard> Shards { get; }

    public InMemoryLeaseDatabase Leases { get; } = new();

    /// <summary>What is waited for.</summary>
    public PutRecords Put { get; } = new();

    public IKinesisClient Create(WorkerSettings settings) => new ReplayClient(this);

    /// <summary>A file does not say which hash keys a shard had: they are shared evenly, so that none is missing.</summary>
    private static List<Shard> ShardsOf(SortedDictionary<string, List<SavedRecord>> records)
    {
        List<Shard> shards = [];
        if (records.Count == 0)
        {
            return shards;
        }

        UInt128 part = UInt128.MaxValue / (UInt128)records.Count;
        UInt128 first = 0;
        foreach ((string shardId, List<SavedRecord> shard) in records)
        {
            bool isLast = shards.Count == records.Count - 1;
            UInt128 last = isLast ? UInt128.MaxValue : first + part - 1;
            shards.Add(new Shard
            {
                ShardId = shardId,
                HashKeyRange = new HashKeyRange(first, last),
                StartingSequenceNumber = SequenceNumber.Parse(shard[0].SequenceNumber),
            });
            first = last + 1;
        }

        return shards;
    }
}

using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;

namespace FastConsumer.Testing.Harness;

/// <summary>The records that a test has put, by shard, in the shard's order. Thread-safe.</summary>
internal sealed class PutRecords
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, List<CheckpointPosition>> _byShard = new(StringComparer.Ordinal);

    /// <summary>Puts a record and notes it; one at a time, so that the notes are in the shard's order.</summary>
    public PutRecordResponse Put(
        EmbeddedKinesis kinesis,
        string streamName,
        string partitionKey,
        ReadOnlySpan<byte> data,
        UInt128? explicitHashKey,
        bool deaggregates)
    {
        // of a KPL aggregate the last of its user records is the one to wait for
        int subSequenceNumber = deaggregates && AggregatedRecordReader.TryMeasure(data, out AggregateShape shape) ? shape.Records - 1 : 0;
        lock (_lock)
        {
            PutRecordResponse answer = kinesis.Put(streamName, partitionKey, data, explicitHashKey);
            Add(answer.ShardId, CheckpointPosition.At(answer.SequenceNumber, subSequenceNumber));
            return answer;
        }
    }

    /// <summary>Notes a record that a shard has.</summary>
    public void Add(string shardId, CheckpointPosition position)
    {
        lock (_lock)
        {
            if (!_byShard.TryGetValue(shardId, out List<CheckpointPosition>? shard))
            {
                _byShard.Add(shardId, shard = []);
            }

            shard.Add(position);
        }
    }

    /// <summary>How many were put into a shard, and how many of them lie at or before a checkpoint.</summary>
    public (int Put, int Done) Count(string shardId, CheckpointPosition checkpoint)
    {
        lock (_lock)
        {
            List<CheckpointPosition> shard = _byShard.GetValueOrDefault(shardId) ?? [];
            return (shard.Count, shard.FindLastIndex(position => position <= checkpoint) + 1);
        }
    }

    /// <summary>How many were put into a shard before a position.</summary>
    public int CountBefore(string shardId, CheckpointPosition position)
    {
        lock (_lock)
        {
            return _byShard.GetValueOrDefault(shardId)?.Count(put => put < position) ?? 0;
        }
    }
}

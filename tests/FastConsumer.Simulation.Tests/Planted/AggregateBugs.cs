using System.Text;
using FastConsumer.Hosting;
using FastConsumer.Kinesis;
using FastConsumer.Kinesis.Wire;
using FastConsumer.Leases;
using FastConsumer.Testing.Engine;
using FastConsumer.Testing.Leases;
using FastConsumer.Testing.Simulation;
using FastConsumer.Tests.Kinesis.Wire;

namespace FastConsumer.Simulation.Tests.Planted;

/// <summary>A checkpoint inside an aggregate counts as one of the whole aggregate.</summary>
internal sealed class CheckpointsTheWholeAggregate : StoreBug
{
    protected override Task<IReadOnlyList<LeaseWrite.Result>> UpdateAsync(
        BugStore store, IReadOnlyList<LeaseWrite> updates, CancellationToken cancellationToken) => store.RightUpdateAsync(
            [.. updates.Select(update => CheckpointOf(update) is { } checkpoint
                ? With(update, LastOf(store, update.LeaseKey, checkpoint))
                : update)],
            cancellationToken);

    private static CheckpointPosition LastOf(BugStore store, string shardId, CheckpointPosition position)
    {
        while (store.Cluster.Ledger.GoesOnInside(shardId, position))
        {
            position = CheckpointPosition.At(position.SequenceNumber, position.SubSequenceNumber + 1);
        }

        return position;
    }
}

/// <summary>Where a shard is gone on with behind the first user record of an aggregate, the next one is dropped with it.</summary>
internal sealed class DropsTheFirstOfWhatIsLeft : StoreBug
{
    protected override async Task<LeaseWrite.Result> WriteAsync(
        BugStore store, string operation, LeaseWrite write, CancellationToken cancellationToken)
    {
        LeaseWrite.Result result = await store.RightWriteAsync(write, cancellationToken);
        return operation == LeaseOperationName.Take
            && result is { Outcome: LeaseWrite.Outcome.Written, Row: { Checkpoint: { Kind: CheckpointKind.Record } done } row }
            && store.Cluster.Ledger.GoesOnInside(row.LeaseKey, done)
                ? result with { Row = row with { Checkpoint = CheckpointPosition.At(done.SequenceNumber, done.SubSequenceNumber + 1) } }
                : result;
    }
}

/// <summary>User records of other shards are delivered, whoever made the aggregate.</summary>
internal sealed class DeliversRecordsOfOtherShards : PlantedBug
{
    public override WorkerSettings Settings(WorkerSettings settings) => settings with { ForeignRecords = ForeignRecords.Deliver };
}

/// <summary>User records of other shards are left out, whoever made the aggregate.</summary>
internal sealed class LosesRecordsOfOtherShards : PlantedBug
{
    public override WorkerSettings Settings(WorkerSettings settings) => settings with { ForeignRecords = ForeignRecords.LeaveOut };
}

/// <summary>A user record has the partition key of its aggregate.</summary>
internal sealed class TakesTheOuterKey : PlantedBug
{
    public override IKinesisClient Client(SimulatedCluster cluster, SimulatedWorker worker, IKinesisClient client) => new BugClient(client)
    {
        Answered = static right =>
        {
            using GetRecordsResponse answer = right;
            StoredRecord[] records = [.. Enumerable.Range(0, answer.Count).Select(i => new StoredRecord(
                Encoding.ASCII.GetBytes(answer.GetSequenceNumber(i).ToString()),
                answer.Entry(i).ArrivalMilliseconds,
                answer.GetPartitionKeyUtf8(i).ToArray(),
                WithOuterKey(answer.GetDataSpan(i), Encoding.UTF8.GetString(answer.GetPartitionKeyUtf8(i)))))];
            return SimulatedAnswer.Of(records, answer.MillisBehindLatest, answer.ChildShards, answer.NextShardIterator, null);
        },
    };

    private static byte[] WithOuterKey(ReadOnlySpan<byte> data, string key)
    {
        if (!AggregatedRecordReader.TryMeasure(data, out AggregateShape shape))
        {
            return data.ToArray();
        }

        List<UserRecord> records = [];
        var reader = new AggregatedRecordReader(data, shape, new AggregateKey[shape.Keys]);
        while (reader.MoveNext(out AggregatedRecord record))
        {
            records.Add(new UserRecord(key, data.Slice(record.DataOffset, record.DataLength).ToArray()));
        }

        return AggregateWriter.Write(records);
    }
}
